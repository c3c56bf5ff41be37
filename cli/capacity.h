/* How many nodes to buy: what `headroom plan` works out, for its printers and for the rules that it
 * writes. The arithmetic of losses is study/sizing; here the simulator is asked. docs/plan.md. */
#ifndef HEADROOM_CLI_CAPACITY_H
#define HEADROOM_CLI_CAPACITY_H

#include "cli/costs.h"
#include "cli/input_source.h"
#include "cli/trial.h"
#include "models/workload/plan.h"
#include "study/sizing.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CAPACITY_DRAWS = 19, /* lowest and highest of 19 are a 90 % interval for the next one */
    CAPACITY_DRAWS_MAX = 999,
    CAPACITY_OFFERS_MAX = 96,
    CAPACITY_BARS_MAX = 64
};

struct capacity_count { /* over the draws; 0: no number of nodes is enough */
    int64_t low, target, high;
};

/* A loss as it goes in simulated time, with the `target` nodes of its case. */
struct capacity_return {
    double recovery_s; /* until all but 1 % of the clients are back; INFINITY: not within the run,
                          half as long again as they may take; NAN: nobody has to come back, or
                          there are too many rooms and workers to simulate it */
    double nodes_died; /* of the load of those who came to them; NAN likewise */
    bool is_in_time;   /* within plan.reconnect_within, and no survivor died */
};

/* What stands in the way of fewer nodes. */
struct capacity_bound {
    const char *name;   /* a resource, "delivery" ...; static text */
    const char *node;   /* or NULL; lives as long as the plan */
    int64_t nodes;      /* with which it was seen */
    double used, limit; /* NAN: it is no resource */
    bool is_broken;     /* false: with so few nodes it held, and this is the nearest limit */
};

struct capacity_kind {
    const struct spec_node *node; /* borrowed */
    int32_t index;                /* of the scenario's kinds */
    struct capacity_count count[SIZING_CASES];
    struct capacity_return back[SIZING_CASES];
    /* Whether that many hold it when all are there: more nodes than needed hear of each other
     * through a backplane, or do not. "" or what breaks. */
    const char *broke_whole[SIZING_CASES];
    struct capacity_bound bound;
    struct sizing_demand demand; /* with the profile's own costs */
    double load_per_node;        /* deliveries/s that each of the needed nodes can carry; NAN */
    double scale_at_ceiling;     /* that load as a multiple of the scenario's; NAN */
    double cpu_at_ceiling;       /* busiest worker's share there; NAN */
};

struct capacity_offer { /* nodes that hold the load */
    int64_t nodes[TRIAL_KINDS_MAX];
    int64_t nodes_count;
    double price_per_hour; /* without egress; NAN: the scenario has no prices */
    double latency_p99_ms;
    bool survives[SIZING_CASES];
    bool is_mixed; /* several kinds: of losses nothing is known */
    bool is_on_front;
};

struct capacity_bar {
    const char *name;
    enum input_source source;
    enum cost cost;               /* COST_COUNT: a field of the scenario */
    const char *low, *high;       /* the ends, as text */
    double nodes_low, nodes_high; /* nodes' worth of load there */
};

struct capacity {
    struct arena arena;
    const struct scenario *scenario; /* borrowed */
    const struct costs_choice *costs;
    double scale; /* 1 / (1 - headroom): what must hold, as a multiple of the scenario's load */
    int32_t draws;
    struct plan_load load; /* at scale 1 */
    bool has_prices;
    double egress_per_hour; /* at scale 1 */
    struct capacity_kind kinds[TRIAL_KINDS_MAX];
    int32_t kinds_count;
    int32_t chosen; /* the kind whose N costs least; -1: none holds */
    struct capacity_offer offers[CAPACITY_OFFERS_MAX];
    int32_t offers_count; /* cheapest first */
    struct capacity_bar bars[CAPACITY_BARS_MAX];
    int32_t bars_count;   /* of the chosen kind, widest first; those without effect are left out */
    double nodes_worth;   /* of the load, with everything at its own value */
    int32_t inputs_count; /* that were tried */
};

struct options;

/* Nodes of one kind: how many the load needs, and what of losses. */
void capacity_size(struct capacity *plan, struct capacity_kind *kind, int32_t jobs);
/* Carries out the losses with the numbers of nodes that the closed form asks for, and raises those
 * with which clients are not back in time, as long as more nodes help. */
void capacity_simulate_losses(struct capacity_kind *kind, const struct capacity *plan,
                              const struct profile_costs *costs, int32_t jobs);
/* What one could buy. After capacity_size of every kind. */
void capacity_offer_all(struct capacity *plan, int32_t jobs);
/* Which input moves the chosen kind's need most. Needs a chosen kind. */
void capacity_find_bars(struct capacity *plan, const struct options *options);
/* Reads the scenario at both ends of every uncertain field, so that mistakes come before the long
 * work: false, with all of them printed, when a field is none or takes none of its values. */
bool capacity_check_uncertain(const struct capacity *plan, const struct options *options) MUST_USE;

/* One run at the plan's scale. */
struct capacity_look {
    bool holds;
    const char *broke, *node; /* what broke, or else stands nearest to its limit, and where */
    double used, limit;       /* of that; NAN: it is no resource */
    double cpu_share, latency_p99_ms;
};
/* With `counts` of the scenario's kinds. `arena`: where the name of `node` is kept; NULL, as on
 * several threads: it is not. */
struct capacity_look capacity_look_at(const struct capacity *plan, const int64_t *counts,
                                      const struct profile_costs *costs, uint64_t replication,
                                      struct arena *arena);

struct capacity_carry {
    const struct trial *trial;
    const struct profile_costs *costs;
};
#define CAPACITY_SCALE_RANGE 1000.0 /* further up or down nothing is looked for */
/* The multiple of the trial's load at which it ceases to hold; NAN: there is none near. Safe from
 * several threads. */
double capacity_carried(const struct capacity *plan, const struct capacity_carry *carry);

double capacity_price(const struct capacity *plan,
                      const int64_t *counts); /* per hour, without egress */

void capacity_print(const struct capacity *plan, const struct options *options);
/* Recording and alert rules, and their unit tests. `rules_file`: the rules' own name, as the tests
 * name it. */
void capacity_write_rules(const struct capacity *plan, struct text *out);
void capacity_write_rule_tests(const struct capacity *plan, const char *rules_file,
                               struct text *out);

#endif
