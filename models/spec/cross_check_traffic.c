/* What rates over time and signals cannot mean together, or probably do not mean as they stand. */
#include "models/spec/cross_check_inside.h"

#include "sim/base/time.h"

#include <math.h>

/* Of all rates together: written out, some 70 bytes each, they must be read again
 * (JSON_BYTES_MAX). */
enum { STAGES_MAX = 8000 };

/* When what is measured is over; an automatic warm-up is half as long at most. */
static base_ns end_of_run(const struct spec_scenario *scenario) {
    const struct spec_window *window = &scenario->window;
    base_ns warm_up_ns = window->warm_up == SPEC_AUTO ? window->measure / 2 : window->warm_up;
    return warm_up_ns + window->measure;
}

/* A file of a day, and a window of ten seconds. */
static void check_length(struct check *check, const struct spec_pace *pace,
                         const struct json *place) {
    base_ns begins_ns = 0, end_ns = end_of_run(check->scenario);
    for (int32_t i = 0; i + 1 < pace->stages_count; i++)
        begins_ns += pace->stages[i].for_ns;
    if (begins_ns >= end_ns)
        reading_warning(check->reading, place,
                        "the last of %d rates begins at %.6g s, and the run is over at %.6g s "
                        "(window.warm_up and window.measure)",
                        pace->stages_count, base_seconds(begins_ns), base_seconds(end_ns));
}

/* --- signals --- */

static double highest_rate(const struct spec_pace *pace) {
    double highest = 0;
    for (int32_t i = 0; i < pace->stages_count; i++)
        highest = fmax(highest, pace->stages[i].rate_per_s);
    return highest;
}

/* A sender's own time needs a sender's own rate. */
static void check_throttle(struct check *check, const struct spec_traffic *traffic,
                           const struct json *place) {
    if (traffic->throttle == 0)
        return;
    if (traffic->rate.per != SPEC_PER_USER)
        reading_error(check->reading, place,
                      "a sender is throttled by itself; expected a \"rate\" per user");
    else if (traffic->rate.kind == SPEC_PACE_CONSTANT &&
             highest_rate(&traffic->rate) * base_seconds(traffic->throttle) <= 1)
        reading_warning(check->reading, place,
                        "\"throttle\" has no effect: a sender's messages are %.6g s apart anyway",
                        1 / highest_rate(&traffic->rate));
}

static void check_expires(struct check *check, const struct spec_traffic *traffic,
                          const struct json *place) {
    const struct spec_scenario *scenario = check->scenario;
    base_ns expires_ns = traffic->ephemeral.expires;
    double way_ns = cross_check_way_ns(&scenario->backplane);
    if (spec_nodes_count(scenario) > 1 && way_ns > (double)expires_ns)
        reading_warning(check->reading, place,
                        "a member on another node is %.6g ms away on average, and by then signals "
                        "have expired (%.6g ms)",
                        way_ns * 1e-6, base_ms(expires_ns));
    for (int32_t i = 0; i < scenario->nodes_count; i++)
        if (scenario->nodes[i].batch.for_ >= expires_ns)
            reading_warning(check->reading, place,
                            "signals expire after %.6g ms and nodes.%s.batch holds them for %.6g "
                            "ms: they arrive when they are worth nothing",
                            base_ms(expires_ns), scenario->nodes[i].name,
                            base_ms(scenario->nodes[i].batch.for_));
    if (expires_ns <= scenario->objectives.delivery.within)
        reading_warning(check->reading, place,
                        "signals that wait for the server expire (%.6g ms) before they can be late "
                        "(objectives.delivery.within, %.6g ms)",
                        base_ms(expires_ns), base_ms(scenario->objectives.delivery.within));
}

static void check_signals(struct check *check, const struct spec_traffic *traffic) {
    const struct json *entry = enter(check, enter(check, check->merged, "traffic"), traffic->name);
    check_throttle(check, traffic, enter(check, entry, "throttle"));
    leave(check);
    if (!traffic->has_ephemeral || traffic->ephemeral.expires == 0)
        return;
    entry = enter(check, enter(check, check->merged, "traffic"), traffic->name);
    check_expires(check, traffic, enter(check, enter(check, entry, "ephemeral"), "expires"));
    leave(check);
}

/* --- the whole --- */

void cross_check_traffic(struct check *check) {
    const struct spec_scenario *scenario = check->scenario;
    int64_t stages = 0;
    for (int32_t i = 0; i < scenario->traffic_count; i++) {
        const struct spec_traffic *traffic = &scenario->traffic[i];
        const struct json *entry =
            enter(check, enter(check, check->merged, "traffic"), traffic->name);
        check_length(check, &traffic->rate, enter(check, entry, "rate"));
        leave(check);
        check_signals(check, traffic);
        stages += traffic->rate.stages_count;
    }
    for (int32_t i = 0; i < scenario->populations_count; i++) {
        const struct spec_population *population = &scenario->populations[i];
        if (!population->has_arrival)
            continue;
        const struct json *entry =
            enter(check, enter(check, check->merged, "populations"), population->name);
        check_length(check, &population->arrival.rate,
                     enter(check, enter(check, entry, "arrival"), "rate"));
        leave(check);
        stages += population->arrival.rate.stages_count;
    }
    if (stages > STAGES_MAX)
        reading_error(check->reading, check->merged,
                      "%lld rates over time, of all traffic and arrivals together; expected %d at "
                      "most",
                      (long long)stages, STAGES_MAX);
}
