/* What nodes tell each other: broadcasts, requests and answers of the replicas, or, where presence
 * is exact, the four legs of a change.
 *
 * Nodes speak to each other directly, whatever carries publishes, as Erlang's do; each hop takes a
 * draw of backplane.latency, and a connection never reorders. A letter is a write at its sender's
 * first worker and a read and a publish's work at its receiver's. Exact: the node that has the
 * client asks the coordinator (the first node); that tells every node, each acknowledges, and with
 * the last acknowledgement it tells them to apply the change. While one node is dead nothing is
 * ever agreed on. */
#include "models/cluster/attendance_state.h"

#include "models/cluster/churn.h"
#include "models/workload/draws.h"
#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>

enum leg { LEG_REPLICA, LEG_ASK, LEG_PREPARE, LEG_ACKNOWLEDGE, LEG_APPLY };
enum { COORDINATOR = 0 };

struct attendance_letter {
    enum leg leg;
    int32_t from, to;  /* to: -1 while it is to be sent to all others */
    struct text bytes; /* LEG_REPLICA */
    int32_t client, room;
    enum presence_act act;
    int32_t change;  /* letter of the coordinator that counts acknowledgements */
    int32_t missing; /* of them */
    int32_t next;    /* free list */
    bool has_arrived;
};

static int32_t new_letter(struct attendance *attendance, const struct attendance_letter *letter) {
    int32_t index = attendance->letters_free;
    if (index >= 0) {
        attendance->letters_free = attendance->letters[index].next;
    } else {
        if (attendance->letters_count == attendance->letters_max) {
            attendance->letters_max =
                attendance->letters_max > 0 ? 2 * attendance->letters_max : 64;
            attendance->letters =
                realloc(attendance->letters,
                        (size_t)attendance->letters_max * sizeof(struct attendance_letter));
            CHECK(attendance->letters != NULL && attendance->letters_max > 0);
        }
        index = attendance->letters_count++;
    }
    attendance->letters[index] = *letter;
    return index;
}

static void free_letter(struct attendance *attendance, int32_t index) {
    struct attendance_letter *letter = &attendance->letters[index];
    text_fini(&letter->bytes);
    text_init(&letter->bytes);
    letter->next = attendance->letters_free;
    attendance->letters_free = index;
}

static struct node_worker *first_worker(const struct attendance *attendance, int32_t node) {
    struct cluster *cluster = attendance->cluster;
    return &cluster->workers[cluster->layout->nodes[node].workers_first];
}

void attendance_forget(struct cluster *cluster, int32_t letter) {
    free_letter(cluster->attendance, letter);
}

static void ready(void *target, uint64_t letter, base_ns now_ns) {
    (void)now_ns;
    const struct node_worker *worker = target;
    if (worker->node->is_dead)
        attendance_forget(worker->cluster, (int32_t)letter);
    else
        worker_make_ready(target, (struct node_ready){NODE_READY_PRESENCE, (int32_t)letter});
}

/* Into the hands of its sender's first worker. */
static void post(struct attendance *attendance, const struct attendance_letter *letter,
                 base_ns now_ns) {
    run_at(attendance->cluster->run, now_ns, ready, first_worker(attendance, letter->from),
           (uint64_t)new_letter(attendance, letter));
}

static int64_t letter_bytes(const struct attendance *attendance,
                            const struct attendance_letter *letter) {
    if (letter->leg == LEG_REPLICA)
        return (int64_t)letter->bytes.length;
    char name[ROSTER_ROOM_NAME_BYTES];
    roster_room_name(letter->room, name);
    return presence_said_bytes(letter->act, name, attendance->spec->state);
}

/* --- under way --- */

static base_ns hop_ns(struct attendance *attendance, const struct attendance_letter *letter) {
    const struct layout *layout = attendance->cluster->layout;
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = attendance->cluster->plan.seed,
                                     .entity = layout->nodes[letter->from].entity,
                                     .purpose = DRAWS_PRESENCE_HOP,
                                     .index = (uint64_t)attendance->letters_sent++});
    return draws_from(&layout->scenario->backplane.latency, &rng);
}

static void send_copy(struct node_worker *worker, const struct attendance_letter *letter,
                      int32_t to, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    struct attendance *attendance = cluster->attendance;
    int64_t bytes = letter_bytes(attendance, letter);
    *now_ns += costs_write(&worker->costs, &(struct costs_write){.frames = 1, .bytes = bytes});
    worker_count_writes(worker, *now_ns, 1, bytes);
    if (cluster_within_window(cluster, *now_ns, *now_ns + 1) > 0) {
        attendance->counts.letters++;
        attendance->counts.letter_bytes += bytes;
    }
    base_ns leaves_ns = *now_ns;
    if (cluster->churn && churn_is_split(cluster->churn, letter->from, to))
        return;
    if (cluster->churn && cluster->churn->stalled_until_ns > leaves_ns)
        leaves_ns = cluster->churn->stalled_until_ns;
    struct attendance_letter copy = *letter;
    copy.to = to;
    copy.has_arrived = true;
    text_init(&copy.bytes);
    if (letter->bytes.length > 0)
        text_add_n(&copy.bytes, letter->bytes.bytes, letter->bytes.length);
    run_at(cluster->run, leaves_ns + hop_ns(attendance, letter), ready,
           first_worker(attendance, to), (uint64_t)new_letter(attendance, &copy));
}

static void send(struct node_worker *worker, const struct attendance_letter *letter,
                 base_ns *now_ns) {
    if (worker->cluster->layout->scenario->backplane.kind == SPEC_NO_BACKPLANE)
        return;
    for (int32_t to = 0; to < worker->cluster->layout->nodes_count; to++)
        if (to != letter->from && (letter->to == to || letter->to < 0))
            send_copy(worker, letter, to, now_ns);
}

/* --- replicas --- */

static void post_message(struct attendance *attendance, int32_t from, int32_t to,
                         const struct presence_message *message, base_ns now_ns) {
    struct attendance_letter letter = {.leg = LEG_REPLICA, .from = from, .to = to};
    text_init(&letter.bytes);
    presence_encode(message, &letter.bytes);
    post(attendance, &letter, now_ns);
}

static void tick(void *target, uint64_t unused, base_ns now_ns) {
    struct attendance_node *node = target;
    struct attendance *attendance = node->attendance;
    struct presence_message message;
    presence_message_init(&message);
    if (!attendance->cluster->nodes[node->index].is_dead) {
        if (presence_replica_tick(&node->replica, now_ns, &message))
            post_message(attendance, node->index, -1, &message, now_ns);
        attendance_settle(node, now_ns);
    }
    presence_message_fini(&message);
    run_after(attendance->cluster->run, attendance->spec->broadcast, tick, node, unused);
}

static void receive(struct attendance_node *node, const struct attendance_letter *letter,
                    base_ns now_ns) {
    struct presence_message message, answer;
    presence_message_init(&answer);
    CHECK(presence_decode(&message, letter->bytes.bytes, letter->bytes.length));
    if (presence_replica_receive(&node->replica, now_ns, &message, &answer))
        post_message(node->attendance, node->index, letter->from, &answer, now_ns);
    presence_message_fini(&answer);
    presence_message_fini(&message);
    attendance_settle(node, now_ns);
}

/* --- exact --- */

static void apply(struct attendance *attendance, int32_t node,
                  const struct attendance_letter *letter, base_ns now_ns) {
    attendance_apply(&attendance->nodes[node], letter->client, letter->room, letter->act);
    attendance_settle(&attendance->nodes[node], now_ns);
}

/* To all others, and here. */
static void agree(struct attendance *attendance, const struct attendance_letter *letter,
                  base_ns now_ns) {
    struct attendance_letter agreed = *letter;
    agreed.leg = LEG_APPLY;
    agreed.from = COORDINATOR;
    agreed.to = -1;
    agreed.has_arrived = false;
    if (attendance->cluster->layout->nodes_count > 1)
        post(attendance, &agreed, now_ns);
    apply(attendance, COORDINATOR, letter, now_ns);
}

static void coordinate(struct attendance *attendance, const struct attendance_letter *asked,
                       base_ns now_ns) {
    int32_t others = attendance->cluster->layout->nodes_count - 1;
    if (others == 0) {
        agree(attendance, asked, now_ns);
        return;
    }
    struct attendance_letter change = *asked;
    change.missing = others;
    struct attendance_letter prepare = *asked;
    prepare.leg = LEG_PREPARE;
    prepare.from = COORDINATOR;
    prepare.to = -1;
    prepare.has_arrived = false;
    prepare.change = new_letter(attendance, &change);
    post(attendance, &prepare, now_ns);
}

void attendance_ask(struct attendance_node *node, int32_t client, int32_t room,
                    enum presence_act act, base_ns now_ns) {
    struct attendance_letter letter = {.leg = LEG_ASK,
                                       .from = node->index,
                                       .to = COORDINATOR,
                                       .client = client,
                                       .room = room,
                                       .act = act};
    if (node->index == COORDINATOR)
        coordinate(node->attendance, &letter, now_ns);
    else
        post(node->attendance, &letter, now_ns);
}

static void acknowledge(struct attendance *attendance, const struct attendance_letter *letter,
                        base_ns now_ns) {
    struct attendance_letter answer = *letter;
    answer.leg = LEG_ACKNOWLEDGE;
    answer.from = letter->to;
    answer.to = COORDINATOR;
    answer.has_arrived = false;
    post(attendance, &answer, now_ns);
}

static void acknowledged(struct attendance *attendance, const struct attendance_letter *letter,
                         base_ns now_ns) {
    int32_t change = letter->change;
    if (--attendance->letters[change].missing > 0)
        return;
    free_letter(attendance, change);
    agree(attendance, letter, now_ns);
}

/* --- a worker's part --- */

static void take(struct node_worker *worker, const struct attendance_letter *letter,
                 base_ns *now_ns) {
    struct attendance *attendance = worker->cluster->attendance;
    int64_t bytes = letter_bytes(attendance, letter);
    *now_ns += costs_read(&worker->costs, bytes, 0) + costs_publish(&worker->costs);
    worker->turn.reads++;
    worker->turn.read_bytes += bytes;
    worker->turn.publishes++;
    switch (letter->leg) {
    case LEG_REPLICA:
        receive(&attendance->nodes[letter->to], letter, *now_ns);
        break;
    case LEG_ASK:
        coordinate(attendance, letter, *now_ns);
        break;
    case LEG_PREPARE:
        acknowledge(attendance, letter, *now_ns);
        break;
    case LEG_ACKNOWLEDGE:
        acknowledged(attendance, letter, *now_ns);
        break;
    case LEG_APPLY:
        apply(attendance, letter->to, letter, *now_ns);
        break;
    }
}

void attendance_work(struct node_worker *worker, int32_t job, base_ns *now_ns) {
    struct attendance *attendance = worker->cluster->attendance;
    struct attendance_letter letter = attendance->letters[job]; /* the pool may move */
    if (letter.has_arrived)
        take(worker, &letter, now_ns);
    else
        send(worker, &letter, now_ns);
    free_letter(attendance, job);
}

/* --- set-up --- */

static void hear(struct attendance_node *node, const struct presence_message *message) {
    struct presence_message answer;
    presence_message_init(&answer);
    CHECK(!presence_replica_receive(&node->replica, 0, message, &answer));
    presence_message_fini(&answer);
}

/* What everybody said before the start is known everywhere, unless nothing connects the nodes. */
static void exchange(struct attendance *attendance) {
    const struct layout *layout = attendance->cluster->layout;
    for (int32_t from = 0; from < layout->nodes_count; from++) {
        struct presence_message message;
        presence_message_init(&message);
        CHECK(presence_replica_tick(&attendance->nodes[from].replica, 0, &message));
        for (int32_t to = 0; to < layout->nodes_count; to++)
            if (to != from && layout->scenario->backplane.kind != SPEC_NO_BACKPLANE)
                hear(&attendance->nodes[to], &message);
        presence_message_fini(&message);
    }
}

static base_ns phase_ns(const struct attendance *attendance, int32_t node) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = attendance->cluster->plan.seed,
                                     .entity = attendance->cluster->layout->nodes[node].entity,
                                     .purpose = DRAWS_PRESENCE_PHASE});
    return llround(rng_uniform(&rng) * (double)attendance->spec->broadcast);
}

void attendance_nodes_init(struct attendance *attendance) {
    struct cluster *cluster = attendance->cluster;
    if (attendance->spec->mode == SPEC_PRESENCE_EXACT || cluster->layout->nodes_count == 1)
        return;
    exchange(attendance);
    for (int32_t i = 0; i < cluster->layout->nodes_count; i++)
        run_at(cluster->run, phase_ns(attendance, i), tick, &attendance->nodes[i], 0);
}

void attendance_nodes_fini(struct attendance *attendance) {
    for (int32_t i = 0; i < attendance->letters_count; i++)
        text_fini(&attendance->letters[i].bytes);
    free(attendance->letters);
}
