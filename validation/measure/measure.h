/* The same scenario for real: gateway on one processor, generator on the other, probes in between
 * yardsticks.
 *
 * A pair is started once and asked many times: connecting thousands of clients takes longer than a
 * probe. Between two probes everything in flight is drained and clients that the server closed come
 * back, so that a failed probe does not poison the next. A probe that is not a measurement is
 * refused by name: the generator was the bottleneck, the host took time, the rate was never reached
 * (DESIGN, contract 5). */
#ifndef HEADROOM_VALIDATION_MEASURE_MEASURE_H
#define HEADROOM_VALIDATION_MEASURE_MEASURE_H

#include "models/spec/spec.h"
#include "models/workload/outcome.h"
#include "models/workload/roster.h"
#include "validation/load/session.h"
#include "validation/measure/loopback.h"
#include "validation/measure/nodes.h"
#include "validation/measure/server.h"
#include "validation/measure/yardstick.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum { MEASURE_WHY_BYTES = 200 };

struct measure_options {
    const char *gateway_program, *load_program;
    const struct spec_scenario *scenario; /* borrowed; outlives the pair, as all here */
    const struct roster *roster;
    const char *scenario_text; /* canonical JSON: what the generator reads */
    bool is_for_ramp;          /* nobody is connected yet: measure_ramp follows */
    const char *turns;         /* where the gateway records its turns; NULL: nowhere */
    double
        calm_ns; /* what a bare send takes in the mood that is waited for; 0: the quickest seen */
    const volatile sig_atomic_t *stop; /* set by Ctrl-C; NULL: never */
};

struct measure {
    struct measure_options options;
    struct nodes nodes;
    struct load_session load;
    char scenario_path[64]; /* a temporary file, removed by measure_close */
    struct yardstick_result yard_first,
        yard_last; /* the bare send loop, before and after the latest probe */
    struct yardstick_calm calm;
    int64_t connected, refused;
    bool is_alone; /* on a loopback of its own (loopback.h); else why_shared says why not */
    char why_shared[LOOPBACK_WHY_BYTES];
    base_ns window_start_ns, window_end_ns; /* of the latest probe, on the monotonic clock */
    bool is_dirty; /* a probe may have left something in flight, or closed clients */
    struct server_memory memory_empty; /* before the first client */
    char why[MEASURE_WHY_BYTES];
};

/* Moves this process, which must have one thread, onto a loopback of its own where it may; then
 * starts both programs and connects every client that the gateway lets in. False with
 * measure->why. */
bool measure_open(struct measure *measure, const struct measure_options *options) MUST_USE;
void measure_close(struct measure *measure);

struct measure_request {
    double scale;
    base_ns warm_up_ns, measure_ns;
    uint64_t seed, replication;
};

/* One probe. Fills an initialised outcome; a probe that is no measurement has outcome->refused
 * (text in measure->why). False: the pair is broken (measure->why). */
bool measure_probe(struct measure *measure, const struct measure_request *request,
                   struct outcome *outcome) MUST_USE;

/* Connections that were let in, when all that the scenario has (or more, up to `most`) tried: the
 * descriptor ceiling. Needs a pair of its own. */
bool measure_ramp(struct measure *measure, int64_t most, int64_t *let_in) MUST_USE;

/* The bounds beyond which a probe is refused; stated in the README and in every refusal. */
extern const double MEASURE_LOAD_CPU_MAX; /* the generator's busy share */
extern const double MEASURE_STOLEN_MAX;   /* share of the window that the host took */
extern const double MEASURE_UNSENT_MAX;   /* share of the publishes due that were not sent */

#endif
