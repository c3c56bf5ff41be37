/* What the parts of presence in simulated time share: attendance.c (members and what they are
 * told), attendance_nodes.c (what nodes tell each other), attendance_truth.c (what is so). */
#ifndef HEADROOM_MODELS_CLUSTER_ATTENDANCE_STATE_H
#define HEADROOM_MODELS_CLUSTER_ATTENDANCE_STATE_H

#include "models/cluster/attendance.h"
#include "models/workload/presence_notice.h"
#include "models/workload/presence_plan.h"
#include "models/workload/presence_replica.h"

struct attendance_view { /* what the members of a room on one node have been told */
    int32_t members_count;
    int32_t wrong_count; /* keys of which that is not so */
    int32_t told_count;
    bool is_stale;
    base_ns watched_since_ns; /* there are members since then */
    base_ns stale_since_ns;
};

struct attendance_member {
    bool is_wanting; /* to be there, whenever it has a connection */
    bool is_entered; /* it has said so to its node */
    bool is_true;    /* it wants to be there, and has a connection that works */
};

struct attendance_node {
    struct attendance *attendance;
    struct presence_replica replica;
    int32_t index;
    uint32_t life;    /* tells what belongs to an earlier one */
    int32_t *changed; /* rooms with something to tell, since the last attendance_settle */
    int32_t changed_count, changed_max;
};

struct attendance_counts { /* in the window */
    int64_t changes, messages, bytes;
    int64_t letters, letter_bytes;
    int64_t stale_periods;
    base_ns stale_ns;
    base_ns watched_ns; /* of all views, while they have members */
};

struct attendance_letter; /* between nodes */

struct attendance {
    struct cluster *cluster;
    const struct spec_presence *spec;
    struct presence_plan plan;
    struct presence_event next;
    struct attendance_node *nodes;
    struct attendance_view *views;     /* by place (layout->room_at): the first of a node has it */
    struct attendance_member *members; /* by membership, as in roster->client_rooms */
    bool *is_reachable;                /* by client */
    int32_t *true_count;               /* by room */
    struct attendance_letter *letters;
    int32_t letters_count, letters_max, letters_free;
    int64_t letters_sent;
    struct attendance_counts counts;
};

/* --- attendance.c --- */
struct presence_text attendance_room_name(int32_t room, char name[ROSTER_ROOM_NAME_BYTES]);
/* In the node's replica, as its own. */
void attendance_apply(struct attendance_node *node, int32_t client, int32_t room,
                      enum presence_act act);
/* Opens a window for each room that the node has something new to tell of. */
void attendance_settle(struct attendance_node *node, base_ns now_ns);

/* --- attendance_nodes.c --- */
void attendance_nodes_init(struct attendance *attendance);
void attendance_nodes_fini(struct attendance *attendance);
/* Exact: asks the coordinator; it comes to attendance_apply on every node when all have agreed. */
void attendance_ask(struct attendance_node *node, int32_t client, int32_t room,
                    enum presence_act act, base_ns now_ns);

/* --- attendance_truth.c --- */
void attendance_truth_init(struct attendance *attendance);
/* What members know at the start is what their replicas do. */
void attendance_truth_start(struct attendance *attendance);
struct attendance_member *attendance_member(const struct attendance *attendance, int32_t client,
                                            int32_t room);
void attendance_truth_changed(struct attendance *attendance, int32_t client, int32_t room,
                              bool is_present, base_ns now_ns);
/* NULL: the node never has members of the room. */
struct attendance_view *attendance_view_of(const struct attendance *attendance, int32_t node,
                                           int32_t room);
/* The members are told of the keys now: before presence_room_told. */
void attendance_truth_told(struct attendance_node *node, int32_t room,
                           const struct presence_room *told, const struct presence_key *taken,
                           base_ns now_ns);
/* A member more on that node who can be told, or one less. */
void attendance_truth_watched(struct attendance *attendance, int32_t node, int32_t room, int32_t by,
                              base_ns now_ns);
/* The node has forgotten what its members, of whom none is left, were told. */
void attendance_truth_forgotten(struct attendance *attendance, int32_t node);
void attendance_truth_finish(struct attendance *attendance, base_ns now_ns);

#endif
