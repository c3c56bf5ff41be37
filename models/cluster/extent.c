/* Rooms into which nobody publishes cost nothing, so they are not looked at. */
#include "models/cluster/extent.h"

#include <math.h>

static void widen(struct extent *extent, double value) {
    extent->lowest = isnan(extent->lowest) ? value : fmin(extent->lowest, value);
    extent->highest = isnan(extent->highest) ? value : fmax(extent->highest, value);
}

static void add_rooms(const struct closed_form *form, const struct closed_form_ceiling *ceiling,
                      struct extent extents[RANGE_COUNT]) {
    for (int32_t w = 0; w < form->workers_count; w++) {
        const struct closed_form_worker *worker = &form->workers[w];
        bool at_once = worker->node->fan_out == SPEC_WRITE_AT_ONCE;
        widen(&extents[RANGE_working_set], worker->working_set);
        for (int32_t i = 0; i < worker->classes_count; i++) {
            const struct closed_form_class *class = &worker->classes[i];
            double gathered = class->heard_per_s * ceiling->scale * ceiling->turn_s;
            if (class->heard_per_s <= 0)
                continue;
            widen(&extents[RANGE_room_members], class->members);
            if (at_once || isfinite(gathered))
                widen(&extents[RANGE_messages_per_write], at_once ? 1 : gathered);
        }
    }
}

/* Where everybody reads at once no buffer fills. */
static void add_buffers(const struct layout *layout, struct extent extents[RANGE_COUNT]) {
    const struct spec_scenario *scenario = layout->scenario;
    for (int32_t i = 0; i < scenario->nodes_count; i++)
        widen(&extents[RANGE_send_buffer], (double)scenario->nodes[i].send_buffer);
    for (int32_t i = 0; i < layout->consumers_count; i++) {
        int32_t population = layout->roster->population[layout->consumer_clients[i]];
        widen(&extents[RANGE_receive_buffer],
              (double)scenario->populations[population].receive.buffer);
    }
}

void extent_of(const struct layout *layout, const struct closed_form *form,
               const struct closed_form_ceiling *ceiling, struct extent extents[RANGE_COUNT]) {
    const struct spec_scenario *scenario = layout->scenario;
    for (int i = 0; i < RANGE_COUNT; i++)
        extents[i] = (struct extent){NAN, NAN};
    add_rooms(form, ceiling, extents);
    if (layout->consumers_count > 0)
        add_buffers(layout, extents);
    for (int32_t i = 0; i < scenario->traffic_count; i++)
        widen(&extents[RANGE_message_bytes], spec_dist_mean(&scenario->traffic[i].bytes));
    for (int32_t i = 0; i < layout->nodes_count; i++)
        widen(&extents[RANGE_connections], (double)layout->nodes[i].connections_count);
}

bool extent_leaves(const struct extent *extent, const struct range *range) {
    return extent->lowest < range->lowest || extent->highest > range->highest;
}
