/* What is to be measured next waits for the machine's quiet mood (validation/measure), so the speed
 * of now is that of the quicker yardsticks; how far they lie apart is how sure that is. The costs
 * move before anything is predicted: what is predicted from them has the right elasticity to each
 * of them, where a ceiling divided by a yardstick has one that nobody measured. */
#include "cli/today.h"

#include "cli/print.h"
#include "sim/base/fingerprint.h"
#include "sim/base/stats.h"
#include "validation/measure/loopback.h"
#include "validation/measure/yardstick.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { YARDSTICKS = 7, GATEWAY_CPU = 0, LOAD_CPU = 1 };
static const double QUIET_QUANTILE = 0.25; /* as a calibration's reference */

/* False: there is no yardstick to be had here. */
static bool take(struct today *today) {
    struct yardstick_options where = {.cpu = GATEWAY_CPU, .other_cpu = LOAD_CPU};
    double yards[YARDSTICKS];
    struct stats logarithms;
    char shared[LOOPBACK_WHY_BYTES];
    /* Where there is no loopback of its own a calibration had none either. */
    bool is_alone = loopback_enter(shared);
    (void)is_alone;
    stats_init(&logarithms);
    for (int32_t i = 0; i < YARDSTICKS; i++) {
        struct yardstick_result result;
        if (!yardstick_measure(YARDSTICK_SEND, &where, &result))
            return false;
        yards[i] = result.median;
        stats_add(&logarithms, log(yards[i]));
    }
    today->now_ns = stats_quantile(yards, YARDSTICKS, QUIET_QUANTILE);
    today->error = sqrt(stats_variance(&logarithms));
    return true;
}

void today_look(struct today *today, const struct profile *profile, const struct options *options) {
    const struct profile_yardstick *send =
        profile_find_yardstick(profile, yardstick_name(YARDSTICK_SEND));
    *today = (struct today){.factor = NAN, .error = NAN, .now_ns = NAN, .then_ns = NAN};
    if (send == NULL || !take(today)) {
        print_say(options, "costs: they could not be checked against this machine as it is now: %s",
                  send == NULL ? "the profile has no yardstick" : "no yardstick can be taken here");
        return;
    }
    today->then_ns = send->value;
    today->factor = today->now_ns / send->value;
    print_say(options,
              "costs: a bare send takes %s ns now and took %s ns when they were measured: a factor "
              "of %.3f +- %.0f %%",
              print_number(today->now_ns), print_number(send->value), today->factor,
              100 * today->error);
}

static void note_move(struct costs_choice *costs, const struct today *today) {
    struct profile *profile = &costs->profile;
    char moved_at[32];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(moved_at, sizeof moved_at, "%Y-%m-%dT%H:%M:%SZ", &utc);
    for (int32_t i = 0; i < profile->yardsticks_count; i++)
        if (strcmp(profile->yardsticks[i].name, yardstick_name(YARDSTICK_SEND)) == 0)
            profile->yardsticks[i].value = today->now_ns;
    if (profile->pinned_count < PROFILE_FACTS_MAX)
        profile->pinned[profile->pinned_count++] = (struct profile_fact){
            "moved", arena_new_format(&costs->arena, "by %.4f +- %.4f to the yardstick of %s",
                                      today->factor, today->error * today->factor, moved_at)};
}

void today_move(struct costs_choice *costs, const struct options *options) {
    struct today today;
    today_look(&today, &costs->profile, options);
    if (isnan(today.factor))
        return;
    profile_move(&costs->profile, today.factor, today.error);
    note_move(costs, &today);
    text_clear(&costs->canonical);
    profile_write(&costs->profile, &costs->canonical);
    costs->hash = fingerprint_of(text_bytes(&costs->canonical), costs->canonical.length);
}
