/* The plan for a person, and for a program. */
#include "cli/capacity.h"

#include "cli/print.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double HOURS_PER_MONTH = 730; /* 365 * 24 / 12 */

/* --- words --- */

/* What a case asks for, in words, beside its numbers. */
static const char *case_note(const struct capacity *plan, enum sizing_case which) {
    const struct spec_plan *spec = &plan->scenario->spec.plan;
    static char text[160];
    double within_s = base_seconds(spec->reconnect_within);
    switch (which) {
    case SIZING_ALL_THERE:
        return "all there";
    case SIZING_ONE_LOST:
        snprintf(text, sizeof text, "one lost, its clients back within %s s",
                 print_number(within_s));
        return text;
    case SIZING_ZONE_LOST:
        snprintf(text, sizeof text, "the fullest of %s zones lost, its clients back within %s s",
                 print_number((double)spec->zones), print_number(within_s));
        return text;
    case SIZING_DRAIN:
        snprintf(text, sizeof text, "one after the other drained within %s s",
                 print_number(within_s));
        return text;
    case SIZING_STORM:
        snprintf(text, sizeof text, "every client back within %s s", print_number(within_s));
        return text;
    case SIZING_CASES:
        break;
    }
    return "";
}

/* What came of it in simulated time. */
static const char *return_text(const struct capacity_return *back) {
    static char text[96];
    if (isnan(back->recovery_s))
        return "";
    if (back->nodes_died > 0)
        snprintf(text, sizeof text, "; simulated: %s survivors die too",
                 print_number(back->nodes_died));
    else if (back->recovery_s <= 0)
        snprintf(text, sizeof text, "; simulated: never more than 1 %% away");
    else if (isinf(back->recovery_s))
        snprintf(text, sizeof text, "; simulated: not in time, and more nodes do not help");
    else
        snprintf(text, sizeof text, "; simulated: after %s s%s", print_number(back->recovery_s),
                 back->is_in_time ? "" : ", and more nodes do not help");
    return text;
}

static const char *nodes_text(int64_t nodes) {
    return nodes > 0 ? print_number((double)nodes) : "none";
}

/* "3 gateway + 1 small" */
static void add_nodes(const struct capacity *plan, const struct capacity_offer *offer,
                      struct text *out) {
    for (int32_t i = 0; i < plan->kinds_count; i++)
        if (offer->nodes[i] > 0)
            text_addf(out, "%s%" PRId64 " %s", out->length ? " + " : "", offer->nodes[i],
                      plan->kinds[i].node->name);
}

/* "measure this next": what to do about the widest bar. */
static const char *advice(const struct capacity_bar *bar) {
    static char text[256];
    switch (bar->source) {
    case INPUT_DECLARED:
        snprintf(text, sizeof text, "%s: count it in production, and narrow plan.uncertain",
                 bar->name);
        return text;
    case INPUT_MEASURED:
        snprintf(text, sizeof text,
                 "%s: `headroom calibrate --mode full` on the machine that will serve", bar->name);
        return text;
    case INPUT_PUBLISHED:
    case INPUT_ASSUMED:
        snprintf(text, sizeof text,
                 "%s, which is only %s: measure it on the system itself and write it into the "
                 "profile",
                 bar->name, input_source_name(bar->source));
        return text;
    case INPUT_DEFAULT: /* nothing about them is uncertain: no bar is of them */
    case INPUT_STATED:
    case INPUT_SOURCES:
        break;
    }
    return "";
}

/* --- text --- */

static void print_bound(const struct capacity_bound *bound) {
    printf("  binding: %s%s%s", bound->name[0] ? bound->name : "nothing", bound->node ? " on " : "",
           bound->node ? bound->node : "");
    if (isfinite(bound->used / bound->limit))
        printf(", at %.0f %% of its limit", 100 * bound->used / bound->limit);
    printf(" with %s node%s%s\n", print_number((double)bound->nodes), bound->nodes == 1 ? "" : "s",
           bound->is_broken ? ", which does not hold" : "");
}

static void print_kind(const struct capacity *plan, const struct capacity_kind *kind) {
    printf("%s nodes", kind->node->name);
    if (plan->has_prices)
        printf(" at %s %s/h", print_number(kind->node->price),
               plan->scenario->spec.prices.currency);
    putchar('\n');
    if (kind->demand.needed == 0) {
        puts("  no number of them holds");
        print_bound(&kind->bound);
        return;
    }
    printf("  %-16s %6s %6s %6s\n", "case", "low", "target", "high");
    for (int32_t which = 0; which < SIZING_CASES; which++) {
        const struct capacity_count *count = &kind->count[which];
        printf("  %-16s %6s %6s %6s  %s%s%s%s\n", sizing_case_name((enum sizing_case)which),
               nodes_text(count->low), nodes_text(count->target), nodes_text(count->high),
               case_note(plan, (enum sizing_case)which), return_text(&kind->back[which]),
               kind->broke_whole[which][0] ? "; with all of them there breaks: " : "",
               kind->broke_whole[which]);
    }
    print_bound(&kind->bound);
    if (!isnan(kind->load_per_node))
        printf("  each of the %s carries up to %s deliveries/s\n",
               print_number((double)kind->demand.needed), print_number(kind->load_per_node));
}

static void print_offers(const struct capacity *plan) {
    const char *currency = plan->scenario->spec.prices.currency;
    printf("what could be bought, cheapest first (* nothing is both cheaper and faster)\n");
    printf("    %-28s %14s %14s %9s  %s\n", "nodes", plan->has_prices ? currency : "",
           plan->has_prices ? "a month" : "", "p99 ms", "holds with");
    for (int32_t i = 0; i < plan->offers_count; i++) {
        const struct capacity_offer *offer = &plan->offers[i];
        struct text nodes;
        text_init(&nodes);
        add_nodes(plan, offer, &nodes);
        printf("  %s %-28s", offer->is_on_front ? "*" : " ", text_bytes(&nodes));
        if (plan->has_prices)
            printf(" %12s/h %14s", print_number(offer->price_per_hour),
                   print_number(HOURS_PER_MONTH * offer->price_per_hour));
        else
            printf(" %14s %14s", "", "");
        printf(" %9s ", print_number(offer->latency_p99_ms));
        const char *between = " ";
        for (int32_t which = 0; which < SIZING_CASES; which++)
            if (offer->survives[which]) {
                printf("%s%s", between, sizing_case_name((enum sizing_case)which));
                between = ", ";
            }
        puts(offer->is_mixed ? "; losses not worked out" : "");
        text_fini(&nodes);
    }
    if (plan->egress_per_hour > 0)
        printf("  beside that, egress at the scenario's own load: %s %s/h, %s a month\n",
               print_number(plan->egress_per_hour), currency,
               print_number(HOURS_PER_MONTH * plan->egress_per_hour));
}

static void print_bars(const struct capacity *plan) {
    const struct capacity_kind *kind = &plan->kinds[plan->chosen];
    printf("what it depends on: nodes' worth of load on %s nodes, %s as planned\n",
           kind->node->name, print_number(plan->nodes_worth));
    for (int32_t i = 0; i < plan->bars_count; i++) {
        const struct capacity_bar *bar = &plan->bars[i];
        printf("  %-32s %8s to %-8s  %s at %s, %s at %s; %s\n", bar->name,
               print_number(fmin(bar->nodes_low, bar->nodes_high)),
               print_number(fmax(bar->nodes_low, bar->nodes_high)), print_number(bar->nodes_low),
               bar->low, print_number(bar->nodes_high), bar->high, input_source_name(bar->source));
    }
    if (plan->bars_count == 0)
        printf("  nothing: of %d inputs with an uncertainty none moves it (plan.uncertain "
               "declares some)\n",
               plan->inputs_count);
    else
        printf("measure this next: %s\n", advice(&plan->bars[0]));
}

static void print_text(const struct capacity *plan) {
    const struct spec_scenario *spec = &plan->scenario->spec;
    printf("%s, seed %" PRIu64 ": nodes for %s deliveries/s, the scenario's %s at a headroom of "
           "%s %%\n",
           spec->name, spec->seed, print_number(plan->scale * plan->load.deliveries_per_s),
           print_number(plan->scale * (1 - spec->plan.headroom) * plan->load.deliveries_per_s),
           print_number(100 * spec->plan.headroom));
    printf("low and high: the fewest and most of %d draws of costs and arrivals\n", plan->draws);
    for (int32_t i = 0; i < plan->kinds_count; i++)
        print_kind(plan, &plan->kinds[i]);
    if (plan->chosen < 0)
        return;
    print_offers(plan);
    print_bars(plan);
}

/* --- JSON --- */

static cJSON *count_json(const struct capacity_count *count) {
    cJSON *json = cJSON_CreateObject();
    print_add_number(json, "low", count->low > 0 ? (double)count->low : (double)NAN);
    print_add_number(json, "target", count->target > 0 ? (double)count->target : (double)NAN);
    print_add_number(json, "high", count->high > 0 ? (double)count->high : (double)NAN);
    return json;
}

static cJSON *bound_json(const struct capacity_bound *bound) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", bound->name);
    if (bound->node)
        cJSON_AddStringToObject(json, "node", bound->node);
    print_add_number(json, "nodes", (double)bound->nodes);
    print_add_number(json, "used", bound->used);
    print_add_number(json, "limit", bound->limit);
    cJSON_AddBoolToObject(json, "is_broken", bound->is_broken);
    return json;
}

static cJSON *kind_json(const struct capacity_kind *kind) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "kind", kind->node->name);
    print_add_number(json, "price_per_hour", kind->node->price);
    cJSON *cases = cJSON_AddArrayToObject(json, "cases");
    for (int32_t which = 0; which < SIZING_CASES && kind->demand.needed > 0; which++) {
        cJSON *one = count_json(&kind->count[which]);
        cJSON_AddStringToObject(one, "case", sizing_case_name((enum sizing_case)which));
        const struct capacity_return *back = &kind->back[which];
        bool is_whole = which == SIZING_ALL_THERE || !isnan(back->recovery_s);
        cJSON_AddStringToObject(one, "method",
                                is_whole ? "simulated"
                                         : "simulated with fewer nodes, accepts by "
                                           "closed form");
        if (which != SIZING_ALL_THERE) {
            cJSON_AddBoolToObject(one, "is_back_in_time", back->is_in_time);
            print_add_number(one, "recovery_s", back->recovery_s);
            print_add_number(one, "survivors_died", back->nodes_died);
        }
        cJSON_AddStringToObject(one, "breaks_when_all_there", kind->broke_whole[which]);
        cJSON_AddItemToArray(cases, one);
    }
    cJSON_AddItemToObject(json, "binding", bound_json(&kind->bound));
    print_add_number(json, "deliveries_per_s_per_node", kind->load_per_node);
    return json;
}

static cJSON *offer_json(const struct capacity *plan, const struct capacity_offer *offer) {
    cJSON *json = cJSON_CreateObject();
    cJSON *nodes = cJSON_AddObjectToObject(json, "nodes");
    for (int32_t i = 0; i < plan->kinds_count; i++)
        if (offer->nodes[i] > 0)
            print_add_number(nodes, plan->kinds[i].node->name, (double)offer->nodes[i]);
    print_add_number(json, "price_per_hour", offer->price_per_hour);
    print_add_number(json, "latency_p99_ms", offer->latency_p99_ms);
    cJSON_AddBoolToObject(json, "is_on_front", offer->is_on_front);
    cJSON *holds = cJSON_AddArrayToObject(json, "holds_with");
    for (int32_t which = 0; which < SIZING_CASES; which++)
        if (offer->survives[which])
            cJSON_AddItemToArray(holds,
                                 cJSON_CreateString(sizing_case_name((enum sizing_case)which)));
    return json;
}

static cJSON *bar_json(const struct capacity_bar *bar) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "input", bar->name);
    cJSON_AddStringToObject(json, "source", input_source_name(bar->source));
    cJSON_AddStringToObject(json, "low", bar->low);
    cJSON_AddStringToObject(json, "high", bar->high);
    print_add_number(json, "nodes_at_low", bar->nodes_low);
    print_add_number(json, "nodes_at_high", bar->nodes_high);
    return json;
}

static void print_as_json(const struct capacity *plan) {
    const struct spec_scenario *spec = &plan->scenario->spec;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    cJSON_AddStringToObject(json, "scenario", spec->name);
    cJSON_AddStringToObject(json, "source", "simulated");
    print_add_u64(json, "seed", spec->seed);
    print_add_number(json, "headroom", spec->plan.headroom);
    print_add_number(json, "deliveries_per_s", plan->scale * plan->load.deliveries_per_s);
    print_add_number(json, "draws", plan->draws);
    cJSON_AddStringToObject(json, "currency", spec->prices.currency);
    print_add_number(json, "egress_per_hour", plan->egress_per_hour);
    cJSON *kinds = cJSON_AddArrayToObject(json, "kinds");
    for (int32_t i = 0; i < plan->kinds_count; i++)
        cJSON_AddItemToArray(kinds, kind_json(&plan->kinds[i]));
    if (plan->chosen >= 0)
        cJSON_AddStringToObject(json, "cheapest_kind", plan->kinds[plan->chosen].node->name);
    cJSON *offers = cJSON_AddArrayToObject(json, "offers");
    for (int32_t i = 0; i < plan->offers_count; i++)
        cJSON_AddItemToArray(offers, offer_json(plan, &plan->offers[i]));
    cJSON *bars = cJSON_AddArrayToObject(json, "tornado");
    for (int32_t i = 0; i < plan->bars_count; i++)
        cJSON_AddItemToArray(bars, bar_json(&plan->bars[i]));
    print_add_number(json, "nodes_worth", plan->chosen >= 0 ? plan->nodes_worth : (double)NAN);
    if (plan->bars_count > 0)
        cJSON_AddStringToObject(json, "measure_next", advice(&plan->bars[0]));
    print_json(json);
}

void capacity_print(const struct capacity *plan, const struct options *options) {
    if (options->is_json)
        print_as_json(plan);
    else
        print_text(plan);
}
