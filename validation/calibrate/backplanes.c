/* Pairs of a room's members stand on two nodes, and one of each pair publishes. What its delivery
 * takes to the other node beyond the one to itself is all between them: the generator's share, and
 * that of the first node up to its writes, cancel out.
 *
 * A server's processor time comes from the kernel's count for its process. With few publishes each
 * finds it idle and pays for a turn of its loop; with many of them nearly none does; and with more
 * nodes each publish has more copies. Three runs, three costs. */
#include "validation/calibrate/backplanes.h"

#include "models/workload/protocol.h"
#include "sim/base/stats.h"
#include "validation/measure/nodes.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS = 40, BYTES = 128, REPEATS = 3, FEW_PER_S = 500, MANY_PER_S = 8000, NODES_MANY = 3 };
#define WARM_UP_NS (200 * BASE_NS_PER_MS)
#define WINDOW_NS (600 * BASE_NS_PER_MS)
#define ANSWER_NS (20 * BASE_NS_PER_S)

struct setting {
    const char *kind;
    int32_t nodes, per_s;
};

static void write_scenario(const struct experiments *experiments, const struct setting *setting,
                           struct text *out) {
    text_addf(out,
              "{\"name\": \"backplane\", \"seed\": \"%llu\", \"populations\": {\"near\": "
              "{\"connections\": %d}, \"far\": {\"connections\": %d}}, \"rooms\": {\"r\": "
              "{\"size\": {\"constant\": %d}, \"members\": [\"near\", \"far\"]}}, \"traffic\": "
              "{\"t\": {\"from\": \"near\", \"to\": \"r\", \"rate\": {\"poisson\": \"%d/s in "
              "all\"}, \"bytes\": {\"constant\": %d}}}, \"nodes\": {\"n\": {\"count\": %d, "
              "\"open_files\": 1024}}, \"backplane\": {\"kind\": \"%s\", \"latency\": \"0s\"}, "
              "\"machine\": {\"processors\": \"shared\", \"gateway_cpu\": %d, \"load_cpu\": %d}, "
              "\"window\": {\"warm_up\": \"200ms\", \"measure\": \"600ms\"}}",
              (unsigned long long)experiments->options->seed, setting->nodes * PAIRS / 2,
              setting->nodes * PAIRS / 2, setting->nodes, setting->per_s, BYTES, setting->nodes,
              setting->kind, experiments->options->gateway_cpu, experiments->options->load_cpu);
}

struct bench {
    struct nodes nodes;
    struct load_session load;
    char path[64];
    char why[CALIBRATE_WHY_BYTES];
};

static bool fail(struct bench *bench, const char *why) {
    snprintf(bench->why, sizeof bench->why, "%s", why);
    return false;
}

static bool keep_scenario(struct bench *bench, const struct text *scenario) {
    snprintf(bench->path, sizeof bench->path, "/tmp/headroom-calibrate-XXXXXX");
    int file = mkstemp(bench->path);
    if (file < 0) {
        bench->path[0] = '\0';
        return fail(bench, strerror(errno));
    }
    ssize_t written = write(file, scenario->bytes, scenario->length);
    close(file);
    return written == (ssize_t)scenario->length || fail(bench, "no space left");
}

static bool start_nodes(struct bench *bench, const struct calibrate_options *calibrate,
                        const struct text *scenario, struct arena *arena) {
    struct spec_scenario *parsed = ARENA_NEW(arena, 1, struct spec_scenario);
    struct diag diag;
    diag_init(&diag);
    bool is_read = spec_parse(parsed, text_bytes(scenario),
                              &(struct spec_options){.file = "calibration"}, arena, &diag);
    diag_fini(&diag);
    if (!is_read)
        return fail(bench, "no scenario");
    struct gateway_options options;
    gateway_options_init(&options);
    options.cpu = calibrate->gateway_cpu;
    options.congestion = PAIRS_CONGESTION;
    return nodes_start(&bench->nodes, calibrate->gateway_program, parsed, &options) ||
           fail(bench, bench->nodes.why);
}

static bool start_load(struct bench *bench, const struct calibrate_options *calibrate) {
    struct load_session_options options = {.program = calibrate->load_program,
                                           .scenario = bench->path,
                                           .ports_count = bench->nodes.count,
                                           .cpu = calibrate->load_cpu};
    struct load_tally tally;
    for (int32_t i = 0; i < bench->nodes.count; i++)
        options.ports[i] = bench->nodes.server[i].port;
    return (load_session_start(&bench->load, &options) &&
            load_session_tally(&bench->load, "{\"do\":\"connect\"}", ANSWER_NS, &tally)) ||
           fail(bench, bench->load.error);
}

static double median_of(const struct load_report *report, const char *population) {
    for (int32_t i = 0; i < report->populations_count; i++)
        if (strcmp(report->populations[i].name, population) == 0)
            return (double)hist_quantile(&report->populations[i].latency, 0.5);
    return NAN;
}

/* One probe. The window has half a second of other things around it: what is counted is divided by
 * what was counted in the same time. */
static bool read_once(struct bench *bench, int32_t replication,
                      struct backplanes_reading *reading) {
    struct nodes_stats before, after;
    struct load_report report;
    char command[160];
    snprintf(command, sizeof command,
             "{\"do\":\"probe\",\"scale\":1,\"warm_up_s\":%.3f,\"measure_s\":%.3f,"
             "\"replication\":%d,\"grace_s\":1}",
             base_seconds(WARM_UP_NS), base_seconds(WINDOW_NS), (int)replication);
    load_report_init(&report);
    nodes_read(&bench->nodes, &before);
    bool is_read = load_session_report(&bench->load, command, ANSWER_NS, &report);
    nodes_read(&bench->nodes, &after);
    if (is_read) {
        struct gateway_stats counts = nodes_since(&before, &after);
        reading->near_ns = median_of(&report, "near");
        reading->far_ns = median_of(&report, "far");
        reading->publishes = (double)counts.backplane_publishes;
        reading->service_ns = nodes_services_cpu_max_s(&before, &after) * 1e9 / reading->publishes;
    }
    load_report_fini(&report);
    return is_read || fail(bench, bench->load.error);
}

struct readings {
    struct stats far_beyond_near_ns, service_ns;
};

static bool measure(struct experiments *experiments, const struct setting *setting,
                    struct readings *readings, char why[CALIBRATE_WHY_BYTES]) {
    struct bench bench = {.load = {.to_fd = -1, .from_fd = -1}};
    struct text scenario;
    struct arena arena;
    text_init(&scenario);
    arena_init(&arena);
    stats_init(&readings->far_beyond_near_ns);
    stats_init(&readings->service_ns);
    write_scenario(experiments, setting, &scenario);
    bool is_well = start_nodes(&bench, experiments->options, &scenario, &arena) &&
                   keep_scenario(&bench, &scenario) && start_load(&bench, experiments->options);
    for (int32_t i = 0; i < REPEATS && is_well; i++) {
        struct backplanes_reading reading;
        is_well = read_once(&bench, i, &reading);
        if (is_well)
            stats_add(&readings->far_beyond_near_ns, reading.far_ns - reading.near_ns);
        if (is_well)
            stats_add(&readings->service_ns, reading.service_ns);
    }
    if (bench.load.to_fd > 0)
        load_session_stop(&bench.load);
    nodes_stop(&bench.nodes);
    if (bench.path[0] != '\0')
        unlink(bench.path);
    snprintf(why, CALIBRATE_WHY_BYTES, "%s", bench.why);
    arena_fini(&arena);
    text_fini(&scenario);
    return is_well;
}

/* --- from readings to costs --- */

/* What the second node does before the publish is written to its first member: a turn, a read of a
 * warm socket, a publish, a write. */
static double far_turn_ns(const struct profile *profile) {
    const struct profile_costs costs = profile_means(profile);
    const double *value = costs.value;
    return value[COST_turn] + value[COST_read] +
           value[COST_read_byte] * (double)protocol_outbound_bytes(BYTES) + value[COST_publish] +
           value[COST_write] + value[COST_frame] +
           value[COST_byte] * (double)protocol_outbound_bytes(BYTES);
}

static bool calibrate_switch(struct experiments *experiments, char why[CALIBRATE_WHY_BYTES]) {
    struct readings readings;
    const struct setting setting = {"broadcast", 2, FEW_PER_S};
    if (!measure(experiments, &setting, &readings, why))
        return false;
    double beyond_ns = readings.far_beyond_near_ns.mean;
    double switch_ns = beyond_ns - far_turn_ns(experiments->profile);
    char note[200];
    snprintf(note, sizeof note,
             "two nodes on one processor, %d publishes/s: a member on the other node hears %.1f us "
             "later (median), less that node's turn of %.1f us",
             FEW_PER_S, beyond_ns / 1e3, far_turn_ns(experiments->profile) / 1e3);
    experiments_set(experiments, COST_process_switch, switch_ns,
                    fmax(stats_stderr(&readings.far_beyond_near_ns), 0.1 * beyond_ns), note);
    return true;
}

struct backplanes_costs backplanes_solve(double few_ns, double copies_few, double many_low_ns,
                                         double copies_low, double many_high_ns,
                                         double copies_high) {
    struct backplanes_costs costs = {
        .copy_ns = fmax((many_high_ns - many_low_ns) / (copies_high - copies_low), 0)};
    costs.message_ns = fmax(many_low_ns - copies_low * costs.copy_ns, 0);
    costs.turn_ns = fmax(few_ns - costs.message_ns - copies_few * costs.copy_ns, 0);
    return costs;
}

static const struct system {
    const char *kind;
    enum service_kind service;
    enum cost turn, message, copy;
    int32_t own_copies; /* that a publish comes back with to its own node */
} systems[] = {
    {"redis", SERVICE_REDIS, COST_redis_turn, COST_redis_message, COST_redis_copy, 1},
    {"nats", SERVICE_NATS, COST_nats_turn, COST_nats_message, COST_nats_copy, 0},
};

static bool calibrate_system(struct experiments *experiments, const struct system *system,
                             char why[CALIBRATE_WHY_BYTES]) {
    struct readings few, low, high;
    if (!measure(experiments, &(struct setting){system->kind, 2, FEW_PER_S}, &few, why) ||
        !measure(experiments, &(struct setting){system->kind, 1, MANY_PER_S}, &low, why) ||
        !measure(experiments, &(struct setting){system->kind, NODES_MANY, MANY_PER_S}, &high, why))
        return false;
    struct backplanes_costs costs = backplanes_solve(
        few.service_ns.mean, 1 + system->own_copies, low.service_ns.mean, system->own_copies,
        high.service_ns.mean, NODES_MANY - 1 + system->own_copies);
    double few_error = stats_stderr(&few.service_ns), low_error = stats_stderr(&low.service_ns),
           high_error = stats_stderr(&high.service_ns);
    char note[200];
    snprintf(note, sizeof note,
             "processor time of the server's process: %.2f us per publish at %d/s and two nodes, "
             "%.2f at %d/s and one, %.2f with %d",
             few.service_ns.mean / 1e3, FEW_PER_S, low.service_ns.mean / 1e3, MANY_PER_S,
             high.service_ns.mean / 1e3, NODES_MANY);
    experiments_set(experiments, system->turn, costs.turn_ns,
                    fmax(hypot(few_error, low_error), 0.1 * costs.turn_ns), note);
    experiments_set(experiments, system->message, costs.message_ns,
                    fmax(low_error, 0.1 * costs.message_ns), note);
    experiments_set(experiments, system->copy, costs.copy_ns,
                    fmax(hypot(low_error, high_error) / (NODES_MANY - 1), 0.1 * costs.copy_ns),
                    note);
    return true;
}

void backplanes_calibrate(struct experiments *experiments,
                          void (*say)(void *context, const char *what), void *context) {
    char why[CALIBRATE_WHY_BYTES], line[CALIBRATE_WHY_BYTES + 64];
    if (!calibrate_switch(experiments, why)) {
        snprintf(line, sizeof line, "no backplane: %s", why);
        say(context, line);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(systems); i++) {
        if (service_program(systems[i].service) == NULL)
            snprintf(line, sizeof line, "%s is not installed: its costs stay assumed",
                     service_package(systems[i].service));
        else if (!calibrate_system(experiments, &systems[i], why))
            snprintf(line, sizeof line, "%s: %s; its costs stay assumed", systems[i].kind, why);
        else
            continue;
        say(context, line);
    }
}
