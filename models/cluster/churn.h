/* Connections that come and go in simulated time: who wants one, who has one, what it takes to get
 * one. Inside models/cluster only; nothing of it exists in a run whose connections stay.
 *
 * A client is away, waiting for its next attempt, in a handshake, or connected. Its decisions are
 * models/workload/reconnect.h's and sessions.h's. A handshake is work like any other: it waits in
 * its node's accept queue, is taken in a turn of a worker, and is done even where the client has
 * given up meanwhile. A connection begins and ends with the turn that handled it, so within a turn
 * membership stands still and a burst stays one range; only a node that dies or falls silent and a
 * connection that breaks cut a burst, at an instant that is known before (node.cut_ns,
 * consumer.breaks_ns). docs/models/connections.md, docs/models/faults.md. */
#ifndef HEADROOM_MODELS_CLUSTER_CHURN_H
#define HEADROOM_MODELS_CLUSTER_CHURN_H

#include "models/cluster/membership.h"
#include "models/cluster/node.h"
#include "models/workload/balancer.h"
#include "models/workload/faults.h"
#include "models/workload/reconnect.h"
#include "models/workload/sessions.h"

enum churn_state {
    CHURN_AWAY,    /* wants no connection */
    CHURN_WAITING, /* for its next attempt */
    CHURN_TRYING,
    CHURN_CONNECTED, /* as far as it knows: see is_deaf */
    CHURN_GAVE_UP
};

struct churn_client {
    base_ns since_ns;      /* unreachable since then, while it is */
    calendar_handle timer; /* waiting: the attempt; trying: its end; deaf: the detection */
    calendar_handle breaks, leaves;
    struct reconnect reconnect;
    uint32_t draws_count, sessions_count;
    uint32_t attempts_count; /* since the start: tells one handshake from another */
    int32_t node;            /* the last one that it was sent to; -1: none */
    int16_t knocks;          /* of this attempt, that were not answered */
    uint8_t state;
    bool is_deaf;        /* its node is gone, or says nothing, and it does not know */
    bool is_unreachable; /* wants a connection and has none that works */
    bool is_closing;     /* a turn of its worker will end the connection */
    bool is_leaving;     /* ... because it said goodbye */
    bool is_dealt;       /* the balancer counts it on `node`, from its attempt on */
};

struct churn_handshake {
    base_ns knocked_ns;
    int32_t client, node;
    uint32_t attempt, life; /* the node's */
    int32_t next;           /* free ones are linked */
};

struct churn_ended { /* in a worker's turn: a handshake, or a connection to close */
    int32_t client;
    uint32_t attempt;
    bool is_handshake;
};

struct churn_list {
    struct churn_ended *items;
    int32_t count, max;
};

struct churn_node {
    int64_t waiting;            /* in the accept queue */
    base_ns next_ns;            /* before that its handshake limit lets nobody in */
    int32_t workers_dealt;      /* handshakes so far: they go to the workers in turn */
    uint32_t life;              /* tells what belongs to an earlier life of the node */
    bool is_gone, is_answering; /* a machine that is still there refuses at once */
    bool is_silent, is_split;
};

struct churn_counts { /* since the start, unless they say otherwise */
    int64_t connected, wanting, unreachable, backlog; /* now */
    int64_t unreachable_max, backlog_max;
    int64_t handshakes, wasted, refused, unanswered, timeouts;
    base_ns waited_ns; /* all handshakes' time in accept queues */
    int64_t gave_up, turned_away;
    int64_t nodes_died; /* of a limit */
    int64_t publishes;  /* due in the window from clients that want a connection */
    int64_t lost[MEMBERSHIP_CAUSES], lost_unreachable; /* in the window */
    base_ns longest_outage_ns;
};

struct churn_timeline {
    base_ns step_ns;
    int32_t count, max;
    double *connected, *unreachable, *backlog; /* at the end of each step */
};

struct churn_away { /* clients of a population that are away, longest first; a ring */
    int32_t *clients;
    int32_t first, count, max;
};

struct churn {
    struct cluster *cluster;
    struct membership membership;
    struct balancer *balancer;
    struct faults faults;
    int32_t next_action;
    struct churn_client *clients;
    struct churn_node *nodes;
    struct churn_list *ended; /* by worker */
    struct churn_away *away;  /* by population */
    struct sessions_arrivals *arrivals;
    struct churn_handshake *handshakes; /* a pool */
    int32_t handshakes_count, handshakes_max, handshakes_free;
    int32_t *unreachable_of; /* by room: members that want a connection and have none that works */
    struct churn_counts counts;
    base_ns accounted_ns; /* the integrals stand there; of clients times time, in the window: */
    double connected_s, wanting_s, unreachable_s, backlog_s; /* backlog: since the start */
    base_ns stalled_until_ns;                                /* the backplane */
    int64_t tolerated;    /* unreachable before the first fault */
    base_ns recovered_ns; /* when it last was as before; -1: it never was otherwise */
    bool is_disturbed;    /* now */
    struct churn_timeline timeline;
};

/* Before the nodes and consumers: puts a layout of the run's own into the cluster. NULL where
 * nothing comes and goes. False: too many rooms and workers. */
bool churn_init(struct cluster *cluster) MUST_USE;
void churn_fini(struct cluster *cluster);
/* The clients that are there, the arrivals and the faults, from the start on. */
void churn_start(struct churn *churn);
/* Settles what has no end yet. */
void churn_finish(struct churn *churn, base_ns now_ns);
void churn_report(struct churn *churn, struct outcome *outcome);

/* --- churn.c: clients --- */
/* Its handshake with the worker is over. */
void churn_connect(struct churn *churn, int32_t client, int32_t worker, base_ns now_ns);
/* A slow consumer's rules have closed its connection. */
void churn_closed(struct churn *churn, int32_t client, base_ns now_ns);
/* The server ends the connection, at the worker's next turn. */
void churn_close(struct churn *churn, int32_t client);
/* A connection is gone, for `cause`: the client tries again, as its policy says. */
void churn_lose(struct churn *churn, int32_t client, base_ns now_ns, enum membership_cause cause);
/* The client hears nothing any more and does not know; and the contrary. */
void churn_deafen(struct churn *churn, int32_t client, base_ns now_ns, bool is_node_gone);
void churn_hears_again(struct churn *churn, int32_t client, base_ns now_ns);
/* Its attempt has failed. */
void churn_retry(struct churn *churn, int32_t client);

/* Whether a split of the backplane lies between two nodes. */
static inline bool churn_is_split(const struct churn *churn, int32_t node, int32_t other) {
    return churn->nodes[node].is_split != churn->nodes[other].is_split;
}

/* --- churn_turn.c: what a turn accepts and closes --- */
/* In a turn: what is accepted or closed when it is over. */
void churn_at_turn_end(struct node_worker *worker, struct churn_ended ended);
/* In a turn: the goodbye of a client, or of the server. */
void churn_say_goodbye(struct node_worker *worker, int32_t client, base_ns *now_ns);
/* What was accepted and closed in the turn that is over. */
void churn_turn_over(struct node_worker *worker, base_ns now_ns);

/* --- handshake.c: the accept queue --- */
void handshake_knock(struct churn *churn, int32_t client, base_ns now_ns);
/* In a turn: done, for whoever is still there to hear of it. */
void handshake_accept(struct node_worker *worker, int32_t handshake, base_ns *now_ns);
void handshake_forget(struct churn *churn, int32_t handshake);

/* --- outage.c: faults carried out --- */
void outage_start(struct churn *churn);
/* The node has run out of memory. */
void outage_out_of_memory(struct cluster *cluster, int32_t node);
/* What another worker of a node that is gone had handed over. */
void outage_lose_inbound(struct node_worker *worker, int32_t index);

/* --- loss.c: deliveries that were due and will not come --- */
/* A publish that its client wants to send, and that its room is to hear or not. Counts what of it
 * cannot be; false: all of it. */
bool churn_sends(struct churn *churn, const struct plan_publish *publish, bool is_due);
/* Of a publish that goes no further on this worker: to all that were due it there. */
void loss_at(struct cluster *cluster, int32_t worker, int32_t slot, base_ns due_ns,
             enum membership_cause cause);
/* Likewise in the whole room; on one node; on all but one. */
/* Likewise without churn: a publish that nobody hears on the node, or on all others. */
void loss_within(struct cluster *cluster, int32_t node, int32_t room, base_ns due_ns);
void loss_beyond(struct cluster *cluster, int32_t node, int32_t room, base_ns due_ns);
/* An ephemeral signal that is too old for those who are there. */
void loss_expired(struct cluster *cluster, int32_t worker, int32_t slot, base_ns due_ns);
void loss_in_room(struct cluster *cluster, int32_t room, base_ns due_ns,
                  enum membership_cause cause);
void loss_on_node(struct cluster *cluster, int32_t node, int32_t room, base_ns due_ns);
void loss_elsewhere(struct cluster *cluster, int32_t node, int32_t room, base_ns due_ns);
/* Where nobody is left who would get a copy: on all nodes but `except`. */
void loss_where_empty(struct cluster *cluster, int32_t except, int32_t room, base_ns due_ns);
/* `count` deliveries that were on their way, cut off. */
void loss_count(struct cluster *cluster, base_ns due_ns, int64_t count,
                enum membership_cause cause);
/* Before a room's burst: counts who has gone since each of its messages was due. Position from
 * which on members have not been there for all of them. */
int32_t loss_begin_burst(struct node_worker *worker, int32_t slot);

/* --- churn_count.c: integrals, recovery, timeline --- */
void churn_account(struct churn *churn, base_ns now_ns);
void churn_set_unreachable(struct churn *churn, int32_t client, bool is_unreachable,
                           base_ns now_ns);
void churn_draw_timeline(struct churn *churn);

#endif
