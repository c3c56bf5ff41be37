/* What can be said before a run about who comes and goes, and about what goes wrong: a fault that
 * is about nobody or comes after the end, and a balancer that brings back those whom it should
 * spread.
 */
#include "models/spec/cross_check_inside.h"

#include "models/spec/table.h"

#include <string.h>

static const struct json *enter_fault(struct check *check, const struct spec_fault *fault) {
    return enter(check, enter(check, check->merged, "faults"), fault->name);
}

static bool is_of_backplane(enum spec_fault_kind kind) {
    return kind == SPEC_BACKPLANE_STALLS || kind == SPEC_BACKPLANE_SPLITS;
}

/* --- whom a fault is about --- */

static void check_target(struct check *check, const struct spec_fault *fault) {
    const struct spec_scenario *scenario = check->scenario;
    const char *names[NAMES_MAX], *zones[NAMES_MAX];
    bool is_node = !*fault->node, is_zone = !*fault->zone;
    for (int32_t i = 0; i < scenario->nodes_count; i++) {
        names[i] = scenario->nodes[i].name;
        zones[i] = scenario->nodes[i].zone;
        is_node |= strcmp(names[i], fault->node) == 0 ||
                   spec_node_index(&scenario->nodes[i], fault->node) >= 0;
        is_zone |= strcmp(zones[i], fault->zone) == 0;
    }
    const struct json *place = enter_fault(check, fault);
    if (*fault->node && *fault->zone)
        reading_error(check->reading, place, "\"node\" and \"zone\" together; say one of them");
    if (!is_node)
        reading_error(check->reading, json_member(place, "node"), "there is no node %s%s",
                      reading_quoted(fault->node).text,
                      reading_hint(fault->node, names, scenario->nodes_count, "there are ").text);
    if (!is_zone)
        reading_error(check->reading, json_member(place, "zone"), "no node is in a zone %s%s",
                      reading_quoted(fault->zone).text,
                      reading_hint(fault->zone, zones, scenario->nodes_count, "there are ").text);
    leave(check);
}

/* --- fields that a kind has no use for, or needs --- */

static void warn_of_no_effect(struct check *check, const struct spec_fault *fault,
                              const struct json *place, const char *key) {
    if (is_written(place, key))
        reading_warning(check->reading, json_member(place, key), "\"%s\" has no effect on \"%s\"",
                        key, spec_word("fault_kind", (int)fault->kind));
}

static void check_fields(struct check *check, const struct spec_fault *fault) {
    bool is_spread =
        fault->kind == SPEC_DRAINS || fault->kind == SPEC_DEPLOY || fault->kind == SPEC_REBALANCE;
    const struct json *place = enter_fault(check, fault);
    if (!is_spread)
        warn_of_no_effect(check, fault, place, "spread");
    if (fault->kind != SPEC_DEPLOY)
        warn_of_no_effect(check, fault, place, "pause");
    if (fault->kind == SPEC_ADDED || fault->kind == SPEC_REBALANCE)
        warn_of_no_effect(check, fault, place, "for");
    if (fault->kind == SPEC_REBALANCE || fault->kind == SPEC_BACKPLANE_STALLS) {
        warn_of_no_effect(check, fault, place, "node");
        warn_of_no_effect(check, fault, place, "zone");
    }
    if (fault->kind == SPEC_DEPLOY && fault->for_ == BASE_NS_MAX)
        reading_error(check->reading, place,
                      "\"for\" is missing; expected how long a node of a deploy is gone");
    bool has_target = *fault->node || *fault->zone;
    if ((fault->kind == SPEC_ADDED || fault->kind == SPEC_BACKPLANE_SPLITS) && !has_target)
        reading_error(check->reading, place,
                      "\"node\" or \"zone\" is missing; with all nodes on one side nothing is %s",
                      fault->kind == SPEC_ADDED ? "there to be added to" : "split");
    if (is_of_backplane(fault->kind) && check->scenario->backplane.kind == SPEC_NO_BACKPLANE)
        reading_error(check->reading, place, "\"%s\", and there is no backplane",
                      spec_word("fault_kind", (int)fault->kind));
    leave(check);
}

static void check_time(struct check *check, const struct spec_fault *fault) {
    const struct spec_window *window = &check->scenario->window;
    if (window->warm_up == SPEC_AUTO || fault->at < window->warm_up + window->measure)
        return;
    const struct json *place = enter_fault(check, fault);
    reading_warning(check->reading, json_member(place, "at"),
                    "never happens: the run ends after %.6g s, warm-up included",
                    base_seconds(window->warm_up + window->measure));
    leave(check);
}

/* --- the balancer --- */

static void check_balancing(struct check *check, const struct spec_fault *fault) {
    enum spec_balancing policy = check->scenario->balancer.policy;
    if (policy != SPEC_STICKY && policy != SPEC_CONSISTENT_HASH)
        return;
    const char *word = spec_word("balancing", (int)policy);
    const struct json *place = enter_fault(check, fault);
    if (fault->kind == SPEC_REBALANCE)
        reading_warning(check->reading, place,
                        "a \"%s\" balancer sends every client that a rebalance closes back to the "
                        "node that it came from: nothing moves",
                        word);
    if (policy == SPEC_STICKY && (fault->kind == SPEC_DRAINS || fault->kind == SPEC_DEPLOY))
        reading_warning(check->reading, place,
                        "a \"sticky\" balancer and a drain: clients stay with the node that they "
                        "were moved to, and the drained one stays empty when it is back");
    if (policy == SPEC_STICKY && fault->kind == SPEC_ADDED)
        reading_warning(check->reading, place,
                        "a \"sticky\" balancer sends nobody who was there before to a node that "
                        "is added; only first connections reach it");
    leave(check);
}

/* --- waits --- */

static void check_waits(struct check *check, const struct spec_population *population) {
    const struct spec_reconnect *reconnect = &population->reconnect;
    if (reconnect->cap >= reconnect->base)
        return;
    const struct json *populations = enter(check, check->merged, "populations");
    const struct json *place =
        enter(check, enter(check, populations, population->name), "reconnect");
    reading_warning(check->reading, place,
                    "\"cap\" (%.6g s) is shorter than \"base\" (%.6g s): every wait is cut to it, "
                    "and none grows",
                    base_seconds(reconnect->cap), base_seconds(reconnect->base));
    leave(check);
}

/* What stands at the end of a full queue is served after its client has gone: the nodes then work
 * for nobody, and a storm can go on for ever. */
static void check_patience(struct check *check, const struct spec_node *node) {
    const struct spec_scenario *scenario = check->scenario;
    double queue_s = (double)node->accept_queue / (double)node->handshakes;
    const struct spec_population *least = &scenario->populations[0];
    for (int32_t i = 1; i < scenario->populations_count; i++)
        if (scenario->populations[i].reconnect.handshake_timeout <
            least->reconnect.handshake_timeout)
            least = &scenario->populations[i];
    double patience_s = base_seconds(least->reconnect.handshake_timeout);
    if (node->handshakes == SPEC_UNLIMITED || queue_s <= patience_s)
        return;
    const struct json *place = enter(check, enter(check, check->merged, "nodes"), node->name);
    reading_warning(
        check->reading, json_member(place, "handshakes"),
        "a full accept queue (%lld) is %.3g s of handshakes, and \"%s\" wait for %.3g s: "
        "those at its end are served when they have gone",
        (long long)node->accept_queue, queue_s, least->name, patience_s);
    leave(check);
}

/* --- the whole --- */

static void check_arrival(struct check *check, const struct spec_population *population) {
    if (!population->has_arrival || population->arrival.rate.per == SPEC_IN_ALL)
        return;
    const struct json *populations = enter(check, check->merged, "populations");
    const struct json *place = enter(check, enter(check, populations, population->name), "arrival");
    const struct json *rate = json_member(place, "rate");
    if (rate != NULL) /* one that is missing has been complained about */
        reading_error(
            check->reading, rate,
            "clients arrive \"in all\", as in {\"poisson\": \"50/s in all\"}; a rate per room "
            "or user is for traffic");
    leave(check);
}

static bool has_churn(const struct spec_scenario *scenario) {
    for (int32_t i = 0; i < scenario->populations_count; i++) {
        const struct spec_population *population = &scenario->populations[i];
        if (population->has_arrival || population->has_session || population->has_flap)
            return true;
    }
    return scenario->faults_count > 0;
}

static void check_warm_up(struct check *check) {
    if (!has_churn(check->scenario) || check->scenario->window.warm_up != SPEC_AUTO)
        return;
    const struct json *place = enter(check, check->merged, "window");
    reading_error(check->reading, place,
                  "\"warm_up\": \"auto\" looks for a steady state, and connections come and go "
                  "here; say how long it is");
    leave(check);
}

void cross_check_connections(struct check *check) {
    const struct spec_scenario *scenario = check->scenario;
    for (int32_t i = 0; i < scenario->populations_count; i++)
        check_arrival(check, &scenario->populations[i]);
    for (int32_t i = 0; i < scenario->populations_count; i++)
        check_waits(check, &scenario->populations[i]);
    for (int32_t i = 0; i < scenario->nodes_count && has_churn(scenario); i++)
        check_patience(check, &scenario->nodes[i]);
    for (int32_t i = 0; i < scenario->faults_count; i++) {
        const struct spec_fault *fault = &scenario->faults[i];
        check_target(check, fault);
        check_fields(check, fault);
        check_time(check, fault);
        check_balancing(check, fault);
    }
    check_warm_up(check);
}
