/* One function per line, over a struct of evidence: no file, no store and no clock, so that each
 * can be shown a pair of scenarios that differ in what it judges and in nothing else. */
#include "study/gate.h"

#include "models/cluster/memory.h"
#include "models/workload/admission.h"
#include "models/workload/plan.h"

#include <math.h>
#include <string.h>

static const double MIB = 1048576, NS_PER_S = 1e9;
/* p99 of the wait in a coalescing worker, in turns (docs/models/worker-and-fan-out.md). */
static const double TURNS_AT_P99 = 1.86;

static const struct {
    const char *id, *asks;
} lines[GATE_LINES] = {
#define LINE(id, enumerator, asks) {id, asks},
#include "study/gate.def"
#undef LINE
};

const char *gate_id(enum gate_line line) {
    return lines[line].id;
}

const char *gate_asks(enum gate_line line) {
    return lines[line].asks;
}

const char *gate_result_name(enum gate_result result) {
    static const char *const names[] = {"pass", "fail", "not measured"};
    return names[result];
}

enum gate_result gate_whole(const struct gate_answer answers[GATE_LINES]) {
    enum gate_result worst = GATE_PASS;
    for (int32_t i = 0; i < GATE_LINES; i++) {
        if (answers[i].result == GATE_FAIL)
            return GATE_FAIL;
        if (answers[i].result == GATE_NOT_MEASURED)
            worst = GATE_NOT_MEASURED;
    }
    return worst;
}

/* --- helpers --- */

static const char *of_node(struct arena *arena, const struct spec_node *node, const char *field) {
    return arena_new_format(arena, "nodes.%s.%s", node->name, field);
}

static enum gate_result pass_if(bool is_good) {
    return is_good ? GATE_PASS : GATE_FAIL;
}

/* The kind with most nodes: where one more or fewer is asked for. */
static const struct spec_node *main_kind(const struct spec_scenario *spec) {
    const struct spec_node *most = &spec->nodes[0];
    for (int32_t i = 1; i < spec->nodes_count; i++)
        if (spec->nodes[i].count > most->count)
            most = &spec->nodes[i];
    return most;
}

static int32_t fullest_node(const struct layout *layout) {
    int32_t most = 0;
    for (int32_t i = 1; i < layout->nodes_count; i++)
        if (layout->nodes[i].connections_count > layout->nodes[most].connections_count)
            most = i;
    return most;
}

/* --- lines about the load --- */

static struct gate_answer amplified_writes(const struct gate_evidence *evidence,
                                           struct arena *arena) {
    const struct outcome *outcome = evidence->outcome;
    const struct plan_load load = plan_offered(evidence->layout->roster);
    bool is_about_size = strcmp(outcome->broke, "send_queue") != 0; /* that is backpressure's */
    bool is_held = outcome->verdict == OUTCOME_HOLDS || !is_about_size;
    const char *node = outcome_broke_node(outcome), *broke = "";
    if (!is_held)
        broke = arena_new_format(arena, ": %s%s%s breaks", outcome->broke, node ? " of " : "",
                                 node ? node : "");
    return (struct gate_answer){
        .result = outcome->verdict == OUTCOME_CANNOT_TELL ? GATE_NOT_MEASURED : pass_if(is_held),
        .evidence = arena_new_format(
            arena, "%.0f publishes/s become %.0f writes/s; in simulation %s by %d node%s%s",
            load.publishes_per_s, load.deliveries_per_s, is_held ? "held" : "not held",
            evidence->layout->nodes_count, evidence->layout->nodes_count == 1 ? "" : "s", broke),
        .field = is_held ? "" : of_node(arena, main_kind(evidence->layout->scenario), "count")};
}

static struct gate_answer measured_ceilings(const struct gate_evidence *evidence,
                                            struct arena *arena) {
    const struct gate_measured *measured = &evidence->measured;
    double asked = plan_offered(evidence->layout->roster).deliveries_per_s;
    if (!measured->has_active || !measured->has_idle)
        return (struct gate_answer){
            .result = GATE_NOT_MEASURED,
            .evidence = arena_new_format(
                arena, "%s of this very scenario in the store%s",
                measured->has_active ? "no idle ceiling"
                : measured->has_idle ? "no active ceiling"
                                     : "no measured ceiling",
                measured->can_be ? ": headroom measure --ceiling"
                                 : "; the real pair does not take it (headroom measure says why)"),
            .field = ""};
    bool is_below = asked < measured->active.low;
    return (struct gate_answer){
        .result = pass_if(is_below),
        .evidence = arena_new_format(
            arena,
            "run %lld: active ceiling %.0f deliveries/s [%.0f, %.0f], idle %.0f connections; the "
            "scenario asks for %.0f, %s the interval",
            (long long)measured->ceiling_run, measured->active.value, measured->active.low,
            measured->active.high, measured->idle, asked, is_below ? "below" : "not below"),
        .field = is_below ? "" : "traffic"};
}

static const struct spec_room_group *largest_group(const struct layout *layout, int32_t *members) {
    const struct spec_room_group *group = NULL;
    *members = 0;
    for (int32_t i = 0; i < layout->roster->rooms_count; i++)
        if (layout->roster->rooms[i].members_count > *members) {
            *members = layout->roster->rooms[i].members_count;
            group = &layout->scenario->rooms[layout->roster->rooms[i].group];
        }
    return group;
}

static bool has_traffic(const struct spec_scenario *spec, const struct spec_room_group *group) {
    for (int32_t i = 0; i < spec->traffic_count; i++)
        if (strcmp(spec->traffic[i].to, group->name) == 0)
            return true;
    return false;
}

static struct gate_answer worst_fan_out(const struct gate_evidence *evidence, struct arena *arena) {
    const struct gate_measured *measured = &evidence->measured;
    int32_t members;
    const struct spec_room_group *group = largest_group(evidence->layout, &members);
    if (group == NULL)
        return (struct gate_answer){GATE_NOT_MEASURED, "there are no rooms", "rooms"};
    if (!has_traffic(evidence->layout->scenario, group))
        return (struct gate_answer){
            .result = GATE_FAIL,
            .evidence = arena_new_format(
                arena,
                "the largest rooms, of up to %d members, are in rooms.%s, and nothing is "
                "published there",
                members, group->name),
            .field = "traffic"};
    if (!measured->has_run)
        return (struct gate_answer){
            .result = GATE_NOT_MEASURED,
            .evidence = arena_new_format(
                arena,
                "rooms.%s has up to %d members; no measured run of this very scenario in "
                "the store%s",
                group->name, members,
                measured->can_be ? ": headroom measure"
                                 : "; the real pair does not take it (headroom measure says why)"),
            .field = ""};
    bool is_good = measured->verdict == OUTCOME_HOLDS;
    return (struct gate_answer){
        .result = measured->verdict == OUTCOME_CANNOT_TELL ? GATE_NOT_MEASURED : pass_if(is_good),
        .evidence = arena_new_format(
            arena, "run %lld: rooms of up to %d members under real load; %s",
            (long long)measured->load_run, members, outcome_verdict_name(measured->verdict)),
        .field = is_good ? "" : "traffic"};
}

/* --- lines about a connection --- */

static bool is_unbounded(const struct spec_node *node) {
    const struct spec_send_queue *queue = &node->send_queue;
    bool has_bound = queue->limit != SPEC_UNLIMITED || queue->messages != SPEC_UNLIMITED ||
                     queue->soft_limit != SPEC_UNLIMITED;
    return queue->policy == SPEC_UNBOUNDED || queue->policy == SPEC_BLOCKING || !has_bound;
}

static struct gate_answer backpressure(const struct gate_evidence *evidence, struct arena *arena) {
    const struct spec_scenario *spec = evidence->layout->scenario;
    for (int32_t i = 0; i < spec->nodes_count; i++) {
        const struct spec_node *node = &spec->nodes[i];
        bool is_policy =
            node->send_queue.policy == SPEC_UNBOUNDED || node->send_queue.policy == SPEC_BLOCKING;
        if (is_unbounded(node))
            return (struct gate_answer){
                .result = GATE_FAIL,
                .evidence =
                    arena_new_format(arena, "the policy of %s is %s, without a bound", node->name,
                                     spec_word("policy", (int)node->send_queue.policy)),
                .field =
                    of_node(arena, node, is_policy ? "send_queue.policy" : "send_queue.limit")};
    }
    const struct spec_node *node = &spec->nodes[0];
    const double *metric = evidence->outcome->metric;
    return (struct gate_answer){
        .result = GATE_PASS,
        .evidence = arena_new_format(
            arena, "%s at %.0f bytes; in simulation %.0f connections closed, %.0f messages dropped",
            spec_word("policy", (int)node->send_queue.policy), (double)node->send_queue.limit,
            metric[OUTCOME_closed_slow], metric[OUTCOME_dropped]),
        .field = ""};
}

/* Clients who may be slow: who stall, or read no faster than so much. */
static double slow_clients(const struct spec_scenario *spec) {
    double clients = 0;
    for (int32_t i = 0; i < spec->populations_count; i++) {
        const struct spec_population *population = &spec->populations[i];
        const struct spec_receive *receive = &population->receive;
        if (isfinite(receive->rate))
            clients += (double)population->connections;
        else if (receive->has_stall)
            clients += (double)population->connections * receive->stalling;
    }
    return clients;
}

/* What one connection may hold at its bound, beyond what it holds while idle. */
static double bytes_at_bound(const struct spec_node *node, const struct profile_costs *costs) {
    const double *cost = costs->value;
    return cost[COST_queued_user] * (double)node->send_queue.limit +
           cost[COST_queued_kernel] * cost[COST_send_capacity] * (double)node->send_buffer;
}

static struct gate_answer lean_node(const struct gate_evidence *evidence, int32_t index,
                                    struct arena *arena) {
    const struct layout *layout = evidence->layout;
    const struct layout_node *place = &layout->nodes[index];
    const struct spec_node *node = place->spec;
    if (node->send_queue.limit == SPEC_UNLIMITED || is_unbounded(node))
        return (struct gate_answer){
            GATE_FAIL,
            arena_new_format(arena, "one slow consumer of %s may take all memory", node->name),
            of_node(arena, node, "send_queue.limit")};
    struct memory idle = memory_idle(layout, index, evidence->costs, place->connections_count);
    double slow = ceil(slow_clients(layout->scenario) / layout->nodes_count);
    slow = fmax(slow, 1); /* whoever they are: one */
    double most =
        idle.user_bytes + idle.kernel_bytes + slow * bytes_at_bound(node, evidence->costs);
    const char *what = arena_new_format(
        arena, "%s: %lld connections idle, and %.0f of them slow and at the bound, take %.1f MiB",
        place->name, (long long)place->connections_count, slow, most / MIB);
    if (node->memory == SPEC_UNLIMITED)
        return (struct gate_answer){
            GATE_NOT_MEASURED, arena_new_format(arena, "%s; the node's memory is not said", what),
            of_node(arena, node, "memory")};
    bool is_good = most <= (double)node->memory;
    const char *culprit =
        node->subscriptions == SPEC_COPIED &&
                place->subscription_bytes > slow * bytes_at_bound(node, evidence->costs)
            ? "subscriptions"
            : "send_queue.limit";
    return (struct gate_answer){
        pass_if(is_good), arena_new_format(arena, "%s of %.1f", what, (double)node->memory / MIB),
        is_good ? "" : of_node(arena, node, culprit)};
}

static struct gate_answer lean_connections(const struct gate_evidence *evidence,
                                           struct arena *arena) {
    struct gate_answer worst = lean_node(evidence, fullest_node(evidence->layout), arena);
    for (int32_t i = 0; i < evidence->layout->nodes_count && worst.result != GATE_FAIL; i++) {
        struct gate_answer answer = lean_node(evidence, i, arena);
        if (answer.result != GATE_PASS)
            worst = answer;
    }
    return worst;
}

/* --- lines about rooms and nodes --- */

/* Members on one worker above which no sustained load holds. */
static double members_max(const struct spec_node *node, const struct gate_evidence *evidence) {
    const double *cost = evidence->costs->value;
    double within_ns = (double)evidence->layout->scenario->objectives.delivery.within;
    const struct plan_load load = plan_offered(evidence->layout->roster);
    double bytes =
        load.deliveries_per_s > 0 ? load.outbound_bytes_per_s / load.deliveries_per_s : 0;
    double each_ns = node->fan_out == SPEC_COALESCE
                         ? TURNS_AT_P99 * cost[COST_write]
                         : cost[COST_write] + cost[COST_frame] + cost[COST_byte] * bytes;
    return each_ns > 0 ? floor(within_ns / each_ns) : INFINITY;
}

static double clients_of(const struct spec_scenario *spec, const struct spec_room_group *group) {
    double clients = 0;
    for (int32_t i = 0; i < spec->populations_count; i++)
        for (int32_t k = 0; k < group->members.count; k++)
            if (strcmp(spec->populations[i].name, group->members.items[k]) == 0)
                clients += (double)spec->populations[i].connections;
    return clients;
}

static struct gate_answer room_caps(const struct gate_evidence *evidence, struct arena *arena) {
    const struct spec_scenario *spec = evidence->layout->scenario;
    const struct spec_room_group *group = NULL;
    double members = 0, most = INFINITY;
    for (int32_t i = 0; i < spec->rooms_count; i++) {
        double largest =
            fmin(spec_dist_highest(&spec->rooms[i].size), clients_of(spec, &spec->rooms[i]));
        if (largest > members) {
            members = largest;
            group = &spec->rooms[i];
        }
    }
    for (int32_t i = 0; i < spec->nodes_count; i++)
        most = fmin(most, members_max(&spec->nodes[i], evidence));
    if (group == NULL)
        return (struct gate_answer){GATE_PASS, "there are no rooms", ""};
    double share = ceil(members / evidence->layout->workers_count);
    bool is_good = share <= most;
    return (struct gate_answer){
        .result = pass_if(is_good),
        .evidence = arena_new_format(
            arena,
            "a room of rooms.%s may have %.0f members, %.0f on each of %d workers; above %.0f "
            "there no sustained load is in time",
            group->name, members, share, evidence->layout->workers_count, most),
        .field = is_good ? "" : arena_new_format(arena, "rooms.%s.size", group->name)};
}

static struct gate_answer backplane_routing(const struct gate_evidence *evidence,
                                            struct arena *arena) {
    enum spec_backplane_kind kind = evidence->layout->scenario->backplane.kind;
    if (evidence->layout->nodes_count == 1)
        return (struct gate_answer){GATE_PASS, "there is one node, and nothing to route", ""};
    bool is_routing = kind == SPEC_REGISTRY || kind == SPEC_REDIS || kind == SPEC_REDIS_SHARDED;
    const double *metric = evidence->outcome->metric;
    double wasted = metric[OUTCOME_backplane_wasted_share];
    return (struct gate_answer){
        .result = pass_if(is_routing),
        .evidence = arena_new_format(
            arena,
            "%s: %.3g copies of each publish, %.3g %% of them to nodes without "
            "a member",
            spec_word("backplane_kind", (int)kind),
            isnan(metric[OUTCOME_backplane_copies]) ? 0 : metric[OUTCOME_backplane_copies],
            isnan(wasted) ? 0 : 100 * wasted),
        .field = is_routing ? "" : "backplane.kind"};
}

/* Seconds until the survivors have let in the clients of the fullest node; INFINITY: they have no
 * time to spare. */
static double reconnect_s(const struct gate_evidence *evidence) {
    const struct layout *layout = evidence->layout;
    int32_t gone = fullest_node(layout);
    double clients = (double)layout->nodes[gone].connections_count;
    double workers = layout->workers_count - layout->nodes[gone].workers_count;
    double spare = workers * (1 - evidence->one_lost->metric[OUTCOME_cpu_share]);
    double work_s = clients * evidence->costs->value[COST_accept] / NS_PER_S;
    return work_s <= 0 ? 0 : spare > 0 ? work_s / spare : INFINITY;
}

static struct gate_answer drain_and_reconnect(const struct gate_evidence *evidence,
                                              struct arena *arena) {
    const struct spec_scenario *spec = evidence->layout->scenario;
    const char *count = of_node(arena, main_kind(spec), "count");
    if (evidence->one_lost == NULL)
        return (struct gate_answer){GATE_FAIL, "there is one node; its clients have nowhere to go",
                                    count};
    if (spec->balancer.policy == SPEC_STICKY)
        return (struct gate_answer){
            GATE_FAIL,
            "clients are bound to their node: it cannot drain, and none that is new gets any",
            "balancer.policy"};
    if (evidence->one_lost->verdict != OUTCOME_HOLDS)
        return (struct gate_answer){
            GATE_FAIL,
            arena_new_format(arena, "with one of %d nodes lost it does not hold: %s",
                             evidence->layout->nodes_count, evidence->one_lost->broke),
            count};
    double within_s = base_seconds(spec->plan.reconnect_within), takes_s = reconnect_s(evidence);
    bool is_good = takes_s <= within_s;
    return (struct gate_answer){
        pass_if(is_good),
        arena_new_format(arena,
                         "with one of %d nodes lost it holds in simulation; letting its clients in "
                         "takes %.3g s of the %.3g s allowed (closed form)",
                         evidence->layout->nodes_count, takes_s, within_s),
        is_good ? "" : count};
}

static struct gate_answer soft_presence(const struct gate_evidence *evidence, struct arena *arena) {
    (void)evidence;
    (void)arena;
    return (struct gate_answer){GATE_NOT_MEASURED, "the scenario says nothing of presence", ""};
}

/* --- the kernel --- */

/* What the scenario takes for granted of a kernel, the host must have. */
static double granted(double most, int64_t written) {
    return written == SPEC_UNLIMITED ? most : fmax(most, (double)written);
}

/* Ports that the balancer needs towards the fullest node; one that only passes packets on needs
 * none. */
static double ports_needed(const struct layout *layout, double clients) {
    const struct spec_balancer *balancer = &layout->scenario->balancer;
    return balancer->kind == SPEC_PASSTHROUGH ? 0 : ceil(clients / (double)balancer->addresses);
}

int32_t gate_limits(const struct gate_evidence *evidence,
                    struct gate_limit limits[GATE_LIMITS_MAX]) {
    const struct gate_host *host = &evidence->host;
    const struct layout *layout = evidence->layout;
    const struct layout_node *place = &layout->nodes[fullest_node(layout)];
    double clients = (double)(place->connections_count + place->refused_count);
    double kernel = clients * evidence->costs->value[COST_connection_kernel];
    double files = 0, nr_open = 0, file_max = 0, buffer = 0;
    for (int32_t i = 0; i < layout->scenario->nodes_count; i++) {
        const struct spec_node *node = &layout->scenario->nodes[i];
        files = fmax(files, (double)node->open_files);
        nr_open = granted(nr_open, node->kernel.nr_open);
        file_max = granted(file_max, node->kernel.file_max);
        buffer = granted(fmax(buffer, (double)node->send_buffer), node->kernel.wmem_max);
        kernel = granted(kernel, node->kernel.tcp_mem);
    }
    const struct gate_limit all[] = {
        {"ulimit -n", host->open_files_hard, files, "open_files"},
        {"fs.nr_open", host->nr_open, fmax(files, nr_open), "open_files, kernel.nr_open"},
        {"fs.file-max", host->file_max, fmax(files, file_max), "open_files, kernel.file_max"},
        {"net.ipv4.ip_local_port_range", host->port_high - host->port_low + 1,
         ports_needed(layout, clients), "a proxy's connections to a node, per source address"},
        {"net.core.wmem_max", host->wmem_max, buffer, "send_buffer, kernel.wmem_max"},
        {"net.ipv4.tcp_mem", host->tcp_mem_pages, ceil(kernel / host->page_bytes),
         "pages: sockets of the fullest node, kernel.tcp_mem"},
    };
    memcpy(limits, all, sizeof all);
    return COUNT_OF(all);
}

bool gate_is_enough(const struct gate_limit *limit) {
    return limit->found >= limit->needed;
}

static struct gate_answer kernel_limits(const struct gate_evidence *evidence, struct arena *arena) {
    const struct layout *layout = evidence->layout;
    const struct layout_node *place = &layout->nodes[fullest_node(layout)];
    struct gate_limit limits[GATE_LIMITS_MAX] = {0};
    int32_t count = gate_limits(evidence, limits);
    if (layout->refused_count > 0)
        return (struct gate_answer){
            GATE_FAIL,
            arena_new_format(arena,
                             "%lld clients find no descriptor on nodes that may open %lld files",
                             (long long)layout->refused_count, (long long)place->spec->open_files),
            of_node(arena, place->spec, "open_files")};
    for (int32_t i = 0; i < count; i++) {
        if (isnan(limits[i].found))
            return (struct gate_answer){
                GATE_NOT_MEASURED, arena_new_format(arena, "%s could not be read", limits[i].name),
                ""};
        if (!gate_is_enough(&limits[i]))
            return (struct gate_answer){
                GATE_FAIL,
                arena_new_format(arena, "the host's %s is %.0f, and %.0f are needed (%s)",
                                 limits[i].name, limits[i].found, limits[i].needed, limits[i].why),
                limits[i].name};
    }
    if (!evidence->host.is_recorded)
        return (struct gate_answer){
            GATE_NOT_MEASURED, "the host's limits are enough, and not written down: --tuning FILE",
            ""};
    return (struct gate_answer){
        GATE_PASS,
        arena_new_format(arena,
                         "%lld connections on the fullest node; all %d limits are enough, and "
                         "written down",
                         (long long)place->connections_count, count),
        ""};
}

/* --- all --- */

struct gate_answer gate_judge(enum gate_line line, const struct gate_evidence *evidence,
                              struct arena *arena) {
    typedef struct gate_answer judge(const struct gate_evidence *, struct arena *);
    static judge *const judges[GATE_LINES] = {
        [GATE_AMPLIFIED_WRITES] = amplified_writes,
        [GATE_MEASURED_CEILINGS] = measured_ceilings,
        [GATE_KERNEL_LIMITS] = kernel_limits,
        [GATE_LEAN_CONNECTIONS] = lean_connections,
        [GATE_ROOM_CAPS] = room_caps,
        [GATE_BACKPRESSURE] = backpressure,
        [GATE_BACKPLANE_ROUTING] = backplane_routing,
        [GATE_SOFT_PRESENCE] = soft_presence,
        [GATE_DRAIN_AND_RECONNECT] = drain_and_reconnect,
        [GATE_WORST_FAN_OUT] = worst_fan_out,
    };
    return judges[line](evidence, arena);
}
