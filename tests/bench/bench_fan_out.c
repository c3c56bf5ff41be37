/* What a simulated delivery costs, the whole node on: rooms over a million connections, against a
 * plain heap with one event per delivery in the same run.
 *
 * Each row runs until it has made its deliveries; the repeats of all rows are interleaved and the
 * median is printed with the smallest and largest beside it. Set-up (a million clients, rooms,
 * plan) is timed for itself. */
#include "models/cluster/cluster.h"
#include "models/cluster/node.h"
#include "models/workload/plan.h"
#include "sim/base/check.h"
#include "sim/base/stats.h"
#include "sim/base/text.h"
#include "tests/bench/heap_peer.h"

#include <stdio.h>
#include <stdlib.h>

enum { REPEATS = 5, CONNECTIONS = 1000000 };

static const struct row {
    const char *name;
    int32_t room, groups;
    bool is_scattered;
    int32_t stalling; /* of 1,000 clients, so many stall now and then */
    double deliveries;
    int32_t gathered; /* publishes that a turn finds, about */
} rows[] = {
    {"contiguous rooms of 100", 100, 1, false, 0, 2e8, 0},
    {"contiguous rooms of 1,000", 1000, 1, false, 0, 1e9, 0},
    {"contiguous rooms of 10,000", 10000, 1, false, 0, 4e9, 0},
    {"scattered rooms of 1,000", 1000, 1, true, 0, 1e9, 0},
    {"in two rooms each, of 100", 100, 2, true, 0, 1e8, 0},
    {"in two rooms each, of 100, 20 a turn", 100, 2, true, 0, 1e8, 20},
    {"in two rooms each, of 1,000, 20 a turn", 1000, 2, true, 0, 2e8, 20},
    {"in two rooms each, of 10,000, 20 a turn", 10000, 2, true, 0, 2e8, 20},
    {"contiguous rooms of 1,000, 1 % stalling", 1000, 1, false, 10, 2e8, 0},
};

struct prepared {
    struct arena arena;
    struct spec_scenario spec;
    struct roster roster;
    struct layout layout;
    double setup_s;
};

static void write_scenario(const struct row *row, struct text *json) {
    int32_t stalling = CONNECTIONS / 1000 * row->stalling;
    text_addf(json, "{\"name\": \"bench\", \"populations\": {\"p\": {\"connections\": %d}",
              CONNECTIONS - stalling);
    if (stalling > 0)
        text_addf(json,
                  ", \"q\": {\"connections\": %d, \"receive\": {\"stall\": {\"every\": \"20s\", "
                  "\"for\": \"1s\"}}}",
                  stalling);
    text_addf(json, "}, \"rooms\": {");
    for (int32_t i = 0; i < row->groups; i++)
        text_addf(json,
                  "%s\"g%d\": {\"size\": {\"constant\": %d}, \"members\": [\"p\"%s], \"count\": "
                  "%d, \"placement\": \"%s\"}",
                  i ? ", " : "", i, row->room, stalling ? ", \"q\"" : "", CONNECTIONS / row->room,
                  row->is_scattered ? "scattered" : "together");
    text_addf(json, "}, \"traffic\": {");
    for (int32_t i = 0; i < row->groups; i++)
        text_addf(json,
                  "%s\"t%d\": {\"from\": \"p\", \"to\": \"g%d\", \"rate\": {\"poisson\": \"%.9g/s "
                  "in all\"}, \"bytes\": {\"constant\": 128}}",
                  i ? ", " : "", i, i, row->deliveries / row->groups / row->room / 10);
    text_addf(json, "}, \"nodes\": {\"n\": {\"open_files\": 2000000}}, \"window\": {\"warm_up\": "
                    "\"0s\", \"measure\": \"10s\"}}");
}

/* Ten simulated seconds hold the row's deliveries, whatever the rate that takes: its costs are
 * small enough for a worker at half load. */
static struct profile_costs costs_of_row(const struct row *row) {
    struct profile_costs costs = {0};
    double per_delivery_ns = 0.5 * 1e10 / row->deliveries;
    costs.value[COST_turn] = 2 * row->gathered * per_delivery_ns * row->room;
    costs.value[COST_write] = per_delivery_ns;
    costs.value[COST_send_capacity] = costs.value[COST_receive_capacity] = 1;
    return costs;
}

static void prepare(struct prepared *prepared, const struct row *row) {
    struct diag diag;
    struct text json;
    diag_init(&diag);
    text_init(&json);
    arena_init(&prepared->arena);
    write_scenario(row, &json);
    double start_s = heap_peer_cpu_s();
    CHECK(spec_parse(&prepared->spec, text_bytes(&json), &(struct spec_options){.file = "bench"},
                     &prepared->arena, &diag));
    roster_init(&prepared->roster, &prepared->spec, 1, &prepared->arena);
    layout_init(&prepared->layout, &prepared->roster, 1, &prepared->arena);
    prepared->setup_s = heap_peer_cpu_s() - start_s;
    text_fini(&json);
    diag_fini(&diag);
}

struct seen {
    size_t run_bytes;
    int64_t deliveries, closed_form;
};

static void look(void *target, const struct cluster *cluster) {
    struct seen *seen = target;
    seen->run_bytes = cluster->run->arena.used_bytes;
    seen->closed_form = cluster->tally.closed_form;
    for (int32_t i = 0; i < cluster->tally.steps_count; i++)
        seen->deliveries += cluster->tally.steps[i].delivered;
}

/* Deliveries per second of processor time. */
static double run_row(const struct row *row, const struct prepared *prepared, uint64_t repeat,
                      struct seen *seen) {
    struct profile_costs costs = costs_of_row(row);
    struct outcome outcome;
    *seen = (struct seen){0};
    outcome_init(&outcome);
    double start_s = heap_peer_cpu_s();
    CHECK(cluster_run(&(struct cluster_options){.layout = &prepared->layout,
                                                .costs = &costs,
                                                .plan_seed = plan_seed_of(1, repeat),
                                                .scale = 1,
                                                .measure_ns = prepared->spec.window.measure,
                                                .look = look,
                                                .look_target = seen},
                      &outcome));
    double took_s = heap_peer_cpu_s() - start_s;
    outcome_fini(&outcome);
    return (double)seen->deliveries / took_s;
}

static double median_of(double *values, int32_t count, double *low, double *high) {
    double median = stats_median(values, (size_t)count);
    *low = values[0];
    *high = values[count - 1];
    return median;
}

/* An argument: fewer repeats. */
int main(int argc, char **argv) {
    int32_t repeats = argc > 1 ? atoi(argv[1]) : REPEATS;
    CHECK(repeats >= 1 && repeats <= REPEATS);
    static struct prepared prepared[COUNT_OF(rows)];
    static double rates[COUNT_OF(rows) + 1][REPEATS];
    static struct seen seen[COUNT_OF(rows)];
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        prepare(&prepared[i], &rows[i]);
    for (int32_t repeat = 0; repeat < repeats; repeat++) {
        rates[COUNT_OF(rows)][repeat] = heap_peer_run();
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            rates[i][repeat] = run_row(&rows[i], &prepared[i], (uint64_t)repeat, &seen[i]);
        fprintf(stderr, "repeat %d of %d\n", repeat + 1, repeats);
    }
    double low, high, heap = median_of(rates[COUNT_OF(rows)], repeats, &low, &high);
    printf("%-42s %6.1f M/s (%.1f to %.1f)\n", "heap, one event per delivery", heap / 1e6,
           low / 1e6, high / 1e6);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        double rate = median_of(rates[i], repeats, &low, &high);
        printf("%-42s %6.0f M/s (%.0f to %.0f), %5.0f times the heap; set-up %.2f s; bytes per "
               "connection: %.0f of the run, %.0f of roster and layout\n",
               rows[i].name, rate / 1e6, low / 1e6, high / 1e6, rate / heap, prepared[i].setup_s,
               (double)seen[i].run_bytes / CONNECTIONS,
               (double)prepared[i].arena.used_bytes / CONNECTIONS);
        arena_fini(&prepared[i].arena);
    }
    printf("a connection that is followed one by one: %zu bytes more\n", sizeof(struct consumer));
    return EXIT_SUCCESS;
}
