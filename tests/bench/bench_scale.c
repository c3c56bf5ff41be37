/* Time and memory at the article's scale, the whole model on and with the reference profile's
 * costs: the scenarios of scenarios/scale, each in a process of its own, so that its peak memory is
 * its own too.
 *
 * What a simulated hour takes is the set-up and as many times the run as an hour has of its
 * simulated seconds. Ratios are to the bars that the project set itself, and to a plain heap with
 * one event per delivery in the same run. */
#include "models/cluster/cluster.h"
#include "models/cluster/node.h"
#include "models/spec/profile.h"
#include "models/workload/plan.h"
#include "sim/base/check.h"
#include "sim/base/text.h"
#include "tests/bench/heap_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct row {
    const char *name, *file;
    struct spec_setting settings[2];
    double hour_bar_s, memory_bar_bytes; /* 0: none */
} rows[] = {
    {"1 M, rooms of 10,000 together", "scale/million.json", {{0}}, 180, 0},
    {"1 M, rooms of 10,000 scattered", "scale/million-scattered.json", {{0}}, 600, 0},
    {"1 M, rooms of 1,000 together",
     "scale/million.json",
     {{"rooms.rooms.size.constant", "1000"}},
     180,
     0},
    {"1 M, rooms of 1,000 scattered",
     "scale/million-scattered.json",
     {{"rooms.rooms.size.constant", "1000"}},
     600,
     0},
    {"1 M that publish per user",
     "scale/million.json",
     {{"traffic.chat.rate.poisson", "0.03/min per user"}},
     180,
     0},
    {"5 M over 100 nodes", "scale/five-million.json", {{0}}, 0, 8e9},
};

struct answer {
    double setup_s, run_s, simulated_s;
    double clients, deliveries, closed_form, hot_bytes, all_bytes;
};

static char *read_text(const char *folder, const char *file) {
    char path[4096];
    static char text[1 << 20];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *in = fopen(path, "rbe");
    CHECK(in != NULL);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return text;
}

static struct profile_costs reference_costs(const char *folder, struct arena *arena) {
    static struct profile profile;
    struct diag diag;
    diag_init(&diag);
    CHECK(profile_parse(&profile, read_text(folder, "profiles/reference.json"), "reference.json",
                        arena, &diag));
    diag_fini(&diag);
    return profile_means(&profile);
}

/* What a publish and the writes that follow from it touch of a connection. */
static double hot_bytes(const struct cluster *cluster) {
    const struct layout *layout = cluster->layout;
    double client = sizeof *cluster->inbound_first + sizeof *cluster->inbound_last +
                    sizeof *cluster->is_ready + sizeof *layout->worker_of +
                    sizeof *layout->consumer_of;
    double membership = sizeof *layout->rooms->members;
    if (cluster->dirty_rooms)
        membership += sizeof *cluster->dirty_rooms + sizeof *layout->client_slots;
    return client + membership * layout->roster->memberships_count / layout->roster->clients_count;
}

static void look(void *target, const struct cluster *cluster) {
    struct answer *answer = target;
    answer->hot_bytes = hot_bytes(cluster);
    answer->closed_form = (double)cluster->tally.closed_form;
    answer->simulated_s = base_seconds(cluster->tally.horizon_ns);
    for (int32_t i = 0; i < cluster->tally.steps_count; i++)
        answer->deliveries += (double)cluster->tally.steps[i].delivered;
}

static struct answer run_row(const struct row *row, const char *folder) {
    struct arena arena;
    struct diag diag;
    struct spec_scenario spec;
    struct roster roster;
    struct layout layout;
    struct outcome outcome;
    struct answer answer = {0};
    arena_init(&arena);
    diag_init(&diag);
    outcome_init(&outcome);
    struct profile_costs costs = reference_costs(folder, &arena);
    double start_s = heap_peer_cpu_s();
    CHECK(spec_parse(&spec, read_text(folder, row->file),
                     &(struct spec_options){.file = row->file,
                                            .settings = row->settings,
                                            .settings_count = row->settings[0].path != NULL},
                     &arena, &diag));
    roster_init(&roster, &spec, 1, &arena);
    layout_init(&layout, &roster, 1, &arena);
    answer.setup_s = heap_peer_cpu_s() - start_s;
    answer.clients = roster.clients_count;
    CHECK(cluster_run(&(struct cluster_options){.layout = &layout,
                                                .costs = &costs,
                                                .plan_seed = plan_seed_of(1, 0),
                                                .scale = 1,
                                                .warm_up_ns = spec.window.warm_up,
                                                .measure_ns = spec.window.measure,
                                                .look = look,
                                                .look_target = &answer},
                      &outcome));
    answer.run_s = heap_peer_cpu_s() - start_s - answer.setup_s;
    outcome_fini(&outcome);
    diag_fini(&diag);
    arena_fini(&arena);
    return answer;
}

/* In a child; its peak memory comes from the kernel. */
static struct answer run_apart(const struct row *row, const char *folder) {
    int ends[2];
    struct answer answer;
    struct rusage usage;
    int status;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        answer = run_row(row, folder);
        _exit(write(ends[1], &answer, sizeof answer) == sizeof answer ? 0 : 1);
    }
    close(ends[1]);
    CHECK(read(ends[0], &answer, sizeof answer) == sizeof answer);
    close(ends[0]);
    CHECK(wait4(child, &status, 0, &usage) == child && status == 0);
    answer.all_bytes = 1024.0 * (double)usage.ru_maxrss;
    return answer;
}

static void print_row(const struct row *row, const struct answer *answer, double heap) {
    double hour_s = answer->setup_s + answer->run_s * 3600 / answer->simulated_s;
    double rate = answer->deliveries / answer->run_s;
    printf("%-32s set-up %.1f s, a simulated hour in %.1f min", row->name, answer->setup_s,
           hour_s / 60);
    if (row->hour_bar_s > 0)
        printf(" (%.2f of the bar)", hour_s / row->hour_bar_s);
    printf("; %.1f M deliveries/s, %.1f times the heap, %.1f %% in closed form; peak %.0f MB",
           rate / 1e6, rate / heap, 100 * answer->closed_form / answer->deliveries,
           answer->all_bytes / 1e6);
    if (row->memory_bar_bytes > 0)
        printf(" (%.2f of the bar)", answer->all_bytes / row->memory_bar_bytes);
    printf("; bytes per connection: %.0f hot (%.2f of 32), %.0f in all (%.2f of 150)\n",
           answer->hot_bytes, answer->hot_bytes / 32, answer->all_bytes / answer->clients,
           answer->all_bytes / answer->clients / 150);
    fflush(stdout);
}

/* Arguments: the folder of the scenarios, and (optional) a part of the names of the rows to run. */
int main(int argc, char **argv) {
    CHECK(argc >= 2);
    double heap = heap_peer_run();
    printf("%-32s %.1f M deliveries/s\n", "heap, one event per delivery", heap / 1e6);
    fflush(stdout);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (argc > 2 && strstr(rows[i].name, argv[2]) == NULL)
            continue;
        struct answer answer = run_apart(&rows[i], argv[1]);
        print_row(&rows[i], &answer, heap);
    }
    return EXIT_SUCCESS;
}
