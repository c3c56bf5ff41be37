/* The ceiling: the first load, coming from below, at which the share of late deliveries crosses its
 * objective or a backlog grows. One procedure for both worlds (DESIGN section 5).
 *
 *   climb    by 1.4 from below to the first failure, never deep into overload, which poisons the
 *            next probe; if the first probe fails, down by 1.4 to the first pass
 *   narrow   ask where the posterior of the ceiling's logarithm has its median, taking every
 *            verdict as right nine times in ten, so that a wrong one costs probes and not the
 *            answer
 *   spread   about eight probes close around the estimate in random order, and a logistic fit
 * of the late share to the logarithm of the load: where it crosses, with a 95 % interval. An
 * isotonic fit, which believes only that more load is not better, checks it.
 *
 * When the machine has changed its speed for good, probes of the old speed are forgotten and the
 * phases start over (study/search). */
#ifndef HEADROOM_STUDY_CEILING_H
#define HEADROOM_STUDY_CEILING_H

#include "sim/base/attributes.h"
#include "sim/base/stats.h"
#include "study/probe.h"

#include <stdint.h>

enum { STUDY_PROBES_MAX = 128, STUDY_NAME_BYTES = 128 };

enum study_phase { STUDY_CLIMB, STUDY_NARROW, STUDY_SPREAD };
const char *study_phase_name(enum study_phase phase); /* "climb", "narrow", "spread" */

/* A probe that has been made, or is about to be (`result` is NULL). */
struct study_event {
    enum study_phase phase;
    const struct study_probe_request *request;
    const struct study_probe_result *result;
    enum study_judgement judgement;
    double load;             /* request->scale in the world's unit */
    int32_t number;          /* from 1 */
    int32_t expected_number; /* how many there will be, about */
    double low, high;        /* scales between which the ceiling is thought to lie by now; NAN */
};

struct study_listener {
    void (*about_to_probe)(void *context, const struct study_event *event); /* or NULL */
    void (*probed)(void *context, const struct study_event *event); /* or NULL; refused ones too */
    /* or NULL: the probes before were made at another speed and are forgotten (speed_ns of each) */
    void (*started_over)(void *context, double before_ns, double now_ns);
    void *context;
};

struct study_ceiling_options {
    struct study_objective objective;
    double first_scale;          /* where to begin: well below the ceiling */
    double scale_min, scale_max; /* nothing is probed beyond */
    base_ns warm_up_ns, measure_ns;
    uint64_t seed;
    uint64_t first_replication; /* each probe has a replication of its own from here on */
    int32_t draw;
    double holds_below; /* (nothing) scales below are known to hold: the climb takes their probes
                           for made and passed */
    /* 0 in any of these: the value in brackets. */
    int32_t repeats_max;  /* (2) further probes of a load that is undecided */
    int32_t refusals_max; /* (5) refused probes in a row before the search is refused */
    int32_t narrow_max;   /* (12) probes of the narrowing */
    int32_t spread_count; /* (8) */
    int32_t probes_max;   /* (60), at most STUDY_PROBES_MAX; from each start over anew */
    base_ns budget_ns;    /* (none) windows and warm-ups together, likewise; no clock is read */
    double spread;        /* (0.06) half-width of the last probes, as a share of the estimate */
};

enum study_ceiling_outcome {
    STUDY_FOUND,
    STUDY_BELOW_FIRST, /* even scale_min fails: no sustained load holds */
    STUDY_ABOVE_LAST,  /* scale_max holds */
    STUDY_REFUSED,     /* refusals_max probes in a row were no measurements, or the machine changed
                          its speed too often */
    STUDY_STOPPED,     /* the world was asked to stop */
    STUDY_EXHAUSTED,   /* probes_max or budget_ns before there was an answer */
};
const char *study_ceiling_outcome_name(enum study_ceiling_outcome outcome);

struct study_ceiling {
    enum study_ceiling_outcome outcome;
    struct stats_interval scale; /* 95 %; FOUND only, else NAN */
    struct stats_interval load;  /* the same in the world's unit */
    double isotonic_scale;       /* the check; NAN where it has no crossing */
    bool isotonic_disagrees;     /* the two are further apart than the interval is wide */
    bool is_step;           /* from good to bad with nothing between: the interval runs from the
                               last pass to the first failure */
    bool is_cut_short;      /* probes_max or budget_ns ended it; what there was has been fitted */
    double steepness;       /* d logit(late share) / d log(load) */
    double over_dispersion; /* standard deviation between probes on the logit scale, beyond
                               counting */
    char broke[STUDY_NAME_BYTES];   /* what broke first: in most of the failures nearest above */
    char refused[STUDY_NAME_BYTES]; /* REFUSED: the last reason; "" otherwise */
    double last_pass, first_fail;   /* scales: highest pass, lowest failure; NAN: none */
    int32_t probes_count;           /* refused and forgotten ones too */
    int32_t restarts_count;         /* how often the machine changed its speed */
    double speed_ns;                /* of the probes that count, their median; NAN: none is known */
    base_ns probed_ns;              /* windows and warm-ups together */
};

void study_find_ceiling(const struct study_world *world,
                        const struct study_ceiling_options *options,
                        const struct study_listener *listener, /* or NULL */
                        struct study_ceiling *ceiling);

#endif
