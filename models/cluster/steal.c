/* The gap to come is always drawn, so asking costs one comparison while there is none. Gaps pass in
 * order and each once: whoever asks moves on past those that have begun. */
#include "models/cluster/steal.h"

#include <math.h>
#include <stdint.h>

static void draw_next(struct steal *steal, base_ns from_ns) {
    steal->next_ns = from_ns + llround(rng_exponential(&steal->rng, steal->between_mean_ns));
    steal->length_ns = llround(rng_exponential(&steal->rng, steal->length_mean_ns));
}

void steal_init(struct steal *steal, const struct profile_costs *costs, struct rng rng) {
    double per_s = costs->value[COST_steals];
    *steal = (struct steal){
        .rng = rng, .next_ns = INT64_MAX, .length_mean_ns = costs->value[COST_steal]};
    if (!(per_s > 0) || !(steal->length_mean_ns > 0))
        return;
    steal->between_mean_ns = 1e9 / per_s;
    draw_next(steal, 0);
}

base_ns steal_work(struct steal *steal, base_ns now_ns) {
    while (steal->next_ns <= now_ns) {
        now_ns += steal->length_ns;
        steal->until_ns = steal->next_ns + steal->length_ns;
        draw_next(steal, steal->until_ns);
    }
    return now_ns;
}

base_ns steal_resume(struct steal *steal, base_ns now_ns) {
    while (steal->next_ns <= now_ns) {
        steal->until_ns = steal->next_ns + steal->length_ns;
        draw_next(steal, steal->until_ns);
    }
    return now_ns > steal->until_ns ? now_ns : steal->until_ns;
}
