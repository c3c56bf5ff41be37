/* What a backplane cannot mean together with its kind, or with the times that it is to meet. */
#include "models/spec/cross_check_inside.h"

#include "models/spec/table.h"
#include "sim/base/time.h"

static void warn_of_field(struct check *check, const struct json *place, const char *key,
                          const char *kinds) {
    if (is_written(place, key))
        reading_warning(check->reading, json_member(place, key),
                        "\"%s\" has no effect on a backplane of kind \"%s\"; it is for %s", key,
                        spec_word("backplane_kind", (int)check->scenario->backplane.kind), kinds);
}

/* What is written down for a kind that has no such thing would be believed. */
static void check_backplane_fields(struct check *check, const struct json *place) {
    enum spec_backplane_kind kind = check->scenario->backplane.kind;
    bool has_instances =
        kind == SPEC_REDIS_SHARDED || kind == SPEC_REDIS_CLUSTER || kind == SPEC_KAFKA;
    bool has_channels = kind == SPEC_REDIS || kind == SPEC_REDIS_SHARDED ||
                        kind == SPEC_REDIS_CLUSTER || kind == SPEC_NATS;
    if (!has_instances)
        warn_of_field(check, place, "instances",
                      "\"redis_sharded\", \"redis_cluster\" and \"kafka\"");
    if (!has_channels)
        warn_of_field(check, place, "channels",
                      "\"redis\", \"redis_sharded\", \"redis_cluster\" and \"nats\"");
    static const char *const of_servers[] = {"egress", "connections", "timeout", "retries",
                                             "in_flight"};
    for (size_t i = 0; i < COUNT_OF(of_servers) && !has_channels && kind != SPEC_KAFKA; i++)
        warn_of_field(check, place, of_servers[i],
                      "\"redis\", \"redis_sharded\", \"redis_cluster\", \"nats\" and \"kafka\"");
    if (kind != SPEC_KAFKA) {
        warn_of_field(check, place, "linger", "\"kafka\"");
        warn_of_field(check, place, "poll", "\"kafka\"");
    }
    if (kind == SPEC_NO_BACKPLANE)
        warn_of_field(check, place, "latency", "every other kind");
    if (kind == SPEC_NO_BACKPLANE)
        warn_of_field(check, place, "deadline", "every other kind");
}

double cross_check_way_ns(const struct spec_backplane *backplane) {
    double hop_ns = spec_dist_mean(&backplane->latency);
    switch (backplane->kind) {
    case SPEC_NO_BACKPLANE:
        return 0;
    case SPEC_BROADCAST:
    case SPEC_REGISTRY:
        return hop_ns;
    case SPEC_REDIS:
    case SPEC_REDIS_SHARDED:
    case SPEC_NATS:
        return 2 * hop_ns;
    case SPEC_REDIS_CLUSTER:
        return 3 * hop_ns;
    case SPEC_KAFKA:
        return 2 * hop_ns + (double)backplane->linger / 2 + (double)backplane->poll / 2;
    case SPEC_backplane_kind_COUNT:
        break;
    }
    return 0;
}

/* There and back to an instance, when nothing waits anywhere. */
static double round_trip_ns(const struct spec_backplane *backplane) {
    double hop_ns = spec_dist_mean(&backplane->latency);
    return 2 * hop_ns + (backplane->kind == SPEC_KAFKA ? (double)backplane->linger : 0);
}

/* Times that no publish can meet. */
static void check_backplane_times(struct check *check, const struct json *place) {
    const struct spec_backplane *backplane = &check->scenario->backplane;
    double way_ns = cross_check_way_ns(backplane), back_ns = round_trip_ns(backplane);
    if (backplane->deadline < BASE_NS_MAX && (double)backplane->deadline < way_ns)
        reading_error(check->reading, json_member(place, "deadline"),
                      "a publish is with another node after %.6g ms on average, and by then its "
                      "\"deadline\" (%.6g ms) is over",
                      way_ns * 1e-6, base_ms(backplane->deadline));
    if (backplane->timeout < BASE_NS_MAX && (double)backplane->timeout < back_ns)
        reading_error(check->reading, json_member(place, "timeout"),
                      "an acknowledgement takes %.6g ms on average, longer than \"timeout\" (%.6g "
                      "ms): every publish would be sent again",
                      back_ns * 1e-6, base_ms(backplane->timeout));
    if (backplane->retries > 0 && backplane->timeout == BASE_NS_MAX)
        reading_warning(check->reading, json_member(place, "retries"),
                        "\"retries\" has no effect without \"timeout\"");
    if (backplane->timeout < BASE_NS_MAX && backplane->deadline <= backplane->timeout)
        reading_warning(check->reading, json_member(place, "deadline"),
                        "no publish is sent again: its \"deadline\" (%.6g ms) is over when it is "
                        "missed (\"timeout\", %.6g ms)",
                        base_ms(backplane->deadline), base_ms(backplane->timeout));
}

void cross_check_backplane(struct check *check) {
    const struct spec_scenario *scenario = check->scenario;
    const struct json *written = json_member(check->merged, "backplane");
    const struct json *place = enter(check, check->merged, written ? "backplane" : "nodes");
    enum spec_backplane_kind kind = scenario->backplane.kind;
    int64_t nodes = spec_nodes_count(scenario);
    bool is_said = written && is_written(written, "kind");
    if (kind == SPEC_NO_BACKPLANE && nodes > 1 && !is_said && !cross_check_has_owners(scenario))
        reading_warning(check->reading, place,
                        "%lld nodes and no backplane: a publish does not reach members on other "
                        "nodes than its publisher's",
                        (long long)nodes);
    if (written) {
        check_backplane_fields(check, place);
        check_backplane_times(check, place);
    }
    if ((kind == SPEC_BROADCAST || kind == SPEC_REGISTRY) && nodes == 1)
        reading_warning(check->reading, place, "a \"%s\" has no effect with one node",
                        spec_word("backplane_kind", (int)kind));
    double within_ns = (double)scenario->objectives.delivery.within;
    if (nodes > 1 && cross_check_way_ns(&scenario->backplane) > within_ns)
        reading_warning(check->reading, place,
                        "a member on another node is %.3g ms away on average, longer than "
                        "objectives.delivery.within (%.3g ms)",
                        cross_check_way_ns(&scenario->backplane) * 1e-6, within_ns * 1e-6);
    leave(check);
}
