/* Inside the reference: its state, and what its three files call of each other. */
#ifndef HEADROOM_TESTS_ORACLE_REFERENCE_INSIDE_H
#define HEADROOM_TESTS_ORACLE_REFERENCE_INSIDE_H

#include "models/workload/plan.h"
#include "sim/base/arena.h"
#include "tests/oracle/reader.h"
#include "tests/oracle/reference.h"

enum { EVENTS_MAX = 4096, WORKERS_MAX = 4, BLOCKED_FOR_MAX_S = 60, PIECES_PER_WRITE = 64 };

enum event_kind { PUBLISH, TURN, TURN_OVER, HANDED_OVER, WRITABLE, DEADLINE, READ_AGAIN };

struct event {
    base_ns at_ns;
    uint64_t number; /* order of scheduling */
    enum event_kind kind;
    int32_t worker, index;
};

struct inbound { /* a publish on its way in, or handed over by another worker */
    base_ns due_ns;
    int32_t client, room, bytes, left_bytes;
    base_ns expires_ns; /* of an ephemeral signal; 0: it is none */
    bool is_used;
};

struct gathered {
    base_ns due_ns, expires_ns;
    int32_t bytes;
};

struct worker {
    int32_t index;
    struct event ready[EVENTS_MAX]; /* kind PUBLISH: client `index` is to be read */
    int32_t ready_count;
    struct gathered *gathered; /* [rooms][gathered_max] */
    int32_t *gathered_count;   /* by room */
    bool *is_dirty;
    int32_t *dirty;
    int32_t dirty_count;
    bool is_busy;
    double write_ns;
};

enum { GATHERED_MAX = 1024, INBOUND_MAX = 16384 };

struct reference {
    const struct reference_options *options;
    struct reference_result *result;
    const struct roster *roster;
    const struct spec_node *node;
    const struct spec_send_queue *rules;
    const double *cost;
    struct arena arena;
    struct plan plan;
    struct plan_publish next;
    struct event events[EVENTS_MAX];
    int32_t events_count;
    uint64_t scheduled_count;
    base_ns clock_ns, horizon_ns, window_start_ns, end_ns, step_ns, offset_ns, within_ns, look_ns,
        lateness_ns;
    struct worker *workers;
    struct reader *readers; /* by client */
    bool *is_ready;         /* by client */
    struct inbound *inbound;
    int32_t inbound_count;
    uint8_t *published, *paused, *throttles; /* [client * rooms_count + room] */
    int64_t connections, blocked_count;
    double memory_fixed;
    base_ns paused_since_ns;
};

static inline int32_t reference_workers_count(const struct reference *r) {
    return (int32_t)r->node->workers;
}

/* --- reference_node.c: counting, events, who is where, throttling, inbound --- */
struct reference_step *reference_step_of(struct reference *r, base_ns due_ns);
void reference_delivered(void *target, const struct reader_message *message, base_ns at_ns);
bool reference_is_in_window(const struct reference *r, base_ns now_ns);
base_ns reference_overlap_with_window(const struct reference *r, base_ns from_ns, base_ns to_ns);
uint64_t reference_schedule(struct reference *r, base_ns at_ns, enum event_kind kind,
                            int32_t worker, int32_t index);
void reference_cancel(struct reference *r, uint64_t number);
bool reference_next_event(struct reference *r, struct event *next);
void reference_make_ready(struct reference *r, struct worker *worker, enum event_kind kind,
                          int32_t index);
struct worker *reference_worker_of(struct reference *r, int32_t client);
bool reference_is_let_in(const struct reference *r, int32_t client);
const int32_t *reference_members_of(const struct reference *r, int32_t room, int32_t *count);
int64_t reference_recipients(const struct reference *r, int32_t room, int32_t worker);
bool reference_is_paused(const struct reference *r, int32_t client);
bool reference_is_anybody_paused(const struct reference *r);
void reference_start_throttling(struct reference *r, int32_t client, int32_t room, base_ns now_ns);
void reference_stop_throttling(struct reference *r, int32_t client, base_ns now_ns);
void reference_has_published(struct reference *r, int32_t client, int32_t room, base_ns now_ns);
struct inbound *reference_first_inbound(struct reference *r, int32_t client);
int32_t reference_add_inbound(struct reference *r, struct inbound inbound);
void reference_want_read(struct reference *r, int32_t client);
void reference_forget_inbound(struct reference *r, int32_t client);
void reference_next_publish(struct reference *r);
void reference_publish_is_due(struct reference *r);

/* Ephemeral signals that were due, and are not delivered because they are too old. */
void reference_expired(struct reference *r, base_ns due_ns, int64_t deliveries);

/* --- reference_slow.c: one consumer, and the writes to it --- */
void reference_write_client(struct reference *r, struct worker *worker, int32_t client,
                            const int32_t *rooms, int32_t rooms_count, base_ns *now_ns);
void reference_resume(struct reference *r, struct worker *worker, struct reader *reader,
                      base_ns *now_ns);
void reference_check_deadline(struct reference *r, struct reader *reader, base_ns *now_ns);

#endif
