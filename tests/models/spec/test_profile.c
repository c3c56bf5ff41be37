#include "models/spec/profile.h"

#include "tests/sim/suite.h"

#include <math.h>
#include <string.h>

static struct arena arena;
static struct diag diag;

static void set_up(void) {
    arena_init(&arena);
    diag_init(&diag);
}

static void tear_down(void) {
    diag_fini(&diag);
    arena_fini(&arena);
}

/* Every cost away from the ends of its range, each with an error of its own. */
static struct profile sample_profile(void) {
    struct profile profile = {
        .name = "desk",
        .made_at = "2026-11-24T21:00:00Z",
        .mode = "quick",
        .windows = 900,
        .blocks = 24,
        .condition_number = 12.25,
        .lack_of_fit_p = NAN,
        .cpu_accounted_share = 0.991,
        .turn_error = 0.083,
        .machine = {{"cpu", "Xeon \"Platinum\""}, {"kernel", "6.1.0"}},
        .machine_count = 2,
        .pinned = {{"congestion control", "cubic"}},
        .pinned_count = 1,
        .yardsticks = {{.name = "send_loop", .unit = "ns", .value = 1712.5, .spread = 0.021}},
        .yardsticks_count = 1};
    for (int32_t i = 0; i < COST_COUNT; i++) {
        double highest = profile_cost_highest((enum cost)i);
        profile.costs[i] = (struct profile_entry){
            .value = highest <= 1 ? 0.45 : fmin(highest / 7, 100 + 7.3 * i), .note = ""};
        profile.costs[i].standard_error = profile.costs[i].value * 0.02;
        profile.correlation[i][i] = 1;
    }
    profile.costs[COST_accept].source = PROFILE_PUBLISHED;
    profile.costs[COST_accept].note = "a paper";
    profile.costs[COST_wake_up].source = PROFILE_ASSUMED;
    return profile;
}

static void correlate(struct profile *profile, enum cost a, enum cost b, double value) {
    profile->correlation[a][b] = profile->correlation[b][a] = value;
}

static bool parse(struct profile *profile, const char *text) {
    return profile_parse(profile, text, "p.json", &arena, &diag);
}

static const char *messages(void) {
    struct text out;
    text_init(&out);
    diag_format(&diag, &out);
    const char *kept = arena_new_text(&arena, text_bytes(&out));
    text_fini(&out);
    return kept;
}

static const char *written(const struct profile *profile) {
    struct text out;
    text_init(&out);
    profile_write(profile, &out);
    const char *kept = arena_new_text(&arena, text_bytes(&out));
    text_fini(&out);
    return kept;
}

START_TEST(what_is_written_reads_back_to_the_same_bits) {
    set_up();
    struct profile profile = sample_profile(), back;
    correlate(&profile, COST_write, COST_byte, -0.3);
    correlate(&profile, COST_turn, COST_read, 0.1 + 0.2);
    const char *text = written(&profile);
    ck_assert_msg(parse(&back, text), "%s", messages());
    ck_assert_str_eq(written(&back), text);
    for (int32_t i = 0; i < COST_COUNT; i++) {
        ck_assert(back.costs[i].value == profile.costs[i].value);
        ck_assert(back.costs[i].standard_error == profile.costs[i].standard_error);
        ck_assert_int_eq(back.costs[i].source, profile.costs[i].source);
        for (int32_t j = 0; j < COST_COUNT; j++)
            ck_assert(back.correlation[i][j] == profile.correlation[i][j]);
    }
    ck_assert_str_eq(back.machine[0].text, "Xeon \"Platinum\"");
    ck_assert_str_eq(back.costs[COST_accept].note, "a paper");
    ck_assert(isnan(back.lack_of_fit_p) && back.condition_number == 12.25);
    tear_down();
}
END_TEST

struct sample_moments {
    double mean[2], sd[2], correlation;
};

static struct sample_moments draw_pair(const struct profile *profile, enum cost a, enum cost b,
                                       int32_t draws_count) {
    const enum cost costs[] = {a, b};
    double sum[2] = {0}, squares[2] = {0}, product = 0;
    for (int32_t draw = 0; draw < draws_count; draw++) {
        struct rng rng;
        rng_init(&rng, (struct rng_name){.seed = 20261124, .entity = (uint64_t)draw});
        struct profile_costs drawn = profile_draw(profile, &rng);
        double away[2]; /* from the profile's value, to keep digits */
        for (int32_t i = 0; i < 2; i++) {
            away[i] = drawn.value[costs[i]] - profile->costs[costs[i]].value;
            sum[i] += away[i];
            squares[i] += away[i] * away[i];
        }
        product += away[0] * away[1];
    }
    struct sample_moments moments;
    double n = draws_count;
    for (int32_t i = 0; i < 2; i++) {
        moments.mean[i] = sum[i] / n;
        moments.sd[i] = sqrt(squares[i] / n - moments.mean[i] * moments.mean[i]);
    }
    moments.correlation =
        (product / n - moments.mean[0] * moments.mean[1]) / (moments.sd[0] * moments.sd[1]);
    return moments;
}

enum { DRAWS = 20000 };

/* Standard errors of a sample's mean, sd and correlation (normal law): s / sqrt(n), s / sqrt(2n),
 * (1 - r^2) / sqrt(n). */
static void check_pair(const struct profile *profile, enum cost a, enum cost b,
                       double correlation) {
    struct sample_moments found = draw_pair(profile, a, b, DRAWS);
    const enum cost costs[] = {a, b};
    for (int32_t i = 0; i < 2; i++) {
        double error = profile->costs[costs[i]].standard_error;
        ck_assert_double_eq_tol(found.mean[i], 0, 3.3 * error / sqrt(DRAWS));
        ck_assert_double_eq_tol(found.sd[i], error, 3.3 * error / sqrt(2 * DRAWS));
    }
    double bound = 3.3 * (1 - correlation * correlation) / sqrt(DRAWS);
    ck_assert_double_eq_tol(found.correlation, correlation, bound);
}

START_TEST(draws_have_the_means_errors_and_correlations_of_the_profile) {
    struct profile profile = sample_profile();
    correlate(&profile, COST_write, COST_byte, -0.62);
    correlate(&profile, COST_turn, COST_read, 0.35);
    check_pair(&profile, COST_write, COST_byte, -0.62);
    check_pair(&profile, COST_turn, COST_read, 0.35);
    check_pair(&profile, COST_write, COST_turn, 0);
}
END_TEST

/* Each two of three costs at -0.9: the smallest eigenvalue is 1 - 2 * 0.9 = -0.8, so everything
 * shrinks by s = 0.8 / 1.8 and -0.9 becomes -0.9 / 1.8 = -0.5. */
START_TEST(correlations_that_no_distribution_has_are_shrunk_to_the_nearest_that_one_has) {
    struct profile profile = sample_profile();
    correlate(&profile, COST_turn, COST_read, -0.9);
    correlate(&profile, COST_turn, COST_write, -0.9);
    correlate(&profile, COST_read, COST_write, -0.9);
    check_pair(&profile, COST_turn, COST_read, -0.5);
    check_pair(&profile, COST_read, COST_write, -0.5);
}
END_TEST

START_TEST(a_correlation_of_one_is_kept) {
    struct profile profile = sample_profile();
    correlate(&profile, COST_turn, COST_read, 1);
    struct sample_moments found = draw_pair(&profile, COST_turn, COST_read, 500);
    ck_assert_double_eq_tol(found.correlation, 1, 1e-7);
}
END_TEST

START_TEST(a_draw_stays_within_the_row_s_range) {
    struct profile profile = sample_profile();
    profile.costs[COST_frame] =
        (struct profile_entry){.value = 1, .standard_error = 50, .note = ""};
    profile.costs[COST_window_share] =
        (struct profile_entry){.value = 0.97, .standard_error = 0.5, .note = ""};
    int32_t at_lowest = 0, at_highest = 0;
    for (uint64_t draw = 0; draw < 1000; draw++) {
        struct rng rng;
        rng_init(&rng, (struct rng_name){.seed = 7, .entity = draw});
        struct profile_costs drawn = profile_draw(&profile, &rng);
        ck_assert(drawn.value[COST_frame] >= 0);
        ck_assert(drawn.value[COST_window_share] >= 0 && drawn.value[COST_window_share] <= 1);
        at_lowest += drawn.value[COST_frame] == 0;
        at_highest += drawn.value[COST_window_share] == 1;
    }
    ck_assert_int_gt(at_lowest, 400); /* P(normal < -1/50) = 0.49 */
    ck_assert_int_gt(at_highest, 400);
}
END_TEST

START_TEST(a_cost_without_an_error_is_drawn_as_it_stands_and_moves_no_other) {
    struct profile profile = sample_profile(), certain = profile;
    certain.costs[COST_turn].standard_error = 0;
    struct rng rng, same;
    rng_init(&rng, (struct rng_name){.seed = 3});
    rng_init(&same, (struct rng_name){.seed = 3});
    struct profile_costs drawn = profile_draw(&profile, &rng);
    struct profile_costs drawn_certain = profile_draw(&certain, &same);
    ck_assert(drawn_certain.value[COST_turn] == profile.costs[COST_turn].value);
    for (int32_t i = 0; i < COST_COUNT; i++)
        if (i != COST_turn)
            ck_assert(drawn.value[i] == drawn_certain.value[i]);
}
END_TEST

/* A good profile with one part of its text replaced. */
static const char *with(const char *part, const char *replacement) {
    struct profile profile = sample_profile();
    correlate(&profile, COST_write, COST_byte, -0.3);
    const char *text = written(&profile);
    const char *at = strstr(text, part);
    ck_assert_msg(at != NULL, "%s is not in %s", part, text);
    return arena_new_format(&arena, "%.*s%s%s", (int)(at - text), text, replacement,
                            at + strlen(part));
}

static const struct {
    const char *part, *replacement, *message; /* the first line of it, from behind the place */
} mistakes[] = {
    {"\"schema_version\": 1", "\"schema_version\": 2",
     "schema_version: 2 is not a version that this program reads; expected 1"},
    {"\"made_at\": \"2026-11-24T21:00:00Z\"", "\"made_at\": \"yesterday\"",
     "made_at: \"yesterday\" is not a moment; expected \"2026-11-24T21:00:00Z\""},
    {"\"mode\": \"quick\",", "", "\"mode\" is missing"},
    {"\"mode\": \"quick\"", "\"mode\": \"\"", "mode: \"\" is not a text; expected \"...\""},
    {"\"name\": \"desk\"", "\"name\": \"desk\", \"nmae\": 3",
     "\"nmae\" is not a field here; did you mean \"name\"?"},
    {"\"cpu\": \"", "\"cpus\": 2, \"cpu\": \"", "machine.cpus: 2 is not a text; expected \"...\""},
    {"\"turn\": {\"value\": 100", "\"turn\": {\"value\": -1",
     "costs.turn.value: -1 is out of range; expected 0 to 1e+09"},
    {"\"turn\": {\"value\": 100", "\"turn\": {\"value\": 1e999",
     "costs.turn.value: 1e999 is out of range; expected 0 to 1e+09"},
    {"\"turn\": {\"value\": 100", "\"turn\": {\"value\": \"100ns\"",
     "costs.turn.value: \"100ns\" is not a number; expected 0 to 1e+09"},
    {"\"stderr\": 2,", "\"stderr\": -2,",
     "costs.turn.stderr: -2 is out of range; expected 0 to 1e+09"},
    {"\"unit\": \"ns\", \"source\": \"measured\"}", "\"unit\": \"us\", \"source\": \"measured\"}",
     "costs.turn.unit: \"us\" is not the unit of this cost; expected \"ns\""},
    {"\"source\": \"measured\"", "\"source\": \"mesured\"",
     "costs.turn.source: \"mesured\" is not a source; did you mean \"measured\"?"},
    {"\"source\": \"measured\"", "\"source\": \"guess\"",
     "costs.turn.source: \"guess\" is not a source; expected measured, published or assumed"},
    {"\"turn\": {", "\"trun\": {", "costs: \"trun\" is not a cost; did you mean \"turn\"?"},
    {"\"write\", \"byte\", -0.3", "\"write\", \"byte\", -1.0001",
     "correlation[0]: -1.0001 is out of range; expected -1 to 1"},
    {"\"write\", \"byte\", -0.3", "\"write\", \"bite\", -0.3",
     "correlation[0]: \"bite\" is not a cost; did you mean \"byte\"?"},
    {"\"write\", \"byte\", -0.3", "\"write\", \"write\", -0.3",
     "correlation[0]: a cost has no correlation with itself"},
    {"\"write\", \"byte\", -0.3", "\"write\", \"byte\"",
     "correlation[0]: a list of another length is not a correlation; expected [\"cost\", "
     "\"cost\", number]"},
    {"[\"write\", \"byte\", -0.3]", "[\"write\", \"byte\", -0.3], [\"byte\", \"write\", 0]",
     "correlation[1]: the pair \"byte\", \"write\" is given twice"},
    {"\"spread\": 0.021", "\"spred\": 0.021",
     "yardsticks.send_loop: \"spred\" is not a field here; did you mean \"spread\"?"},
    {"\"windows\": 900", "\"windows\": null",
     "fit.windows: null is not a number; expected 0 to 1e+12"},
};

START_TEST(a_mistake_is_named_with_what_was_found_and_what_was_expected) {
    set_up();
    struct profile profile;
    ck_assert(!parse(&profile, with(mistakes[_i].part, mistakes[_i].replacement)));
    ck_assert_int_ge(diag.items_count, 1);
    ck_assert_int_gt(diag.items[0].place.line, 0);
    const char *found = diag.items[0].message;
    const char *message = mistakes[_i].message;
    ck_assert_msg(strcmp(found, message) == 0, "\nfound    %s\nexpected %s", found, message);
    tear_down();
}
END_TEST

START_TEST(missing_costs_are_all_named_at_once) {
    set_up();
    struct profile profile;
    struct text text;
    text_init(&text);
    text_add(&text,
             "{\"schema_version\": 1, \"name\": \"a\", \"made_at\": \"2026-11-24T21:00:00Z\",\n"
             " \"mode\": \"full\", \"costs\": {");
    for (int32_t i = 0; i < COST_COUNT; i++)
        if (i != COST_write && i != COST_byte && i != COST_frame)
            text_addf(&text,
                      "%s\"%s\": {\"value\": 0.5, \"stderr\": 0, \"unit\": \"%s\", \"source\": "
                      "\"assumed\"}",
                      i == 0 ? "" : ",\n", profile_cost_name((enum cost)i),
                      profile_cost_unit((enum cost)i));
    text_add(&text, "}}");
    ck_assert(!parse(&profile, text_bytes(&text)));
    ck_assert_int_eq(diag.errors_count, 1);
    ck_assert_str_eq(diag.items[0].message, "costs: \"write\", \"frame\" and \"byte\" are missing");
    ck_assert_int_eq(diag.items[0].place.line, 2);
    ck_assert_int_eq(diag.items[0].place.column, 18);
    text_fini(&text);
    tear_down();
}
END_TEST

START_TEST(all_mistakes_are_reported_at_once_with_their_lines) {
    set_up();
    struct profile profile;
    ck_assert(!parse(&profile, "{\n"
                               "  \"name\": 7,\n"
                               "  \"costs\": { \"turn\": { \"value\": 1, \"unit\": \"s\" } },\n"
                               "  \"fit\": []\n"
                               "}\n"));
    ck_assert_int_eq(diag.errors_count, 6);
    const char *all = messages();
    ck_assert_msg(strstr(all, "p.json:2:11: name: 7 is not a text; expected \"...\"\n"
                              "    2 |   \"name\": 7,\n"
                              "      |           ^\n") == all,
                  "%s", all);
    ck_assert_msg(strstr(all, "p.json:3:44: costs.turn.unit: \"s\" is not the unit of this cost; "
                              "expected \"ns\"\n"),
                  "%s", all);
    ck_assert_msg(strstr(all, "p.json:3:14: costs.turn: \"stderr\" and \"source\" are missing\n"),
                  "%s", all);
    ck_assert_msg(strstr(all, "p.json:4:10: fit: a list is not an object; expected { ... }\n"),
                  "%s", all);
    ck_assert_msg(
        strstr(all, "p.json:1:1: \"schema_version\", \"made_at\" and \"mode\" are missing\n"), "%s",
        all);
    tear_down();
}
END_TEST

START_TEST(an_empty_file_and_a_broken_one_are_errors) {
    static const char *const texts[] = {"", "[]", "{", "null", "{\"costs\": nan}"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        set_up();
        struct profile profile;
        ck_assert_msg(!parse(&profile, texts[i]), "%s", texts[i]);
        ck_assert_int_ge(diag.errors_count, 1);
        tear_down();
    }
}
END_TEST

START_TEST(a_slower_machine_has_dearer_times_and_the_same_buffers_and_gaps) {
    struct profile profile = sample_profile(), moved = profile;
    profile_move(&moved, 1.37, 0);
    for (int32_t i = 0; i < COST_COUNT; i++) {
        bool is_time = strcmp(profile_cost_unit((enum cost)i), "ns") == 0;
        bool moves = is_time && i != COST_steal && !profile_assumed((enum cost)i);
        double factor = moves ? 1.37 : 1;
        ck_assert_double_eq(moved.costs[i].value, profile.costs[i].value * factor);
        ck_assert_double_eq(moved.costs[i].standard_error,
                            profile.costs[i].standard_error * factor);
    }
}
END_TEST

/* write^0.7 and byte^1.2 on a machine 1.5 times as slow, known to 4 %: each error is the old one's
 * and the move's in quadrature, and what the move adds is common to both. */
START_TEST(a_move_follows_elasticities_and_adds_what_it_leaves_open_to_all_costs) {
    struct profile profile = sample_profile();
    struct profile_entry *write = &profile.costs[COST_write], *byte = &profile.costs[COST_byte];
    write->value = 1800;
    write->standard_error = 90;
    write->elasticity = 0.7;
    write->elasticity_error = 0.1;
    byte->value = 0.25;
    byte->standard_error = 0;
    byte->elasticity = 1.2;
    byte->elasticity_error = 0;
    profile_move(&profile, 1.5, 0.04);
    double slower = pow(1.5, 0.7), added = 1800 * slower * hypot(log(1.5) * 0.1, 0.7 * 0.04);
    ck_assert_double_eq_tol(write->value, 1800 * slower, 1e-9);
    ck_assert_double_eq_tol(write->standard_error, hypot(90 * slower, added), 1e-9);
    ck_assert_double_eq_tol(byte->value, 0.25 * pow(1.5, 1.2), 1e-12);
    ck_assert_double_eq_tol(byte->standard_error, byte->value * 1.2 * 0.04, 1e-12);
    ck_assert_double_eq_tol(profile.correlation[COST_write][COST_byte],
                            added / write->standard_error, 1e-9);
    ck_assert_double_eq(profile.correlation[COST_write][COST_write], 1);
}
END_TEST

START_TEST(elasticities_are_written_and_read_where_they_are_known) {
    struct profile profile = sample_profile();
    struct text text;
    profile.costs[COST_frame].elasticity = 0.625;
    profile.costs[COST_frame].elasticity_error = 0.125;
    text_init(&text);
    profile_write(&profile, &text);
    set_up();
    struct profile read;
    ck_assert(parse(&read, text_bytes(&text)));
    ck_assert_double_eq(read.costs[COST_frame].elasticity, 0.625);
    ck_assert_double_eq(read.costs[COST_frame].elasticity_error, 0.125);
    ck_assert_double_eq(read.costs[COST_byte].elasticity, 0);
    tear_down();
    text_fini(&text);
}
END_TEST

START_TEST(what_no_calibration_measures_is_as_its_row_says_unless_the_profile_has_its_own) {
    set_up();
    struct text text;
    text_init(&text);
    text_add(&text, "{\"schema_version\": 1, \"name\": \"a\", \"made_at\": "
                    "\"2026-11-24T21:00:00Z\", \"mode\": \"full\", \"costs\": {");
    for (int32_t i = 0; i < COST_COUNT; i++)
        if (!profile_assumed((enum cost)i) || i == COST_kafka_copy)
            text_addf(&text,
                      "%s\"%s\": {\"value\": 0.5, \"stderr\": 0, \"unit\": \"%s\", \"source\": "
                      "\"measured\"}",
                      i == 0 ? "" : ",\n", profile_cost_name((enum cost)i),
                      profile_cost_unit((enum cost)i));
    text_add(&text, "}}");
    struct profile profile;
    ck_assert(parse(&profile, text_bytes(&text)));
    /* rows/cost.def: 1e9 / 650,000 deliveries/s */
    ck_assert_double_eq_tol(profile.costs[COST_redis_copy].value, 1e9 / 650000, 0.5);
    ck_assert_int_eq(profile.costs[COST_redis_copy].source, PROFILE_PUBLISHED);
    ck_assert_ptr_nonnull(strstr(profile.costs[COST_redis_copy].note, "650,000"));
    ck_assert_int_eq(profile.costs[COST_kafka_copy].source, PROFILE_MEASURED);
    ck_assert_double_eq(profile.costs[COST_kafka_copy].value, 0.5);
    text_fini(&text);
    tear_down();
}
END_TEST

START_TEST(a_yardstick_is_found_by_its_name) {
    struct profile profile = sample_profile();
    ck_assert_double_eq(profile_find_yardstick(&profile, "send_loop")->value, 1712.5);
    ck_assert_ptr_null(profile_find_yardstick(&profile, "send"));
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(what_is_written_reads_back_to_the_same_bits),
        TEST(draws_have_the_means_errors_and_correlations_of_the_profile),
        TEST(correlations_that_no_distribution_has_are_shrunk_to_the_nearest_that_one_has),
        TEST(a_correlation_of_one_is_kept),
        TEST(a_draw_stays_within_the_row_s_range),
        TEST(a_cost_without_an_error_is_drawn_as_it_stands_and_moves_no_other),
        LOOP_TEST(a_mistake_is_named_with_what_was_found_and_what_was_expected, COUNT_OF(mistakes)),
        TEST(missing_costs_are_all_named_at_once),
        TEST(all_mistakes_are_reported_at_once_with_their_lines),
        TEST(an_empty_file_and_a_broken_one_are_errors),
        TEST(a_slower_machine_has_dearer_times_and_the_same_buffers_and_gaps),
        TEST(a_move_follows_elasticities_and_adds_what_it_leaves_open_to_all_costs),
        TEST(elasticities_are_written_and_read_where_they_are_known),
        TEST(what_no_calibration_measures_is_as_its_row_says_unless_the_profile_has_its_own),
        TEST(a_yardstick_is_found_by_its_name),
    };
    return suite_run("models/spec/profile", tests, COUNT_OF(tests));
}
