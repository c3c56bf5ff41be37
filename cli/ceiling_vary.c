/* The search is that of every ceiling; only what is scaled differs. It climbs from what the field
 * has now, so more of it must be worse: where more is better the answer is `bound`'s, and it says
 * so. */
#include "cli/ceiling_vary.h"

#include "cli/break_search.h"
#include "cli/ceiling.h"
#include "cli/predict.h"
#include "cli/print.h"
#include "cli/record.h"
#include "sim/base/fingerprint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct vary_answer {
    const struct options *options;
    const struct scenario *scenario;
    struct vary vary;
    struct study_prediction prediction;
    bool has_order;
    struct break_order order;
};

static void print_found(const struct vary_answer *answer) {
    const struct vary *vary = &answer->vary;
    const struct study_prediction *found = &answer->prediction;
    printf("  ceiling  %s, 95 %% interval %s to %s; %s breaks first\n",
           vary_text(vary, found->load.value), vary_text(vary, found->load.low),
           vary_text(vary, found->load.high), found->broke);
    printf("  now      %s: %.3g %% of the ceiling\n", vary_text(vary, vary->now),
           100 / found->scale.value);
    for (int32_t i = 1; i < vary->fields_count; i++)
        printf("           and with it %s, now %s, in the same proportion\n", vary->fields[i].path,
               vary->fields[i].now.text);
    printf("  the interval is %.0f %% calibration, %.0f %% simulation\n",
           100 * found->calibration_share, 100 - 100 * found->calibration_share);
    if (vary->is_whole && found->load.value < 30)
        printf("  whole numbers this small are found exactly by `headroom bound`\n");
}

static void print_text(const struct vary_answer *answer) {
    const struct vary *vary = &answer->vary;
    printf("%s, simulated, seed %" PRIu64 ": ceiling of %s\n", answer->scenario->spec.name,
           answer->scenario->spec.seed, vary->name);
    switch (answer->prediction.outcome) {
    case STUDY_FOUND:
        print_found(answer);
        break;
    case STUDY_ABOVE_LAST:
        printf("  ceiling  none: it holds up to %s, the most that was tried%s%s\n",
               vary_text(vary, vary->highest), *vary->why_highest ? "; beyond: " : "",
               vary->why_highest);
        break;
    case STUDY_BELOW_FIRST:
        printf("  ceiling  none: not even %s holds (%s); where more of it is better, `headroom "
               "bound` finds the least\n",
               vary_text(vary, vary->lowest), answer->prediction.broke);
        break;
    case STUDY_REFUSED:
    case STUDY_STOPPED:
    case STUDY_EXHAUSTED:
        printf("  ceiling  not found: %s\n",
               study_ceiling_outcome_name(answer->prediction.outcome));
        break;
    }
    if (answer->has_order)
        break_order_print(&answer->order, vary->name);
}

static void print_as_json(const struct vary_answer *answer) {
    const struct study_prediction *found = &answer->prediction;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    cJSON_AddStringToObject(json, "scenario", answer->scenario->spec.name);
    cJSON_AddStringToObject(json, "source", "simulated");
    print_add_u64(json, "seed", answer->scenario->spec.seed);
    cJSON_AddStringToObject(json, "outcome", study_ceiling_outcome_name(found->outcome));
    cJSON_AddStringToObject(json, "vary", answer->vary.name);
    cJSON *fields = cJSON_AddArrayToObject(json, "fields");
    for (int32_t i = 0; i < answer->vary.fields_count; i++)
        cJSON_AddItemToArray(fields, cJSON_CreateString(answer->vary.fields[i].path));
    cJSON *ceiling = cJSON_AddObjectToObject(json, "ceiling");
    print_add_number(ceiling, "value", found->load.value);
    print_add_number(ceiling, "low", found->load.low);
    print_add_number(ceiling, "high", found->load.high);
    cJSON_AddStringToObject(ceiling, "text", vary_text(&answer->vary, found->load.value));
    cJSON_AddStringToObject(ceiling, "limit", found->broke);
    print_add_number(json, "now", answer->vary.now);
    print_add_number(json, "lowest", answer->vary.lowest);
    print_add_number(json, "highest", answer->vary.highest);
    print_add_number(json, "calibration_share",
                     found->outcome == STUDY_FOUND ? found->calibration_share : (double)NAN);
    if (answer->has_order)
        break_order_add_json(&answer->order, json);
    print_json(json);
}

static bool at(void *context, double factor, struct scenario *scenario, double *scale) {
    const struct vary_answer *answer = context;
    *scale = 1;
    return vary_scenario(&answer->vary, answer->vary.now * answer->prediction.scale.value * factor,
                         scenario, NULL);
}

static int exit_code(const struct vary_answer *answer) {
    struct ceiling_answer as_ceiling = {
        .outcome = answer->prediction.outcome, .active = answer->prediction.scale, .asked = 1};
    return ceiling_exit_code(&as_ceiling);
}

static bool keep(struct store *store, int64_t id, const struct vary_answer *answer) {
    const struct study_prediction *found = &answer->prediction;
    struct fingerprint fingerprint;
    fingerprint_init(&fingerprint);
    fingerprint_bytes(&fingerprint, &found->load, sizeof found->load);
    return record_number(store, id, "ceiling.outcome", NAN, NAN, NAN, "",
                         study_ceiling_outcome_name(found->outcome)) &&
           record_number(store, id, "ceiling.vary", found->load.value, found->load.low,
                         found->load.high, "", answer->vary.name) &&
           record_number(store, id, "ceiling.broke", NAN, NAN, NAN, "", found->broke) &&
           store_put_prediction(store, id, record_now_ns()) &&
           record_finish(store, id, STORE_DONE, NULL, fingerprint_value(&fingerprint));
}

int ceiling_vary_answer(struct scenario *scenario, const struct costs_choice *costs,
                        struct store *store, const struct options *options) {
    struct vary_answer answer = {.options = options, .scenario = scenario};
    int code = vary_init(&answer.vary, options->vary, scenario, &scenario->arena);
    if (code >= 0)
        return code;
    struct record_run record = record_simulated("ceiling", scenario, costs);
    int64_t id;
    if (!record_begin(store, &record, &id))
        return EXIT_IO;
    struct world_sim sim;
    world_sim_init(&sim, scenario, costs);
    struct world_vary world = {&answer.vary, &sim};
    print_say(options, "%s: the ceiling of %s from %d draws of the costs, %d arrival streams each",
              scenario->spec.name, answer.vary.name, predict_draws(options), PREDICT_STREAMS);
    predict_vary(&world, options, &answer.prediction);
    struct break_search_options order = {at, &answer, &sim.draws[0], answer.prediction.broke,
                                         options->jobs};
    answer.has_order = answer.prediction.outcome == STUDY_FOUND &&
                       break_search(&order, &scenario->arena, &answer.order);
    if (!keep(store, id, &answer))
        return EXIT_IO;
    if (options->is_json)
        print_as_json(&answer);
    else
        print_text(&answer);
    return exit_code(&answer);
}
