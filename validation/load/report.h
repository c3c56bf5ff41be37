/* What a probe came to, as the load generator tells it: counts first, figures derived from them.
 *
 * Counts of several processes add up; a share, a slope or a percentile does not. So a report
 * carries the counts by population and step of the window, load_report_merge adds them, and
 * load_report_finish derives every figure anew. One JSON object on one line is its written form. */
#ifndef HEADROOM_VALIDATION_LOAD_REPORT_H
#define HEADROOM_VALIDATION_LOAD_REPORT_H

#include "models/workload/outcome.h"
#include "sim/base/attributes.h"
#include "sim/base/hist.h"
#include "sim/base/text.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LOAD_REPORT_VERSION = 1,
    LOAD_POPULATIONS_MAX = 16, /* as rows/scenario.def has it */
    LOAD_BATCHES = 20,         /* of the window, for the standard error of a share */
    LOAD_STEPS_MAX = 600,      /* of the window, a multiple of LOAD_BATCHES */
    LOAD_CLOSES_MAX = 16,      /* different close codes told apart; later ones count as the last */
    LOAD_NAME_BYTES = 65,
    LOAD_ERROR_BYTES = 128,
};

/* Deliveries due in one step of the window to the sampled clients of a population. */
struct load_step {
    int64_t due, in_time, arrived;
    double delay_sum_ms; /* of the arrived ones */
    int64_t standing;    /* of the arrived: to clients who stand still now and then */
    double standing_delay_sum_ms;
};

struct load_population {
    char name[LOAD_NAME_BYTES];
    int64_t clients;  /* connected when the probe began */
    int64_t sampled;  /* of these: looked at one by one */
    int64_t parsed;   /* of these: read in full without being timed (readers with habits) */
    int64_t due;      /* deliveries due in the window to all its clients ... */
    int64_t lost;     /* ... that will never arrive: their connection closed, or all was quiet */
    int64_t pending;  /* ... that had not arrived when the patience ended: neither */
    int64_t withheld; /* beside them: of messages due in the window, by the rule of a feed */
    int64_t due_sampled, in_time_sampled,
        arrived_sampled; /* sampled clients only; without what those who stalled got when made to
                            read */
    int64_t bulk_due_bytes, bulk_bytes; /* the whole probe, clients counted by bytes only */
    struct hist latency;        /* ns, of the sampled clients' deliveries due in the window */
    double worst_client_p99_ms; /* of the sampled clients; NAN: none */
    struct load_step *steps;    /* [report->steps_count] */
};

/* Calls of one kind, in the measured window. */
struct load_looks {
    int64_t found; /* recv() that returned data */
    int64_t empty; /* recv() that did not */
    int64_t bytes;
    double found_ns; /* mean time of a recv() that returned data, with its parsing and counting */
    double empty_ns; /* mean time of one that did not */
};

struct load_generator {
    int64_t processes;
    int64_t rings;    /* of these: that looked through io_uring */
    double elapsed_s; /* of the window, summed over processes */
    double busy_s;    /* of it: sends, and looks that found something */
    double cpu_s; /* processor time that the kernel gave in it: less than elapsed means stolen or
                     shared */
    int64_t publishes_sent;    /* in the whole probe */
    int64_t publishes_unsent;  /* their sender was not connected, or its queue was full */
    int64_t publishes_blocked; /* had to wait because the server did not take them at once */
    int64_t sends;             /* send() calls in the window */
    double send_ns;            /* mean, building the frames included */
    int64_t sent_bytes;
    struct load_looks sample, bulk;
    struct hist lateness;    /* ns, of publishes due in the window, to when the kernel had them */
    struct hist sample_look; /* ns between two looks at a sampled connection */
    struct hist bulk_sweep;  /* ns between two looks at one that is not */
    struct hist stolen;      /* ns, 500 us and more, in which its processor was taken away */
};

struct load_close {
    int32_t code; /* 1006: without a close frame, which a full socket cannot carry; 0: none was
                     looked for (a client that is counted by bytes) */
    int64_t count;
};

struct load_report {
    /* what was asked */
    uint64_t seed;
    uint64_t replication;
    double scale;
    base_ns warm_up_ns, window_ns, within_ns;
    /* what was counted */
    int64_t publishes_due;  /* in the window, and made */
    int64_t refused;        /* connections that were never let in */
    base_ns longest_gap_ns; /* in the window, without a delivery to a sampled client */
    bool is_quiet;          /* all that was going to arrive has arrived */
    int64_t server_errors;  /* "! reason" messages, broken frames */
    char first_error[LOAD_ERROR_BYTES];
    int64_t stale; /* deliveries of an earlier probe */
    struct load_close closes[LOAD_CLOSES_MAX];
    int32_t closes_count;
    struct load_population populations[LOAD_POPULATIONS_MAX];
    int32_t populations_count;
    base_ns step_ns;
    int32_t steps_count;
    struct load_generator generator;
    /* what follows */
    double metric[OUTCOME_METRICS]; /* NAN: not the generator's to say */
    struct hist latency; /* ns, pooled: a population's sample stands for all its deliveries */
    struct outcome_series series; /* pooled likewise */
};

void load_report_init(struct load_report *report);
void load_report_fini(struct load_report *report);

/* Cuts a window into steps: about 100 ms each, LOAD_BATCHES to LOAD_STEPS_MAX of them. */
int32_t load_report_steps(base_ns window_ns);
/* Adds a population with `steps_count` zeroed steps; the report's steps_count must be set. */
struct load_population *load_report_add_population(struct load_report *report, const char *name);
void load_report_add_close(struct load_report *report, int32_t code, int64_t count);

/* Both reports are of one probe; figures that are derived are left to load_report_finish. */
void load_report_merge(struct load_report *into, const struct load_report *from);
void load_report_finish(struct load_report *report);

/* One JSON object, no newline in it. */
void load_report_write(const struct load_report *report, struct text *out);
/* Into an initialised report; false with `why` (static text) when it is none of ours. Derived
 * figures are derived, not read. */
bool load_report_parse(struct load_report *report, const char *json, const char **why) MUST_USE;

#endif
