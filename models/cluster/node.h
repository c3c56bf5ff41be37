/* A cluster in simulated time: its nodes, their workers, their slow consumers, and what they share.
 * Inside models/cluster only; cluster.h is the way in.
 *
 * Clients, consumers, the plan and the count of deliveries are the cluster's; a node owns what can
 * run out on it alone. A room is known to a worker by its slot among those that the worker has
 * members of (models/cluster/layout.h), so that nothing grows with nodes times rooms.
 *
 * A worker's CPU is a station and a turn of its loop the unit of service (DESIGN section 4): it
 * takes what is ready, reads, publishes into rooms, then writes each touched socket once. Only the
 * worker touches its sockets, and a client's reading is a function of time, so a turn is worked out
 * in one go from its start to its end; what becomes ready meanwhile waits for the next. */
#ifndef HEADROOM_MODELS_CLUSTER_NODE_H
#define HEADROOM_MODELS_CLUSTER_NODE_H

#include "models/cluster/consumer.h"
#include "models/cluster/costs.h"
#include "models/cluster/layout.h"
#include "models/cluster/membership.h"
#include "models/cluster/steal.h"
#include "models/cluster/tally.h"
#include "models/workload/plan.h"
#include "models/workload/turn.h"
#include "sim/engine/run.h"

#include <stdbool.h>
#include <stdint.h>

enum node_inbound_kind {
    NODE_PUBLISH,
    NODE_ATTENDANCE, /* an enter, an exit, a request for the list: `number` says which */
    NODE_NOTICE      /* what members are told of each other; `number`: its entries to be paid for */
};

struct node_inbound { /* a publish on its way in; a client's are linked, oldest first */
    base_ns due_ns;
    int32_t room, bytes; /* of the delivered payload */
    int32_t left_bytes;  /* not read yet */
    int32_t client;      /* its publisher */
    int32_t origin;      /* node that its publisher is connected to; -1: nobody is listening */
    uint32_t number;     /* on the backplane: of the room's publishes there */
    int32_t pending;     /* at an instance: of pending.h; 0: nobody waits for it */
    base_ns deadline_ns; /* on the backplane: worth nothing later; 0: always worth something */
    bool is_duplicate;   /* likewise: the node has been sent it before */
    int32_t signal;      /* an ephemeral one of traffic signal - 1; 0: none */
    int32_t next;        /* index into inbound[]; -1: the last */
    enum node_inbound_kind kind;
};

enum node_ready_kind {
    NODE_READY_READ,
    NODE_READY_HANDED_OVER,
    NODE_READY_LOOKED_UP, /* a publish whose sender's session was asked for */
    NODE_READY_BACKPLANE, /* something in the worker's inbox */
    NODE_READY_AGAIN,     /* a publish that no instance has acknowledged */
    NODE_READY_WRITABLE,
    NODE_READY_DEADLINE,
    NODE_READY_ACCEPT,  /* a connection in the accept queue */
    NODE_READY_CLOSE,   /* a connection that is to be closed */
    NODE_READY_HELD,    /* the time of what a room held back */
    NODE_READY_UNREAD,  /* a slot whose members are to be told a count */
    NODE_READY_PRESENCE /* a letter, to send or to read */
};
struct node_ready {
    enum node_ready_kind kind;
    int32_t index; /* client, inbound (handed over, looked up), 0 (backplane, held), pending
                      (again), consumer, handshake or letter */
};

struct node_gathered { /* a publish that a room will write in this turn */
    base_ns due_ns;
    int32_t frame_bytes;
    int32_t signal; /* as of node_inbound */
};

struct node_room {                  /* one room on one worker: a slot */
    struct node_gathered *gathered; /* `only`, until a second one comes */
    struct node_gathered only;      /* most rooms of a large cluster never gather two */
    int32_t gathered_count, gathered_max;
    int64_t gathered_bytes;
    int64_t written_at;   /* worker->sockets_written when it was last written out; -1: never */
    base_ns allowance_ns; /* as for tally_range */
    int32_t watch; /* of tally_watch: its last member, who is always written last; -1: none */
    bool is_dirty; /* stands in the worker's dirty[] */
    bool is_held;  /* what it gathered is held back */
};

struct node_worker {
    struct cluster *cluster;
    struct node *node;
    int32_t index; /* in the cluster */
    struct costs costs;
    struct node_ready *ready; /* a ring */
    int32_t ready_first, ready_count, ready_max;
    struct node_room *rooms; /* by slot */
    int32_t *dirty;          /* slots with something gathered, in the order in which they got it */
    int32_t dirty_count;
    bool is_busy;
    struct held *held;               /* NULL: no room of it holds anything back */
    struct backplane_link *links;    /* to each place that it sends to; NULL: to none */
    int32_t inbox_first, inbox_last; /* publishes of other nodes, oldest first; -1: none */
    int64_t sockets_written;         /* by fan-out, since the start */
    base_ns busy_ns;                 /* in turns, within the window; so are the counts */
    int64_t turns, writes, written_bytes, written_packets;
    struct steal steal;
    struct turn turn; /* the one that is being worked out: its counts and its write_ns */
    struct turn_log log;
    base_ns last_turn_end_ns;
    uint32_t life; /* its node's, so that a turn of a life before is none */
};

struct node_counts { /* since the start */
    int64_t closed_by_reason[SLOW_REASON_COUNT];
    int64_t queued_bytes, queued_bytes_max; /* in the application's queues */
    int64_t blocked_count;                  /* consumers whose kernel buffers are full */
};

struct node {
    const struct layout_node *place; /* borrowed */
    const struct spec_node *spec;    /* borrowed */
    int64_t memory_fixed_bytes;      /* user and kernel, of all its connections */
    bool is_dead;                    /* out of memory, or gone: it writes nothing any more */
    base_ns dies_at_ns;              /* when that is known before; BASE_NS_MAX: it is not */
    base_ns cut_ns; /* what is written later arrives nowhere: it dies or is silent */
    struct node_counts counts;
};

struct cluster {
    struct run *run;             /* borrowed */
    const struct layout *layout; /* borrowed */
    struct tally tally;
    struct plan plan;
    struct plan_load offered; /* at scale 1 */
    struct plan_publish next_publish;
    struct profile_costs raw_costs;
    struct steal generator_steal;
    base_ns lateness_ns,
        look_ns; /* the generator's share of a measured latency: before the server, and after it */
    struct node *nodes;          /* [layout->nodes_count] */
    struct node_worker *workers; /* [layout->workers_count] */
    struct consumer *consumers;
    struct node_inbound *inbound; /* a pool; free ones linked */
    int32_t inbound_count, inbound_max, inbound_free;
    int32_t *inbound_first, *inbound_last; /* by client; -1: none */
    uint8_t *is_ready;             /* by client: stands in its worker's ready[] to be read */
    struct throttle *throttle;     /* NULL unless that is the policy */
    struct backplane *backplane;   /* NULL: nothing is carried, or there is nobody to carry to */
    struct pending *pending;       /* NULL: no node waits for a backplane */
    struct attendance *attendance; /* NULL: no presence */
    struct unread *unread;         /* NULL: everybody gets the messages themselves */
    struct churn *churn;           /* NULL: every connection stays from the start to the end */
    const base_ns *joined_ns;      /* by client: the beginning of its connection; NULL: no churn */
    int32_t paused_count;          /* publishers that are not read */
    base_ns paused_since_ns, paused_ns; /* time in the window in which some were not */
    uint8_t *dirty_rooms; /* by client, where a client may be in several rooms: how many of them the
                             flush has yet to write, none, one or more; a byte, because a burst asks
                             for each of its members */
    base_ns window_start_ns, window_end_ns; /* of the workers' counts */
    bool shares_processor;                  /* all workers and instances take turns on one */
    base_ns switch_ns;                      /* of processes there */
    base_ns processor_free_ns;              /* that one, from then on */
    int64_t unrouted; /* deliveries due on nodes that nothing carries them to, since the start */
};

/* Takes the next publishes from the plan, one event each, from now on. */
void cluster_start(struct cluster *cluster);

/* Members of the room on all workers: whom a publish is due to. */
int64_t cluster_recipients(const struct cluster *cluster, int32_t room);
/* How much of the time from `from_ns` to `to_ns` lies within the window. */
base_ns cluster_within_window(const struct cluster *cluster, base_ns from_ns, base_ns to_ns);
/* Whether somebody else has the processor that all share at `now_ns`. */
static inline bool cluster_is_occupied(const struct cluster *cluster, base_ns now_ns) {
    return cluster->shares_processor && cluster->processor_free_ns > now_ns;
}
/* When a process runs that is woken at `now_ns`: once whoever runs has ended (who is woken by its
 * last act too) and the kernel has changed over; from an idle processor after `wake_up_ns`. */
static inline base_ns cluster_runs_ns(const struct cluster *cluster, base_ns now_ns,
                                      base_ns wake_up_ns) {
    bool is_occupied = cluster->shares_processor && cluster->processor_free_ns >= now_ns;
    return is_occupied ? cluster->processor_free_ns + cluster->switch_ns : now_ns + wake_up_ns;
}
/* Somebody is done with it at `until_ns`. */
static inline void cluster_take_processor(struct cluster *cluster, base_ns until_ns) {
    if (cluster->shares_processor && until_ns > cluster->processor_free_ns)
        cluster->processor_free_ns = until_ns;
}
/* When an ephemeral signal expires that was due at `due_ns`. */
base_ns cluster_expires_ns(const struct cluster *cluster, int32_t signal, base_ns due_ns);
/* Adds the pause that ends now to the window's count. */
void cluster_count_pause(struct cluster *cluster, base_ns now_ns);

/* --- worker.c: turns --- */
void worker_init(struct node_worker *worker, struct cluster *cluster, int32_t index,
                 struct turn_file *turns);
void worker_fini(struct node_worker *worker);
/* A publish in the cluster's pool; both by index. */
int32_t worker_new_inbound(struct cluster *cluster, struct node_inbound inbound);
/* Arrives at the client's connection; false: that is gone, or its node dead. */
bool worker_receive(struct cluster *cluster, int32_t client, struct node_inbound inbound);
void worker_free_inbound(struct cluster *cluster, int32_t index);
void worker_make_ready(struct node_worker *worker, struct node_ready ready);
/* A copy of the publish for every other worker of this node that has members of the room, or those
 * who get counts of it (hand_over.c). */
void worker_hand_over(struct node_worker *worker, const struct node_inbound *publish,
                      base_ns now_ns);
/* The slot's room is written when the turn ends. */
void worker_make_dirty(struct node_worker *worker, int32_t slot);
/* Has a client read by its worker, if it has sent something and may be read. */
void worker_read(struct cluster *cluster, int32_t client);
/* Sockets that the worker has written since it last began to write the room's, at most all of them:
 * how cold a member's socket is. All of them where it never did. */
double worker_working_set(const struct node_worker *worker, int32_t slot);
/* What a client that is closed has sent and nobody has read will not be published. */
void worker_forget(struct cluster *cluster, int32_t client);
/* Adds to the turn's counts, and to the window's. */
void worker_count_writes(struct node_worker *worker, base_ns now_ns, int64_t writes, int64_t bytes);
/* Likewise to other nodes and to a backplane, which take no TLS. */
void worker_count_link_writes(struct node_worker *worker, base_ns now_ns, int64_t writes,
                              int64_t bytes);
/* A publish whose sender's session was asked for, and whose node is gone. */
void worker_lose_looked_up(struct cluster *cluster, int32_t inbound);

/* --- fan_out.c: from gathered publishes to written sockets --- */
/* Writes everything that the slot's room has gathered; *now_ns moves on by what it costs. */
void fan_out_room(struct node_worker *worker, int32_t slot, base_ns *now_ns);
void fan_out_all(struct node_worker *worker, base_ns *now_ns);

/* --- slow.c: one consumer that may fall behind --- */
/* Counts it among the sockets that a flush had something for, unless it is closed. */
void slow_touch(struct node_worker *worker, int32_t consumer);
/* All that the slots' rooms have gathered, in one write that costs `cost_ns`. */
void slow_write(struct node_worker *worker, int32_t consumer, const int32_t *slots,
                int32_t slots_count, base_ns cost_ns, base_ns *now_ns);
/* The queue of a consumer that was blocked, written after its socket has become writable. */
void slow_resume(struct node_worker *worker, int32_t consumer, base_ns *now_ns);
/* Its connection is gone: so is what it has not read. */
void slow_disconnect(struct node_worker *worker, int32_t consumer, base_ns now_ns,
                     enum membership_cause cause);
/* Whether the worker's node has more in memory than it may. */
void slow_check_memory(struct node_worker *worker);
/* A bound in time that has come due. */
void slow_deadline(struct node_worker *worker, int32_t consumer, base_ns *now_ns);

/* --- throttle.c: publishers that are not read because of a slow member of their room --- */
void throttle_init(struct cluster *cluster);
void throttle_start(struct cluster *cluster, struct consumer *consumer, int32_t room,
                    base_ns now_ns);
void throttle_stop(struct cluster *cluster, struct consumer *consumer, base_ns now_ns);
void throttle_published(struct cluster *cluster, int32_t client, int32_t room, base_ns now_ns);
bool throttle_is_paused(const struct cluster *cluster, int32_t client);

#endif
