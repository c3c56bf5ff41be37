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

static int64_t reading(const _Atomic uint64_t *counter) {
    return (int64_t)atomic_load_explicit(counter, memory_order_relaxed);
}

/* Every column since the worker began; start_ns is its end until now. */
static struct turn readings(const struct worker *worker) {
    const struct gateway_stats_live *stats = worker->stats;
    struct turn now = {
        .start_ns = worker->now_ns,
        .loop_ns = reading(&stats->poll_ns) + reading(&stats->timers_ns) +
                   reading(&stats->accept_ns) + reading(&stats->other_ns),
        .read_ns = reading(&stats->read_ns),
        .write_ns = reading(&stats->write_ns),
        .ready_events = reading(&stats->ready_events),
        .reads = reading(&stats->reads),
        .read_bytes = reading(&stats->read_bytes),
        .publishes = reading(&stats->publishes),
        .touched = reading(&stats->touched_sockets),
        .writes = reading(&stats->writes),
        .frames = reading(&stats->frames_written),
        .bytes = reading(&stats->written_bytes),
        .enqueued = reading(&stats->enqueued),
        .writable_events = reading(&stats->writable_events),
    };
    now.took_ns = now.loop_ns + now.read_ns + now.write_ns;
    return now;
}

void turns_begin(struct worker *worker) {
    worker->turn_readings = readings(worker);
}

void turns_record(struct worker *worker) {
    struct turn now = readings(worker), turn;
    const int64_t *after = (const int64_t *)(const void *)&now;
    const int64_t *before = (const int64_t *)(const void *)&worker->turn_readings;
    int64_t *gained = (int64_t *)(void *)&turn;
    for (int i = 0; i < TURN_COLUMNS; i++)
        gained[i] = after[i] - before[i];
    turn.idle_ns = turn.start_ns - turn.took_ns; /* between the two ends, and not at work */
    turn.start_ns = now.start_ns - turn.took_ns;
    worker->turn_readings = now;
    turn_log_add(&worker->turn_log, &turn);
}
