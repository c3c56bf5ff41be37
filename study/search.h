/* The probes of one ceiling search, and the speed that the machine had while they were made.
 *
 * A shared machine has moods: for a minute everything takes half as long again, and a search that
 * lasts longer than that asks two machines. No load can be translated from one speed to the other,
 * since what a mood does to lateness depends on how near the objective is. So only probes of the
 * speed that the machine has now count: when it has changed for good, the others are forgotten and
 * the phases start over where the last one was made. */
#ifndef HEADROOM_STUDY_SEARCH_H
#define HEADROOM_STUDY_SEARCH_H

#include "study/bisection.h"
#include "study/ceiling.h"

struct search_probe {
    double x; /* log(scale) */
    struct study_probe_result result;
    bool leans_to_fail;
};

/* What a load came to, after as many probes as its test took. */
struct search_test {
    double x;
    bool is_fail;
    bool is_decided;
};

struct search {
    const struct study_world *world;
    struct study_ceiling_options options;  /* with the defaults filled in */
    const struct study_listener *listener; /* or NULL */
    struct study_ceiling *ceiling;
    struct study_bisection bisection;
    bool has_window;                              /* the bisection knows where to look */
    struct search_test climbed[STUDY_PROBES_MAX]; /* what the climb saw, for the bisection */
    int32_t climbed_count;
    struct search_probe probes[STUDY_PROBES_MAX]; /* that count, in the order made */
    int32_t probes_count;                         /* without refused and forgotten ones */
    int32_t refusals;                             /* in a row */
    int32_t expected;        /* probes still to come in this phase and later ones, about */
    bool must_start_over;    /* the machine has changed its speed; `probes` are what is left */
    int32_t begun_count;     /* ceiling->probes_count when the phases began, the last time */
    base_ns begun_probed_ns; /* and ceiling->probed_ns: limits hold for each start by itself */
};

/* Sets the outcome; false, for a phase to return. */
bool search_end(struct search *search, enum study_ceiling_outcome outcome);

/* Window and warm-up of one probe. */
base_ns search_window(const struct study_ceiling_options *options);

/* Whether probes_max and budget_ns leave room for one more. */
bool search_may_probe(const struct search *search);

/* Asks at exp(x) until the answer is a measurement. False: the search has ended, or has to start
 * over. */
bool search_probe(struct search *search, enum study_phase phase, double x,
                  struct study_probe_result *result) MUST_USE;

/* As many probes of one load as it takes to decide it. False as above. */
bool search_test_load(struct search *search, enum study_phase phase, double x,
                      struct search_test *test) MUST_USE;

/* Of the probes that count: the median of speed_ns; NAN where the world has none. */
double search_speed(const struct search *search);

#endif
