/* The generator reads its scenario from a file, which is gone again as soon as its first answer
 * shows that it has been read. */
#include "validation/calibrate/pairs.h"

#include "sim/base/arena.h"
#include "sim/base/diag.h"
#include "validation/gateway/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const PAIRS_CONGESTION = "cubic";

#define CONNECT_TIMEOUT_NS (30 * BASE_NS_PER_S)

static bool fail(struct pair *pair, const char *what, const char *reason) {
    snprintf(pair->why, sizeof pair->why, "%s: %s", what, reason);
    return false;
}

static void remove_scenario(struct pair *pair) {
    if (pair->scenario_path[0] != '\0')
        unlink(pair->scenario_path);
    pair->scenario_path[0] = '\0';
}

static bool write_scenario(struct pair *pair, const struct text *scenario) {
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(pair->scenario_path, sizeof pair->scenario_path, "%s/headroom-calibrate-XXXXXX",
             folder);
    int file = mkstemp(pair->scenario_path);
    if (file < 0) {
        bool is_failed = fail(pair, pair->scenario_path, strerror(errno));
        pair->scenario_path[0] = '\0';
        return is_failed;
    }
    ssize_t written = write(file, scenario->bytes, scenario->length);
    close(file);
    return written == (ssize_t)scenario->length || fail(pair, pair->scenario_path, "no space left");
}

/* The scenario's own node, and what every calibration pins. Nobody is closed for being idle: a
 * setting may have to wait for its next block for a minute. */
static bool read_options(struct pair *pair, const struct text *scenario,
                         const struct calibrate_options *calibrate, struct arena *arena,
                         struct gateway_options *options) {
    struct spec_scenario *parsed = ARENA_NEW(arena, 1, struct spec_scenario);
    struct diag diag;
    diag_init(&diag);
    bool is_read = spec_parse(parsed, text_bytes(scenario),
                              &(struct spec_options){.file = "calibration"}, arena, &diag);
    if (!is_read)
        fail(pair, "calibration", diag.items_count > 0 ? diag.items[0].message : "no scenario");
    diag_fini(&diag);
    if (!is_read)
        return false;
    gateway_options_init(options);
    gateway_options_from_node(options, &parsed->nodes[0]);
    options->cpu = calibrate->gateway_cpu;
    options->congestion = PAIRS_CONGESTION;
    options->idle_timeout = BASE_NS_MAX;
    return true;
}

static bool start_programs(struct pair *pair, const struct gateway_options *options,
                           const struct calibrate_options *calibrate) {
    if (!server_start(&pair->server, calibrate->gateway_program, options))
        return fail(pair, "gateway", pair->server.why);
    struct load_session_options load = {.program = calibrate->load_program,
                                        .scenario = pair->scenario_path,
                                        .ports = {pair->server.port},
                                        .ports_count = 1,
                                        .cpu = calibrate->load_cpu};
    return load_session_start(&pair->load, &load) || fail(pair, "generator", pair->load.error);
}

bool pair_start(struct pair *pair, enum blocks_setting setting,
                const struct calibrate_options *options) {
    *pair = (struct pair){.setting = setting,
                          .server = {.pid = -1, .output = -1},
                          .load = {.to_fd = -1, .from_fd = -1}};
    struct text scenario;
    struct arena arena;
    struct gateway_options gateway;
    text_init(&scenario);
    arena_init(&arena);
    blocks_write_scenario(setting, options->seed, &scenario);
    bool is_started = read_options(pair, &scenario, options, &arena, &gateway) &&
                      write_scenario(pair, &scenario) && start_programs(pair, &gateway, options);
    arena_fini(&arena);
    text_fini(&scenario);
    if (!is_started)
        pair_stop(pair);
    return is_started;
}

static bool ask(struct pair *pair, const char *command, struct load_tally *tally) {
    bool is_answered = load_session_tally(&pair->load, command, CONNECT_TIMEOUT_NS, tally);
    remove_scenario(pair);
    return is_answered || fail(pair, "generator", pair->load.error);
}

bool pair_connect(struct pair *pair, struct load_tally *tally) {
    if (!ask(pair, "{\"do\":\"connect\"}", tally))
        return false;
    return tally->refused == 0 ||
           fail(pair, "generator", "the gateway did not let every client in");
}

bool pair_ramp(struct pair *pair, int64_t connections, struct load_tally *tally) {
    char command[96];
    snprintf(command, sizeof command, "{\"do\":\"ramp\",\"connections_max\":%" PRId64 "}",
             connections);
    return ask(pair, command, tally);
}

void pair_stop(struct pair *pair) {
    if (pair->load.to_fd > 0) /* it was started, even if it has ended since */
        load_session_stop(&pair->load);
    if (pair->server.pid > 0)
        server_stop(&pair->server);
    remove_scenario(pair);
}
