/* Whole scenarios: what a file becomes, what lies over what, and that writing and reading are each
 * other's inverse. */
#include "tests/models/spec/fixture.h"

#include "sim/base/rng.h"

#include <dirent.h>
#include <math.h>

static char *file_text(const char *path) {
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    char *bytes = calloc(1, 1 << 20);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_int_gt((int)fread(bytes, 1, (1 << 20) - 1, file), 0);
    fclose(file);
    return bytes;
}

START_TEST(the_lobby_is_what_its_file_says) {
    char *text = file_text(PROJECT_FOLDER "/scenarios/lobby.json");
    struct parsed parsed;
    parsed_init(&parsed, text);
    ASSERT_GOOD(&parsed);
    const struct spec_scenario *lobby = &parsed.scenario;
    ck_assert_int_eq(parsed.diag.items_count, 0);
    ck_assert_str_eq(lobby->name, "lobby");
    ck_assert_int_eq(lobby->populations_count, 2);
    ck_assert_str_eq(lobby->populations[0].name, "players");
    ck_assert_int_eq(lobby->populations[0].connections, 4000);
    ck_assert_double_infinite(lobby->populations[0].receive.rate);
    ck_assert(!lobby->populations[0].receive.has_stall);
    ck_assert_str_eq(lobby->populations[1].name, "bad_wifi");
    ck_assert(lobby->populations[1].receive.has_stall);
    ck_assert_int_eq(lobby->populations[1].receive.stall.every, 20 * BASE_NS_PER_S);
    ck_assert_int_eq(lobby->populations[1].receive.stall.for_, 4 * BASE_NS_PER_S);
    ck_assert_int_eq(lobby->populations[1].receive.stall.at, SPEC_AUTO);
    ck_assert_double_eq(lobby->rooms[0].size.constant, 100);
    ck_assert_int_eq(lobby->rooms[0].members.count, 2);
    ck_assert_int_eq(lobby->traffic[0].rate.kind, SPEC_PACE_POISSON);
    ck_assert_double_eq(lobby->traffic[0].rate.stages[0].rate_per_s, 2);
    ck_assert_double_eq(lobby->traffic[0].bytes.constant, 128);
    ck_assert_int_eq(lobby->nodes[0].open_files, 20000);
    ck_assert_int_eq(lobby->nodes[0].send_queue.limit, 1 << 20);
    ck_assert_int_eq(lobby->nodes[0].send_queue.policy, SPEC_CLOSE);
    ck_assert_int_eq(lobby->objectives.delivery.within, 100 * BASE_NS_PER_MS);
    ck_assert_int_eq(lobby->window.warm_up, SPEC_AUTO);
    ck_assert(spec_check_real(lobby, "lobby.json", &parsed.diag));
    parsed_fini(&parsed);
    free(text);
}
END_TEST

START_TEST(what_is_not_said_is_the_default) {
    struct parsed parsed;
    parsed_init(&parsed, DEMO);
    ASSERT_GOOD(&parsed);
    const struct spec_node *node = &parsed.scenario.nodes[0];
    ck_assert_int_eq(node->workers, 2); /* said */
    ck_assert_int_eq(node->open_files, 1024);
    ck_assert_int_eq(node->send_buffer, 64 << 10);
    ck_assert_int_eq(node->turn.flush_after, 20 * BASE_NS_PER_MS);
    ck_assert_int_eq(node->fan_out, SPEC_COALESCE);
    ck_assert_uint_eq(parsed.scenario.seed, 1);
    ck_assert_str_eq(parsed.scenario.about, "");
    ck_assert_double_eq(parsed.scenario.objectives.delivery.share, 0.99);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(a_setting_goes_before_a_file_before_what_it_extends_before_the_default) {
    struct file base = {
        "base.json",
        "{\"seed\": 11, \"name\": \"base\", \"about\": \"base\", \"window\": {\"measure\": "
        "\"5s\"}, " DEMO_POPULATIONS ", " DEMO_ROOMS ", " DEMO_TRAFFIC ", " DEMO_NODES "}"};
    struct files files = {&base, 1};
    struct spec_setting setting = {"name", "set"};
    struct spec_options options = options_of("top.json", &files);
    options.settings = &setting;
    options.settings_count = 1;
    struct parsed parsed;
    parsed_init_with(&parsed, "{\"extends\": \"base.json\", \"name\": \"top\", \"about\": \"top\"}",
                     &options);
    ASSERT_GOOD(&parsed);
    ck_assert_str_eq(parsed.scenario.name, "set");
    ck_assert_str_eq(parsed.scenario.about, "top");
    ck_assert_uint_eq(parsed.scenario.seed, 11);
    ck_assert_int_eq(parsed.scenario.window.measure, 5 * BASE_NS_PER_S);
    ck_assert_int_eq(parsed.scenario.window.warm_up, SPEC_AUTO);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(entries_of_a_map_are_merged_field_by_field_and_keep_their_order) {
    struct file base = {"base.json", DEMO};
    struct files files = {&base, 1};
    struct spec_options options = options_of("top.json", &files);
    struct parsed parsed;
    parsed_init_with(
        &parsed,
        "{\"extends\": \"base.json\", \"populations\": {\"guests\": {\"connections\": 7}, "
        "\"users\": "
        "{\"receive\": {\"rate\": \"1Mbit/s\"}}}, \"nodes\": {\"gateway\": {\"open_files\": 99}}}",
        &options);
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.populations_count, 2);
    ck_assert_str_eq(parsed.scenario.populations[0].name, "users");
    ck_assert_int_eq(parsed.scenario.populations[0].connections, 100);
    ck_assert_double_eq(parsed.scenario.populations[0].receive.rate, 1e6);
    ck_assert_str_eq(parsed.scenario.populations[1].name, "guests");
    ck_assert_int_eq(parsed.scenario.nodes[0].workers, 2);
    ck_assert_int_eq(parsed.scenario.nodes[0].open_files, 99);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(a_distribution_is_replaced_whole) {
    struct file base = {"base.json", DEMO};
    struct files files = {&base, 1};
    struct spec_options options = options_of("top.json", &files);
    struct parsed parsed;
    parsed_init_with(&parsed,
                     "{\"extends\": \"base.json\", \"rooms\": {\"halls\": {\"size\": {\"zipf\": "
                     "{\"exponent\": 2, "
                     "\"highest\": 50}}}}}",
                     &options);
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.rooms[0].size.kind, SPEC_DIST_ZIPF);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(null_takes_away_an_entry_or_an_optional_part) {
    struct file base = {"base.json",
                        "{\"name\": \"demo\", \"populations\": {\"a\": {\"connections\": 5}, "
                        "\"users\": {\"connections\": 100, "
                        "\"receive\": {\"stall\": {\"every\": \"9s\", \"for\": \"1s\"}}}, \"z\": "
                        "{\"connections\": 6}}, " DEMO_ROOMS ", " DEMO_TRAFFIC ", " DEMO_NODES "}"};
    struct files files = {&base, 1};
    struct spec_options options = options_of("top.json", &files);
    struct parsed parsed;
    parsed_init_with(&parsed,
                     "{\"extends\": \"base.json\", \"populations\": {\"a\": null, \"users\": "
                     "{\"receive\": {\"stall\": "
                     "null}}}}",
                     &options);
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.populations_count, 2);
    ck_assert_str_eq(parsed.scenario.populations[0].name, "users");
    ck_assert(!parsed.scenario.populations[0].receive.has_stall);
    ck_assert_str_eq(parsed.scenario.populations[1].name, "z");
    ck_assert_int_eq(parsed.scenario.populations[1].connections, 6);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(what_a_file_extends_is_looked_for_beside_it) {
    struct file items[] = {{"a/b/mid.json", "{\"extends\": \"./../base.json\", \"seed\": 5}"},
                           {"a/b/../base.json", DEMO},
                           {"/abs.json", DEMO}};
    struct files files = {items, COUNT_OF(items)};
    struct spec_options options = options_of("a/top.json", &files);
    struct parsed parsed;
    parsed_init_with(&parsed, "{\"extends\": \"b/mid.json\"}", &options);
    ASSERT_GOOD(&parsed);
    ck_assert_uint_eq(parsed.scenario.seed, 5);
    parsed_fini(&parsed);
    parsed_init_with(&parsed, "{\"extends\": \"/abs.json\"}", &options);
    ASSERT_GOOD(&parsed);
    parsed_fini(&parsed);
}
END_TEST

/* A chain of `links` files above DEMO. */
static bool chain_holds(int links) {
    struct file items[12];
    char paths[12][32], texts[12][64];
    for (int i = 0; i < links; i++) {
        snprintf(paths[i], sizeof paths[i], "%d.json", i + 1);
        snprintf(texts[i], sizeof texts[i], "{\"extends\": \"%d.json\"}", i + 2);
        items[i] = (struct file){paths[i], i == links - 1 ? DEMO : texts[i]};
    }
    struct files files = {items, (size_t)links};
    struct spec_options options = options_of("0.json", &files);
    struct parsed parsed;
    parsed_init_with(&parsed, "{\"extends\": \"1.json\"}", &options);
    bool is_good = parsed.is_good;
    parsed_fini(&parsed);
    return is_good;
}

START_TEST(a_chain_of_extends_has_eight_links_at_most) {
    ck_assert(chain_holds(7));
    ck_assert(chain_holds(8));
    ck_assert(!chain_holds(9));
}
END_TEST

START_TEST(without_a_reader_nothing_can_be_extended) {
    struct parsed parsed;
    parsed_init(&parsed, "{\"extends\": \"base.json\"}");
    ck_assert_str_eq(text_bytes(&parsed.messages),
                     "demo.json:1:13: extends: \"base.json\" cannot be read\n"
                     "    1 | {\"extends\": \"base.json\"}\n"
                     "      |             ^\n");
    parsed_fini(&parsed);
}
END_TEST

START_TEST(a_mistake_in_a_base_is_found_even_where_the_file_above_says_something_else) {
    struct file base = {"base.json", "{\"seed\": -5}"};
    struct files files = {&base, 1};
    struct spec_options options = options_of("top.json", &files);
    struct parsed parsed;
    parsed_init_with(
        &parsed,
        "{\"extends\": \"base.json\", \"seed\": 5, \"name\": \"demo\", " DEMO_POPULATIONS
        ", " DEMO_NODES "}",
        &options);
    ck_assert(!parsed.is_good);
    ck_assert_int_eq(parsed.diag.errors_count, 1);
    ck_assert_str_eq(parsed.diag.items[0].place.file, "base.json");
    parsed_fini(&parsed);
}
END_TEST

START_TEST(nul_bytes_and_utf_16_are_found_before_the_text_ends_at_them) {
    struct diag diag;
    struct text text;
    diag_init(&diag);
    text_init(&text);
    ck_assert(spec_check_text(DEMO, strlen(DEMO), "demo.json", &diag));
    ck_assert(!spec_check_text("{\n\"a\0\"}", 8, "nul.json", &diag));
    ck_assert(!spec_check_text("{\0}\0", 4, "wide.json", &diag));
    diag_format(&diag, &text);
    ck_assert_str_eq(text_bytes(&text), "nul.json:2:3: a NUL byte; the file is not text in UTF-8\n"
                                        "wide.json:1:2: the file is in UTF-16; save it as UTF-8\n");
    text_fini(&text);
    diag_fini(&diag);
}
END_TEST

START_TEST(the_schema_key_is_accepted_at_the_top_and_nowhere_else) {
    struct parsed parsed;
    parsed_init(&parsed, "{\"$schema\": 5, " DEMO_POPULATIONS
                         ", \"name\": \"demo\", \"nodes\": {\"gateway\": {\"$schema\": 5}}}");
    ck_assert_int_eq(parsed.diag.errors_count, 1);
    ck_assert_ptr_nonnull(
        strstr(text_bytes(&parsed.messages), "nodes.gateway: \"$schema\" is not a field here"));
    parsed_fini(&parsed);
}
END_TEST

/* ---- the real pair */

START_TEST(the_real_pair_refuses_what_only_the_simulator_honours) {
    struct parsed parsed;
    parsed_init(&parsed, "{\"name\": \"demo\", " DEMO_POPULATIONS ", " DEMO_ROOMS
                         ", \"nodes\": {\"gateway\": {\"memory\": \"8GiB\", "
                         "\"session_state\": \"shared\", \"deflate\": {\"kind\": "
                         "\"context_takeover\"}, \"subscriptions\": \"copied\", \"workers\": 3}}, "
                         "\"presence\": {\"rooms\": [\"halls\"]}}");
    ASSERT_GOOD(&parsed);
    ck_assert(!spec_check_real(&parsed.scenario, "demo.json", &parsed.diag));
    struct text messages;
    text_init(&messages);
    diag_format(&parsed.diag, &messages);
    ck_assert_str_eq(text_bytes(&messages),
                     "demo.json: nodes.gateway.memory: \"8GiB\" is for the simulator only; the "
                     "real pair cannot be held "
                     "to it (the default is \"unlimited\")\n"
                     "demo.json: nodes.gateway.session_state: \"shared\" is for the simulator "
                     "only; the real pair cannot be held to it (the default is \"local\")\n"
                     "demo.json: nodes.gateway.subscriptions: \"copied\" is for the simulator "
                     "only; the real pair "
                     "cannot be held to it (the default is \"reference\")\n"
                     "demo.json: nodes.gateway.deflate.kind: \"context_takeover\" is for the "
                     "simulator only; the real pair cannot be held to it (the default is "
                     "\"none\")\n"
                     "demo.json: presence: a node of the real pair with presence has one worker\n");
    text_fini(&messages);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(nodes_of_the_real_pair_share_a_processor_and_the_loopback) {
    struct parsed parsed;
    parsed_init(&parsed,
                "{\"name\": \"demo\", " DEMO_POPULATIONS ", " DEMO_ROOMS
                ", \"nodes\": {\"a\": {\"count\": 2, \"workers\": 2}, \"b\": {}}, \"backplane\": "
                "{\"kind\": \"redis\", \"latency\": \"1ms\"}, \"presence\": {\"rooms\": "
                "[\"halls\"], \"mode\": \"exact\"}}");
    ASSERT_GOOD(&parsed);
    ck_assert(!spec_check_real(&parsed.scenario, "demo.json", &parsed.diag));
    struct text messages;
    text_init(&messages);
    diag_format(&parsed.diag, &messages);
    ck_assert_str_eq(
        text_bytes(&messages),
        "demo.json: machine.processors: several nodes of the real pair share a processor; say "
        "\"shared\", so that the simulator has them share one too\n"
        "demo.json: backplane.latency: the hops of the real pair take what the loopback takes; say "
        "\"0s\"\n"
        "demo.json: backplane.kind: a node of the real pair that has a backplane has one worker\n"
        "demo.json: presence.mode: \"exact\" is for the simulator only; the real gateway has no "
        "coordinator\n"
        "demo.json: presence: a node of the real pair with presence has one worker\n");
    text_fini(&messages);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(the_real_pair_speaks_not_every_backplane) {
    static const char *const kinds[] = {"kafka", "redis_cluster"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct parsed parsed;
        struct text json, messages;
        text_init(&json);
        text_addf(&json,
                  "{\"name\": \"demo\", %s, \"nodes\": {\"a\": {}}, \"backplane\": {\"kind\": "
                  "\"%s\", \"latency\": \"0s\"}}",
                  DEMO_POPULATIONS, kinds[i]);
        parsed_init(&parsed, text_bytes(&json));
        ASSERT_GOOD(&parsed);
        ck_assert(!spec_check_real(&parsed.scenario, "demo.json", &parsed.diag));
        text_init(&messages);
        diag_format(&parsed.diag, &messages);
        ck_assert_str_eq(text_bytes(&messages),
                         "demo.json: backplane.kind: the real pair has no client for it; it has "
                         "broadcast, registry, redis, redis_sharded and nats\n");
        text_fini(&messages);
        text_fini(&json);
        parsed_fini(&parsed);
    }
}
END_TEST

START_TEST(a_simulator_field_at_its_default_is_no_obstacle) {
    struct parsed parsed;
    parsed_init(&parsed, "{\"name\": \"demo\", " DEMO_POPULATIONS
                         ", \"nodes\": {\"gateway\": {\"memory\": \"unlimited\", "
                         "\"subscriptions\": \"reference\"}}, \"machine\": {\"port\": 5000}}");
    ASSERT_GOOD(&parsed);
    ck_assert(spec_check_real(&parsed.scenario, "demo.json", &parsed.diag));
    parsed_fini(&parsed);
}
END_TEST

/* ---- writing and reading */

static struct text written_new(const struct spec_scenario *scenario) {
    struct text text;
    text_init(&text);
    spec_write(scenario, &text);
    return text;
}

static void assert_reads_back(const char *text) {
    struct parsed first, second;
    parsed_init(&first, text);
    if (!first.is_good)
        ck_abort_msg("%s\n%s", text, text_bytes(&first.messages));
    struct text once = written_new(&first.scenario);
    parsed_init(&second, text_bytes(&once));
    ASSERT_GOOD(&second);
    struct text twice = written_new(&second.scenario);
    ck_assert_str_eq(text_bytes(&once), text_bytes(&twice));
    text_fini(&twice);
    text_fini(&once);
    parsed_fini(&second);
    parsed_fini(&first);
}

static const char *pick(struct rng *rng, const char *const *items, size_t count) {
    return items[rng_below(rng, count)];
}
#define PICK(rng, ...)                                                                             \
    pick(rng, (const char *const[]){__VA_ARGS__},                                                  \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void add_time(struct rng *rng, struct text *text) {
    text_addf(text, "\"%.*g%s\"", (int)rng_below(rng, 9) + 1, 1 + 900 * rng_uniform(rng),
              PICK(rng, "ms", "s"));
}

static void add_random_pace(struct rng *rng, struct text *text) {
    const char *scope = PICK(rng, "per room", "per user", "in all");
    text_addf(text, "\"rate\": {\"%s\": [", PICK(rng, "poisson", "constant"));
    for (uint64_t i = rng_below(rng, 3); i > 0; i--) {
        text_add(text, "{\"for\": ");
        add_time(rng, text);
        text_addf(text, ", \"rate\": \"%.*g/%s %s\"}, ", (int)rng_below(rng, 15) + 1,
                  0.01 + 90 * rng_uniform(rng), PICK(rng, "s", "min", "h"), scope);
    }
    text_addf(text, "{\"rate\": \"%.17g/s %s\"}]}", 0.001 + 9 * rng_uniform(rng), scope);
}

static void add_random_dist(struct rng *rng, const char *key, double lowest, double highest,
                            struct text *text) {
    double width = highest - lowest;
    text_addf(text, "\"%s\": ", key);
    switch (rng_below(rng, 4)) {
    case 0:
        text_addf(text, "{\"constant\": %.0f}", lowest + floor(width * rng_uniform(rng)));
        return;
    case 1:
        text_addf(text, "{\"log_normal\": {\"mean\": %.17g, \"sigma\": %.6g, \"highest\": %.0f}}",
                  lowest + width * rng_uniform(rng), 0.01 + 2 * rng_uniform(rng), highest);
        return;
    case 2:
        text_addf(text, "{\"zipf\": {\"exponent\": %.17g, \"lowest\": %.0f, \"highest\": %.0f}}",
                  3 * rng_uniform(rng), lowest, highest);
        return;
    default:
        text_addf(text, "{\"empirical\": [[%.0f, %.17g], [%.0f, %.3g]]}", lowest, rng_uniform(rng),
                  highest, 1 + 9 * rng_uniform(rng));
    }
}

static void add_random_populations(struct rng *rng, struct text *text) {
    for (int i = 0; i < 2; i++) {
        text_addf(text, "%s\"p%d\": {\"connections\": %d", i ? ", " : "\"populations\": {", i,
                  1000 + (int)rng_below(rng, 9000));
        if (rng_below(rng, 2))
            text_addf(text,
                      ", \"receive\": {\"rate\": \"%.*g%s\", \"stalling\": %.17g, \"stall\": "
                      "{\"at\": \"%ds\", \"every\": "
                      "\"%dh\", \"for\": \"%.9gmin\"}}",
                      (int)rng_below(rng, 17) + 1, 8000 + 9e5 * rng_uniform(rng),
                      PICK(rng, "bit/s", "kbit/s", "B/s", "KiB/s"), rng_uniform(rng),
                      (int)rng_below(rng, 90), 1 + (int)rng_below(rng, 20),
                      0.01 + 50 * rng_uniform(rng));
        text_add(text, "}");
    }
    text_add(text, "}, ");
}

static void add_random_node(struct rng *rng, struct text *text) {
    text_addf(text,
              "\"nodes\": {\"gate.%d\": {\"workers\": %d, \"memory\": %s, \"fan_out\": \"%s\", "
              "\"session\": \"%dB\", ",
              (int)rng_below(rng, 9), 1 + (int)rng_below(rng, 64),
              PICK(rng, "\"unlimited\"", "\"8GiB\"", "\"3.7GB\""),
              PICK(rng, "coalesce", "write_at_once"), (int)rng_below(rng, 1 << 20));
    text_addf(text, "\"send_queue\": {\"policy\": \"%s\", \"limit\": %s, \"write_deadline\": ",
              PICK(rng, "close", "drop_newest", "drop_oldest", "conflate", "throttle", "unbounded",
                   "blocking"),
              PICK(rng, "\"unlimited\"", "\"2MiB\"", "\"5.123456MB\""));
    add_time(rng, text);
    text_add(text, "}, \"turn\": {\"flush_bytes\": \"32MiB\", \"flush_after\": \"1.000001s\"}}}");
}

static struct text random_scenario_new(struct rng *rng) {
    struct text text;
    text_init(&text);
    text_addf(&text, "{\"name\": \"r%d\", \"about\": \"%s\", \"seed\": %s, ",
              (int)rng_below(rng, 1000),
              PICK(rng, "", "\\u20ac \\\"quoted\\\"", "two\\nlines", "caf\xc3\xa9"),
              PICK(rng, "0", "9007199254740993", "\"18446744073709551615\"", "7"));
    add_random_populations(rng, &text);
    text_add(&text, "\"rooms\": {\"halls\": {\"members\": [\"p1\", \"p0\"], ");
    add_random_dist(rng, "size", 1 + (double)rng_below(rng, 5), 100 + (double)rng_below(rng, 900),
                    &text);
    text_addf(&text, ", \"count\": %s, \"placement\": \"%s\"}}, ", PICK(rng, "\"auto\"", "17"),
              PICK(rng, "together", "scattered"));
    text_addf(&text, "\"traffic\": {\"chat\": {\"from\": \"p%d\", \"to\": \"halls\", ",
              (int)rng_below(rng, 2));
    add_random_pace(rng, &text);
    text_add(&text, ", ");
    add_random_dist(rng, "bytes", 48 + (double)rng_below(rng, 50),
                    500 + (double)rng_below(rng, 100000), &text);
    text_add(&text, "}}, ");
    add_random_node(rng, &text);
    text_add(&text, ", \"window\": {\"measure\": ");
    text_addf(&text, "\"%.12gs\"}}", 0.2 + 1000 * rng_uniform(rng));
    return text;
}

START_TEST(what_is_written_is_read_back_the_same_in_two_thousand_scenarios) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 2024});
    for (int round = 0; round < 2000; round++) {
        struct text text = random_scenario_new(&rng);
        assert_reads_back(text_bytes(&text));
        text_fini(&text);
    }
}
END_TEST

/* accuracy.json lists cases and is none. No warning either, but of the mistake on show in one. */
static int is_json(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0 &&
           strcmp(entry->d_name, "accuracy.json") != 0;
}

static char *read_from_disk(void *context, const char *path) {
    (void)context;
    return file_text(path);
}

static void assert_is_accepted(const char *path) {
    const struct spec_options options = {.file = path, .reader = {read_from_disk, NULL}};
    char *text = file_text(path);
    struct parsed parsed;
    parsed_init_with(&parsed, text, &options);
    ck_assert_str_eq(strstr(path, "without-end.json") ? "" : text_bytes(&parsed.messages), "");
    struct text once = written_new(&parsed.scenario);
    assert_reads_back(text_bytes(&once));
    text_fini(&once);
    parsed_fini(&parsed);
    free(text);
}

START_TEST(every_scenario_that_is_kept_is_accepted_without_a_word_and_reads_back) {
    static const char *const folders[] = {PROJECT_FOLDER "/scenarios",
                                          PROJECT_FOLDER "/scenarios/cases"};
    int accepted = 0;
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        struct dirent **entries;
        int count = scandir(folders[i], &entries, is_json, alphasort);
        for (int j = 0; j < count; j++) {
            char path[1024];
            snprintf(path, sizeof path, "%s/%s", folders[i], entries[j]->d_name);
            assert_is_accepted(path);
            accepted++;
            free(entries[j]);
        }
        if (count >= 0)
            free(entries);
    }
    ck_assert_int_ge(accepted, 1);
}
END_TEST

START_TEST(two_spellings_of_one_scenario_are_written_the_same) {
    struct parsed one, other;
    parsed_init(&one, DEMO);
    parsed_init(&other, "// the same\n{" DEMO_NODES
                        ", \"window\": {\"measure\": \"10000ms\"}, \"seed\": \"1\", "
                        "\"name\": \"de\\u006do\", " DEMO_TRAFFIC ", " DEMO_ROOMS
                        ", " DEMO_POPULATIONS "}");
    ASSERT_GOOD(&one);
    ASSERT_GOOD(&other);
    struct text once = written_new(&one.scenario), twice = written_new(&other.scenario);
    ck_assert_str_eq(text_bytes(&once), text_bytes(&twice));
    text_fini(&twice);
    text_fini(&once);
    parsed_fini(&other);
    parsed_fini(&one);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(the_lobby_is_what_its_file_says),
        TEST(what_is_not_said_is_the_default),
        TEST(a_setting_goes_before_a_file_before_what_it_extends_before_the_default),
        TEST(entries_of_a_map_are_merged_field_by_field_and_keep_their_order),
        TEST(a_distribution_is_replaced_whole),
        TEST(null_takes_away_an_entry_or_an_optional_part),
        TEST(what_a_file_extends_is_looked_for_beside_it),
        TEST(a_chain_of_extends_has_eight_links_at_most),
        TEST(without_a_reader_nothing_can_be_extended),
        TEST(a_mistake_in_a_base_is_found_even_where_the_file_above_says_something_else),
        TEST(nul_bytes_and_utf_16_are_found_before_the_text_ends_at_them),
        TEST(the_schema_key_is_accepted_at_the_top_and_nowhere_else),
        TEST(the_real_pair_refuses_what_only_the_simulator_honours),
        TEST(nodes_of_the_real_pair_share_a_processor_and_the_loopback),
        TEST(the_real_pair_speaks_not_every_backplane),
        TEST(a_simulator_field_at_its_default_is_no_obstacle),
        TEST(what_is_written_is_read_back_the_same_in_two_thousand_scenarios),
        TEST(every_scenario_that_is_kept_is_accepted_without_a_word_and_reads_back),
        TEST(two_spellings_of_one_scenario_are_written_the_same),
    };
    return suite_run("models/spec/parse", tests, COUNT_OF(tests));
}
