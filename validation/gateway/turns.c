/* The gateway's end of the flight recorder: a turn is what the worker's counters gained since the
 * last one was recorded. So nothing is counted twice or for the recorder alone, all turns together
 * are the statistics, and the price is a look at fifteen counters per turn. */
#include "validation/gateway/worker.h"

#include "validation/gateway/mapped.h"

_Static_assert((int)GATEWAY_WORKERS_MAX <= (int)TURN_WORKERS_MAX, "each worker has a ring");

struct turn_file *turns_create(const char *path, int32_t workers_count) {
    uint32_t turns_max = turn_file_turns_max(workers_count);
    void *memory = mapped_new(path, turn_file_bytes(workers_count, turns_max));
    return memory != NULL ? turn_file_init(memory, workers_count, turns_max) : NULL;
}

static inline int64_t reading(const _Atomic uint64_t *counter) {
    return (int64_t)atomic_load_explicit(counter, memory_order_relaxed);
}

/* What the reading gained since it was last asked for. */
static inline int64_t gained(int64_t now, int64_t *before) {
    int64_t gain = now - *before;
    *before = now;
    return gain;
}

/* `before` has in each column what the counters stood at, and in start_ns when that was. What the
 * clock gained and the loop did not work for, it slept. */
static inline void take(const struct worker *worker, struct turn *before, struct turn *turn) {
    const struct gateway_stats_live *stats = worker->stats;
    int64_t loop_ns = reading(&stats->poll_ns) + reading(&stats->timers_ns) +
                      reading(&stats->accept_ns) + reading(&stats->other_ns);
    turn->loop_ns = gained(loop_ns, &before->loop_ns);
    turn->read_ns = gained(reading(&stats->read_ns), &before->read_ns);
    turn->write_ns = gained(reading(&stats->write_ns), &before->write_ns);
    turn->took_ns = turn->loop_ns + turn->read_ns + turn->write_ns;
    turn->idle_ns = gained(worker->now_ns, &before->start_ns) - turn->took_ns;
    turn->start_ns = worker->now_ns - turn->took_ns;
    turn->ready_events = gained(reading(&stats->ready_events), &before->ready_events);
    turn->reads = gained(reading(&stats->reads), &before->reads);
    turn->read_bytes = gained(reading(&stats->read_bytes), &before->read_bytes);
    turn->publishes = gained(reading(&stats->publishes), &before->publishes);
    turn->touched = gained(reading(&stats->touched_sockets), &before->touched);
    turn->writes = gained(reading(&stats->writes), &before->writes);
    turn->frames = gained(reading(&stats->frames_written), &before->frames);
    turn->bytes = gained(reading(&stats->written_bytes), &before->bytes);
    turn->enqueued = gained(reading(&stats->enqueued), &before->enqueued);
    turn->writable_events = gained(reading(&stats->writable_events), &before->writable_events);
}

void turns_begin(struct worker *worker) {
    struct turn unused;
    take(worker, &worker->turn_readings, &unused);
}

void turns_record(struct worker *worker) {
    struct turn turn;
    take(worker, &worker->turn_readings, &turn);
    turn_log_add(&worker->turn_log, &turn);
}
