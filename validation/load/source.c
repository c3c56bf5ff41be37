/* A burst's publishes are numbered like a plan's, so that everything behind the source is the same
 * for both. */
#include "validation/load/source.h"

void source_init(struct source *source, const struct roster *roster,
                 const struct source_options *options, struct arena *arena) {
    *source = (struct source){.roster = roster, .is_burst = options->burst};
    if (options->burst) {
        source->burst = *options->burst;
        return;
    }
    struct plan_options plan = {.seed = plan_seed_of(options->seed, options->replication),
                                .scale = options->scale};
    plan_init(&source->plan, roster, &plan, arena);
}

static void next_of_burst(struct source *source, struct plan_publish *publish) {
    const struct source_burst *burst = &source->burst;
    uint64_t number = source->next_number++, round = number / (uint64_t)burst->publishes;
    int32_t room = burst->room + (int32_t)(round % (uint64_t)burst->rooms_count);
    *publish = (struct plan_publish){
        .due_ns = (base_ns)round * burst->every_ns,
        .room = room,
        .client = source->roster->members[source->roster->rooms[room].members_first],
        .bytes = burst->bytes,
        .number = number,
    };
}

bool source_next(struct source *source, struct plan_publish *publish) {
    if (!source->is_burst)
        return plan_next(&source->plan, publish);
    next_of_burst(source, publish);
    return true;
}
