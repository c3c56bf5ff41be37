/* How a published figure is worked out: a word of the figure's "how", one row of a table each.
 *
 * Where a scenario can say it, the simulator says it ("simulate", "each", "closed_loop"): the case
 * has the scenario, a figure its settings, the costs and the metric that is read. What is left is
 * arithmetic that no run is needed for, done on its own terms: the slots of a Redis Cluster key by
 * their checksum, the connections of a full mesh, Little's law by counting who has come and not
 * left. A figure of the source alone is never an input, but for the one constant that is fitted
 * where a case says so. */
#include "cli/published.h"

#include "models/cluster/cluster.h"
#include "models/workload/plan.h"
#include "sim/base/check.h"
#include "sim/base/stats.h"
#include "sim/engine/station.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct working { /* one figure being worked out */
    struct published_table *table;
    struct published_case *of;
    const cJSON *json_case, *figure;
};

static const cJSON *member(const cJSON *json, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(json, key);
}

static const char *word(const struct working *working, const char *key) {
    const cJSON *item = member(working->figure, key);
    CHECK(cJSON_IsString(item) && "a built-in figure lacks a word");
    return arena_new_format(&working->table->arena, "%s", item->valuestring);
}

static void add(const struct working *working, double said) {
    published_add(
        working->table, working->of,
        &(struct published_row){.what = word(working, "what"),
                                .unit = word(working, "unit"),
                                .published = published_number(working->figure, "published", NAN),
                                .said = said * published_number(working->figure, "times", 1),
                                .within = published_number(working->figure, "within", NAN),
                                .resolution = published_number(working->figure, "resolution", 0)});
}

/* --- one simulated run --- */

enum { SETTINGS_MAX = 16 };

struct settings {
    struct spec_setting items[SETTINGS_MAX];
    int32_t count;
};

static void set(const struct working *working, struct settings *settings, const char *path,
                const cJSON *value) {
    CHECK(settings->count < SETTINGS_MAX);
    char *text = cJSON_PrintUnformatted(value);
    CHECK(text != NULL);
    settings->items[settings->count++] =
        (struct spec_setting){arena_new_format(&working->table->arena, "%s", path),
                              arena_new_format(&working->table->arena, "%s",
                                               cJSON_IsString(value) ? value->valuestring : text)};
    cJSON_free(text);
}

static void set_number(const struct working *working, struct settings *settings, const char *path,
                       double number) {
    cJSON *value = cJSON_CreateNumber(number);
    set(working, settings, path, value);
    cJSON_Delete(value);
}

static struct settings settings_of(const struct working *working) {
    struct settings settings = {.count = 0};
    const cJSON *item;
    cJSON_ArrayForEach(item, member(working->figure, "set"))
        set(working, &settings, item->string, item);
    return settings;
}

static void apply_costs(struct profile_costs *costs, const cJSON *json) {
    const cJSON *item;
    cJSON_ArrayForEach(item, json) {
        int32_t cost = 0;
        while (cost < COST_COUNT && strcmp(profile_cost_name((enum cost)cost), item->string) != 0)
            cost++;
        CHECK(cost < COST_COUNT && "a built-in case prices what is no cost");
        costs->value[cost] = item->valuedouble;
    }
}

/* Nothing costs anything unless the case says so, or asks for the reference profile. */
static struct profile_costs costs_of(const struct working *working) {
    struct profile_costs costs = {0};
    costs.value[COST_send_capacity] = costs.value[COST_receive_capacity] = 1;
    if (member(working->json_case, "profile"))
        costs = working->table->reference;
    apply_costs(&costs, member(working->json_case, "costs"));
    apply_costs(&costs, member(working->figure, "costs"));
    return costs;
}

static void parse(const struct working *working, const struct settings *settings,
                  struct spec_scenario *spec, struct arena *arena) {
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    diag_init(diag);
    char *text = cJSON_PrintUnformatted(member(working->json_case, "scenario"));
    CHECK(text != NULL);
    bool is_right = spec_parse(spec, text,
                               &(struct spec_options){.file = working->of->name,
                                                      .settings = settings->items,
                                                      .settings_count = settings->count},
                               arena, diag);
    struct text said;
    text_init(&said);
    diag_format(diag, &said);
    if (!is_right)
        fputs(text_bytes(&said), stderr);
    CHECK(is_right && "a built-in case has a wrong scenario");
    text_fini(&said);
    cJSON_free(text);
    diag_fini(diag);
    free(diag);
}

/* The caller ends the outcome. */
static void simulate_with(const struct working *working, const struct settings *settings,
                          const struct profile_costs *costs, struct outcome *outcome) {
    struct arena arena;
    struct spec_scenario spec;
    struct roster roster;
    struct layout layout;
    arena_init(&arena);
    parse(working, settings, &spec, &arena);
    roster_init(&roster, &spec, spec.seed, &arena);
    layout_init(&layout, &roster, spec.seed, &arena);
    outcome_init(outcome);
    CHECK(cluster_run(&(struct cluster_options){.layout = &layout,
                                                .costs = costs,
                                                .plan_seed = plan_seed_of(spec.seed, 0),
                                                .scale = 1,
                                                .warm_up_ns = spec.window.warm_up,
                                                .measure_ns = spec.window.measure},
                      outcome));
    for (int32_t i = 0; i < outcome->resources_count; i++)
        outcome->resources[i].node = NULL; /* which died with the arena */
    arena_fini(&arena);
}

/* A metric by its name, or how much of a resource is used. */
static double read_one(const struct outcome *outcome, const char *name) {
    for (int i = 0; i < OUTCOME_METRICS; i++)
        if (strcmp(outcome_metric_name((enum outcome_metric)i), name) == 0)
            return outcome->metric[i];
    const struct outcome_resource *resource = outcome_find_resource(outcome, name);
    CHECK(resource != NULL && "a built-in case reads what no run reports");
    return resource->used;
}

/* A "quantile" of the latencies in ms, or the sum of what "read" names, over what "over" names. */
static double read_outcome(const struct working *working, const struct outcome *outcome) {
    const cJSON *names = member(working->figure, "read"), *over = member(working->figure, "over");
    const cJSON *name;
    double sum = 0;
    if (member(working->figure, "quantile"))
        return base_ms(
            hist_quantile(&outcome->latency, published_number(working->figure, "quantile", 0)));
    cJSON_ArrayForEach(name, names) sum += read_one(outcome, name->valuestring);
    return over ? sum / read_one(outcome, over->valuestring) : sum;
}

static double run_once(const struct working *working, const struct settings *settings) {
    struct profile_costs costs = costs_of(working);
    struct outcome outcome;
    simulate_with(working, settings, &costs, &outcome);
    double said = read_outcome(working, &outcome);
    outcome_fini(&outcome);
    return said;
}

static void simulate(const struct working *working) {
    struct settings settings = settings_of(working);
    add(working, run_once(working, &settings));
}

/* The sum over runs in which the fields "each" take every whole number of a range. */
static void each(const struct working *working) {
    double sum = 0, to = published_number(working->figure, "to", 0);
    for (double i = published_number(working->figure, "from", 1); i <= to; i++) {
        struct settings settings = settings_of(working);
        const cJSON *path;
        cJSON_ArrayForEach(path, member(working->figure, "each"))
            set_number(working, &settings, path->valuestring, i);
        sum += run_once(working, &settings);
    }
    add(working, sum);
}

/* --- a closed loop --- */

enum { LOOP_ROUNDS = 40 };
static const base_ns LOOP_ENDS_NS = 1000000 * (base_ns)BASE_NS_PER_S; /* it is over long before */

struct loop {
    struct run run;
    struct station station;
    base_ns service_ns, round_trip_ns; /* of the latest to come back */
    int64_t rounds;
};

static void come_back(void *target, const struct station_visit *visit) {
    struct loop *loop = target;
    loop->round_trip_ns = visit->done_ns - visit->arrived_ns;
    if (++loop->rounds < LOOP_ROUNDS)
        CHECK(station_arrive(&loop->station, loop->service_ns, 0));
}

/* `in_flight` publishes, each sent again as soon as it is back: the round trip of a loop that has
 * filled, of a writer that takes `service_ms` for one. */
static double round_trip_ms(int32_t in_flight, double service_ms) {
    struct loop *loop = calloc(1, sizeof *loop);
    CHECK(loop != NULL);
    loop->service_ns = base_ns_from_seconds(service_ms / 1000);
    run_init(&loop->run, &(struct run_options){.seed = 1});
    station_init(&loop->station, &loop->run,
                 &(struct station_options){.servers = 1, .done = come_back, .target = loop});
    for (int32_t i = 0; i < in_flight; i++)
        CHECK(station_arrive(&loop->station, loop->service_ns, 0));
    CHECK(run_until(&loop->run, LOOP_ENDS_NS) == RUN_REACHED_END);
    double answer = base_ms(loop->round_trip_ns);
    station_fini(&loop->station);
    run_fini(&loop->run);
    free(loop);
    return answer;
}

enum column { CLIENTS, P95, LEAST, MEDIAN, MOST };

static double cell(const cJSON *row, enum column column) {
    const cJSON *item = cJSON_GetArrayItem(row, (int)column);
    CHECK(cJSON_IsNumber(item));
    return item->valuedouble;
}

/* In a loop that is always full every round trip is the same, so a row whose p95 is far above its
 * median was not one: something stalled, and fewer were in flight. */
static bool is_steady(const struct working *working, const cJSON *row) {
    return cell(row, P95) <=
           published_number(working->figure, "steady", INFINITY) * cell(row, MEDIAN);
}

/* What one write takes: the only constant, from the steady rows of the series. */
static double fitted_write_ns(const struct working *working, const cJSON *rows) {
    double *writes = calloc((size_t)cJSON_GetArraySize(rows), sizeof *writes);
    CHECK(writes != NULL);
    size_t count = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) if (is_steady(working, row)) writes[count++] =
        cell(row, MEDIAN) * 1e6 /
        (published_number(working->figure, "in_flight", 1) * cell(row, CLIENTS));
    double fitted = stats_median(writes, count);
    free(writes);
    return fitted;
}

static void closed_loop(const struct working *working) {
    const cJSON *rows = member(working->figure, "rows"), *row;
    const char *series = word(working, "what");
    struct profile_costs costs = costs_of(working);
    costs.value[COST_write] = fitted_write_ns(working, rows);
    int32_t in_flight = (int32_t)published_number(working->figure, "in_flight", 1);
    cJSON_ArrayForEach(row, rows) {
        struct settings settings = settings_of(working);
        const cJSON *path;
        cJSON_ArrayForEach(path, member(working->figure, "each"))
            set_number(working, &settings, path->valuestring, cell(row, CLIENTS));
        struct outcome outcome;
        simulate_with(working, &settings, &costs, &outcome);
        double said = round_trip_ms(in_flight, outcome.metric[OUTCOME_latency_max_ms]);
        outcome_fini(&outcome);
        published_add(working->table, working->of,
                      &(struct published_row){
                          .what = arena_new_format(&working->table->arena, "%s, %.0f clients",
                                                   series, cell(row, CLIENTS)),
                          .unit = word(working, "unit"),
                          .published = cell(row, MEDIAN),
                          .said = said,
                          .within = is_steady(working, row)
                                        ? published_number(working->figure, "within", NAN)
                                        : (double)NAN,
                          .series = series});
    }
}

/* --- arithmetic --- */

int32_t published_slot(const char *key) {
    uint32_t crc = 0;
    for (const char *c = key; *c; c++) {
        crc ^= (uint32_t)(unsigned char)*c << 8;
        for (int32_t bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return (int32_t)(crc & 0x3fff);
}

enum { SLOTS = 16384 };

int32_t published_slot_node(int32_t slot, int32_t nodes) {
    double per_node = (double)SLOTS / nodes;
    int32_t node = 0;
    while (node + 1 < nodes && slot > llround((node + 1) * per_node - 1))
        node++;
    return node;
}

/* Of so many partitions, each with its number for a key, those on one node of a cluster. */
static void slots(const struct working *working) {
    int32_t partitions = (int32_t)published_number(working->figure, "partitions", 1);
    int32_t nodes = (int32_t)published_number(working->figure, "nodes", 1);
    int32_t node = (int32_t)published_number(working->figure, "node", 0), count = 0;
    for (int32_t i = 0; i < partitions; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", (int)i);
        count += published_slot_node(published_slot(key), nodes) == node;
    }
    add(working, count);
}

/* Who holds a connection to each of `to`, spread over `over` of them. */
static void mesh(const struct working *working) {
    add(working, published_number(working->figure, "from", 1) *
                     published_number(working->figure, "to", 1) /
                     published_number(working->figure, "over", 1));
}

struct crowd {
    struct run run;
    base_ns every_ns, stay_ns;
    int64_t held;
};

static void one_leaves(void *target, uint64_t unused, base_ns now_ns) {
    (void)unused;
    struct crowd *crowd = target;
    crowd->held--;
    run_at(&crowd->run, now_ns + crowd->every_ns, one_leaves, crowd, 0);
}

static void one_comes(void *target, uint64_t unused, base_ns now_ns) {
    (void)unused;
    struct crowd *crowd = target;
    crowd->held++;
    run_at(&crowd->run, now_ns + crowd->every_ns, one_comes, crowd, 0);
}

/* "rate" come each second and each stays for "stay" seconds: how many are held at the end of one
 * more of them. */
static void crowd(const struct working *working) {
    struct crowd *crowd = calloc(1, sizeof *crowd);
    CHECK(crowd != NULL);
    crowd->every_ns = base_ns_from_seconds(1 / published_number(working->figure, "rate", 1));
    crowd->stay_ns = base_ns_from_seconds(published_number(working->figure, "stay", 1));
    run_init(&crowd->run, &(struct run_options){.seed = 1});
    run_at(&crowd->run, 0, one_comes, crowd, 0);
    run_at(&crowd->run, crowd->stay_ns, one_leaves, crowd, 0);
    CHECK(run_until(&crowd->run, crowd->stay_ns + 100 * crowd->every_ns) == RUN_REACHED_END);
    add(working, (double)crowd->held);
    run_fini(&crowd->run);
    free(crowd);
}

static const struct {
    const char *name;
    void (*work_out)(const struct working *working);
} hows[] = {
    {"simulate", simulate}, {"each", each}, {"closed_loop", closed_loop},
    {"slots", slots},       {"mesh", mesh}, {"crowd", crowd},
};

void published_work_out(struct published_table *table, struct published_case *of,
                        const cJSON *json_case, const cJSON *figure) {
    struct working working = {table, of, json_case, figure};
    const cJSON *how = member(figure, "how");
    for (size_t i = 0; i < COUNT_OF(hows); i++)
        if (strcmp(hows[i].name, how ? how->valuestring : "simulate") == 0) {
            hows[i].work_out(&working);
            return;
        }
    CHECK(false && "a built-in figure is worked out in no known way");
}
