/* The loop: wait, read what is ready, write out what that made due, see to timers.
 *
 * After a turn that found work it first asks without sleeping, since under load there is more; only
 * when there is nothing does it sleep in the kernel. So the time in poll is the time of calls that
 * did not sleep, and an idle gateway uses no processor. */
#include "validation/gateway/worker.h"

#include "sim/base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TAG_MAIL, TAG_LISTENER, TAG_SIGNAL }; /* of epoll, with generation 0 */

#define CPU_READ_EVERY_NS (10 * BASE_NS_PER_MS)
#define DRAIN_LIMIT_NS (4 * BASE_NS_PER_S)

base_ns worker_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

static _Atomic uint64_t *phase_counter(const struct worker *worker, enum phase phase) {
    switch (phase) {
    case PHASE_POLL:
        return &worker->stats->poll_ns;
    case PHASE_READ:
        return &worker->stats->read_ns;
    case PHASE_WRITE:
        return &worker->stats->write_ns;
    case PHASE_ACCEPT:
        return &worker->stats->accept_ns;
    case PHASE_TIMERS:
        return &worker->stats->timers_ns;
    case PHASE_OTHER:
    case PHASES:
        break;
    }
    return &worker->stats->other_ns;
}

enum phase worker_enter(struct worker *worker, enum phase phase) {
    enum phase before = worker->phase;
    worker->now_ns = worker_clock();
    gateway_count(phase_counter(worker, before),
                  (uint64_t)(worker->now_ns - worker->phase_since_ns));
    worker->phase_since_ns = worker->now_ns;
    worker->phase = phase;
    return before;
}

static void read_cpu(struct worker *worker, base_ns at_least_ns) {
    if (worker->now_ns - worker->cpu_read_ns < at_least_ns)
        return;
    struct timespec cpu;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    worker->cpu_read_ns = worker->now_ns;
    gateway_level(&worker->stats->cpu_ns, (uint64_t)(cpu.tv_sec * BASE_NS_PER_S + cpu.tv_nsec));
    gateway_level(&worker->stats->now_ns, (uint64_t)worker->now_ns);
}

static bool watch(const struct worker *worker, int fd, uint64_t tag) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
    return fd < 0 || epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool worker_init(struct worker *worker, struct gateway *gateway, int32_t index) {
    const struct gateway_options *options = gateway->options;
    *worker = (struct worker){.gateway = gateway,
                              .options = options,
                              .stats = &gateway->stats->workers[index],
                              .turn_log = turn_log_of(gateway->turns, index),
                              .index = index,
                              .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                              .free_connection = CONNECTION_NONE,
                              .doomed = CONNECTION_NONE,
                              .phase = PHASE_OTHER,
                              .now_ns = worker_clock()};
    worker->events = malloc((size_t)options->turn.events * sizeof *worker->events);
    worker->read_buffer = malloc((size_t)options->turn.read);
    wheel_init(&worker->wheel, worker->now_ns);
    attendance_open(worker);
    return mailbox_init(&worker->mailbox) && room_table_init(&worker->rooms) &&
           worker->epoll_fd >= 0 && worker->events != NULL && worker->read_buffer != NULL &&
           watch(worker, worker->mailbox.event_fd, TAG_MAIL) &&
           watch(worker, index == 0 ? gateway->listen_fd : -1, TAG_LISTENER) &&
           watch(worker, index == 0 ? gateway->signal_fd : -1, TAG_SIGNAL);
}

void worker_fini(struct worker *worker) {
    cluster_close(worker);
    connection_free_all(worker);
    attendance_close(worker);
    for (uint32_t i = 0; i < worker->dirty_count; i++)
        if (worker->dirty[i]->pending != NULL)
            segment_unref(&worker->segments, worker->dirty[i]->pending);
    free(worker->dirty);
    for (int i = 0; i < HOLD_REASONS; i++)
        hold_queue_fini(&worker->held[i]);
    room_table_fini(&worker->rooms);
    segment_pool_fini(&worker->segments);
    while (worker->assemblers != NULL) {
        struct assembler *assembler = worker->assemblers;
        worker->assemblers = assembler->next_free;
        assembler_free(assembler);
    }
    mailbox_fini(&worker->mailbox);
    free(worker->events);
    free(worker->read_buffer);
    close(worker->epoll_fd);
}

static void take_mail(struct worker *worker, struct mail mail) {
    if (mail.kind == MAIL_SOCKET) {
        if (connection_new(worker, mail.fd) == NULL) {
            close(mail.fd);
            atomic_fetch_sub(&worker->gateway->sockets_count, 1);
            gateway_count(&worker->stats->refused, 1);
        }
        return;
    }
    struct parcel *parcel = mail.parcel;
    struct room *room = room_find(&worker->rooms, (const char *)parcel->bytes, parcel->room_length);
    if (room != NULL && mail.kind == MAIL_PUBLISH)
        fanout_publish(worker, room, parcel->opcode, parcel->bytes, parcel->length);
    else if (room != NULL)
        throttle_from_other(worker, room, mail.kind == MAIL_THROTTLE);
    parcel_unref(parcel);
}

static void start_drain(struct worker *worker) {
    worker->is_draining = true;
    worker->drain_since_ns = worker->now_ns;
    for (uint32_t i = 0; i < worker->chunks_count * CONNECTION_CHUNK; i++) {
        struct connection *connection = connection_at(worker, i);
        if (connection->state != CONNECTION_FREE)
            connection_update_timer(worker, connection);
    }
}

/* At most one batch: the rest is there in the next turn. */
static void read_mail(struct worker *worker) {
    uint64_t wakes;
    ssize_t got = read(worker->mailbox.event_fd, &wakes, sizeof wakes);
    (void)got; /* only clears the event */
    struct mail mails[MAILBOX_BATCH];
    int32_t count = mailbox_take(&worker->mailbox, mails);
    for (int32_t i = 0; i < count; i++)
        take_mail(worker, mails[i]);
    if (count == MAILBOX_BATCH)
        mailbox_wake(&worker->mailbox);
    if (atomic_load(&worker->gateway->stops_count) > 0 && !worker->is_draining)
        start_drain(worker);
}

static void take_signal(struct worker *worker) {
    struct gateway *gateway = worker->gateway;
    struct signalfd_siginfo info;
    if (read(gateway->signal_fd, &info, sizeof info) != sizeof info)
        return;
    atomic_fetch_add(&gateway->stops_count, 1);
    acceptor_close(gateway);
    for (int32_t i = 0; i < gateway->workers_count; i++)
        mailbox_wake(&gateway->workers[i].mailbox);
}

static void received(struct worker *worker, struct connection *connection, size_t length) {
    gateway_count(&worker->stats->reads, 1);
    gateway_count(&worker->stats->read_bytes, length);
    if (connection->state == CONNECTION_OPEN) {
        connection->active_ns = worker->now_ns;
        connection->is_pinged = false;
        message_bytes(worker, connection, worker->read_buffer, length);
    } else if (connection->state == CONNECTION_HANDSHAKE) {
        enum phase before = worker_enter(worker, PHASE_ACCEPT);
        upgrade_bytes(worker, connection, worker->read_buffer, length);
        worker_enter(worker, before);
    }
}

static void readable(struct worker *worker, struct connection *connection) {
    ssize_t length =
        recv(connection->fd, worker->read_buffer, (size_t)worker->options->turn.read, MSG_DONTWAIT);
    if (length > 0)
        received(worker, connection, (size_t)length);
    else if (length == 0)
        connection_doom(worker, connection, GATEWAY_CLOSE_PEER);
    else if (errno != EAGAIN && errno != EINTR)
        connection_doom(worker, connection, GATEWAY_CLOSE_RESET);
}

static void ready(struct worker *worker, const struct epoll_event *event) {
    uint32_t number = (uint32_t)event->data.u64;
    uint32_t generation = (uint32_t)(event->data.u64 >> 32);
    struct connection *connection = connection_at(worker, number);
    if (connection->generation != generation || connection->state == CONNECTION_FREE)
        return;
    if ((event->events & EPOLLOUT) != 0) {
        enum phase before = worker_enter(worker, PHASE_WRITE);
        deliver_writable(worker, connection);
        worker_enter(worker, before);
    }
    if ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !connection->is_doomed)
        readable(worker, connection);
}

static void listener_ready(struct worker *worker) {
    struct gateway *gateway = worker->gateway;
    if (acceptor_ready(worker))
        return;
    CHECK(epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, gateway->listen_fd, NULL) == 0);
    gateway->accept_again_ns = worker->now_ns + ACCEPT_AGAIN_NS;
}

/* Where the kernel has no memory for that either, later. */
static void accept_again(struct worker *worker) {
    struct gateway *gateway = worker->gateway;
    bool is_watched = watch(worker, gateway->listen_fd, TAG_LISTENER);
    gateway->accept_again_ns = is_watched ? BASE_NS_MAX : worker->now_ns + ACCEPT_AGAIN_NS;
}

/* Of the worker, when it must be awake: a timer, the listener's, or the backplane's. */
static base_ns next_due_ns(const struct worker *worker) {
    base_ns timer_ns = wheel_next(&worker->wheel);
    base_ns accept_ns = worker->index == 0 ? worker->gateway->accept_again_ns : BASE_NS_MAX;
    base_ns due_ns = timer_ns < accept_ns ? timer_ns : accept_ns;
    base_ns backplane_ns =
        worker->backplane != NULL ? backplane_due_ns(worker->backplane) : BASE_NS_MAX;
    base_ns window_ns = attendance_due_ns(worker);
    due_ns = due_ns < backplane_ns ? due_ns : backplane_ns;
    return due_ns < window_ns ? due_ns : window_ns;
}

static void dispatch(struct worker *worker, const struct epoll_event *event) {
    if (event->data.u64 == TAG_MAIL)
        read_mail(worker);
    else if (event->data.u64 == TAG_LISTENER)
        listener_ready(worker);
    else if (event->data.u64 == TAG_SIGNAL)
        take_signal(worker);
    else if (event->data.u64 >= WORKER_TAG_BACKPLANE &&
             event->data.u64 < WORKER_TAG_BACKPLANE + BACKPLANE_TAGS)
        backplane_ready(worker->backplane, event->data.u64, event->events, worker->now_ns);
    else
        ready(worker, event);
    connection_end_doomed(worker);
}

static bool has_gathered_long(struct worker *worker) {
    if (worker->dirty_count == 0)
        return false;
    worker->now_ns = worker_clock();
    return worker->now_ns - worker->gathering_since_ns >= worker->options->turn.flush_after;
}

static void fire_timers(struct worker *worker) {
    worker_enter(worker, PHASE_TIMERS);
    for (struct wheel_node *node; (node = wheel_pop(&worker->wheel, worker->now_ns)) != NULL;)
        connection_fire(worker, (struct connection *)(void *)node);
    connection_end_doomed(worker);
}

/* The other nodes first: their members are as far away as the nearest here, and a hop more. */
static void write_out(struct worker *worker) {
    cluster_flush(worker);
    fanout_flush(worker);
    connection_end_doomed(worker);
}

static void turn(struct worker *worker, int32_t count) {
    worker_enter(worker, PHASE_READ);
    worker->gathering_since_ns = worker->now_ns;
    gateway_count(&worker->stats->turns, 1);
    gateway_count(&worker->stats->ready_events, (uint64_t)count);
    for (int32_t i = 0; i < count; i++) {
        dispatch(worker, &worker->events[i]);
        if (has_gathered_long(worker))
            write_out(worker);
    }
    write_out(worker);
}

static int sleep_ms(const struct worker *worker) {
    base_ns due_ns = next_due_ns(worker);
    if (worker->is_draining && due_ns > worker->now_ns + 100 * BASE_NS_PER_MS)
        return 100;
    if (due_ns == BASE_NS_MAX)
        return -1;
    base_ns left_ns = due_ns - worker->now_ns;
    return left_ns <= 0 ? 0 : (int)(left_ns / BASE_NS_PER_MS) + 1;
}

/* Until something is ready, or a room's time to be written has come: that is due to less than a
 * millisecond, which epoll_wait does not know. */
static int sleep_until_ready(struct worker *worker, int32_t max) {
    base_ns held_ns = fanout_held_due_ns(worker);
    if (held_ns > next_due_ns(worker) || held_ns == BASE_NS_MAX)
        return epoll_wait(worker->epoll_fd, worker->events, max, sleep_ms(worker));
    base_ns left_ns = held_ns > worker->now_ns ? held_ns - worker->now_ns : 0;
    struct timespec left = {.tv_sec = left_ns / BASE_NS_PER_S, .tv_nsec = left_ns % BASE_NS_PER_S};
    int count = epoll_pwait2(worker->epoll_fd, worker->events, max, &left, NULL);
    if (count < 0 && errno == ENOSYS) /* before Linux 5.11: up to a millisecond late */
        count =
            epoll_wait(worker->epoll_fd, worker->events, max, (int)(left_ns / BASE_NS_PER_MS) + 1);
    return count;
}

/* Ready descriptors. The time of a call that sleeps is nobody's. */
static int32_t wait(struct worker *worker) {
    worker_enter(worker, PHASE_POLL);
    int32_t max = (int32_t)worker->options->turn.events;
    int32_t count = epoll_wait(worker->epoll_fd, worker->events, max, 0);
    worker_enter(worker, PHASE_OTHER);
    if (count != 0)
        return count < 0 ? 0 : count;
    read_cpu(worker, BASE_NS_PER_MS);
    count = sleep_until_ready(worker, max);
    worker->phase_since_ns = worker->now_ns = worker_clock();
    return count < 0 ? 0 : count;
}

static bool is_over(const struct worker *worker) {
    int stops = atomic_load_explicit(&worker->gateway->stops_count, memory_order_relaxed);
    if (stops < 2 && !worker->is_draining)
        return false;
    return stops >= 2 || worker->sockets_count == 0 ||
           worker->now_ns - worker->drain_since_ns > DRAIN_LIMIT_NS;
}

void *worker_run(void *argument) {
    struct worker *worker = argument;
    worker->phase_since_ns = worker->now_ns = worker_clock();
    turns_begin(worker);
    while (!is_over(worker)) {
        int32_t count = wait(worker);
        bool has_turn = count > 0 || fanout_held_due_ns(worker) <= worker->now_ns;
        if (has_turn)
            turn(worker, count);
        if (wheel_has_turned(&worker->wheel, worker->now_ns))
            fire_timers(worker);
        if (worker->index == 0 && worker->gateway->accept_again_ns <= worker->now_ns)
            accept_again(worker);
        if (worker->backplane != NULL && backplane_due_ns(worker->backplane) <= worker->now_ns)
            backplane_tick(worker->backplane, worker->now_ns);
        if (attendance_due_ns(worker) <= worker->now_ns)
            attendance_tick(worker);
        cluster_count(worker);
        worker_enter(worker, PHASE_OTHER);
        if (has_turn && worker->turn_log.turns != NULL)
            turns_record(worker);
        read_cpu(worker, CPU_READ_EVERY_NS);
    }
    read_cpu(worker, 0);
    return NULL;
}
