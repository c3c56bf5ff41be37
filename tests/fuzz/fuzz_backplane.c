/* Any bytes on any wire of a backplane, in any pieces, are the same events; what is a message is
 * one whole. The first byte says which wire and how large the pieces are. */
#include "sim/base/check.h"
#include "validation/backplane/wire.h"

#include <string.h>

enum { EVENTS_MAX = 4096 };

struct read {
    uint8_t kinds[EVENTS_MAX];
    size_t lengths[EVENTS_MAX];
    size_t count;
};

static void read_all(const struct backplane_wire *wire, const uint8_t *data, size_t size,
                     size_t step, struct read *read) {
    static const struct backplane_self self = {.origin = 7, .routes_by_rooms = true};
    struct backplane_buffer in = {0};
    struct backplane_event event = {.kind = BACKPLANE_MORE};
    read->count = 0;
    for (size_t used = 0; used < size && event.kind != BACKPLANE_BROKEN; used += step) {
        size_t piece = step < size - used ? step : size - used;
        CHECK(backplane_buffer_add(&in, data + used, piece));
        do {
            wire->next(&in, &self, &event);
            struct backplane_message message;
            if (event.kind == BACKPLANE_MESSAGE &&
                backplane_message_read(&message, event.bytes, event.length))
                CHECK(message.room_length < message.delivery_length &&
                      backplane_is_room(message.room, message.room_length));
            if (event.kind == BACKPLANE_HOLDS || event.kind == BACKPLANE_LEAVES)
                CHECK(backplane_is_room((const char *)event.bytes, event.length));
            if (event.kind != BACKPLANE_MORE && read->count < EVENTS_MAX) {
                read->kinds[read->count] = (uint8_t)event.kind;
                read->lengths[read->count++] = event.length;
            }
        } while (event.kind != BACKPLANE_MORE && event.kind != BACKPLANE_BROKEN);
    }
    backplane_buffer_fini(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct backplane_wire *const wires[] = {
        &backplane_wire_mesh, &backplane_wire_redis, &backplane_wire_nats};
    static struct read whole, pieces;
    if (size < 2)
        return 0;
    const struct backplane_wire *wire = wires[data[0] % 3];
    read_all(wire, data + 1, size - 1, size, &whole);
    read_all(wire, data + 1, size - 1, data[0] / 3u % 61 + 1u, &pieces);
    CHECK(whole.count == pieces.count && memcmp(whole.kinds, pieces.kinds, whole.count) == 0 &&
          memcmp(whole.lengths, pieces.lengths, whole.count * sizeof *whole.lengths) == 0);
    return 0;
}
