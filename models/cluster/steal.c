/* The gap to come is always drawn, so asking costs one comparison while there is none. Gaps pass in
 * order and each once: whoever asks moves on past those that have begun. */
#include "models/cluster/steal.h"

#include <math.h>
#include <stdint.h>

static struct steal_source source_of(double per_s, double length_mean_ns, struct rng rng) {
    struct steal_source source = {
        .rng = rng, .next_ns = INT64_MAX, .length_mean_ns = length_mean_ns};
    if (per_s > 0 && length_mean_ns > 0)
        source.between_mean_ns = 1e9 / per_s;
    return source;
}

static void draw_next(struct steal_source *source, base_ns from_ns) {
    if (!(source->between_mean_ns > 0))
        return;
    source->next_ns = from_ns + llround(rng_exponential(&source->rng, source->between_mean_ns));
    source->length_ns = llround(rng_exponential(&source->rng, source->length_mean_ns));
}

void steal_init(struct steal *steal, const struct profile_costs *costs, struct rng rng) {
    *steal =
        (struct steal){.host = source_of(costs->value[COST_steals], costs->value[COST_steal], rng),
                       .runtime = source_of(0, 0, rng)};
    draw_next(&steal->host, 0);
}

void steal_add_pauses(struct steal *steal, const struct profile_costs *costs, struct rng rng) {
    steal->runtime = source_of(costs->value[COST_pauses], costs->value[COST_pause], rng);
    draw_next(&steal->runtime, 0);
}

static struct steal_source *first_of(struct steal *steal) {
    return steal->runtime.next_ns < steal->host.next_ns ? &steal->runtime : &steal->host;
}

/* The gap that comes first is over; returns its length. One that begins within another comes on
 * top of it. */
static base_ns pass(struct steal *steal, struct steal_source *source) {
    base_ns length_ns = source->length_ns;
    base_ns start_ns = source->next_ns > steal->until_ns ? source->next_ns : steal->until_ns;
    steal->until_ns = start_ns + length_ns;
    draw_next(source, source->next_ns + length_ns);
    return length_ns;
}

base_ns steal_work(struct steal *steal, base_ns now_ns) {
    for (struct steal_source *first; (first = first_of(steal))->next_ns <= now_ns;)
        now_ns += pass(steal, first);
    return now_ns;
}

base_ns steal_resume(struct steal *steal, base_ns now_ns) {
    for (struct steal_source *first; (first = first_of(steal))->next_ns <= now_ns;)
        pass(steal, first);
    return now_ns > steal->until_ns ? now_ns : steal->until_ns;
}
