/* A probe that was refused is kept with its reason; one that broke is kept as interrupted. Neither
 * is averaged over. */
#include "cli/world_real.h"

#include "cli/stop.h"
#include "cli/world_sim.h"
#include "models/workload/plan.h"
#include "validation/compare/yardstick_of.h"

#include <math.h>

static double yardstick_around(const struct world_real *real) {
    return (real->measure.yard_first.median + real->measure.yard_last.median) / 2;
}

static bool keep(struct world_real *real, int64_t id, const struct outcome *outcome) {
    enum store_state state = outcome->refused ? STORE_REFUSED : STORE_DONE;
    return (real->part == NULL ||
            record_number(real->store, id, real->part_metric, NAN, NAN, NAN, "", real->part)) &&
           record_outcome(real->store, id, outcome) &&
           record_number(real->store, id, COMPARE_YARDSTICK_METRIC, yardstick_around(real), NAN,
                         NAN, "ns", NULL) &&
           record_finish(real->store, id, state, outcome->refused, 0);
}

bool world_real_probe(struct world_real *real, const struct measure_request *request,
                      const char *command, struct outcome *outcome) {
    struct record_run record = {.kind = STORE_MEASURED,
                                .command = command,
                                .parent = real->parent,
                                .scenario = real->scenario,
                                .seed = request->seed,
                                .replication = (int64_t)request->replication,
                                .scale = request->scale};
    int64_t id;
    if (!record_begin(real->store, &record, &id))
        return false;
    if (measure_probe(&real->measure, request, outcome))
        return keep(real, id, outcome);
    bool is_noted = record_finish(real->store, id, STORE_INTERRUPTED,
                                  stop_signal ? "stopped" : real->measure.why, 0);
    (void)is_noted; /* the pair is broken either way, and the store has said its own */
    return false;
}

static bool probe(void *context, const struct study_probe_request *ask,
                  struct study_probe_result *result) {
    struct world_real *real = context;
    if (stop_signal)
        return false;
    struct outcome outcome;
    outcome_init(&outcome);
    struct measure_request request = {.scale = ask->scale,
                                      .warm_up_ns = ask->warm_up_ns,
                                      .measure_ns = ask->measure_ns,
                                      .seed = ask->seed,
                                      .replication = ask->replication};
    bool is_made = world_real_probe(real, &request, "probe", &outcome);
    real->is_broken = !is_made && !stop_signal;
    *result = world_result_of(&outcome);
    result->speed_ns = fmax(yardstick_around(real), 0); /* of NAN, the other one */
    outcome_fini(&outcome);
    return is_made;
}

struct study_world world_real_as_world(struct world_real *real) {
    return (struct study_world){.probe = probe,
                                .context = real,
                                .load_unit =
                                    plan_offered(&real->scenario->roster).deliveries_per_s};
}

struct ceiling_answer world_real_answer(const struct world_real *real,
                                        const struct study_ceiling *ceiling) {
    return (struct ceiling_answer){.source = "measured",
                                   .scenario = real->scenario,
                                   .outcome = ceiling->outcome,
                                   .active = ceiling->load,
                                   .broke = ceiling->broke,
                                   .calibration_share = NAN,
                                   .asked = plan_offered(&real->scenario->roster).deliveries_per_s,
                                   .probes_count = ceiling->probes_count,
                                   .refused = ceiling->refused[0] ? ceiling->refused : NULL};
}

/* Ctrl-C reaches the generator too, so the pair's own last words may be about its end. */
bool world_real_finish(const struct world_real *real, const struct study_ceiling *ceiling) {
    if (ceiling->outcome == STUDY_REFUSED)
        return record_finish(real->store, real->parent, STORE_REFUSED, ceiling->refused, 0);
    if (ceiling->outcome == STUDY_STOPPED)
        return record_finish(real->store, real->parent, STORE_INTERRUPTED,
                             stop_signal ? "stopped" : real->measure.why, 0);
    return record_number(real->store, real->parent, COMPARE_YARDSTICK_METRIC, ceiling->speed_ns,
                         NAN, NAN, "ns", NULL) &&
           record_finish(real->store, real->parent, STORE_DONE, NULL, 0);
}
