#include "tests/study/worlds.h"

#include "sim/base/rng.h"

#include <gsl/gsl_randist.h>
#include <math.h>

enum { RNG_PROBE = 1, RNG_DRAW, RNG_STREAM, RNG_MD1, RNG_SPEED };

static double logistic(double logit) {
    return 1 / (1 + exp(-logit));
}

static double normal_of(uint64_t seed, uint64_t entity, uint32_t purpose) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed, .entity = entity, .purpose = purpose});
    gsl_rng as_gsl = rng_as_gsl(&rng);
    return gsl_ran_gaussian(&as_gsl, 1);
}

static double count_late(gsl_rng *rng, double share, double due) {
    return due < 2e9 ? gsl_ran_binomial(rng, share, (unsigned int)due) : round(share * due);
}

enum { QUICK_NS = 4200 };

/* Of the probe about to be made. */
static bool is_slow(const struct logistic_world *world) {
    int64_t number = world->probes_count - 1;
    if (world->mood_probes == 0)
        return false;
    if (world->mood_stays_after > 0 && number > world->mood_stays_after)
        number = world->mood_stays_after;
    return (number / world->mood_probes % 2 == 0) == world->begins_slow;
}

static bool probe_logistic(void *context, const struct study_probe_request *request,
                           struct study_probe_result *result) {
    struct logistic_world *world = context;
    if (world->stop_after > 0 && world->probes_count >= world->stop_after)
        return false;
    world->probes_count++;
    world->rough_count += request->is_rough;
    world->highest_scale = fmax(world->highest_scale, request->scale);
    if (world->lowest_scale == 0 || request->scale < world->lowest_scale)
        world->lowest_scale = request->scale;
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = request->seed,
                                     .entity = request->replication,
                                     .purpose = RNG_PROBE});
    gsl_rng as_gsl = rng_as_gsl(&rng);
    double ceiling = log(world->ceiling);
    if (request->draw > 0)
        ceiling += world->draw_spread * normal_of(request->seed, (uint64_t)request->draw, RNG_DRAW);
    ceiling += world->stream_spread * normal_of(request->seed, request->replication, RNG_STREAM);
    double slowness = is_slow(world) ? world->mood_factor : 1;
    ceiling -= log(slowness);
    bool is_unknown = world->unknown_every > 0 && world->probes_count % world->unknown_every == 0;
    if (world->mood_probes > 0 && !is_unknown) /* 2 % of scatter, as yardsticks have it */
        result->speed_ns = QUICK_NS * slowness *
                           (1 + 0.02 * normal_of(request->seed, request->replication, RNG_SPEED));
    if (request->is_rough)
        ceiling += world->rough_bias;
    double distance = world->slope * (log(request->scale) - ceiling);
    if (rng_uniform(&rng) < world->wrong_share || world->probes_count == world->wrong_probe)
        distance = -distance;
    distance += world->noise * gsl_ran_gaussian(&as_gsl, 1);
    double objective = log(world->objective / (1 - world->objective));
    double share = logistic(objective + distance);
    result->late_share = count_late(&as_gsl, share, world->due) / world->due;
    result->late_share_stderr = (double)NAN;
    result->due_count = world->due;
    result->verdict = result->late_share > world->objective ? OUTCOME_FAILS : OUTCOME_HOLDS;
    result->broke = result->verdict == OUTCOME_FAILS ? "worker_cpu" : "";
    result->refused = rng_uniform(&rng) < world->refused_share ? "stolen time" : NULL;
    if (world->unstable_from > 0 && request->scale >= world->unstable_from) {
        result->verdict = OUTCOME_UNSTABLE;
        result->late_share = 0;
        result->broke = "memory";
    }
    if (world->lost_from > 0 && request->scale >= world->lost_from) {
        result->verdict = OUTCOME_FAILS;
        result->late_share = 0;
        result->lost_share = 0.1;
        result->broke = "send_queue";
    }
    return true;
}

struct study_world logistic_world(struct logistic_world *world) {
    return (struct study_world){.probe = probe_logistic, .context = world, .load_unit = 1000};
}

static bool probe_md1(void *context, const struct study_probe_request *request,
                      struct study_probe_result *result) {
    const struct md1_world *world = context;
    struct rng rng;
    rng_init(&rng, (struct rng_name){
                       .seed = request->seed, .entity = request->replication, .purpose = RNG_MD1});
    const double from = base_seconds(request->warm_up_ns);
    const double until = from + base_seconds(request->measure_ns);
    double free_at = 0, late = 0, due = 0;
    for (double now = 0;;) {
        now += rng_exponential(&rng, world->service_s) / request->scale;
        if (now >= until)
            break;
        free_at = fmax(free_at, now) + world->service_s;
        if (now < from)
            continue;
        due++;
        late += free_at - now > world->within_s;
    }
    result->due_count = due;
    result->late_share = late / due;
    result->late_share_stderr = (double)NAN;
    result->verdict = OUTCOME_HOLDS;
    result->broke = "worker_cpu";
    return true;
}

struct study_world md1_world(struct md1_world *world) {
    return (struct study_world){
        .probe = probe_md1, .context = world, .load_unit = 1 / world->service_s};
}
