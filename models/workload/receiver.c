/* A stall is an interval [first + k every, first + k every + for): everything follows from two
 * divisions. */
#include "models/workload/receiver.h"

#include "models/workload/draws.h"

static double one_uniform(uint64_t seed, uint64_t entity, enum draws_purpose purpose) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed, .entity = entity, .purpose = purpose});
    return rng_uniform(&rng);
}

struct receiver receiver_of(const struct roster *roster, int32_t client, uint64_t seed) {
    const struct spec_receive *receive =
        &roster->scenario->populations[roster->population[client]].receive;
    struct receiver receiver = {.bytes_per_s = receive->rate / 8,
                                .stall_first_ns = BASE_NS_MAX,
                                .stall_every_ns = BASE_NS_MAX,
                                .stall_for_ns = 0};
    uint64_t entity = roster_client_entity(roster, client);
    if (!receive->has_stall || one_uniform(seed, entity, DRAWS_STALLING) >= receive->stalling)
        return receiver;
    const struct spec_stall *stall = &receive->stall;
    receiver.stall_every_ns = stall->every;
    receiver.stall_for_ns = stall->for_;
    receiver.stall_first_ns = stall->at;
    if (stall->at == SPEC_AUTO) {
        double phase = one_uniform(seed, entity, DRAWS_STALL_PHASE);
        if (stall->every == BASE_NS_MAX)
            receiver.stall_first_ns = (base_ns)(phase * (double)BASE_NS_PER_S);
        else /* before the start, so that as many are stalled at once in the first second as later
              */
            receiver.stall_first_ns = (base_ns)((phase - 1) * (double)stall->every);
    }
    return receiver;
}

/* Time since the start of the latest stall, or -1 before the first. */
static base_ns into_stall(const struct receiver *receiver, base_ns now_ns) {
    if (now_ns < receiver->stall_first_ns)
        return -1;
    base_ns since = now_ns - receiver->stall_first_ns;
    return receiver->stall_every_ns == BASE_NS_MAX ? since : since % receiver->stall_every_ns;
}

bool receiver_stalls(const struct receiver *receiver) {
    return receiver->stall_first_ns != BASE_NS_MAX;
}

bool receiver_is_reading(const struct receiver *receiver, base_ns now_ns) {
    base_ns into = into_stall(receiver, now_ns);
    return into < 0 || into >= receiver->stall_for_ns;
}

base_ns receiver_next_change(const struct receiver *receiver, base_ns now_ns) {
    base_ns into = into_stall(receiver, now_ns);
    if (into < 0)
        return receiver->stall_first_ns;
    if (into < receiver->stall_for_ns)
        return receiver->stall_for_ns == BASE_NS_MAX ? BASE_NS_MAX
                                                     : now_ns - into + receiver->stall_for_ns;
    return receiver->stall_every_ns == BASE_NS_MAX ? BASE_NS_MAX
                                                   : now_ns - into + receiver->stall_every_ns;
}
