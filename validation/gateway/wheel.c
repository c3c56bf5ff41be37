/* A ring of lists, a slot per tick, and a bit per slot so that the next one is found without
 * walking empty lists. */
#include "validation/gateway/wheel.h"

#include <stddef.h>
#include <string.h>

void wheel_init(struct wheel *wheel, base_ns now_ns) {
    memset(wheel, 0, sizeof *wheel);
    wheel->tick = now_ns / WHEEL_TICK_NS;
}

void wheel_unset(struct wheel *wheel, struct wheel_node *node) {
    if (node->slot == WHEEL_NONE)
        return;
    if (node->previous != NULL)
        node->previous->next = node->next;
    else
        wheel->slots[node->slot] = node->next;
    if (node->next != NULL)
        node->next->previous = node->previous;
    if (wheel->slots[node->slot] == NULL)
        wheel->occupied[node->slot / 64] &= ~(UINT64_C(1) << (node->slot % 64));
    node->slot = WHEEL_NONE;
}

/* The first tick to come that begins at or after due_ns, within the wheel's reach. */
static int64_t tick_of(const struct wheel *wheel, base_ns due_ns) {
    int64_t tick = due_ns / WHEEL_TICK_NS + (due_ns % WHEEL_TICK_NS != 0);
    if (tick <= wheel->tick)
        return wheel->tick + 1;
    int64_t rim = wheel->tick + WHEEL_SLOTS - 1;
    return tick < rim ? tick : rim;
}

void wheel_set(struct wheel *wheel, struct wheel_node *node, base_ns due_ns) {
    wheel_unset(wheel, node);
    node->slot = (int32_t)(tick_of(wheel, due_ns) % WHEEL_SLOTS);
    node->previous = NULL;
    node->next = wheel->slots[node->slot];
    if (node->next != NULL)
        node->next->previous = node;
    wheel->slots[node->slot] = node;
    wheel->occupied[node->slot / 64] |= UINT64_C(1) << (node->slot % 64);
}

static int64_t ticks_ahead(const struct wheel *wheel, int32_t slot) {
    int64_t ahead = slot - wheel->tick % WHEEL_SLOTS;
    return ahead >= 0 ? ahead : ahead + WHEEL_SLOTS;
}

bool wheel_is_late(const struct wheel *wheel, const struct wheel_node *node, base_ns due_ns) {
    return node->slot == WHEEL_NONE ||
           wheel->tick + ticks_ahead(wheel, node->slot) > tick_of(wheel, due_ns);
}

/* Ticks until the next occupied slot, 0 .. WHEEL_SLOTS - 1; -1: none. */
static int64_t next_ahead(const struct wheel *wheel) {
    int32_t start = (int32_t)(wheel->tick % WHEEL_SLOTS);
    for (int32_t i = 0; i <= WHEEL_SLOTS / 64; i++) {
        int32_t word = (start / 64 + i) % (WHEEL_SLOTS / 64);
        uint64_t bits = wheel->occupied[word];
        if (i == 0)
            bits &= ~UINT64_C(0) << (start % 64);
        if (i == WHEEL_SLOTS / 64)
            bits &= ~(~UINT64_C(0) << (start % 64));
        if (bits != 0)
            return ticks_ahead(wheel, word * 64 + __builtin_ctzll(bits));
    }
    return -1;
}

struct wheel_node *wheel_pop(struct wheel *wheel, base_ns now_ns) {
    int64_t now = now_ns / WHEEL_TICK_NS;
    int64_t ahead = next_ahead(wheel);
    if (ahead < 0 || wheel->tick + ahead > now) {
        if (now > wheel->tick)
            wheel->tick = now;
        return NULL;
    }
    wheel->tick += ahead;
    struct wheel_node *node = wheel->slots[wheel->tick % WHEEL_SLOTS];
    wheel_unset(wheel, node);
    return node;
}

bool wheel_has_turned(const struct wheel *wheel, base_ns now_ns) {
    return now_ns >= (wheel->tick + 1) * WHEEL_TICK_NS;
}

base_ns wheel_next(const struct wheel *wheel) {
    int64_t ahead = next_ahead(wheel);
    return ahead < 0 ? BASE_NS_MAX : (wheel->tick + ahead) * WHEEL_TICK_NS;
}
