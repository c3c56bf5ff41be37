/* A client that reads byte by byte. */
#ifndef HEADROOM_TESTS_ORACLE_READER_H
#define HEADROOM_TESTS_ORACLE_READER_H

#include "models/workload/receiver.h"
#include "models/workload/slow_consumer.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct reader_message {
    base_ns due_ns;
    int32_t bytes, taken, read; /* in all, by the kernel, by the client */
    int32_t room;
    base_ns expires_ns; /* of an ephemeral signal; 0: it is none */
};

struct reader {
    int32_t client;
    struct receiver receiver;
    int64_t capacity_bytes, writable_bytes;
    struct reader_message *messages; /* oldest first */
    int32_t messages_count, messages_max;
    base_ns clock_ns;       /* it has done what it does up to and with this instant */
    base_ns reads_since_ns; /* without a break ... */
    int64_t read_since;     /* ... and this many bytes */
    int64_t taken_bytes;    /* by the kernel, ever */
    struct slow_consumer_queue queue;
    uint64_t writable_event, deadline_event;
    bool is_prompt; /* reads at once, always */
    bool is_blocked, is_closed;
    void (*delivered)(void *target, const struct reader_message *message, base_ns at_ns);
    void *target;
};

void reader_fini(struct reader *reader);
void reader_advance(struct reader *reader, base_ns until_ns);
int64_t reader_level(const struct reader *reader);   /* bytes with the kernel and not read */
int64_t reader_waiting(const struct reader *reader); /* bytes that the kernel has not taken */
void reader_append(struct reader *reader, const struct reader_message *message);
void reader_remove(struct reader *reader, int32_t index);
/* The kernel takes what waits, at most `most` and at most what it has room for; returns how much.
 * Advanced to now before and after. */
int64_t reader_take(struct reader *reader, int64_t most);
void reader_count_queue(struct reader *reader);
/* When the level is at most `level` if nothing more is written: not before `now_ns`, and
 * BASE_NS_MAX if not by `limit_ns`. */
base_ns reader_when_at_most(const struct reader *reader, int64_t level, base_ns now_ns,
                            base_ns limit_ns);

#endif
