/* Each check is a function over the struct that asks the tree for places. An error is what cannot
 * mean anything; what can, but probably is not what was meant, is a warning. */
#include "models/spec/cross_check.h"

#include "models/spec/cross_check_inside.h"
#include "models/spec/table.h"
#include "models/spec/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- names */

static int32_t population_names(const struct spec_scenario *scenario, const char **names) {
    for (int32_t i = 0; i < scenario->populations_count; i++)
        names[i] = scenario->populations[i].name;
    return scenario->populations_count;
}

static int32_t room_names(const struct spec_scenario *scenario, const char **names) {
    for (int32_t i = 0; i < scenario->rooms_count; i++)
        names[i] = scenario->rooms[i].name;
    return scenario->rooms_count;
}

static const struct spec_population *find_population(const struct spec_scenario *scenario,
                                                     const char *name) {
    for (int32_t i = 0; i < scenario->populations_count; i++)
        if (strcmp(scenario->populations[i].name, name) == 0)
            return &scenario->populations[i];
    return NULL;
}

static const struct spec_room_group *find_rooms(const struct spec_scenario *scenario,
                                                const char *name) {
    for (int32_t i = 0; i < scenario->rooms_count; i++)
        if (strcmp(scenario->rooms[i].name, name) == 0)
            return &scenario->rooms[i];
    return NULL;
}

/* Where there are none at all, that has been said. */
static void unknown_population(struct check *check, const struct json *place, const char *name) {
    const char *names[NAMES_MAX];
    int32_t count = population_names(check->scenario, names);
    if (count == 0)
        return;
    reading_error(check->reading, place, "there is no population %s%s", reading_quoted(name).text,
                  reading_hint(name, names, count, "there are ").text);
}

/* ---- rooms */

static void check_members(struct check *check, const struct spec_room_group *group) {
    const struct json *rooms = enter(check, check->merged, "rooms");
    const struct json *members = enter(check, enter(check, rooms, group->name), "members");
    const struct json *item = members->kind == JSON_ARRAY ? members->first : NULL;
    for (int32_t i = 0; i < group->members.count; i++) {
        int32_t path = reading_enter_index(check->reading, i);
        if (!find_population(check->scenario, group->members.items[i]))
            unknown_population(check, item ? item : members, group->members.items[i]);
        reading_leave(check->reading, path);
        item = item ? item->next : NULL;
    }
    leave(check);
}

double cross_check_clients(const struct spec_scenario *scenario,
                           const struct spec_room_group *group) {
    double clients = 0;
    for (int32_t i = 0; i < group->members.count; i++) {
        const struct spec_population *population =
            find_population(scenario, group->members.items[i]);
        if (!population || population->connections == 0)
            return INFINITY; /* already an error of its own */
        clients += (double)population->connections;
    }
    return group->members.count > 0 ? clients : INFINITY;
}

static void check_size(struct check *check, const struct spec_room_group *group) {
    double clients = cross_check_clients(check->scenario, group);
    if (spec_dist_highest(&group->size) <= clients)
        return;
    double mean = spec_dist_mean(&group->size);
    if (mean <= clients)
        return;
    const struct json *rooms = enter(check, check->merged, "rooms");
    const struct json *size = enter(check, enter(check, rooms, group->name), "size");
    reading_error(
        check->reading, size,
        "a room of %.6g members (the mean) is larger than the %.0f clients of its members", mean,
        clients);
    leave(check);
}

/* ---- populations */

static void check_stall(struct check *check, const struct spec_population *population) {
    const struct spec_stall *stall = &population->receive.stall;
    const struct json *entry =
        enter(check, enter(check, check->merged, "populations"), population->name);
    const struct json *receive = enter(check, entry, "receive");
    if (!population->receive.has_stall) {
        if (population->receive.stalling < 1)
            reading_warning(check->reading, json_member(receive, "stalling"),
                            "\"stalling\" has no effect without \"stall\"");
        leave(check);
        return;
    }
    const struct json *place = enter(check, receive, "stall");
    if (stall->every != BASE_NS_MAX && stall->for_ > stall->every)
        reading_error(
            check->reading, is_written(place, "for") ? json_member(place, "for") : place,
            stall->for_ == BASE_NS_MAX
                ? "a stall that never ends cannot come again; leave \"every\" out or say \"for\""
                : "a stall lasts longer (\"for\") than until the next one (\"every\")");
    if (stall->every == BASE_NS_MAX && stall->at == SPEC_AUTO)
        reading_error(check->reading, place,
                      "a single stall has no phase to be drawn; expected \"at\", or \"every\"");
    leave(check);
}

/* ---- traffic */

/* Most bytes of a message for the sake of a warning: of a log-normal what one in a thousand
 * exceeds. Never below the mean: sigma is 5 at most, and 3.09 sigma > sigma^2 / 2 up to 6.18. */
static double large_message(const struct spec_dist *bytes) {
    const double sigmas_of_a_thousandth = 3.0902;
    double largest = spec_dist_highest(bytes);
    if (bytes->kind != SPEC_DIST_LOG_NORMAL)
        return largest;
    double sigma = bytes->sigma;
    return fmin(largest, bytes->mean * exp(sigmas_of_a_thousandth * sigma - sigma * sigma / 2));
}

struct amount {
    char text[32];
};

static struct amount amount_of(int64_t bytes) {
    struct amount amount;
    struct text text;
    text_init(&text);
    value_write_quantity(UNITS_BYTES, (double)bytes, &text);
    (void)snprintf(amount.text, sizeof amount.text, "%s", text_bytes(&text));
    text_fini(&text);
    return amount;
}

static void check_queue_holds(struct check *check, const struct spec_dist *bytes, double large,
                              const struct spec_node *node, const struct json *place) {
    double limit = (double)node->send_queue.limit;
    bool is_bounded =
        node->send_queue.policy != SPEC_UNBOUNDED && node->send_queue.policy != SPEC_BLOCKING;
    if (!is_bounded || large <= limit)
        return;
    double mean = spec_dist_mean(bytes);
    if (mean > limit)
        reading_error(
            check->reading, place,
            "messages of %.6g bytes (the mean) are larger than nodes.%s.send_queue.limit (%s)",
            mean, node->name, amount_of(node->send_queue.limit).text);
    else
        reading_warning(
            check->reading, place,
            "messages of up to %.0f bytes are larger than nodes.%s.send_queue.limit (%s)", large,
            node->name, amount_of(node->send_queue.limit).text);
}

/* A message that no queue can ever hold; and one that alone fills a turn. */
static void check_bytes(struct check *check, const struct spec_traffic *traffic,
                        const struct spec_node *node) {
    double large = large_message(&traffic->bytes);
    const struct json *entry = enter(check, enter(check, check->merged, "traffic"), traffic->name);
    const struct json *place = enter(check, entry, "bytes");
    check_queue_holds(check, &traffic->bytes, large, node, place);
    if (node->fan_out == SPEC_COALESCE && large > (double)node->turn.flush_bytes)
        reading_warning(
            check->reading, place,
            "messages of up to %.0f bytes pass nodes.%s.turn.flush_bytes (%s) alone: each is "
            "written at once",
            large, node->name, amount_of(node->turn.flush_bytes).text);
    leave(check);
}

static bool knows_members(const struct check *check, const struct spec_room_group *group) {
    for (int32_t i = 0; i < group->members.count; i++)
        if (!find_population(check->scenario, group->members.items[i]))
            return false;
    return group->members.count > 0;
}

static void check_ends(struct check *check, const struct spec_traffic *traffic) {
    const struct json *entry = enter(check, enter(check, check->merged, "traffic"), traffic->name);
    const struct spec_room_group *group =
        traffic->to ? find_rooms(check->scenario, traffic->to) : NULL;
    bool is_known = traffic->from && find_population(check->scenario, traffic->from);
    int32_t path = reading_enter(check->reading, "from");
    if (traffic->from && !is_known)
        unknown_population(check, json_member(entry, "from"), traffic->from);
    if (is_known && group && knows_members(check, group) &&
        !lists_name(&group->members, traffic->from))
        reading_error(check->reading, json_member(entry, "from"),
                      "%s is not among the members of rooms.%s, and only members publish",
                      reading_quoted(traffic->from).text, group->name);
    reading_leave(check->reading, path);
    (void)reading_enter(check->reading, "to");
    const char *names[NAMES_MAX];
    int32_t count = room_names(check->scenario, names);
    if (traffic->to && !group)
        reading_error(check->reading, json_member(entry, "to"), "there is no room group %s%s",
                      reading_quoted(traffic->to).text,
                      reading_hint(traffic->to, names, count, "there are ").text);
    leave(check);
}

/* ---- nodes */

static void check_soft_limit(struct check *check, const struct spec_send_queue *queue,
                             const struct json *place) {
    bool has_limit = queue->soft_limit != SPEC_UNLIMITED, has_time = queue->soft_for != BASE_NS_MAX;
    if (has_limit && !has_time)
        reading_error(check->reading, json_member(place, "soft_limit"),
                      "\"soft_limit\" without \"soft_for\" has no effect; say how long");
    if (has_time && !has_limit)
        reading_error(
            check->reading, json_member(place, "soft_for"),
            "\"soft_for\" without \"soft_limit\" has no effect; say above how many bytes");
    if (has_limit && queue->limit != SPEC_UNLIMITED && queue->soft_limit > queue->limit)
        reading_error(check->reading, json_member(place, "soft_limit"),
                      "\"soft_limit\" (%s) is above \"limit\" (%s) and never reached",
                      amount_of(queue->soft_limit).text, amount_of(queue->limit).text);
}

/* The two mistakes have no limits: one that is written down would be believed. */
static void check_ignored_limits(struct check *check, const struct spec_send_queue *queue,
                                 const struct json *place) {
    static const char *const limits[] = {"limit", "messages", "soft_limit", "soft_for"};
    if (queue->policy != SPEC_UNBOUNDED && queue->policy != SPEC_BLOCKING)
        return;
    for (size_t i = 0; i < COUNT_OF(limits); i++)
        if (is_written(place, limits[i]))
            reading_warning(check->reading, json_member(place, limits[i]),
                            "\"%s\" has no effect under the policy \"%s\"", limits[i],
                            spec_word("policy", (int)queue->policy));
}

static void check_queue(struct check *check, const struct spec_node *node) {
    const struct json *entry = enter(check, enter(check, check->merged, "nodes"), node->name);
    const struct json *place = enter(check, entry, "send_queue");
    if (place != entry) {
        check_soft_limit(check, &node->send_queue, place);
        check_ignored_limits(check, &node->send_queue, place);
    }
    leave(check);
}

/* ---- the cluster */

/* A word that one node keeps and another does not hear. */
static void check_throttle(struct check *check, const struct spec_node *node) {
    if (node->send_queue.policy != SPEC_THROTTLE || spec_nodes_count(check->scenario) <= 1)
        return;
    const struct json *entry = enter(check, enter(check, check->merged, "nodes"), node->name);
    const struct json *place = enter(check, enter(check, entry, "send_queue"), "policy");
    reading_error(
        check->reading, place,
        "the policy \"throttle\" works within one node, and there are %lld: publishers on "
        "the others would not hear of it",
        (long long)spec_nodes_count(check->scenario));
    leave(check);
}

/* A process is granted no more than the kernel's own limit. */
static void check_nr_open(struct check *check, const struct spec_node *node) {
    if (node->kernel.nr_open == SPEC_UNLIMITED || node->open_files <= node->kernel.nr_open)
        return;
    const struct json *entry = enter(check, enter(check, check->merged, "nodes"), node->name);
    const struct json *place = enter(check, entry, "open_files");
    reading_warning(check->reading, place,
                    "%lld is above kernel.nr_open (%lld): the kernel grants no more than that",
                    (long long)node->open_files, (long long)node->kernel.nr_open);
    leave(check);
}

/* What only a proxy has. */
static void check_proxy_fields(struct check *check, const struct json *place) {
    static const char *const fields[] = {"workers", "addresses", "ports", "open_files", "memory"};
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (is_written(place, fields[i]))
            reading_warning(check->reading, json_member(place, fields[i]),
                            "\"%s\" has no effect on a balancer of kind \"passthrough\"; it is "
                            "for \"l4_proxy\" and \"l7_proxy\"",
                            fields[i]);
}

static void check_balancer(struct check *check) {
    const struct spec_balancer *balancer = &check->scenario->balancer;
    const struct json *written = json_member(check->merged, "balancer");
    if (!written)
        return;
    const struct json *place = enter(check, check->merged, "balancer");
    bool is_passthrough = balancer->kind == SPEC_PASSTHROUGH;
    if (spec_nodes_count(check->scenario) == 1 && is_passthrough &&
        balancer->conntrack == SPEC_UNLIMITED)
        reading_warning(check->reading, place, "\"balancer\" has no effect with one node");
    else if (is_passthrough)
        check_proxy_fields(check, place);
    leave(check);
}

/* ---- the whole */

/* An entry that null took away does not count; one that had mistakes of its own does. */
static bool has_entries(const struct json *entries) {
    for (const struct json *entry = entries ? entries->first : NULL; entry; entry = entry->next)
        if (entry->kind != JSON_NULL)
            return true;
    return entries && entries->kind != JSON_OBJECT;
}

static void check_not_empty(struct check *check, const char *map, const char *what) {
    const struct json *entries = json_member(check->merged, map);
    if (!has_entries(entries))
        reading_error_at_key(check->reading, entries ? entries : check->merged,
                             "\"%s\" %s; expected at least one %s", map,
                             entries ? "is empty" : "is missing", what);
}

static void check_window(struct check *check) {
    const struct spec_scenario *scenario = check->scenario;
    if (scenario->objectives.delivery.within <= scenario->window.measure)
        return;
    const struct json *place =
        enter(check, enter(check, enter(check, check->merged, "objectives"), "delivery"), "within");
    reading_warning(check->reading, place,
                    "longer than window.measure: no delivery of the window can be late");
    leave(check);
}

static void check_pinning(struct check *check) {
    const struct spec_machine *machine = &check->scenario->machine;
    if (machine->gateway_cpu != machine->load_cpu)
        return;
    const struct json *place = enter(check, check->merged, "machine");
    reading_warning(
        check->reading, place,
        "the gateway and the load generator share processor %lld: each will measure the other",
        (long long)machine->load_cpu);
    leave(check);
}

void cross_check(struct reading *reading, const struct spec_scenario *scenario,
                 const struct json *merged) {
    struct check check = {reading, scenario, merged};
    check_not_empty(&check, "populations", "population");
    check_not_empty(&check, "nodes", "node");
    for (int32_t i = 0; i < scenario->populations_count; i++)
        check_stall(&check, &scenario->populations[i]);
    for (int32_t i = 0; i < scenario->rooms_count; i++) {
        check_members(&check, &scenario->rooms[i]);
        check_size(&check, &scenario->rooms[i]);
    }
    for (int32_t i = 0; i < scenario->traffic_count; i++) {
        check_ends(&check, &scenario->traffic[i]);
        for (int32_t node = 0; node < scenario->nodes_count; node++)
            check_bytes(&check, &scenario->traffic[i], &scenario->nodes[node]);
    }
    for (int32_t i = 0; i < scenario->nodes_count; i++)
        check_queue(&check, &scenario->nodes[i]);
    for (int32_t i = 0; i < scenario->nodes_count; i++) {
        check_throttle(&check, &scenario->nodes[i]);
        check_nr_open(&check, &scenario->nodes[i]);
    }
    cross_check_traffic(&check);
    cross_check_levers(&check);
    check_balancer(&check);
    cross_check_backplane(&check);
    cross_check_connections(&check);
    cross_check_transport(&check);
    cross_check_presence(&check);
    check_window(&check);
    check_pinning(&check);
}
