/* The policy `throttle`: while one member's queue is too long, those who publish into its room are
 * not read.
 *
 * A room counts the members that ask for silence. With the first one, everybody who has published
 * into it is paused (a newcomer after its first message); with the last one they are read again. A
 * client is paused while any of its rooms pauses it. What it sends meanwhile stays with its kernel.
 * The other workers hear of it at once: the mail that tells them takes a fraction of a turn. */
#include "models/cluster/node.h"

enum membership { MEMBERSHIP_PUBLISHED = 1, MEMBERSHIP_PAUSED = 2, MEMBERSHIP_THROTTLES = 4 };

struct throttle {
    uint8_t *memberships; /* flags, by index into roster->client_rooms */
    int32_t *askers;      /* by room: members that throttle it */
    int32_t *pauses;      /* by client: rooms that pause it */
};

void throttle_init(struct node *node) {
    if (node->rules->policy != SPEC_THROTTLE)
        return;
    const struct roster *roster = node->layout->roster;
    struct arena *arena = &node->run->arena;
    node->throttle = ARENA_NEW(arena, 1, struct throttle);
    node->throttle->memberships = ARENA_NEW(arena, (size_t)roster->memberships_count, uint8_t);
    node->throttle->askers = ARENA_NEW(arena, (size_t)roster->rooms_count, int32_t);
    node->throttle->pauses = ARENA_NEW(arena, (size_t)roster->clients_count, int32_t);
}

bool throttle_is_paused(const struct node *node, int32_t client) {
    return node->throttle && node->throttle->pauses[client] > 0;
}

static uint8_t *flags_of(struct node *node, int32_t client, int32_t room) {
    const struct roster *roster = node->layout->roster;
    int32_t i = roster->client_first[client];
    while (roster->client_rooms[i] != room)
        i++;
    return &node->throttle->memberships[i];
}

/* --- pausing one publisher --- */

static void pause_client(struct node *node, int32_t client, base_ns now_ns) {
    if (node->throttle->pauses[client]++ > 0)
        return;
    if (node->counts.paused_count++ == 0)
        node->counts.paused_since_ns = now_ns;
}

static void read_again(void *target, uint64_t client, base_ns now_ns) {
    (void)now_ns;
    worker_read(target, (int32_t)client);
}

static void resume_client(struct node *node, int32_t client, base_ns now_ns) {
    if (--node->throttle->pauses[client] > 0)
        return;
    if (--node->counts.paused_count == 0)
        node_count_pause(node, now_ns);
    run_at(node->run, now_ns, read_again, node, (uint64_t)client);
}

static void pause_membership(struct node *node, int32_t client, uint8_t *flags, base_ns now_ns) {
    bool is_sender = (*flags & MEMBERSHIP_PUBLISHED) != 0;
    if (!is_sender || (*flags & MEMBERSHIP_PAUSED) != 0)
        return;
    *flags |= MEMBERSHIP_PAUSED;
    pause_client(node, client, now_ns);
}

static void resume_membership(struct node *node, int32_t client, uint8_t *flags, base_ns now_ns) {
    if ((*flags & MEMBERSHIP_PAUSED) == 0)
        return;
    *flags &= (uint8_t)~MEMBERSHIP_PAUSED;
    resume_client(node, client, now_ns);
}

/* --- rooms --- */

static void for_each_member(struct node *node, int32_t room, base_ns now_ns,
                            void (*change)(struct node *, int32_t, uint8_t *, base_ns)) {
    const struct roster *roster = node->layout->roster;
    const struct roster_room *r = &roster->rooms[room];
    for (int32_t i = 0; i < r->members_count; i++) {
        int32_t client = roster->members[r->members_first + i];
        change(node, client, flags_of(node, client, room), now_ns);
    }
}

void throttle_start(struct node *node, struct consumer *consumer, int32_t room, base_ns now_ns) {
    uint8_t *flags = flags_of(node, consumer->client, room);
    if ((*flags & MEMBERSHIP_THROTTLES) != 0)
        return;
    *flags |= MEMBERSHIP_THROTTLES;
    consumer->is_throttling = true;
    if (node->throttle->askers[room]++ == 0)
        for_each_member(node, room, now_ns, pause_membership);
}

void throttle_stop(struct node *node, struct consumer *consumer, base_ns now_ns) {
    const struct roster *roster = node->layout->roster;
    if (!consumer->is_throttling)
        return;
    consumer->is_throttling = false;
    for (int32_t i = roster->client_first[consumer->client];
         i < roster->client_first[consumer->client + 1]; i++) {
        uint8_t *flags = &node->throttle->memberships[i];
        if ((*flags & MEMBERSHIP_THROTTLES) == 0)
            continue;
        *flags &= (uint8_t)~MEMBERSHIP_THROTTLES;
        if (--node->throttle->askers[roster->client_rooms[i]] == 0)
            for_each_member(node, roster->client_rooms[i], now_ns, resume_membership);
    }
}

void throttle_published(struct node *node, int32_t client, int32_t room, base_ns now_ns) {
    if (!node->throttle)
        return;
    uint8_t *flags = flags_of(node, client, room);
    *flags |= MEMBERSHIP_PUBLISHED;
    if (node->throttle->askers[room] > 0)
        pause_membership(node, client, flags, now_ns);
}
