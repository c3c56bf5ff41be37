/* One timer per connection, on a wheel: setting, moving and firing are O(1), and what does not fire
 * costs nothing.
 *
 * Timers are early by design: what lies further ahead than the wheel is round fires at its rim, and
 * the owner, who knows the true deadline, sets it again. So activity on a connection moves no
 * timer; it only moves the deadline. */
#ifndef HEADROOM_VALIDATION_GATEWAY_WHEEL_H
#define HEADROOM_VALIDATION_GATEWAY_WHEEL_H

#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum { WHEEL_SLOTS = 2048, WHEEL_NONE = -1 };
#define WHEEL_TICK_NS (4 * BASE_NS_PER_MS) /* fires up to one tick late */

struct wheel_node {
    struct wheel_node *previous, *next;
    int32_t slot; /* WHEEL_NONE: not set */
};

struct wheel {
    struct wheel_node *slots[WHEEL_SLOTS];
    uint64_t occupied[WHEEL_SLOTS / 64];
    int64_t tick; /* all earlier ones have fired */
};

void wheel_init(struct wheel *wheel, base_ns now_ns);
/* Moves it when it was set. */
void wheel_set(struct wheel *wheel, struct wheel_node *node, base_ns due_ns);
void wheel_unset(struct wheel *wheel, struct wheel_node *node);
/* Whether the node would fire later than due_ns: then it has to be set anew. */
bool wheel_is_late(const struct wheel *wheel, const struct wheel_node *node, base_ns due_ns);
/* The next node that is due, taken off the wheel; NULL: none is left. */
struct wheel_node *wheel_pop(struct wheel *wheel, base_ns now_ns);
/* Whether wheel_pop could find anything: cheap enough for every turn. */
bool wheel_has_turned(const struct wheel *wheel, base_ns now_ns);
/* When the next one fires; BASE_NS_MAX: none is set. */
base_ns wheel_next(const struct wheel *wheel);

#endif
