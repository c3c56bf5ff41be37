/* The phases of the search. Loads are logarithms inside and scales outside.
 *
 * Each phase looks at all probes that there are (study/search). A phase returns false when the
 * search has ended, with the outcome in place, or has to start over. */
#include "study/ceiling.h"

#include "sim/base/check.h"
#include "sim/base/rng.h"
#include "study/curve.h"
#include "study/search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double climb_factor = 1.4;
static const double verdict_right = 0.9, leaning_right = 0.6; /* decided and undecided verdicts */
static const double spread_min = 0.015; /* closer probes differ by less than their scatter */

enum { SPREAD_ROUNDS_MAX = 3, RNG_ORDER = 1, BROKE_VOTES = 5 };

const char *study_phase_name(enum study_phase phase) {
    static const char *const names[] = {
        [STUDY_CLIMB] = "climb", [STUDY_NARROW] = "narrow", [STUDY_SPREAD] = "spread"};
    return names[phase];
}

const char *study_ceiling_outcome_name(enum study_ceiling_outcome outcome) {
    static const char *const names[] = {
        [STUDY_FOUND] = "found",           [STUDY_BELOW_FIRST] = "below_first",
        [STUDY_ABOVE_LAST] = "above_last", [STUDY_REFUSED] = "refused",
        [STUDY_STOPPED] = "stopped",       [STUDY_EXHAUSTED] = "exhausted"};
    return names[outcome];
}

static bool test_climb(struct search *search, double x, struct search_test *test) {
    if (!search_test_load(search, STUDY_CLIMB, x, test))
        return false;
    search->climbed[search->climbed_count++] = *test;
    return true;
}

/* A failure that decides where all later probes go is tested again: the best of three. */
static bool confirm_failure(struct search *search, double x, struct search_test *test) {
    struct search_test again, third;
    if (!test->is_fail)
        return true;
    if (!test_climb(search, x, &again))
        return false;
    if (again.is_fail)
        return true;
    if (!test_climb(search, x, &third))
        return false;
    *test = third;
    return true;
}

/* Steps that are known to hold count as probes, so that what follows is what would have followed.
 */
static double skip_known(struct search *search, double x) {
    const double step = log(climb_factor);
    for (; x + step < log(search->options.holds_below) && search_may_probe(search); x += step) {
        search->climbed[search->climbed_count++] = (struct search_test){.x = x, .is_decided = true};
        search->ceiling->probes_count++;
        search->ceiling->probed_ns += search_window(&search->options);
    }
    return x;
}

/* Up to the first failure above a pass, or down to the first pass below a failure. */
static bool climb(struct search *search, double first_x, double *pass, double *fail) {
    const double step = log(climb_factor);
    const double lowest = log(search->options.scale_min), highest = log(search->options.scale_max);
    double x = fmin(fmax(first_x, lowest), highest);
    *pass = *fail = (double)NAN;
    x = skip_known(search, x);
    while (isnan(*pass) || isnan(*fail)) {
        struct search_test test;
        search->expected = 8 + search->options.spread_count;
        if (!test_climb(search, x, &test) || !confirm_failure(search, x, &test))
            return false;
        if (test.is_fail) {
            *fail = x;
            if (x <= lowest)
                return search_end(search, STUDY_BELOW_FIRST);
            x = fmax(x - step, lowest);
        } else {
            *pass = x;
            if (x >= highest)
                return search_end(search, STUDY_ABOVE_LAST);
            x = fmin(x + step, highest);
        }
    }
    return true;
}

static void tell(struct search *search, struct search_test test) {
    double right = test.is_decided ? verdict_right : leaning_right;
    study_bisection_tell(&search->bisection, (struct study_verdict){test.x, right, test.is_fail});
}

static void start_bisection(struct search *search, double pass, double fail) {
    const double step = log(climb_factor);
    const double lowest = log(search->options.scale_min), highest = log(search->options.scale_max);
    study_bisection_init(&search->bisection,
                         &(struct study_bisection_options){.low = fmax(pass - step, lowest),
                                                           .high = fmin(fail + step, highest),
                                                           .lowest = lowest,
                                                           .highest = highest,
                                                           .step = step});
    search->has_window = true;
    for (int32_t i = 0; i < search->climbed_count; i++)
        tell(search, search->climbed[i]);
}

static double width_of(const struct study_bisection *bisection) {
    return study_bisection_quantile(bisection, 0.9) - study_bisection_quantile(bisection, 0.1);
}

/* A load that stays undecided is the ceiling as far as windows of this length can tell. */
static bool narrow(struct search *search) {
    struct study_bisection *bisection = &search->bisection;
    const double target = search->options.spread;
    for (int32_t i = 0; i < search->options.narrow_max && width_of(bisection) > target; i++) {
        double x = study_bisection_quantile(bisection, 0.5);
        /* A verdict that is right nine times in ten is worth half a bit. */
        search->expected =
            (int32_t)ceil(2 * log2(width_of(bisection) / target)) + search->options.spread_count;
        struct search_test test;
        if (!search_test_load(search, STUDY_NARROW, x, &test))
            return false;
        tell(search, test);
        if (!test.is_decided && width_of(bisection) < 2 * target)
            break;
    }
    return true;
}

/* The probes within `reach` of `x`. */
static struct study_curve fit_around(const struct search *search, double x, double reach) {
    struct study_point points[STUDY_CURVE_POINTS_MAX];
    int32_t count = 0;
    for (int32_t i = 0; i < search->probes_count; i++)
        if (fabs(search->probes[i].x - x) <= reach)
            points[count++] = (struct study_point){
                search->probes[i].x,
                study_distance_of(&search->probes[i].result, &search->options.objective)};
    return study_fit_curve(points, count);
}

/* So wide that the curve is seen from well below to well above the objective, as far as its
 * steepness is known by now, and that the ceiling lies inside. */
static double spread_around(const struct search *search, double x) {
    struct study_curve curve = fit_around(search, x, 0.25);
    double wide = search->options.spread;
    if (curve.slope > 0)
        wide = fmin(wide, 2.5 / curve.slope);
    return fmax(fmax(wide, width_of(&search->bisection) / 2), spread_min);
}

/* Evenly spaced loads in random order, so that a drift of the machine is not taken for a slope. */
static bool probe_around(struct search *search, double x, double reach, int32_t round) {
    int32_t count = search->options.spread_count, order[STUDY_PROBES_MAX];
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = search->options.seed,
                                     .entity = search->options.first_replication,
                                     .purpose = RNG_ORDER,
                                     .index = (uint64_t)round});
    for (int32_t i = 0; i < count; i++) {
        int32_t other = (int32_t)rng_below(&rng, (uint64_t)i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    search->expected = count;
    for (int32_t i = 0; i < count; i++) {
        double at = x + reach * (2.0 * order[i] / (count - 1) - 1);
        struct study_probe_result result;
        at = fmin(fmax(at, log(search->options.scale_min)), log(search->options.scale_max));
        if (!search_probe(search, STUDY_SPREAD, at, &result))
            return false;
        const struct study_objective *objective = &search->options.objective;
        tell(search, (struct search_test){.x = at,
                                          .is_fail = study_leans_to_fail(&result, objective),
                                          .is_decided =
                                              study_judge(&result, objective) != STUDY_UNDECIDED});
    }
    return true;
}

/* Where the last probes were, and so which of all probes the fit looks at. */
struct neighbourhood {
    double x, reach;
};

/* A step as far as anybody looked: then the interval needs no model. */
static bool is_clean_step(const struct search *search, const struct study_curve *curve) {
    for (int32_t i = 0; i < search->probes_count; i++)
        if (study_distance_of(&search->probes[i].result, &search->options.objective).is_informative)
            return false;
    return curve->is_separated;
}

static struct stats_interval from_verdicts(const struct search *search,
                                           const struct study_curve *curve) {
    if (is_clean_step(search, curve))
        return (struct stats_interval){(curve->last_pass + curve->first_fail) / 2, curve->last_pass,
                                       curve->first_fail};
    const struct study_bisection *bisection = &search->bisection;
    return (struct stats_interval){study_bisection_quantile(bisection, 0.5),
                                   study_bisection_quantile(bisection, 0.025),
                                   study_bisection_quantile(bisection, 0.975)};
}

static struct stats_interval estimate(const struct search *search, struct neighbourhood near,
                                      struct study_curve *curve) {
    *curve = fit_around(search, near.x, 2 * near.reach);
    return curve->has_line ? curve->crossing : from_verdicts(search, curve);
}

/* Again, where the ceiling turned out not to be among the probes, or the answer to be too vague. */
static bool spread(struct search *search, struct neighbourhood *near) {
    for (int32_t round = 0; round < SPREAD_ROUNDS_MAX; round++) {
        near->x = study_bisection_quantile(&search->bisection, 0.5);
        near->reach = spread_around(search, near->x);
        if (!probe_around(search, near->x, near->reach, round))
            return false;
        struct study_curve curve;
        struct stats_interval logs = estimate(search, *near, &curve);
        if (fabs(logs.value - near->x) <= near->reach &&
            logs.high - logs.low <= 2 * search->options.spread)
            break;
    }
    return true;
}

static struct stats_interval from_logs(struct stats_interval logs, double unit) {
    return (struct stats_interval){exp(logs.value) * unit, exp(logs.low) * unit,
                                   exp(logs.high) * unit};
}

static void conclude(struct search *search, struct neighbourhood near) {
    struct study_ceiling *ceiling = search->ceiling;
    struct study_curve curve;
    struct stats_interval logs = estimate(search, near, &curve);
    ceiling->outcome = STUDY_FOUND;
    ceiling->is_step = !curve.has_line;
    ceiling->scale = from_logs(logs, 1);
    ceiling->load = from_logs(logs, search->world->load_unit);
    ceiling->isotonic_scale = exp(curve.isotonic_crossing);
    ceiling->isotonic_disagrees =
        fabs(curve.isotonic_crossing - logs.value) > logs.high - logs.low; /* false for NAN */
    ceiling->steepness = curve.slope;
    ceiling->over_dispersion = curve.over_dispersion;
}

/* The failures nearest above `x` (all failures, where there is no estimate) vote. */
static void name_what_broke(struct search *search, double x) {
    const struct search_probe *nearest[BROKE_VOTES];
    int32_t count = 0, best_votes = 0;
    for (int32_t i = 0; i < search->probes_count; i++) {
        const struct search_probe *candidate = &search->probes[i];
        if (!candidate->leans_to_fail || !candidate->result.broke || !*candidate->result.broke)
            continue;
        int32_t place = count < BROKE_VOTES ? count++ : BROKE_VOTES;
        for (; place > 0 && fabs(nearest[place - 1]->x - x) > fabs(candidate->x - x); place--)
            if (place < BROKE_VOTES)
                nearest[place] = nearest[place - 1];
        if (place < BROKE_VOTES)
            nearest[place] = candidate;
    }
    for (int32_t i = 0; i < count; i++) {
        int32_t votes = 0;
        for (int32_t j = 0; j < count; j++)
            votes += strcmp(nearest[i]->result.broke, nearest[j]->result.broke) == 0;
        if (votes > best_votes) {
            best_votes = votes;
            snprintf(search->ceiling->broke, sizeof search->ceiling->broke, "%s",
                     nearest[i]->result.broke);
        }
    }
}

static void note_ends(struct search *search) {
    struct study_ceiling *ceiling = search->ceiling;
    for (int32_t i = 0; i < search->probes_count; i++) {
        double scale = exp(search->probes[i].x);
        if (search->probes[i].leans_to_fail)
            ceiling->first_fail = fmin(ceiling->first_fail, scale); /* of NAN, the other one */
        else
            ceiling->last_pass = fmax(ceiling->last_pass, scale);
    }
}

static void fill(int32_t *option, int32_t standard) {
    if (*option == 0)
        *option = standard;
}

static struct study_ceiling_options with_defaults(const struct study_ceiling_options *given) {
    struct study_ceiling_options options = *given;
    fill(&options.repeats_max, 2);
    fill(&options.refusals_max, 5);
    fill(&options.narrow_max, 12);
    fill(&options.spread_count, 8);
    fill(&options.probes_max, 60);
    if (options.spread == 0)
        options.spread = 0.06;
    CHECK(options.scale_min > 0 && options.scale_min < options.scale_max);
    CHECK(options.first_scale > 0 && options.spread > 0);
    CHECK(options.probes_max <= STUDY_PROBES_MAX);
    CHECK(options.spread_count >= 4 && options.spread_count <= options.probes_max);
    return options;
}

/* A search that ran out after it had narrowed still knows something. */
static bool can_conclude(const struct search *search, bool is_through) {
    return is_through || (search->ceiling->outcome == STUDY_EXHAUSTED && search->has_window);
}

/* All phases, from a first load on. */
static bool go_through(struct search *search, double first_x, struct neighbourhood *near) {
    double pass, fail;
    search->must_start_over = search->has_window = false;
    search->climbed_count = 0;
    search->begun_count = search->ceiling->probes_count;
    search->begun_probed_ns = search->ceiling->probed_ns;
    if (!climb(search, first_x, &pass, &fail))
        return false;
    start_bisection(search, pass, fail);
    near->x = (pass + fail) / 2;
    return narrow(search) && spread(search, near);
}

void study_find_ceiling(const struct study_world *world,
                        const struct study_ceiling_options *options,
                        const struct study_listener *listener, struct study_ceiling *ceiling) {
    const double nan = (double)NAN;
    *ceiling = (struct study_ceiling){.scale = {nan, nan, nan},
                                      .load = {nan, nan, nan},
                                      .isotonic_scale = nan,
                                      .steepness = nan,
                                      .over_dispersion = nan,
                                      .last_pass = nan,
                                      .first_fail = nan,
                                      .speed_ns = nan};
    struct search search = {.world = world,
                            .options = with_defaults(options),
                            .listener = listener,
                            .ceiling = ceiling};
    struct neighbourhood near = {nan, search.options.spread};
    bool is_through = go_through(&search, log(options->first_scale), &near);
    while (search.must_start_over)
        is_through = go_through(&search, search.probes[search.probes_count - 1].x, &near);
    if (can_conclude(&search, is_through)) {
        ceiling->is_cut_short = !is_through;
        if (!is_through)
            near.x = study_bisection_quantile(&search.bisection, 0.5);
        conclude(&search, near);
    }
    note_ends(&search);
    ceiling->speed_ns = search_speed(&search);
    if (ceiling->outcome != STUDY_ABOVE_LAST)
        name_what_broke(&search, ceiling->outcome == STUDY_FOUND ? log(ceiling->scale.value)
                                                                 : log(options->scale_min));
}
