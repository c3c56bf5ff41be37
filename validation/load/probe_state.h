/* A running probe, as its parts see it: send.c, look.c, account.c and the loop in probe.c. */
#ifndef HEADROOM_VALIDATION_LOAD_PROBE_STATE_H
#define HEADROOM_VALIDATION_LOAD_PROBE_STATE_H

#include "models/workload/generator.h"
#include "validation/load/attend.h"
#include "validation/load/probe.h"
#include "validation/load/ring.h"

#include <time.h>

enum {
    PROBE_BUFFER_BYTES = 16 << 10, /* of one recv() that is parsed */
    PROBE_BULK_BYTES = 1 << 20,    /* of one that is not */
    PROBE_OTHERS_AT_LEAST = 16,
    PROBE_PUBLISHES_PER_TURN = 128, /* and those due at the same instant as the last */
    PROBE_LOG_MAX = 8 << 20,        /* sampled deliveries remembered one by one */
};

_Static_assert((int)GENERATOR_OTHERS_PER_TURN <= (int)RING_BATCH_MAX,
               "a turn's looks are one batch");

/* recv() calls: the time of slices in which none found anything gives the cost of one that does
 * not, and what is left of the others is what the finding ones cost. Two clock readings a slice. */
struct probe_looks {
    int64_t found, empty, bytes;
    base_ns ns;
    int64_t idle_empty; /* of batches without a find */
    base_ns idle_ns;
};

struct probe_batch { /* looks of one turn */
    struct ring_look looks[RING_BATCH_MAX];
    int32_t local[RING_BATCH_MAX];
    int32_t count;
};

struct probe_costs { /* in the window */
    base_ns send_ns;
    int64_t sends, sent_bytes;
    struct probe_looks sample, bulk;
};

struct probe_log { /* a sampled delivery due in the window */
    int32_t sample;
    uint32_t delay; /* in units of PROBE_LOG_UNIT_NS, so that 429 s fit */
};
#define PROBE_LOG_UNIT_NS 100
#define PROBE_STOLEN_NS (500 * BASE_NS_PER_S / 1000000)

struct probe {
    struct clients *clients;
    const struct probe_options *options;
    struct load_report *report;
    struct source source;
    struct plan_publish next;
    bool has_next;
    struct attend attend;
    base_ns start_ns, window_start_ns, window_end_ns, send_end_ns; /* monotonic */
    base_ns now_ns;                                                /* as last read */
    bool is_draining; /* habits are over: everybody reads */
    bool has_pinged;
    int32_t pings_left; /* sampled clients that have not answered theirs */
    struct probe_costs costs;
    int32_t *touched; /* clients with something in their outbox */
    int32_t touched_count, touched_next;
    uint32_t mask;
    int32_t sample_next, other_next;
    base_ns sample_pass_ns, other_pass_ns; /* when the pass that is under way began */
    double others_owed;
    base_ns last_delivery_ns; /* to a sampled client */
    base_ns last_bytes_ns;    /* to anybody */
    struct probe_log *log;
    int64_t log_count, log_max;
    struct ring ring;
    uint8_t *buffer; /* one of PROBE_BUFFER_BYTES for each look of a batch */
};

static inline base_ns probe_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

/* Reads the clock. Two readings lie within some ten sends or looks of each other: a longer gap is a
 * processor that was taken away. */
static inline void probe_tick(struct probe *probe) {
    base_ns before_ns = probe->now_ns;
    probe->now_ns = probe_clock();
    if (probe->now_ns - before_ns >= PROBE_STOLEN_NS && before_ns >= probe->window_start_ns &&
        before_ns < probe->window_end_ns)
        hist_add(&probe->report->generator.stolen, probe->now_ns - before_ns);
}

static inline bool probe_in_window(const struct probe *probe, base_ns due_ns) {
    return due_ns >= probe->window_start_ns && due_ns < probe->window_end_ns;
}

/* send.c */
void probe_touch(struct probe *probe, int32_t local); /* it has something in its outbox */
void probe_first_publish(struct probe *probe);
void probe_send(struct probe *probe);
void probe_give_up_unsent(struct probe *probe); /* what still waits at the very end */

/* look.c */
void probe_ping_samples(struct probe *probe);
void probe_look_at_samples(struct probe *probe, int32_t count);
void probe_look_at_others(struct probe *probe, int32_t count);

void probe_end_gap(struct probe *probe); /* nothing more will arrive in the window */

/* account.c */
void probe_account(struct probe *probe);

#endif
