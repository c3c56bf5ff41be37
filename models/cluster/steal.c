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
                       .runtime = source_of(0, 0, rng),
                       .spell = source_of(0, 0, rng)};
    draw_next(&steal->host, 0);
}

void steal_add_pauses(struct steal *steal, const struct profile_costs *costs, struct rng rng) {
    steal->runtime = source_of(costs->value[COST_pauses], costs->value[COST_pause], rng);
    draw_next(&steal->runtime, 0);
}

void steal_add_spells(struct steal *steal, const struct profile_costs *costs, struct rng rng) {
    steal->spell = source_of(costs->value[COST_spells], costs->value[COST_spell], rng);
    steal->slowdown = costs->value[COST_spell_slowdown];
    draw_next(&steal->spell, 0);
}

double steal_speed_left(const struct profile_costs *costs) {
    const double *value = costs->value;
    double gaps = value[COST_steals] * value[COST_steal] * 1e-9; /* for each second of work */
    double spells = value[COST_spells] * value[COST_spell] * 1e-9;
    double slow_share = spells / (1 + spells);
    return (1 - slow_share + slow_share / (1 + value[COST_spell_slowdown])) / (1 + gaps);
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

/* When what would take from worked_ns to now_ns at full speed is done. */
static base_ns slowed(struct steal *steal, base_ns now_ns) {
    struct steal_source *spell = &steal->spell;
    double slower = 1 + steal->slowdown;
    base_ns at_ns = steal->worked_ns, left_ns = now_ns - at_ns;
    while (spell->next_ns < at_ns + left_ns) {
        base_ns end_ns = spell->next_ns + spell->length_ns;
        if (spell->next_ns > at_ns) {
            left_ns -= spell->next_ns - at_ns;
            at_ns = spell->next_ns;
        }
        base_ns slow_ns = llround((double)left_ns * slower);
        if (at_ns + slow_ns <= end_ns)
            return at_ns + slow_ns;
        if (end_ns > at_ns) {
            left_ns -= llround((double)(end_ns - at_ns) / slower);
            at_ns = end_ns;
        }
        draw_next(spell, end_ns);
    }
    return at_ns + left_ns;
}

base_ns steal_paced(struct steal *steal, base_ns cost_ns, base_ns now_ns) {
    struct steal_source *spell = &steal->spell;
    while (spell->next_ns <= now_ns && spell->next_ns + spell->length_ns <= now_ns)
        draw_next(spell, spell->next_ns + spell->length_ns);
    return spell->next_ns <= now_ns ? llround((double)cost_ns * (1 + steal->slowdown)) : cost_ns;
}

void steal_paced_until(struct steal *steal, base_ns now_ns) {
    steal->worked_ns = now_ns;
}

base_ns steal_work(struct steal *steal, base_ns now_ns) {
    if (steal->spell.next_ns < now_ns && steal->worked_ns < now_ns)
        now_ns = slowed(steal, now_ns);
    for (struct steal_source *first; (first = first_of(steal))->next_ns <= now_ns;)
        now_ns += pass(steal, first);
    steal->worked_ns = now_ns;
    return now_ns;
}

base_ns steal_resume(struct steal *steal, base_ns now_ns) {
    for (struct steal_source *first; (first = first_of(steal))->next_ns <= now_ns;)
        pass(steal, first);
    steal->worked_ns = now_ns > steal->until_ns ? now_ns : steal->until_ns;
    return steal->worked_ns;
}
