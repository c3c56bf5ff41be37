#include "tests/oracle/random_scenario.h"

#include "sim/base/rng.h"

/* One draw per full expression: the order in which a call's arguments are evaluated is the
 * compiler's choice, and the scenarios are to be the same for all. */
struct draw {
    struct rng rng;
    struct rng signals; /* of its own, so that the rest of a scenario is as without them */
    struct text *json;
    int32_t populations, clients;
};

static int32_t between(struct draw *draw, int32_t low, int32_t high) {
    return low + (int32_t)rng_below(&draw->rng, (uint64_t)(high - low) + 1);
}

static bool one_in(struct draw *draw, int32_t n) {
    return between(draw, 1, n) == 1;
}

/* --- who connects --- */

static void add_stall(struct draw *draw) {
    int32_t every = between(draw, 10, 120);
    bool is_for_good = one_in(draw, 8), is_single = is_for_good || one_in(draw, 4);
    if (is_for_good)
        text_addf(draw->json, ", \"stall\": {\"for\": \"never\"");
    else
        text_addf(draw->json, ", \"stall\": {\"for\": \"%dms\"", between(draw, 1, every - 1));
    if (!is_single)
        text_addf(draw->json, ", \"every\": \"%dms\"", every);
    if (is_single || one_in(draw, 2))
        text_addf(draw->json, ", \"at\": \"%dus\"", between(draw, 0, 200000));
    text_addf(draw->json, "}");
}

static void add_population(struct draw *draw, int32_t index) {
    int32_t connections = between(draw, 2, 13);
    draw->clients += connections;
    text_addf(draw->json, "%s\"p%d\": {\"connections\": %d", index ? ", " : "", index, connections);
    if (!one_in(draw, 4)) {
        text_addf(draw->json, ", \"receive\": {\"buffer\": \"%dKiB\"", between(draw, 4, 9));
        if (one_in(draw, 2))
            text_addf(draw->json, ", \"rate\": \"%dkbit/s\"",
                      one_in(draw, 3) ? between(draw, 300, 900000) : between(draw, 5, 400));
        if (!one_in(draw, 3)) {
            text_addf(draw->json, ", \"stalling\": 0.%d", between(draw, 3, 9));
            add_stall(draw);
        }
        text_addf(draw->json, "}");
    }
    text_addf(draw->json, "}");
}

static void add_populations(struct draw *draw) {
    draw->populations = between(draw, 1, 3);
    text_addf(draw->json, "\"populations\": {");
    for (int32_t i = 0; i < draw->populations; i++)
        add_population(draw, i);
    text_addf(draw->json, "}");
}

/* --- who hears whom, and what --- */

static void add_size(struct draw *draw) {
    switch (between(draw, 1, 3)) {
    case 1:
        text_addf(draw->json, "{\"constant\": %d}", between(draw, 1, draw->clients));
        break;
    case 2:
        text_addf(draw->json, "{\"empirical\": [[1, 2], [%d, 3]]}",
                  between(draw, 2, draw->clients));
        break;
    default:
        text_addf(draw->json, "{\"zipf\": {\"exponent\": 0.9, \"lowest\": 1, \"highest\": %d}}",
                  between(draw, 2, draw->clients));
    }
}

static void add_group(struct draw *draw, int32_t index) {
    text_addf(draw->json, "%s\"g%d\": {\"members\": [", index ? ", " : "", index);
    for (int32_t i = 0; i < draw->populations; i++)
        text_addf(draw->json, "%s\"p%d\"", i ? ", " : "", i);
    text_addf(draw->json, "], \"size\": ");
    add_size(draw);
    text_addf(draw->json, ", \"count\": %d", between(draw, 1, 3));
    text_addf(draw->json, ", \"placement\": \"%s\"}", one_in(draw, 2) ? "scattered" : "together");
}

static void add_lengths(struct draw *draw) {
    switch (between(draw, 1, 4)) {
    case 1:
        text_addf(draw->json, "{\"constant\": %d}", between(draw, 48, 300));
        break;
    case 2:
        text_addf(draw->json, "{\"log_normal\": {\"mean\": %d, \"sigma\": 0.8, \"highest\": 900}}",
                  between(draw, 70, 250));
        break;
    case 3:
        text_addf(draw->json, "{\"zipf\": {\"exponent\": 1.2, \"lowest\": 48, \"highest\": %d}}",
                  between(draw, 90, 700));
        break;
    default:
        text_addf(draw->json, "{\"empirical\": [[125, 2], [126, 2], [%d, 1]]}",
                  between(draw, 48, 1400));
    }
}

static void add_traffic(struct draw *draw, int32_t index, int32_t groups) {
    static const char *const per[] = {"per room", "per user", "in all"};
    int32_t which = between(draw, 0, 2);
    int32_t sources = which == 0 ? 2 : which == 1 ? draw->clients : 1;
    text_addf(draw->json, "%s\"t%d\": {\"from\": \"p%d\"", index ? ", " : "", index,
              between(draw, 0, draw->populations - 1));
    text_addf(draw->json, ", \"to\": \"g%d\"", between(draw, 0, groups - 1));
    text_addf(draw->json, ", \"rate\": {\"%s\": ", one_in(draw, 3) ? "constant" : "poisson");
    text_addf(draw->json, "\"%d/s %s\"}, \"bytes\": ", between(draw, 200, 1600) / sources + 1,
              per[which]);
    add_lengths(draw);
    if (rng_below(&draw->signals, 6) == 0)
        text_addf(draw->json, ", \"ephemeral\": {\"expires\": \"%dus\"}",
                  1000 + (int32_t)rng_below(&draw->signals, 40000));
    text_addf(draw->json, "}");
}

static void add_rooms_and_traffic(struct draw *draw) {
    int32_t groups = between(draw, 1, 3), traffics = between(draw, 1, 2);
    text_addf(draw->json, ", \"rooms\": {");
    for (int32_t i = 0; i < groups; i++)
        add_group(draw, i);
    text_addf(draw->json, "}, \"traffic\": {");
    for (int32_t i = 0; i < traffics; i++)
        add_traffic(draw, i, groups);
    text_addf(draw->json, "}");
}

/* --- what serves them --- */

static void add_send_queue(struct draw *draw) {
    static const char *const policies[] = {"close",    "drop_newest", "drop_oldest", "conflate",
                                           "throttle", "unbounded",   "blocking"};
    text_addf(draw->json, ", \"send_queue\": {\"policy\": \"%s\"", policies[between(draw, 0, 6)]);
    if (one_in(draw, 5))
        text_addf(draw->json, ", \"limit\": \"unlimited\"");
    else
        text_addf(draw->json, ", \"limit\": \"%dB\"", between(draw, 500, 3000));
    if (one_in(draw, 3))
        text_addf(draw->json, ", \"messages\": %d", between(draw, 1, 9));
    if (one_in(draw, 4))
        text_addf(draw->json, ", \"soft_limit\": \"256B\", \"soft_for\": \"%dms\"",
                  between(draw, 1, 30));
    if (one_in(draw, 4))
        text_addf(draw->json, ", \"write_deadline\": \"%dms\"", between(draw, 1, 30));
    text_addf(draw->json, "}");
}

static void add_node(struct draw *draw) {
    text_addf(draw->json, ", \"nodes\": {\"n\": {\"send_buffer\": \"4KiB\"");
    text_addf(draw->json, ", \"workers\": %d", between(draw, 1, 3));
    text_addf(draw->json, ", \"open_files\": %d", one_in(draw, 8) ? 64 : 1000);
    text_addf(draw->json, ", \"fan_out\": \"%s\"", one_in(draw, 3) ? "write_at_once" : "coalesce");
    if (one_in(draw, 10))
        text_addf(draw->json, ", \"memory\": \"1MiB\"");
    text_addf(draw->json, ", \"turn\": {\"events\": %d",
              one_in(draw, 2) ? between(draw, 1, 6) : 512);
    if (one_in(draw, 3))
        text_addf(draw->json, ", \"read\": \"%dB\"", between(draw, 512, 900));
    if (one_in(draw, 3))
        text_addf(draw->json, ", \"flush_bytes\": \"%dB\"", between(draw, 1024, 3000));
    if (one_in(draw, 3))
        text_addf(draw->json, ", \"flush_after\": \"%dus\"", between(draw, 0, 300));
    text_addf(draw->json, "}");
    add_send_queue(draw);
    text_addf(draw->json, "}}");
}

/* Quarters of a nanosecond, so that sums of them are exact in `double`. */
static double quarters(struct draw *draw, int32_t most_ns) {
    return one_in(draw, 4) ? 0 : between(draw, 0, 4 * most_ns) / 4.0;
}

static void draw_costs(struct draw *draw, double *cost) {
    cost[COST_turn] = quarters(draw, 30000);
    cost[COST_read] = quarters(draw, 5000);
    cost[COST_read_byte] = quarters(draw, 8);
    cost[COST_publish] = quarters(draw, 8000);
    cost[COST_write] = 500 + quarters(draw, one_in(draw, 3) ? 200000 : 12000);
    cost[COST_frame] = quarters(draw, 900);
    cost[COST_byte] = quarters(draw, 6);
    cost[COST_enqueue] = quarters(draw, 9000);
    cost[COST_writable] = quarters(draw, 9000);
    cost[COST_wake_up] = quarters(draw, 40000);
    cost[COST_queued_user] = one_in(draw, 2) ? 700 : 1;
    cost[COST_queued_kernel] = 1;
    cost[COST_connection_user] = cost[COST_connection_kernel] = 1000;
    cost[COST_send_capacity] = 0.01 * between(draw, 1, 30);
    cost[COST_receive_capacity] = 0.01 * between(draw, 1, 30);
    cost[COST_writable_share] = 0.01 * between(draw, 0, 100);
    cost[COST_window_share] = 0.01 * between(draw, 0, 100);
    cost[COST_load_lateness] = between(draw, 0, 60000);
    cost[COST_load_sample] = between(draw, 0, 60000);
}

void random_scenario_init(struct random_scenario *scenario, uint64_t seed) {
    *scenario = (struct random_scenario){.scale = 1};
    text_init(&scenario->json);
    struct draw draw = {.json = &scenario->json};
    rng_init(&draw.rng, (struct rng_name){.seed = seed});
    rng_init(&draw.signals, (struct rng_name){.seed = seed, .purpose = 1});
    text_addf(draw.json, "{\"name\": \"random\", \"seed\": \"%llu\", ", (unsigned long long)seed);
    text_addf(draw.json, "\"objectives\": {\"delivery\": {\"within\": \"%dus\"}}, ",
              between(&draw, 50, 40000));
    add_populations(&draw);
    add_rooms_and_traffic(&draw);
    add_node(&draw);
    text_addf(draw.json, "}");
    draw_costs(&draw, scenario->costs.value);
    scenario->measure_ns = between(&draw, 100, 250) * BASE_NS_PER_MS;
    scenario->measure_ns += between(&draw, 0, 999);
    scenario->warm_up_ns = one_in(&draw, 3) ? 0 : between(&draw, 1, 60000) * BASE_NS_PER_US;
    scenario->scale = between(&draw, 50, 250) / 100.0;
    scenario->has_generator = one_in(&draw, 3);
}

void random_scenario_fini(struct random_scenario *scenario) {
    text_fini(&scenario->json);
}
