/* Every probe passes through search_probe: asked until it is a measurement, kept, and held against
 * the speed of those before it. */
#include "study/search.h"

#include "sim/base/stats.h"

#include <math.h>
#include <stdio.h>

/* The machine has one speed as far as yardsticks lie within this factor of each other: their own
 * scatter is 2 to 3 %, and a mood is 1.3 to 1.7 (docs/decisions/0018). */
static const double SAME_SPEED_MAX = 1.15;

enum {
    SPEED_WITNESSES = 3, /* one yardstick may be wrong, and a mood of a moment is waited out */
    RESTARTS_MAX = 3,
};

bool search_end(struct search *search, enum study_ceiling_outcome outcome) {
    search->ceiling->outcome = outcome;
    return false;
}

base_ns search_window(const struct study_ceiling_options *options) {
    return options->warm_up_ns + options->measure_ns;
}

bool search_may_probe(const struct search *search) {
    const struct study_ceiling_options *options = &search->options;
    return search->ceiling->probes_count <
               STUDY_PROBES_MAX && /* streams of their own, and no more */
           search->ceiling->probes_count - search->begun_count < options->probes_max &&
           (options->budget_ns == 0 ||
            search->ceiling->probed_ns - search->begun_probed_ns + search_window(options) <=
                options->budget_ns);
}

static struct study_event event_of(const struct search *search, enum study_phase phase,
                                   const struct study_probe_request *request) {
    bool has_window = search->has_window;
    const struct study_bisection *bisection = &search->bisection;
    return (struct study_event){
        .phase = phase,
        .request = request,
        .judgement = STUDY_UNDECIDED,
        .load = request->scale * search->world->load_unit,
        .number = search->ceiling->probes_count + 1,
        .expected_number =
            search->ceiling->probes_count + (search->expected > 1 ? search->expected : 1),
        .low = has_window ? exp(study_bisection_quantile(bisection, 0.1)) : (double)NAN,
        .high = has_window ? exp(study_bisection_quantile(bisection, 0.9)) : (double)NAN,
    };
}

/* One probe, told to the listener. False: the world was asked to stop. */
static bool ask(struct search *search, enum study_phase phase, double x,
                struct study_probe_result *result) {
    const struct study_ceiling_options *options = &search->options;
    struct study_probe_request request = {
        .scale = exp(x),
        .warm_up_ns = options->warm_up_ns,
        .measure_ns = options->measure_ns,
        .seed = options->seed,
        .replication = options->first_replication + (uint64_t)search->ceiling->probes_count,
        .draw = options->draw,
    };
    struct study_event event = event_of(search, phase, &request);
    const struct study_listener *listener = search->listener;
    if (listener && listener->about_to_probe)
        listener->about_to_probe(listener->context, &event);
    *result = (struct study_probe_result){.broke = "", .late_share_stderr = (double)NAN};
    if (!search->world->probe(search->world->context, &request, result))
        return search_end(search, STUDY_STOPPED);
    event.result = result;
    event.judgement = study_judge(result, &options->objective);
    if (listener && listener->probed)
        listener->probed(listener->context, &event);
    search->ceiling->probes_count++;
    search->ceiling->probed_ns += search_window(options);
    search->expected--;
    return true;
}

/* --- the machine's speed
 * ----------------------------------------------------------------------------------------- */

/* The median of those that are known; NAN: none is. */
static double speed_from(const struct search *search, int32_t first) {
    double speeds[STUDY_PROBES_MAX];
    size_t count = 0;
    for (int32_t i = first; i < search->probes_count; i++)
        if (search->probes[i].result.speed_ns > 0)
            speeds[count++] = search->probes[i].result.speed_ns;
    return count > 0 ? stats_median(speeds, count) : (double)NAN;
}

double search_speed(const struct search *search) {
    return speed_from(search, 0);
}

/* One whose yardstick could not be taken is no witness against any speed. */
static bool is_of_speed(const struct search_probe *probe, double speed_ns) {
    double ratio = probe->result.speed_ns / speed_ns;
    return !(ratio > 0) || (ratio < SAME_SPEED_MAX && ratio > 1 / SAME_SPEED_MAX);
}

/* Keeps the probes of this speed, in their order. Returns the speed of the others; NAN: none. */
static double forget_others(struct search *search, double speed_ns) {
    double others[STUDY_PROBES_MAX];
    int32_t kept = 0, all = search->probes_count;
    for (int32_t i = 0; i < all; i++) {
        if (is_of_speed(&search->probes[i], speed_ns))
            search->probes[kept++] = search->probes[i];
        else
            others[i - kept] = search->probes[i].result.speed_ns;
    }
    search->probes_count = kept;
    return kept < all ? stats_median(others, (size_t)(all - kept)) : (double)NAN;
}

/* The speed that the last few probes agree on; NAN: there is none, or they do not. */
static double speed_now(const struct search *search) {
    int32_t first = search->probes_count - SPEED_WITNESSES;
    double speed = first >= 0 ? speed_from(search, first) : (double)NAN;
    for (int32_t i = first; !isnan(speed) && i < search->probes_count; i++)
        if (!is_of_speed(&search->probes[i], speed))
            return (double)NAN;
    return speed;
}

/* False, with must_start_over or an outcome, when probes that count were made at another speed than
 * the machine's of now. */
static bool keeps_its_speed(struct search *search) {
    double now = speed_now(search);
    double before = isnan(now) ? now : forget_others(search, now);
    if (isnan(before))
        return true;
    struct study_ceiling *ceiling = search->ceiling;
    if (ceiling->restarts_count == RESTARTS_MAX) {
        snprintf(ceiling->refused, sizeof ceiling->refused,
                 "disturbed: the machine changed its speed %d times during the search",
                 ceiling->restarts_count + 1);
        return search_end(search, STUDY_REFUSED);
    }
    ceiling->restarts_count++;
    search->must_start_over = true;
    if (search->listener && search->listener->started_over)
        search->listener->started_over(search->listener->context, before, now);
    return false;
}

/* --- probes
 * ----------------------------------------------------------------------------------------- */

bool search_probe(struct search *search, enum study_phase phase, double x,
                  struct study_probe_result *result) {
    for (;;) {
        if (!search_may_probe(search))
            return search_end(search, STUDY_EXHAUSTED);
        if (!ask(search, phase, x, result))
            return false;
        if (!result->refused)
            break;
        if (++search->refusals < search->options.refusals_max)
            continue;
        snprintf(search->ceiling->refused, sizeof search->ceiling->refused, "%s", result->refused);
        return search_end(search, STUDY_REFUSED);
    }
    search->refusals = 0;
    search->probes[search->probes_count++] = (struct search_probe){
        .x = x,
        .result = *result,
        .leans_to_fail = study_leans_to_fail(result, &search->options.objective)};
    return keeps_its_speed(search);
}

bool search_test_load(struct search *search, enum study_phase phase, double x,
                      struct search_test *test) {
    struct study_probe_result all, next;
    if (!search_probe(search, phase, x, &all))
        return false;
    const struct study_objective *objective = &search->options.objective;
    for (int32_t i = 0; i < search->options.repeats_max; i++) {
        if (study_judge(&all, objective) != STUDY_UNDECIDED)
            break;
        if (!search_probe(search, phase, x, &next))
            return false;
        all = study_pooled(&all, &next);
    }
    test->x = x;
    test->is_decided = study_judge(&all, objective) != STUDY_UNDECIDED;
    test->is_fail = study_leans_to_fail(&all, objective);
    return true;
}
