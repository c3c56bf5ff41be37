/* Climb by CLIMB from a guess to the first failure (or down to the first success), then halve the
 * gap STEPS times on a logarithmic scale. A probe of WINDOW_S flatters a little, since an overload
 * of a few percent takes longer than that to fill 100 ms: all servers alike, so that ratios are
 * what is to be read. After a failure everybody reads until it is quiet; a server that is not by
 * then, or has closed connections, is started anew. */
#include "tests/bench/peers/ceiling.h"

#include "sim/base/check.h"
#include "validation/load/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double CLIMB = 1.4, LOWEST = 0.01, HIGHEST = 2000;
static const double GENERATOR_BUSY = 0.97; /* as measure.c has it */
enum { STEPS = 3, SERVER_CPU = 0, GENERATOR_CPU = 1, SAMPLES = 32, IDLE_ROOM = 100 };
#define CONNECT_TIMEOUT_NS (120 * BASE_NS_PER_S)
#define PROBE_TIMEOUT_NS (60 * BASE_NS_PER_S)
#define PROBE_COMMAND                                                                              \
    "{\"do\":\"probe\",\"scale\":%.9g,\"warm_up_s\":0.5,\"measure_s\":1.5,\"grace_s\":3}"

struct pair {
    enum contender_kind kind;
    struct ceiling_case ceiling_case;
    struct contender server;
    struct load_session load;
    char scenario[64];
};

/* --- the pair --- */

static bool write_scenario(struct pair *pair, int32_t connections, int32_t room) {
    const struct ceiling_case *asked = &pair->ceiling_case;
    strcpy(pair->scenario, "/tmp/headroom-peers-XXXXXX");
    int fd = mkstemp(pair->scenario);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file)
        return false;
    fprintf(file,
            "{ \"name\": \"peers\","
            " \"objectives\": { \"delivery\": { \"within\": \"%dms\", \"share\": 0.99 } },"
            " \"populations\": { \"speaker\": { \"connections\": 1 },"
            " \"listeners\": { \"connections\": %d } },"
            " \"rooms\": { \"room\": { \"size\": { \"constant\": %d },"
            " \"members\": [\"speaker\", \"listeners\"] } },"
            " \"traffic\": { \"posts\": { \"from\": \"%s\", \"to\": \"room\","
            " \"rate\": { \"poisson\": \"%.9g/s in all\" }, \"bytes\": { \"constant\": %d } } },"
            " \"nodes\": { \"gateway\": { \"open_files\": 20000 } } }\n",
            CEILING_WITHIN_MS, connections - 1, room, asked->is_chat ? "listeners" : "speaker",
            (double)CEILING_UNIT / room, asked->bytes);
    return fclose(file) == 0;
}

static bool say(const struct pair *pair, const char *what) {
    fprintf(stderr, "%s: %s\n", contender_name(pair->kind), what);
    return false;
}

static bool open_pair(struct pair *pair) {
    if (!contender_start(&pair->server, pair->kind, SERVER_CPU))
        return say(pair, "it did not start");
    struct load_session_options options = {.program = LOAD_PROGRAM,
                                           .scenario = pair->scenario,
                                           .wire = contender_wire(pair->kind),
                                           .ports = {pair->server.port},
                                           .ports_count = 1,
                                           .cpu = GENERATOR_CPU,
                                           .samples = SAMPLES};
    return load_session_start(&pair->load, &options) || say(pair, pair->load.error);
}

static void close_pair(struct pair *pair) {
    if (pair->load.to_fd > 0)
        load_session_stop(&pair->load);
    contender_stop(&pair->server);
}

static bool connect_all(struct pair *pair, int64_t connections) {
    struct load_tally tally;
    if (!load_session_tally(&pair->load, "{\"do\":\"connect\"}", CONNECT_TIMEOUT_NS, &tally))
        return say(pair, pair->load.error);
    return tally.connected == connections || say(pair, "not everybody was let in");
}

/* --- a probe --- */

static bool holds(const struct load_report *report) {
    const double *metric = report->metric;
    return report->is_quiet && metric[OUTCOME_lost] == 0 && report->closes_count == 0 &&
           metric[OUTCOME_deliveries] == metric[OUTCOME_due] &&
           report->generator.publishes_unsent == 0 && report->server_errors == 0 &&
           metric[OUTCOME_latency_p99_ms] <= CEILING_WITHIN_MS;
}

/* Nothing in flight and everybody there. */
static bool recover(struct pair *pair) {
    struct load_tally tally;
    bool is_quiet = load_session_tally(&pair->load, "{\"do\":\"drain\",\"patience_s\":3}",
                                       PROBE_TIMEOUT_NS, &tally) &&
                    tally.is_quiet && tally.connected == pair->ceiling_case.room;
    if (is_quiet)
        return true;
    close_pair(pair);
    return open_pair(pair) && connect_all(pair, pair->ceiling_case.room);
}

static void note(struct ceiling *ceiling, const struct load_report *report, double server_share) {
    *ceiling = (struct ceiling){.deliveries_per_s = report->metric[OUTCOME_deliveries_per_s],
                                .p99_ms = report->metric[OUTCOME_latency_p99_ms],
                                .server_share = server_share,
                                .generator_share = report->metric[OUTCOME_load_cpu_share]};
}

/* False: the pair is broken. */
static bool probe(struct pair *pair, double scale, struct ceiling *ceiling, bool *has_held) {
    char command[128];
    struct load_report report;
    load_report_init(&report);
    snprintf(command, sizeof command, PROBE_COMMAND, scale);
    double cpu_s = contender_cpu_s(&pair->server);
    bool is_answered = load_session_report(&pair->load, command, PROBE_TIMEOUT_NS, &report);
    *has_held = is_answered && holds(&report);
    /* Warm-up, window and tail have the same load; what is read after them is little if it held. */
    double loaded_s = 0.5 + 1.5 + CEILING_WITHIN_MS * 1e-3;
    double share = (contender_cpu_s(&pair->server) - cpu_s) / loaded_s;
    if (*has_held)
        note(ceiling, &report, share);
    else
        ceiling->is_generators =
            is_answered && report.metric[OUTCOME_load_cpu_share] > GENERATOR_BUSY;
    load_report_fini(&report);
    if (!is_answered)
        say(pair, pair->load.error);
    return *has_held || recover(pair);
}

static bool search(struct pair *pair, double guess, struct ceiling *ceiling) {
    double scale = fmin(fmax(guess / CEILING_UNIT, LOWEST), HIGHEST), low = 0, high = 0;
    bool has_held;
    while ((low == 0 || high == 0) && scale >= LOWEST && scale <= HIGHEST) {
        if (!probe(pair, scale, ceiling, &has_held))
            return false;
        *(has_held ? &low : &high) = scale;
        scale = high == 0 ? low * CLIMB : high / CLIMB;
    }
    for (int step = 0; step < STEPS && low > 0 && high > 0; step++) {
        scale = sqrt(low * high);
        if (!probe(pair, scale, ceiling, &has_held))
            return false;
        *(has_held ? &low : &high) = scale;
    }
    return true;
}

bool ceiling_find(enum contender_kind kind, struct ceiling_case ceiling_case, double guess,
                  struct ceiling *ceiling) {
    struct pair pair = {.kind = kind, .ceiling_case = ceiling_case};
    *ceiling = (struct ceiling){0};
    bool is_found = write_scenario(&pair, ceiling_case.room, ceiling_case.room) &&
                    open_pair(&pair) && connect_all(&pair, ceiling_case.room) &&
                    search(&pair, guess, ceiling);
    close_pair(&pair);
    unlink(pair.scenario);
    return is_found;
}

double ceiling_idle_bytes(enum contender_kind kind, int32_t connections) {
    struct pair pair = {.kind = kind, .ceiling_case = {.room = connections, .bytes = 64}};
    double bytes = NAN;
    if (write_scenario(&pair, connections, IDLE_ROOM) && open_pair(&pair)) {
        double before = contender_memory_bytes(&pair.server);
        if (connect_all(&pair, connections))
            bytes = (contender_memory_bytes(&pair.server) - before) / connections;
    }
    close_pair(&pair);
    unlink(pair.scenario);
    return bytes;
}
