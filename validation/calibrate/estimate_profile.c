/* What was estimated, with where each entry came from, into the profile. */
#include "validation/calibrate/estimate.h"
#include "validation/calibrate/phases.h"

#include <math.h>

static const double ELASTICITY_LEAST = 0.01, ELASTICITY_MOST = 2; /* a profile's range */

static const char *note_of(enum cost cost) {
    switch ((int)cost) {
    case COST_turn:
        return "loopback; poll and read phases, by turns. A turn after which the worker sleeps has "
               "one more empty poll than a turn under full load";
    case COST_turn_cold:
        return "loopback; poll and read phases, turns after 1 to 2,400 writes";
    case COST_read:
        return "loopback; read phase by reads, and poll phase by ready sockets";
    case COST_read_cold:
        return "loopback; read and poll phases, one reader among 1 to 5,000 sockets and dozens "
               "among "
               "2,400 and 3,000";
    case COST_read_byte:
        return "loopback; read phase by bytes, publishes of 64 B to 8 KiB";
    case COST_publish:
        return "loopback; read phase by publishes, 1 to 64 a read, and write phase by rooms "
               "written";
    case COST_write:
        return "loopback, receive side included, reader polls; write phase by send calls, rooms of "
               "1 to 5,000, coalesced and at once";
    case COST_write_cold:
        return "loopback; write phase, rooms of 1 to 5,000";
    case COST_write_scatter:
        return "loopback; write phase, rooms of 100 dealt out at random";
    case COST_frame:
        return "loopback; write phase by frames, 1 to 100 a write with pairs of equal bytes";
    case COST_byte:
        return "loopback; write phase by bytes, 64 B to 48 KiB a frame";
    case COST_enqueue:
        return "loopback; write phase by messages queued, half of a room of 100 trickling, beyond "
               "what its writes cost elsewhere";
    case COST_writable:
        return "loopback; write phase by writable events, while a backlog drains";
    default:
        return "";
    }
}

bool estimate_is_fitted(enum cost cost) {
    for (int32_t phase = 0; phase < PHASES; phase++)
        for (int32_t k = 0; k < phases_terms_count((enum phase)phase); k++)
            if (phases_terms((enum phase)phase)[k].cost == (int32_t)cost)
                return true;
    return false;
}

static void set_correlations(const struct estimate *estimate, struct profile *profile) {
    for (int32_t i = 0; i < COST_COUNT; i++)
        for (int32_t j = 0; j < COST_COUNT; j++) {
            double scale = sqrt(estimate->covariance[i][i] * estimate->covariance[j][j]);
            double r = scale > 0 ? estimate->covariance[i][j] / scale : 0;
            profile->correlation[i][j] = i == j ? 1 : fmax(-0.999, fmin(0.999, r));
        }
}

/* A cost follows the machine's speed as its phases do, each by its part of the cost. */
static void set_elasticity(const struct estimate *estimate, enum cost cost,
                           struct profile_entry *entry) {
    double parts = 0, elasticity = 0, error = 0;
    for (int32_t phase = 0; phase < PHASES; phase++)
        for (int32_t k = 0; k < phases_terms_count((enum phase)phase); k++) {
            const struct fit *fit = &estimate->fits[phase].fit;
            double part = fmax(fit->value[k], 1e-9); /* a cost of nothing is in its phases alike */
            if (phases_terms((enum phase)phase)[k].cost != (int32_t)cost)
                continue;
            parts += part;
            elasticity += part * fit->elasticity;
            error += part * fit->elasticity_error;
        }
    entry->elasticity = fmin(fmax(elasticity / parts, ELASTICITY_LEAST), ELASTICITY_MOST);
    entry->elasticity_error = error / parts;
}

void estimate_to_profile(const struct estimate *estimate, struct profile *profile,
                         struct arena *arena) {
    for (int32_t i = 0; i < COST_COUNT; i++) {
        if (!estimate_is_fitted((enum cost)i))
            continue;
        profile->costs[i] =
            (struct profile_entry){.value = estimate->values[i],
                                   .standard_error = sqrt(estimate->covariance[i][i]),
                                   .source = PROFILE_MEASURED,
                                   .note = arena_new_text(arena, note_of((enum cost)i))};
        set_elasticity(estimate, (enum cost)i, &profile->costs[i]);
    }
    set_correlations(estimate, profile);
    const struct fit *write = &estimate->fits[PHASE_WRITE].fit;
    profile->windows = estimate->windows_used;
    profile->blocks = estimate->blocks_used;
    profile->condition_number = write->condition_number;
    profile->lack_of_fit_p = write->lack_of_fit_p;
    profile->cpu_accounted_share = estimate->cpu_accounted_share;
    profile->turn_error = estimate->turn_error;
}
