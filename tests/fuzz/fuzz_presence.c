/* Any bytes from another node: refused, or written again as they were and merged twice into a
 * replica with the same result. */
#include "models/workload/presence_replica.h"

#include "sim/base/check.h"

#include <string.h>

static const struct presence_timing timing = {.broadcast_ns = 1500 * BASE_NS_PER_MS,
                                              .silent_periods = 10,
                                              .down_ns = 30 * BASE_NS_PER_S,
                                              .permdown_ns = 1200 * BASE_NS_PER_S};

static void receive(struct presence_replica *replica, const struct presence_message *message) {
    struct presence_message answer;
    presence_message_init(&answer);
    (void)presence_replica_receive(replica, BASE_NS_PER_S, message, &answer);
    presence_message_fini(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct presence_message message;
    struct presence_replica replica;
    struct text again;
    if (!presence_decode(&message, data, size))
        return 0;
    text_init(&again);
    presence_encode(&message, &again);
    CHECK(again.length == size && memcmp(again.bytes, data, size) == 0);
    presence_replica_init(&replica, &timing, &(struct presence_options){.self = 1});
    receive(&replica, &message);
    int64_t entries_count = replica.state.entries_count;
    receive(&replica, &message);
    CHECK(replica.state.entries_count == entries_count);
    presence_replica_fini(&replica);
    text_fini(&again);
    presence_message_fini(&message);
    return 0;
}
