/* A worker and its connections: the state that the gateway's modules share. Inside
 * validation/gateway only.
 *
 * A connection is about 130 bytes and holds nothing else while it is idle: a parser exists during
 * the handshake, an input inside a frame, a queue while something waits. Connections are numbered;
 * number and generation travel through epoll, so an event of a connection that is gone finds
 * nobody.
 *
 * Nobody closes a connection in the middle of something: connection_doom puts it on a list, and
 * connection_end_doomed takes it apart where no list of members is being walked. */
#ifndef HEADROOM_VALIDATION_GATEWAY_WORKER_H
#define HEADROOM_VALIDATION_GATEWAY_WORKER_H

#include "models/workload/hold.h"
#include "models/workload/turn.h"
#include "sim/base/time.h"
#include "validation/backplane/client.h"
#include "validation/gateway/assembler.h"
#include "validation/gateway/http.h"
#include "validation/gateway/mailbox.h"
#include "validation/gateway/options.h"
#include "validation/gateway/queue.h"
#include "validation/gateway/room.h"
#include "validation/gateway/segment.h"
#include "validation/gateway/stats.h"
#include "validation/gateway/wheel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

enum {
    CONNECTION_CHUNK = 256,
    CONNECTION_MEMBERSHIPS_MAX = 4096,
    ASSEMBLERS_KEPT_MAX = 16,
};

#define ACCEPT_AGAIN_NS (100 * BASE_NS_PER_MS)
#define CONNECTION_NONE UINT32_MAX               /* no connection has this number */
#define CONNECTION_LINGER_NS (2 * BASE_NS_PER_S) /* for the peer's FIN after ours */

enum connection_state {
    CONNECTION_FREE,
    CONNECTION_HANDSHAKE,
    CONNECTION_OPEN,
    CONNECTION_CLOSING
};

enum membership_flag {
    MEMBERSHIP_PUBLISHED = 1, /* has published into the room */
    MEMBERSHIP_THROTTLES = 2, /* its queue is why the room's publishers are not read */
    MEMBERSHIP_PAUSED = 4,    /* it is not read because of the room */
    MEMBERSHIP_PRESENT = 8,   /* has entered */
};

struct membership {
    uint32_t room;  /* number */
    uint32_t place; /* among the room's members */
    uint8_t flags;
};

/* A frame of which a part has arrived, and a message of which some fragments have. */
struct input {
    uint8_t *bytes;
    uint32_t length, capacity;
    struct assembler *assembler; /* NULL: not inside a fragmented message */
};

struct connection {
    struct wheel_node timer; /* first: a timer that fires is its connection */
    base_ns active_ns;       /* last read; when accepted; when closing began */
    union {
        struct http_parser *parser; /* HANDSHAKE, once a part of the request has come */
        struct input *input;        /* OPEN, inside a frame or message */
    };
    struct send_queue *queue; /* NULL: nothing waits */
    void *session;
    struct membership *memberships; /* `own`, or on the heap from the second on */
    struct membership own;
    uint32_t number, generation;
    uint32_t next; /* free list, or list of the doomed */
    uint32_t flush_stamp;
    int fd;
    uint16_t memberships_count, memberships_capacity, pauses;
    uint8_t state, interest, close_reason;
    bool is_doomed : 1, is_pinged : 1, is_beyond_limit : 1, ends_when_sent : 1;
    bool has_close_frame : 1; /* ours has been sent */
};

enum phase { PHASE_POLL, PHASE_READ, PHASE_WRITE, PHASE_ACCEPT, PHASE_TIMERS, PHASE_OTHER, PHASES };

struct gateway {
    const struct gateway_options *options; /* borrowed */
    struct http_rules rules;
    struct gateway_stats_file *stats;
    struct turn_file *turns; /* NULL: no turn is recorded */
    struct worker *workers;
    int32_t workers_count;
    int64_t connections_max;
    atomic_llong sockets_count; /* over all workers */
    atomic_int stops_count;     /* 1: drain; 2: at once */
    int listen_fd, spare_fd, signal_fd;
    uint64_t dealt_count;    /* worker 0's: connections dealt out so far */
    base_ns accept_again_ns; /* worker 0's: the listener is not watched until then; BASE_NS_MAX: it
                                is */
};

struct worker {
    struct gateway *gateway; /* borrowed */
    const struct gateway_options *options;
    struct gateway_stats_live *stats;
    int32_t index;
    pthread_t thread;
    int epoll_fd;
    struct epoll_event *events; /* [turn.events] */
    uint8_t *read_buffer;       /* [turn.read] */
    struct mailbox mailbox;
    struct room_table rooms;
    struct room **dirty; /* with something pending, in the order of their first publish */
    uint32_t dirty_count, dirty_capacity;
    struct hold_queue held[HOLD_REASONS]; /* rooms that hold messages back, by number */
    base_ns gathering_since_ns;           /* start of the turn or of the last flush in it */
    uint32_t flush_stamp;
    struct segment_pool segments;
    struct assembler *assemblers; /* free ones */
    int32_t assemblers_count;
    struct http_parser parser; /* for requests that come in one piece */
    struct connection **chunks;
    uint32_t chunks_count;
    uint32_t free_connection, doomed; /* lists by number */
    uint32_t sockets_count;
    struct wheel wheel;
    base_ns now_ns; /* of the last look at the clock */
    base_ns phase_since_ns, cpu_read_ns;
    enum phase phase;
    int64_t queued_bytes, queued_bytes_max;
    uint64_t feed_longest_ns;
    bool is_draining;
    base_ns drain_since_ns;
    struct backplane *backplane;   /* NULL: this node is alone */
    struct attendance *attendance; /* NULL: no presence here */
    struct turn_log turn_log;
    struct turn turn_readings; /* of the counters, when the last turn was recorded */
};

base_ns worker_clock(void);
/* Charges the time since the last call to the phase that ends, and returns that. */
enum phase worker_enter(struct worker *worker, enum phase phase);
void *worker_run(void *worker);
bool worker_init(struct worker *worker, struct gateway *gateway, int32_t index) MUST_USE;
void worker_fini(struct worker *worker);

/* connection.c */
struct connection *connection_at(const struct worker *worker, uint32_t number);
struct connection *
connection_new(struct worker *worker,
               int fd) MUST_USE; /* NULL: no memory or epoll full; fd is the caller's then */
void connection_update_interest(struct worker *worker, struct connection *connection);
void connection_update_timer(struct worker *worker, struct connection *connection);
void connection_fire(struct worker *worker, struct connection *connection);
void connection_doom(struct worker *worker, struct connection *connection,
                     enum gateway_close reason);
void connection_end_doomed(struct worker *worker);
void connection_free_all(struct worker *worker);
struct membership *connection_membership(const struct connection *connection, uint32_t room);
bool connection_join(struct worker *worker, struct connection *connection,
                     struct room *room) MUST_USE;
void connection_leave(struct worker *worker, struct connection *connection, uint32_t index);

/* deliver.c */
struct span {
    struct segment *segment;
    uint32_t room; /* number or QUEUE_NO_ROOM */
};
enum { DELIVER_SPANS_MAX = 64 };
void deliver(struct worker *worker, struct connection *connection, const struct span *spans,
             int32_t count);
void deliver_frame(struct worker *worker, struct connection *connection, uint8_t opcode,
                   const void *payload, size_t length);
void deliver_raw(struct worker *worker, struct connection *connection, const void *bytes,
                 size_t length);
/* Past the rules: an HTTP answer, which ends the connection once it is out. */
void deliver_answer(struct worker *worker, struct connection *connection, const void *bytes,
                    size_t length);
void deliver_writable(struct worker *worker, struct connection *connection);
void deliver_forget(struct worker *worker, struct connection *connection); /* frees the queue */

/* throttle.c */
void throttle_start(struct worker *worker, struct connection *consumer, uint32_t room);
void throttle_stop(struct worker *worker, struct connection *consumer);
void throttle_from_other(struct worker *worker, struct room *room, bool starts);
void throttle_published(struct worker *worker, struct connection *publisher,
                        struct membership *membership, const struct room *room);
void throttle_left(struct worker *worker, struct connection *connection,
                   struct membership *membership, struct room *room);

/* fanout.c */
void fanout_publish(struct worker *worker, struct room *room, uint8_t opcode, const void *payload,
                    size_t length);
void fanout_flush_room(struct worker *worker, struct room *room);
void fanout_flush(struct worker *worker);
/* The room is gone with its last member: what it holds is due to nobody. */
void fanout_forget_held(struct worker *worker, struct room *room);
/* When the next room must be written that holds messages back; BASE_NS_MAX: none does. */
base_ns fanout_held_due_ns(struct worker *worker);
void fanout_to_others(struct worker *worker, enum mail_kind kind, const struct room *room,
                      uint8_t opcode, const void *payload, size_t length);

/* cluster.c: the other nodes; without a backplane nothing happens in any of these */
enum { WORKER_TAG_BACKPLANE = 16 }; /* the first of BACKPLANE_TAGS tags of epoll, generation 0 */
bool cluster_open(struct worker *worker, const char **why) MUST_USE;
void cluster_close(struct worker *worker);
void cluster_hold(struct worker *worker, const struct room *room, bool holds);
void cluster_publish(struct worker *worker, const struct room *room, uint8_t opcode,
                     const void *payload, size_t length);
/* What nodes say to each other in the room CLUSTER_LETTERS, which no client can name; with that
 * name and a newline before it. */
#define CLUSTER_LETTERS "~presence"
void cluster_tell(struct worker *worker, const char *letter, size_t length);
void cluster_flush(struct worker *worker);
void cluster_count(struct worker *worker);

/* attendance.c: who is present; each but the first two and attendance_due_ns only where
 * worker->attendance is set. Those with a text return why it is refused, or NULL. */
void attendance_open(struct worker *worker);
void attendance_close(struct worker *worker);
base_ns attendance_due_ns(const struct worker *worker); /* the next window's end or broadcast */
void attendance_tick(struct worker *worker);
/* A letter of another node, without its room. */
void attendance_hear(struct worker *worker, const char *letter, size_t length);
const char *attendance_enter(struct worker *worker, struct connection *connection,
                             struct membership *membership, const struct protocol_command *command);
const char *attendance_exit(struct worker *worker, const struct connection *connection,
                            struct membership *membership);
void attendance_left(struct worker *worker, const struct connection *connection,
                     struct membership *membership); /* of a member that is present */
void attendance_list(struct worker *worker, struct connection *connection, const struct room *room);
void attendance_joined(struct worker *worker, struct connection *connection,
                       const struct room *room);

/* message.c and upgrade.c: bytes of a connection */
void message_bytes(struct worker *worker, struct connection *connection, uint8_t *bytes,
                   size_t length);
void message_forget(struct worker *worker, struct connection *connection); /* frees the input */
void upgrade_bytes(struct worker *worker, struct connection *connection, uint8_t *bytes,
                   size_t length);

/* turns.c: the flight recorder. NULL with errno set. */
struct turn_file *turns_create(const char *path, int32_t workers_count) MUST_USE;
void turns_begin(struct worker *worker);
/* The turn that ended at worker->now_ns. */
void turns_record(struct worker *worker);

/* acceptor.c */
bool acceptor_open(struct gateway *gateway, const char **why) MUST_USE;
/* False: it can neither accept nor refuse, and is to be asked again in ACCEPT_AGAIN_NS. */
bool acceptor_ready(struct worker *worker) MUST_USE;
void acceptor_close(struct gateway *gateway);

/* metrics.c: the exposition text, of all workers */
void metrics_write(const struct gateway *gateway, struct text *out);

#endif
