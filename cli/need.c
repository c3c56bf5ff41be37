/* The three plans divide a load by what one node can write; the simulation tries counts until the
 * objectives hold. With one node lost its clients are on the others, dealt anew: what then holds is
 * one node more. */
#include "cli/need.h"

#include "cli/print.h"
#include "study/smallest.h"

#include <math.h>
#include <stdio.h>

/* --- plans --- */

static double node_writes_per_s(const struct spec_node *node, const struct profile_costs *costs,
                                const struct plan_load *load) {
    const double *cost = costs->value;
    double bytes =
        load->deliveries_per_s > 0 ? load->outbound_bytes_per_s / load->deliveries_per_s : 0;
    double write_ns = cost[COST_write] + cost[COST_frame] + cost[COST_byte] * bytes;
    return write_ns > 0 ? (double)node->workers * 1e9 / write_ns : (double)NAN;
}

/* --- simulation --- */

struct question {
    const struct scenario *scenario;
    const struct profile_costs *costs;
    double scale;
};

static bool holds(void *context, int64_t nodes) {
    const struct question *question = context;
    struct trial trial;
    struct outcome outcome;
    trial_init(&trial, question->scenario, &nodes);
    outcome_init(&outcome);
    trial_run(&trial, question->costs, &(struct trial_load){question->scale, 0}, &outcome);
    bool is_good = outcome.verdict == OUTCOME_HOLDS;
    outcome_fini(&outcome);
    trial_fini(&trial);
    return is_good;
}

static int64_t within(double nodes) {
    return nodes >= 1 && nodes <= NEED_NODES_MAX ? (int64_t)nodes : 1;
}

struct need need_of(const struct scenario *scenario, const struct profile_costs *costs,
                    double scale) {
    const struct spec_scenario *spec = &scenario->spec;
    struct plan_load load = plan_offered(&scenario->roster);
    load.publishes_per_s *= scale;
    load.product_per_s *= scale;
    load.deliveries_per_s *= scale;
    load.outbound_bytes_per_s *= scale;
    double writes = node_writes_per_s(&spec->nodes[0], costs, &load);
    struct need need = {.load = load,
                        .node_writes_per_s = writes,
                        .by_inbound = ceil(load.publishes_per_s / writes),
                        .by_product = ceil(load.product_per_s / writes),
                        .by_deliveries = ceil(load.deliveries_per_s / writes)};
    /* what a fault does depends on how many nodes there are: another number is another question */
    need.is_searched =
        spec->nodes_count == 1 && spec->nodes[0].count > 1 && spec->faults_count == 0;
    if (need.is_searched) {
        struct question question = {scenario, costs, scale};
        need.simulated =
            study_smallest(&(struct study_smallest_options){.holds = holds,
                                                            .context = &question,
                                                            .first = within(need.by_deliveries),
                                                            .most = NEED_NODES_MAX});
    }
    return need;
}

/* --- answers --- */

static void print_plan(const char *plan, double load, const char *unit, double nodes) {
    printf("  %-12s %s %s: %s node%s\n", plan, print_number(load), unit, print_number(nodes),
           nodes == 1 ? "" : "s");
}

void need_print(const struct need *need) {
    const struct plan_load *load = &need->load;
    printf("how many nodes, if one writes %s times a second and does nothing else\n",
           print_number(need->node_writes_per_s));
    print_plan("by inbound", load->publishes_per_s, "publishes/s", need->by_inbound);
    print_plan("by product", load->product_per_s, "writes/s, publishes x mean room x active share",
               need->by_product);
    print_plan("size-biased", load->deliveries_per_s,
               "writes/s, by the rooms that publishes land in", need->by_deliveries);
    if (need->is_searched && need->simulated > 0)
        printf("  simulated    it holds from %s nodes on; from %s with one of them lost and its "
               "clients on the others\n",
               print_number((double)need->simulated), print_number((double)need->simulated + 1));
    else if (need->is_searched)
        printf("  simulated    not even %d nodes hold\n", NEED_NODES_MAX);
}

cJSON *need_json(const struct need *need) {
    cJSON *json = cJSON_CreateObject();
    print_add_number(json, "node_writes_per_s", need->node_writes_per_s);
    print_add_number(json, "publishes_per_s", need->load.publishes_per_s);
    print_add_number(json, "product_writes_per_s", need->load.product_per_s);
    print_add_number(json, "size_biased_writes_per_s", need->load.deliveries_per_s);
    print_add_number(json, "nodes_by_inbound", need->by_inbound);
    print_add_number(json, "nodes_by_product", need->by_product);
    print_add_number(json, "nodes_by_size_biased", need->by_deliveries);
    bool is_found = need->is_searched && need->simulated > 0;
    print_add_number(json, "nodes_simulated", is_found ? (double)need->simulated : (double)NAN);
    print_add_number(json, "nodes_simulated_one_lost",
                     is_found ? (double)need->simulated + 1 : (double)NAN);
    return json;
}
