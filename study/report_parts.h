/* The parts that a report is composed of, and what they share. Internal to study/report*.c. */
#ifndef HEADROOM_STUDY_REPORT_PARTS_H
#define HEADROOM_STUDY_REPORT_PARTS_H

#include "models/spec/profile.h"
#include "models/spec/spec.h"
#include "study/report.h"

/* The runs that a report is about: all of one scenario, by its hash. */
struct report_subject {
    struct store *store; /* borrowed */
    struct arena *arena;
    uint64_t scenario_hash;
    struct spec_scenario spec;
    double asked; /* deliveries/s at its own load; NAN: its text cannot be read any more */
    bool is_read; /* `spec` is there */
    /* The newest that ended of each; id 0: none. */
    struct store_run ceiling, measured_ceiling; /* with the metric "ceiling.active" */
    struct store_run run, measured;             /* at one load, with latencies */
};

/* Adds the parts, in the order of a reader's questions. Each returns false when the store failed.
 */
bool report_part_limits(struct report *report, const struct report_subject *subject) MUST_USE;
bool report_part_load(struct report *report, const struct report_subject *subject) MUST_USE;
bool report_part_percentiles(struct report *report, const struct report_subject *subject) MUST_USE;
bool report_part_nodes(struct report *report, const struct report_subject *subject) MUST_USE;
bool report_part_time(struct report *report, const struct report_subject *subject) MUST_USE;
bool report_part_sweep(struct report *report, const struct report_subject *subject) MUST_USE;
bool report_part_inputs(struct report *report, const struct report_subject *subject) MUST_USE;

/* NAN: the run has no such metric. False: the store failed. */
bool report_metric(const struct report_subject *subject, int64_t run, const char *name,
                   struct store_metric *metric) MUST_USE;

/* As text_say_number, in the arena. */
const char *report_say(struct arena *arena, double number);
/* Lines that bring the subject's scenario and profile back out of the store, and then `words`
 * behind "headroom": "ceiling %s" with the scenario's file in the place of %s. */
const char *report_command(const struct report_subject *subject, const struct store_run *run,
                           const char *before, const char *after);

#endif
