/* A ceiling as every command prints and stores it, simulated or measured. */
#ifndef HEADROOM_CLI_CEILING_H
#define HEADROOM_CLI_CEILING_H

#include "cli/break_order.h"
#include "cli/files.h"
#include "cli/options.h"
#include "cli/record.h"
#include "models/cluster/layout.h"
#include "sim/base/stats.h"
#include "study/ceiling.h"
#include "study/idle.h"

struct ceiling_answer {
    const char *source; /* "simulated" or "measured" */
    const struct scenario *scenario;
    enum study_ceiling_outcome outcome;
    struct stats_interval active; /* deliveries/s */
    const char *broke;            /* what breaks first */
    bool has_as_measured;
    struct stats_interval as_measured;
    double calibration_share; /* of the interval; NAN: not told apart */
    bool has_idle;
    struct stats_interval idle;          /* connections */
    const struct study_idle *idle_order; /* what runs out first, second, ...; NULL: not known */
    const char *idle_limit, *idle_where; /* where: on which of several nodes, or NULL */
    double asked;                        /* deliveries/s that the scenario asks for */
    const struct outcome
        *at_ceiling; /* a run at the ceiling: what stands how near to its limit; NULL: none */
    const struct break_order *order; /* NULL: not looked for */
    uint64_t fingerprint;
    int32_t probes_count;
    const char *refused; /* NULL: it is an answer */
};

void ceiling_print(const struct ceiling_answer *answer, const struct options *options);
bool ceiling_record(struct store *store, int64_t id, const struct ceiling_answer *answer) MUST_USE;
/* Whether the scenario's own load holds: below the interval, above it, or inside. */
int ceiling_exit_code(const struct ceiling_answer *answer);

/* The idle ceiling: connections to all nodes together, dealt to them as the balancer deals the
 * scenario's clients, until the first node is out of descriptors or memory. `costs`: one set. */
struct study_idle ceiling_idle(const struct layout *layout, const struct profile_costs *costs);

/* Progress lines of a search; `context` is the options. */
void ceiling_say_probe(void *context, const struct study_event *event);
/* For a study_listener whose context is the options. */
void ceiling_say_started_over(void *context, double before_ns, double now_ns);

#endif
