/* Bytes to one consumer: written at once where the kernel takes them; what it does not take is
 * queued by the rules.
 *
 * A frame of which a part is with the kernel joins the queue whatever the policy, short of a close:
 * without its rest the stream would have lost its framing. */
#include "validation/gateway/worker.h"

#include "sim/base/check.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

enum { BLOCKING_WAIT_MAX_MS = 60000 };

static void change_level(struct worker *worker, int64_t bytes) {
    worker->queued_bytes += bytes;
    gateway_level(&worker->stats->queued_bytes, (uint64_t)worker->queued_bytes);
    if (worker->queued_bytes <= worker->queued_bytes_max)
        return;
    worker->queued_bytes_max = worker->queued_bytes;
    gateway_level(&worker->stats->queued_bytes_max, (uint64_t)worker->queued_bytes_max);
}

/* Frees the queue; the memory goes with the last reference to each segment. */
void deliver_forget(struct worker *worker, struct connection *connection) {
    if (connection->queue == NULL)
        return;
    change_level(worker, -connection->queue->level.bytes);
    send_queue_free(connection->queue, &worker->segments);
    connection->queue = NULL;
    gateway_uncount(&worker->stats->blocked, 1);
}

static bool need_queue(struct worker *worker, struct connection *connection) {
    if (connection->queue != NULL)
        return true;
    connection->queue = send_queue_new();
    if (connection->queue == NULL) {
        connection_doom(worker, connection, GATEWAY_CLOSE_NO_MEMORY);
        return false;
    }
    gateway_count(&worker->stats->blocked, 1);
    return true;
}

/* Bytes that the kernel took; -1: the connection is lost. Never blocks. */
static ssize_t write_pieces(struct worker *worker, struct connection *connection,
                            struct iovec *pieces, int32_t count) {
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
    ssize_t taken;
    do
        taken = count == 1 ? send(connection->fd, pieces->iov_base, pieces->iov_len,
                                  MSG_NOSIGNAL | MSG_DONTWAIT)
                           : sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (taken < 0 && errno == EINTR);
    gateway_count(&worker->stats->writes, 1);
    if (taken >= 0) {
        gateway_count(&worker->stats->written_bytes, (uint64_t)taken);
        return taken;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
        return 0;
    connection_doom(worker, connection, GATEWAY_CLOSE_RESET);
    return -1;
}

struct piece { /* a frame, or the rest of one, that is to be queued */
    struct segment *segment;
    uint32_t begin, end, sent_bytes, room;
};

static bool add_piece(struct worker *worker, struct connection *connection, struct piece piece) {
    struct send_queue *queue = connection->queue;
    if (!send_queue_add(queue, piece.segment, piece.begin, piece.end, piece.room,
                        piece.sent_bytes)) {
        connection_doom(worker, connection, GATEWAY_CLOSE_NO_MEMORY);
        return false;
    }
    slow_consumer_update(&worker->options->send_queue, &queue->level, 0, worker->now_ns);
    change_level(worker, piece.end - piece.begin - piece.sent_bytes);
    gateway_count(&worker->stats->enqueued, 1);
    return true;
}

static void conflate(struct worker *worker, struct connection *connection, struct piece piece) {
    int64_t bytes = 0;
    int64_t replaced =
        send_queue_drop_room(connection->queue, piece.room, &worker->segments, &bytes);
    change_level(worker, -bytes);
    if (replaced > 0 && add_piece(worker, connection, piece))
        gateway_count(&worker->stats->conflated, (uint64_t)replaced);
    else
        gateway_count(&worker->stats->dropped, 1);
}

static enum slow_consumer_action decide(struct worker *worker, struct connection *connection,
                                        struct piece piece) {
    struct slow_consumer_verdict verdict = slow_consumer_decide(
        &worker->options->send_queue, &connection->queue->level,
        (struct slow_consumer_message){.bytes = piece.end - piece.begin - piece.sent_bytes},
        worker->now_ns);
    if (verdict.action == SLOW_CLOSE)
        connection_doom(worker, connection, gateway_close_of_slow(verdict.reason));
    bool would_tear = verdict.action == SLOW_DROP_NEWEST || verdict.action == SLOW_CONFLATE;
    return would_tear && piece.sent_bytes > 0 ? SLOW_QUEUE : verdict.action;
}

/* False: nothing more is to be queued for this connection. */
static bool enqueue(struct worker *worker, struct connection *connection, struct piece piece) {
    for (;;) {
        switch (decide(worker, connection, piece)) {
        case SLOW_QUEUE:
        case SLOW_BLOCK:
            return add_piece(worker, connection, piece);
        case SLOW_THROTTLE:
            throttle_start(worker, connection, piece.room);
            return add_piece(worker, connection, piece);
        case SLOW_DROP_NEWEST:
            gateway_count(&worker->stats->dropped, 1);
            return true;
        case SLOW_DROP_OLDEST:
            change_level(worker, -send_queue_drop_oldest(connection->queue, &worker->segments));
            gateway_count(&worker->stats->dropped, 1);
            break; /* ask again */
        case SLOW_DROP_SIGNAL:
            CHECK(false && "no frame of the gateway's is a signal");
            return true;
        case SLOW_CONFLATE:
            conflate(worker, connection, piece);
            return true;
        case SLOW_CLOSE:
            return false;
        }
    }
}

/* Each frame of the span of which something is left after `taken` bytes. */
static bool enqueue_span(struct worker *worker, struct connection *connection, struct span span,
                         uint32_t taken) {
    uint32_t begin = 0;
    for (uint32_t i = 0; i < span.segment->frames_count; i++) {
        uint32_t frame_end = span.segment->ends[i];
        if (frame_end <= taken) {
            gateway_count(&worker->stats->frames_written, 1);
        } else {
            uint32_t sent = taken > begin ? taken - begin : 0;
            struct piece piece = {span.segment, begin, frame_end, sent, span.room};
            if (!enqueue(worker, connection, piece))
                return false;
        }
        begin = frame_end;
    }
    return true;
}

/* One write of what waits. False: the kernel took less than it was offered. */
static bool write_queue(struct worker *worker, struct connection *connection) {
    struct send_queue *queue = connection->queue;
    struct iovec pieces[DELIVER_SPANS_MAX];
    int32_t count = send_queue_gather(queue, pieces, DELIVER_SPANS_MAX);
    size_t offered = 0;
    for (int32_t i = 0; i < count; i++)
        offered += pieces[i].iov_len;
    ssize_t taken = write_pieces(worker, connection, pieces, count);
    if (taken <= 0)
        return false;
    int64_t frames = send_queue_sent(queue, taken, &worker->segments);
    gateway_count(&worker->stats->frames_written, (uint64_t)frames);
    slow_consumer_update(&worker->options->send_queue, &queue->level, taken, worker->now_ns);
    change_level(worker, -taken);
    return (size_t)taken == offered;
}

/* After the queue has changed: what depends on its level. */
static void settle(struct worker *worker, struct connection *connection) {
    if (connection->is_doomed)
        return;
    int64_t level = connection->queue->level.bytes;
    if (level <= slow_consumer_resume_bytes(&worker->options->send_queue))
        throttle_stop(worker, connection);
    if (level == 0)
        deliver_forget(worker, connection);
    connection_update_interest(worker, connection);
    connection_update_timer(worker, connection);
    if (level == 0 && connection->ends_when_sent)
        connection_doom(worker, connection, GATEWAY_CLOSE_HTTP_DONE);
}

/* The mistake `blocking`: the worker does nothing else until this reader has taken everything. */
static void wait_for_reader(struct worker *worker, struct connection *connection) {
    gateway_count(&worker->stats->blocked_waits, 1);
    base_ns until_ns = worker_clock() + BLOCKING_WAIT_MAX_MS * BASE_NS_PER_MS;
    while (!connection->is_doomed && connection->queue->count > 0) {
        struct pollfd wanted = {.fd = connection->fd, .events = POLLOUT};
        base_ns now_ns = worker_clock();
        if (now_ns >= until_ns ||
            poll(&wanted, 1, (int)((until_ns - now_ns) / BASE_NS_PER_MS) + 1) == 0)
            connection_doom(worker, connection, GATEWAY_CLOSE_SLOW_WRITE_DEADLINE);
        else
            write_queue(worker, connection);
    }
    worker->now_ns = worker_clock();
}

static void queue_rest(struct worker *worker, struct connection *connection,
                       const struct span *spans, int32_t count, uint32_t taken) {
    if (!need_queue(worker, connection))
        return;
    for (int32_t i = 0; i < count; i++) {
        uint32_t length = spans[i].segment->bytes_count;
        if (!enqueue_span(worker, connection, spans[i], taken < length ? taken : length))
            break;
        taken -= taken < length ? taken : length;
    }
    if (worker->options->send_queue.policy == SPEC_BLOCKING && !connection->is_doomed)
        wait_for_reader(worker, connection);
    settle(worker, connection);
}

void deliver(struct worker *worker, struct connection *connection, const struct span *spans,
             int32_t count) {
    if (connection->is_doomed || connection->state != CONNECTION_OPEN)
        return;
    if (connection->queue != NULL) {
        queue_rest(worker, connection, spans, count, 0);
        return;
    }
    struct iovec pieces[DELIVER_SPANS_MAX];
    size_t offered = 0;
    uint32_t frames = 0;
    for (int32_t i = 0; i < count; i++) {
        pieces[i] = (struct iovec){spans[i].segment->bytes, spans[i].segment->bytes_count};
        offered += spans[i].segment->bytes_count;
        frames += spans[i].segment->frames_count;
    }
    ssize_t taken = write_pieces(worker, connection, pieces, count);
    if ((size_t)taken == offered) {
        gateway_count(&worker->stats->frames_written, frames);
    } else if (taken >= 0) {
        gateway_count(&worker->stats->short_writes, 1);
        queue_rest(worker, connection, spans, count, (uint32_t)taken);
    }
}

static void deliver_own(struct worker *worker, struct connection *connection,
                        struct segment *segment, bool is_complete) {
    if (segment == NULL || !is_complete)
        connection_doom(worker, connection, GATEWAY_CLOSE_NO_MEMORY);
    else
        deliver(worker, connection, &(struct span){segment, QUEUE_NO_ROOM}, 1);
    if (segment != NULL)
        segment_unref(&worker->segments, segment);
}

void deliver_frame(struct worker *worker, struct connection *connection, uint8_t opcode,
                   const void *payload, size_t length) {
    struct segment *segment = segment_new(&worker->segments);
    bool is_complete = segment != NULL && segment_append(segment, opcode, payload, length);
    deliver_own(worker, connection, segment, is_complete);
}

void deliver_raw(struct worker *worker, struct connection *connection, const void *bytes,
                 size_t length) {
    struct segment *segment = segment_new(&worker->segments);
    bool is_complete = segment != NULL && segment_append_raw(segment, bytes, length);
    deliver_own(worker, connection, segment, is_complete);
}

void deliver_answer(struct worker *worker, struct connection *connection, const void *bytes,
                    size_t length) {
    struct segment *segment = segment_new(&worker->segments);
    if (segment == NULL || !segment_append_raw(segment, bytes, length) ||
        !need_queue(worker, connection)) {
        connection_doom(worker, connection, GATEWAY_CLOSE_NO_MEMORY);
    } else {
        connection->ends_when_sent = true;
        struct piece piece = {segment, 0, segment->bytes_count, 0, QUEUE_NO_ROOM};
        if (add_piece(worker, connection, piece))
            write_queue(worker, connection);
        settle(worker, connection);
    }
    if (segment != NULL)
        segment_unref(&worker->segments, segment);
}

void deliver_writable(struct worker *worker, struct connection *connection) {
    if (connection->queue == NULL || connection->is_doomed)
        return;
    gateway_count(&worker->stats->writable_events, 1);
    while (write_queue(worker, connection) && connection->queue->count > 0)
        continue;
    settle(worker, connection);
}
