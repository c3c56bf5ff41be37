/* The policy `throttle`: while one member's queue is too long, those who publish into its room are
 * not read.
 *
 * A room counts the members that ask for silence. With the first one, everybody who has published
 * into it is paused (a newcomer after its first message); with the last one they are read again. A
 * client is paused while any of its rooms pauses it. What it sends meanwhile stays with its kernel.
 * The other workers of the node hear of it at once: the mail that tells them takes a fraction of a
 * turn. Other nodes would not hear of it at all, so a scenario of several nodes may not ask for it.
 */
#include "models/cluster/node.h"

enum { THROTTLE_PUBLISHED = 1, THROTTLE_PAUSED = 2, THROTTLE_THROTTLES = 4 };

struct throttle {
    uint8_t *memberships; /* flags, by index into roster->client_rooms */
    int32_t *askers;      /* by room: members that throttle it */
    int32_t *pauses;      /* by client: rooms that pause it */
};

void throttle_init(struct cluster *cluster) {
    if (cluster->nodes[0].spec->send_queue.policy != SPEC_THROTTLE)
        return; /* in a cluster of several nodes nobody's is: the parser's check */
    const struct roster *roster = cluster->layout->roster;
    struct arena *arena = &cluster->run->arena;
    cluster->throttle = ARENA_NEW(arena, 1, struct throttle);
    cluster->throttle->memberships = ARENA_NEW(arena, (size_t)roster->memberships_count, uint8_t);
    cluster->throttle->askers = ARENA_NEW(arena, (size_t)roster->rooms_count, int32_t);
    cluster->throttle->pauses = ARENA_NEW(arena, (size_t)roster->clients_count, int32_t);
}

bool throttle_is_paused(const struct cluster *cluster, int32_t client) {
    return cluster->throttle && cluster->throttle->pauses[client] > 0;
}

static uint8_t *flags_of(struct cluster *cluster, int32_t client, int32_t room) {
    const struct roster *roster = cluster->layout->roster;
    int32_t i = roster->client_first[client];
    while (roster->client_rooms[i] != room)
        i++;
    return &cluster->throttle->memberships[i];
}

/* --- pausing one publisher --- */

static void pause_client(struct cluster *cluster, int32_t client, base_ns now_ns) {
    if (cluster->throttle->pauses[client]++ > 0)
        return;
    if (cluster->paused_count++ == 0)
        cluster->paused_since_ns = now_ns;
}

static void read_again(void *target, uint64_t client, base_ns now_ns) {
    (void)now_ns;
    worker_read(target, (int32_t)client);
}

static void resume_client(struct cluster *cluster, int32_t client, base_ns now_ns) {
    if (--cluster->throttle->pauses[client] > 0)
        return;
    if (--cluster->paused_count == 0)
        cluster_count_pause(cluster, now_ns);
    run_at(cluster->run, now_ns, read_again, cluster, (uint64_t)client);
}

static void pause_membership(struct cluster *cluster, int32_t client, uint8_t *flags,
                             base_ns now_ns) {
    bool is_sender = (*flags & THROTTLE_PUBLISHED) != 0;
    if (!is_sender || (*flags & THROTTLE_PAUSED) != 0)
        return;
    *flags |= THROTTLE_PAUSED;
    pause_client(cluster, client, now_ns);
}

static void resume_membership(struct cluster *cluster, int32_t client, uint8_t *flags,
                              base_ns now_ns) {
    if ((*flags & THROTTLE_PAUSED) == 0)
        return;
    *flags &= (uint8_t)~THROTTLE_PAUSED;
    resume_client(cluster, client, now_ns);
}

/* --- rooms --- */

static void for_each_member(struct cluster *cluster, int32_t room, base_ns now_ns,
                            void (*change)(struct cluster *, int32_t, uint8_t *, base_ns)) {
    const struct roster *roster = cluster->layout->roster;
    const struct roster_room *r = &roster->rooms[room];
    for (int32_t i = 0; i < r->members_count; i++) {
        int32_t client = roster->members[r->members_first + i];
        change(cluster, client, flags_of(cluster, client, room), now_ns);
    }
}

void throttle_start(struct cluster *cluster, struct consumer *consumer, int32_t room,
                    base_ns now_ns) {
    uint8_t *flags = flags_of(cluster, consumer->client, room);
    if ((*flags & THROTTLE_THROTTLES) != 0)
        return;
    *flags |= THROTTLE_THROTTLES;
    consumer->is_throttling = true;
    if (cluster->throttle->askers[room]++ == 0)
        for_each_member(cluster, room, now_ns, pause_membership);
}

void throttle_stop(struct cluster *cluster, struct consumer *consumer, base_ns now_ns) {
    const struct roster *roster = cluster->layout->roster;
    if (!consumer->is_throttling)
        return;
    consumer->is_throttling = false;
    for (int32_t i = roster->client_first[consumer->client];
         i < roster->client_first[consumer->client + 1]; i++) {
        uint8_t *flags = &cluster->throttle->memberships[i];
        if ((*flags & THROTTLE_THROTTLES) == 0)
            continue;
        *flags &= (uint8_t)~THROTTLE_THROTTLES;
        if (--cluster->throttle->askers[roster->client_rooms[i]] == 0)
            for_each_member(cluster, roster->client_rooms[i], now_ns, resume_membership);
    }
}

void throttle_published(struct cluster *cluster, int32_t client, int32_t room, base_ns now_ns) {
    if (!cluster->throttle)
        return;
    uint8_t *flags = flags_of(cluster, client, room);
    *flags |= THROTTLE_PUBLISHED;
    if (cluster->throttle->askers[room] > 0)
        pause_membership(cluster, client, flags, now_ns);
}
