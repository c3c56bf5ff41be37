#include "study/ceiling.h"

#include "tests/sim/suite.h"
#include "tests/study/worlds.h"

#include <math.h>
#include <string.h>

static const double truth = 2.385;

static const struct study_ceiling_options standard = {
    .objective = {.late_share = 0.01},
    .first_scale = 0.3,
    .scale_min = 0.01,
    .scale_max = 100,
    .warm_up_ns = BASE_NS_PER_S,
    .measure_ns = 10 * BASE_NS_PER_S,
    .seed = 1,
};

static const struct logistic_world noisy = {
    .ceiling = 2.385, .objective = 0.01, .slope = 60, .noise = 0.5, .due = 1e6};

static struct study_ceiling found_in(struct logistic_world *world,
                                     const struct study_ceiling_options *options) {
    struct study_world as_world = logistic_world(world);
    struct study_ceiling ceiling;
    study_find_ceiling(&as_world, options, NULL, &ceiling);
    return ceiling;
}

static bool covers(struct stats_interval interval, double value) {
    return interval.low <= value && value <= interval.high;
}

START_TEST(a_noisy_ceiling_is_found_with_few_probes_and_never_far_above) {
    struct logistic_world world = noisy;
    struct study_ceiling ceiling = found_in(&world, &standard);
    ck_assert_int_eq(ceiling.outcome, STUDY_FOUND);
    ck_assert_double_eq_tol(ceiling.scale.value, truth, 0.02 * truth);
    ck_assert_double_eq_tol(ceiling.load.value, ceiling.scale.value * 1000, 1e-9);
    ck_assert(!ceiling.is_step && !ceiling.is_cut_short && !ceiling.isotonic_disagrees);
    ck_assert_double_eq_tol(ceiling.steepness, 60, 25);
    ck_assert_str_eq(ceiling.broke, "worker_cpu");
    ck_assert_int_le(ceiling.probes_count, 30);
    ck_assert_int_eq(ceiling.probed_ns, ceiling.probes_count * 11 * BASE_NS_PER_S);
    ck_assert_double_le(world.highest_scale, 1.4 * truth);
}
END_TEST

/* The truth is known, so a 95 % interval can be asked to hold it in 90 to 99 % of the seeds. */
static void covers_often(struct logistic_world base) {
    enum { SEEDS = 200 };
    int32_t inside = 0, found = 0;
    for (int32_t i = 0; i < SEEDS; i++) {
        struct logistic_world world = base;
        struct study_ceiling_options options = standard;
        options.seed = 1000 + (uint64_t)i;
        struct study_ceiling ceiling = found_in(&world, &options);
        found += ceiling.outcome == STUDY_FOUND;
        inside += covers(ceiling.scale, truth);
    }
    ck_assert_int_eq(found, SEEDS);
    ck_assert_int_ge(inside, SEEDS * 90 / 100);
    ck_assert_int_le(inside, SEEDS * 99 / 100);
}

START_TEST(intervals_cover_a_shallow_noisy_curve) {
    covers_often((struct logistic_world){
        .ceiling = truth, .objective = 0.01, .slope = 20, .noise = 0.5, .due = 1e6});
}
END_TEST

START_TEST(intervals_cover_a_steep_curve_whose_probes_differ) {
    covers_often((struct logistic_world){
        .ceiling = truth, .objective = 0.01, .slope = 60, .noise = 1, .due = 1e6});
}
END_TEST

START_TEST(intervals_cover_where_few_deliveries_are_counted) {
    covers_often((struct logistic_world){
        .ceiling = truth, .objective = 0.01, .slope = 40, .noise = 0.2, .due = 2000});
}
END_TEST

START_TEST(a_tenth_of_wrong_verdicts_costs_probes_and_not_the_answer) {
    enum { SEEDS = 100 };
    int32_t near = 0, inside = 0;
    for (int32_t i = 0; i < SEEDS; i++) {
        struct logistic_world world = noisy;
        world.slope = 120;
        world.wrong_share = 0.1;
        struct study_ceiling_options options = standard;
        options.seed = 1000 + (uint64_t)i;
        struct study_ceiling ceiling = found_in(&world, &options);
        near += fabs(ceiling.scale.value / truth - 1) < 0.05;
        inside += covers(ceiling.scale, truth);
    }
    ck_assert_int_ge(near, 90);
    ck_assert_int_ge(inside, 90);
}
END_TEST

START_TEST(a_failure_that_would_turn_the_climb_round_is_tested_again) {
    for (int64_t wrong = 1; wrong <= 4; wrong++) { /* scales from 0.3 to 0.82 */
        struct logistic_world world = noisy;
        world.wrong_probe = wrong;
        struct study_ceiling ceiling = found_in(&world, &standard);
        ck_assert_double_eq_tol(ceiling.scale.value, truth, 0.02 * truth);
        ck_assert_double_eq_tol(world.lowest_scale, 0.3, 1e-9); /* nobody walked down */
        ck_assert_int_le(ceiling.probes_count, 32);
    }
}
END_TEST

START_TEST(a_step_lies_between_the_last_pass_and_the_first_failure) {
    struct logistic_world world = noisy;
    world.slope = 1e6;
    world.noise = 0;
    struct study_ceiling ceiling = found_in(&world, &standard);
    ck_assert_int_eq(ceiling.outcome, STUDY_FOUND);
    ck_assert(ceiling.is_step);
    ck_assert_double_eq_tol(ceiling.scale.low, ceiling.last_pass, 1e-12);
    ck_assert_double_eq_tol(ceiling.scale.high, ceiling.first_fail, 1e-12);
    ck_assert(covers(ceiling.scale, truth));
    ck_assert_double_lt(ceiling.scale.high / ceiling.scale.low, 1.03);
    ck_assert(!ceiling.isotonic_disagrees);
}
END_TEST

START_TEST(instability_and_loss_are_ceilings_of_their_own) {
    struct logistic_world world = noisy;
    world.ceiling = 50;
    world.unstable_from = truth;
    struct study_ceiling ceiling = found_in(&world, &standard);
    ck_assert(covers(ceiling.scale, truth));
    ck_assert_str_eq(ceiling.broke, "memory");
    world.unstable_from = 0;
    world.lost_from = truth;
    ceiling = found_in(&world, &standard);
    ck_assert(covers(ceiling.scale, truth));
    ck_assert_str_eq(ceiling.broke, "send_queue");
}
END_TEST

START_TEST(a_world_that_never_holds_has_no_ceiling) {
    struct logistic_world world = noisy;
    world.ceiling = 1e-6;
    struct study_ceiling ceiling = found_in(&world, &standard);
    ck_assert_int_eq(ceiling.outcome, STUDY_BELOW_FIRST);
    ck_assert(isnan(ceiling.scale.value) && isnan(ceiling.last_pass));
    ck_assert_str_eq(ceiling.broke, "worker_cpu");
    ck_assert_str_eq(study_ceiling_outcome_name(ceiling.outcome), "below_first");
}
END_TEST

START_TEST(a_world_that_always_holds_is_left_at_the_last_scale) {
    struct logistic_world world = noisy;
    world.ceiling = 1e6;
    struct study_ceiling ceiling = found_in(&world, &standard);
    ck_assert_int_eq(ceiling.outcome, STUDY_ABOVE_LAST);
    ck_assert_double_eq_tol(ceiling.last_pass, 100, 1e-9);
    ck_assert_double_eq_tol(world.highest_scale, 100, 1e-9);
    ck_assert_str_eq(ceiling.broke, "");
}
END_TEST

START_TEST(a_first_scale_above_the_ceiling_walks_down) {
    struct logistic_world world = noisy;
    struct study_ceiling_options options = standard;
    options.first_scale = 40;
    struct study_ceiling ceiling = found_in(&world, &options);
    ck_assert_double_eq_tol(ceiling.scale.value, truth, 0.03 * truth);
}
END_TEST

START_TEST(refused_probes_are_asked_again_and_end_it_when_they_are_too_many) {
    struct logistic_world world = noisy;
    world.refused_share = 0.2;
    struct study_ceiling ceiling = found_in(&world, &standard);
    ck_assert_int_eq(ceiling.outcome, STUDY_FOUND);
    ck_assert_double_eq_tol(ceiling.scale.value, truth, 0.03 * truth);
    ck_assert_str_eq(ceiling.refused, ""); /* what was refused on the way is no reason of this */
    world = noisy;
    world.refused_share = 1;
    ceiling = found_in(&world, &standard);
    ck_assert_int_eq(ceiling.outcome, STUDY_REFUSED);
    ck_assert_str_eq(ceiling.refused, "stolen time");
    ck_assert_int_eq(world.probes_count, 5);
}
END_TEST

START_TEST(a_stop_is_obeyed_at_once) {
    struct logistic_world world = noisy;
    world.stop_after = 9;
    struct study_ceiling ceiling = found_in(&world, &standard);
    ck_assert_int_eq(ceiling.outcome, STUDY_STOPPED);
    ck_assert_int_eq(ceiling.probes_count, 9);
    ck_assert(isnan(ceiling.scale.value));
}
END_TEST

START_TEST(probes_and_time_have_an_end) {
    struct logistic_world world = noisy;
    struct study_ceiling_options options = standard;
    options.budget_ns = 5 * 11 * BASE_NS_PER_S - 1; /* four probes and not a fifth */
    struct study_ceiling ceiling = found_in(&world, &options);
    ck_assert_int_eq(ceiling.outcome, STUDY_EXHAUSTED);
    ck_assert_int_eq(ceiling.probes_count, 4);
    options.budget_ns = 0;
    options.probes_max = 12; /* in the middle of the narrowing: there is something to say */
    ceiling = found_in(&world, &options);
    ck_assert_int_eq(ceiling.outcome, STUDY_FOUND);
    ck_assert(ceiling.is_cut_short);
    ck_assert_int_eq(ceiling.probes_count, 12);
    ck_assert(covers(ceiling.scale, truth));
}
END_TEST

struct log {
    int32_t announced, probed, expected_last;
    enum study_phase phase;
    uint64_t replications[STUDY_PROBES_MAX];
};
static void announce(void *context, const struct study_event *event) {
    struct log *log = context;
    ck_assert_int_eq(event->number, ++log->announced);
    ck_assert_int_ge(event->expected_number, event->number);
    ck_assert_ptr_null(event->result);
}
static void note(void *context, const struct study_event *event) {
    struct log *log = context;
    log->replications[log->probed++] = event->request->replication;
    ck_assert_int_ge(event->phase, log->phase); /* climb, narrow, spread */
    log->phase = event->phase;
    log->expected_last = event->expected_number;
    ck_assert_ptr_nonnull(event->result);
    ck_assert_double_eq_tol(event->load, event->request->scale * 1000, 1e-9);
}

START_TEST(every_probe_is_told_and_has_a_replication_of_its_own) {
    struct logistic_world world = noisy;
    struct study_world as_world = logistic_world(&world);
    struct log log = {0};
    struct study_listener listener = {.about_to_probe = announce, .probed = note, .context = &log};
    struct study_ceiling ceiling;
    struct study_ceiling_options options = standard;
    options.first_replication = 7;
    study_find_ceiling(&as_world, &options, &listener, &ceiling);
    ck_assert_int_eq(log.announced, ceiling.probes_count);
    ck_assert_int_eq(log.probed, ceiling.probes_count);
    ck_assert_int_eq(log.expected_last, ceiling.probes_count);
    for (int32_t i = 0; i < log.probed; i++)
        ck_assert_uint_eq(log.replications[i], 7 + (uint64_t)i);
}
END_TEST

/* Not one of the later probes may differ: what is skipped counts, and has used up its streams. */
START_TEST(what_is_known_to_hold_is_skipped_and_changes_nothing) {
    struct study_ceiling_options options = standard;
    for (options.seed = 1; options.seed <= 20; options.seed++) {
        struct logistic_world whole_world = noisy, short_world = noisy;
        options.holds_below = 0;
        struct study_ceiling whole = found_in(&whole_world, &options);
        options.holds_below = 0.6 * truth;
        struct study_ceiling skipped = found_in(&short_world, &options);
        ck_assert_double_eq(skipped.scale.value, whole.scale.value);
        ck_assert_double_eq(skipped.scale.low, whole.scale.low);
        ck_assert_int_eq(skipped.probes_count, whole.probes_count);
        ck_assert_int_eq(skipped.probed_ns, whole.probed_ns);
        /* 0.3 * 1.4^4 is the last of the climb's loads below 0.6 * 2.385 */
        ck_assert_int_eq(short_world.probes_count, whole_world.probes_count - 4);
        ck_assert_double_eq_tol(short_world.lowest_scale, 0.3 * pow(1.4, 4), 1e-9);
    }
}
END_TEST

START_TEST(the_same_seed_gives_the_same_ceiling) {
    struct logistic_world world = noisy;
    struct study_ceiling a = found_in(&world, &standard), b = found_in(&world, &standard);
    ck_assert_double_eq(a.scale.value, b.scale.value);
    ck_assert_int_eq(a.probes_count, b.probes_count);
    struct study_ceiling_options other = standard;
    other.seed = 2;
    ck_assert_double_ne(found_in(&world, &other).scale.value, a.scale.value);
}
END_TEST

/* DESIGN section 5: an M/D/1 with 1 ms of service and an objective of 100 ms has its limit at
 * 0.977; half of the probes of 2 s pass at 1.036, of 10 s at 0.996, of 120 s at 0.980. A median
 * over searches has to read what half of the probes pass. */
START_TEST(a_finite_probe_flatters_as_much_as_it_is_known_to) {
    static const struct {
        double window_s, reading;
        int32_t searches;
        double tolerance;
    } cases[] = {{2, 1.036, 41, 0.010}, {10, 0.996, 31, 0.006}, {120, 0.980, 5, 0.008}};
    struct md1_world md1 = {.service_s = 0.001, .within_s = 0.1};
    struct study_world world = md1_world(&md1);
    double readings[41];
    for (int32_t i = 0; i < cases[_i].searches; i++) {
        struct study_ceiling_options options = standard;
        options.seed = 1000 + (uint64_t)i;
        options.warm_up_ns = 0;
        options.measure_ns = base_ns_from_seconds(cases[_i].window_s);
        struct study_ceiling ceiling;
        study_find_ceiling(&world, &options, NULL, &ceiling);
        ck_assert_int_eq(ceiling.outcome, STUDY_FOUND);
        readings[i] = ceiling.scale.value;
    }
    ck_assert_double_eq_tol(stats_median(readings, (size_t)cases[_i].searches), cases[_i].reading,
                            cases[_i].tolerance);
}
END_TEST

/* --- moods of the machine
 * ---------------------------------------------------------------------------------------- */

struct changes {
    int32_t count;
    double before_ns, now_ns; /* the last one's */
};

static void note_change(void *context, double before_ns, double now_ns) {
    struct changes *changes = context;
    *changes = (struct changes){changes->count + 1, before_ns, now_ns};
}

static struct study_ceiling found_while_watched(struct logistic_world *world, uint64_t seed,
                                                struct changes *changes) {
    struct study_world as_world = logistic_world(world);
    struct study_listener listener = {.started_over = note_change, .context = changes};
    struct study_ceiling_options options = standard;
    struct study_ceiling ceiling;
    options.seed = seed;
    study_find_ceiling(&as_world, &options, &listener, &ceiling);
    return ceiling;
}

/* Wherever in a search of some twenty probes it happens, and in both directions: the answer is the
 * new machine's. */
START_TEST(a_machine_that_changes_its_speed_is_searched_anew) {
    for (int64_t after = 2; after <= 14; after++) {
        struct logistic_world world = noisy;
        struct changes changes = {0};
        world.mood_probes = world.mood_stays_after = after;
        world.mood_factor = 1.55;
        world.begins_slow = _i == 0;
        struct study_ceiling ceiling = found_while_watched(&world, (uint64_t)after, &changes);
        double now = _i == 0 ? 1 : 1.55;
        ck_assert_int_eq(ceiling.outcome, STUDY_FOUND);
        ck_assert_double_eq_tol(ceiling.scale.value, truth / now, 0.03 * truth / now);
        ck_assert_double_eq_tol(ceiling.speed_ns, 4200 * now, 0.02 * 4200 * now);
        ck_assert_int_eq(ceiling.restarts_count, 1);
        ck_assert_int_eq(changes.count, 1);
        ck_assert_double_eq_tol(changes.now_ns / changes.before_ns, _i == 0 ? 1 / 1.55 : 1.55,
                                0.06);
    }
}
END_TEST

START_TEST(a_machine_of_one_speed_is_never_searched_anew) {
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct logistic_world world = noisy, without = noisy;
        struct changes changes = {0};
        struct study_ceiling_options options = standard;
        world.mood_probes = 1000;
        world.mood_factor = 1.55;
        struct study_ceiling ceiling = found_while_watched(&world, seed, &changes);
        options.seed = seed;
        ck_assert_int_eq(ceiling.restarts_count, 0);
        ck_assert_double_eq(ceiling.scale.value, found_in(&without, &options).scale.value);
    }
}
END_TEST

START_TEST(a_probe_without_a_yardstick_is_no_change_either) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct logistic_world world = noisy;
        struct changes changes = {0};
        world.mood_probes = 1000;
        world.mood_factor = 1.55;
        world.unknown_every = 4;
        struct study_ceiling ceiling = found_while_watched(&world, seed, &changes);
        ck_assert_int_eq(ceiling.outcome, STUDY_FOUND);
        ck_assert_int_eq(ceiling.restarts_count, 0);
        ck_assert_double_eq_tol(ceiling.speed_ns, 4200, 0.02 * 4200);
    }
}
END_TEST

START_TEST(a_machine_without_a_speed_of_its_own_is_no_machine_to_measure_on) {
    struct logistic_world world = noisy;
    struct changes changes = {0};
    world.mood_probes = 6;
    world.mood_factor = 1.55;
    struct study_ceiling ceiling = found_while_watched(&world, 1, &changes);
    ck_assert_int_eq(ceiling.outcome, STUDY_REFUSED);
    ck_assert_str_eq(ceiling.refused,
                     "disturbed: the machine changed its speed 4 times during the search");
    ck_assert(isnan(ceiling.scale.value));
}
END_TEST

/* A yardstick that was wrong by itself, or a mood of a moment, is no other machine. */
START_TEST(one_odd_yardstick_is_no_change) {
    struct logistic_world world = noisy;
    struct changes changes = {0};
    world.mood_probes = 2;
    world.mood_factor = 1.55;
    world.mood_stays_after = 4; /* quick quick slow slow, and quick from there on */
    struct study_ceiling ceiling = found_while_watched(&world, 1, &changes);
    ck_assert_int_eq(ceiling.outcome, STUDY_FOUND);
    ck_assert_int_le(ceiling.restarts_count, 1);
    ck_assert_double_eq_tol(ceiling.scale.value, truth, 0.03 * truth);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_noisy_ceiling_is_found_with_few_probes_and_never_far_above),
        TEST(intervals_cover_a_shallow_noisy_curve),
        TEST(intervals_cover_a_steep_curve_whose_probes_differ),
        TEST(intervals_cover_where_few_deliveries_are_counted),
        TEST(a_tenth_of_wrong_verdicts_costs_probes_and_not_the_answer),
        TEST(a_failure_that_would_turn_the_climb_round_is_tested_again),
        TEST(a_step_lies_between_the_last_pass_and_the_first_failure),
        TEST(instability_and_loss_are_ceilings_of_their_own),
        TEST(a_world_that_never_holds_has_no_ceiling),
        TEST(a_world_that_always_holds_is_left_at_the_last_scale),
        TEST(a_first_scale_above_the_ceiling_walks_down),
        TEST(refused_probes_are_asked_again_and_end_it_when_they_are_too_many),
        TEST(a_stop_is_obeyed_at_once),
        TEST(probes_and_time_have_an_end),
        TEST(every_probe_is_told_and_has_a_replication_of_its_own),
        TEST(what_is_known_to_hold_is_skipped_and_changes_nothing),
        LOOP_TEST(a_machine_that_changes_its_speed_is_searched_anew, 2),
        TEST(a_machine_of_one_speed_is_never_searched_anew),
        TEST(a_probe_without_a_yardstick_is_no_change_either),
        TEST(a_machine_without_a_speed_of_its_own_is_no_machine_to_measure_on),
        TEST(one_odd_yardstick_is_no_change),
        TEST(the_same_seed_gives_the_same_ceiling),
        LOOP_TEST(a_finite_probe_flatters_as_much_as_it_is_known_to, 3),
    };
    return suite_run("ceiling", tests, COUNT_OF(tests));
}
