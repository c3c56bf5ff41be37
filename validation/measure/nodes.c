#include "validation/measure/nodes.h"

#include "sim/base/check.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { READY_TRIES = 500, TRY_MS = 10, ADDRESS_BYTES = 32 };

static bool fail(struct nodes *nodes, const char *why) {
    snprintf(nodes->why, sizeof nodes->why, "%s", why);
    return false;
}

static bool is_mesh(enum spec_backplane_kind kind) {
    return kind == SPEC_BROADCAST || kind == SPEC_REGISTRY;
}

/* --- the backplane's servers --- */

static int32_t services_of(const struct spec_backplane *backplane) {
    if (backplane->kind == SPEC_REDIS_SHARDED)
        return (int32_t)backplane->instances;
    return backplane->kind == SPEC_REDIS || backplane->kind == SPEC_NATS ? 1 : 0;
}

static bool start_services(struct nodes *nodes, const struct spec_scenario *scenario) {
    const struct spec_backplane *backplane = &scenario->backplane;
    int32_t count = services_of(backplane);
    if (count > NODES_SERVICES_MAX)
        return fail(nodes, "more instances of a backplane than the real pair starts (8)");
    for (int32_t i = 0; i < count; i++) {
        struct service *service = &nodes->service[nodes->services_count++];
        if (!service_start(service, backplane->kind == SPEC_NATS ? SERVICE_NATS : SERVICE_REDIS,
                           (int32_t)scenario->machine.gateway_cpu))
            return fail(nodes, service->why);
    }
    return true;
}

/* --- nodes --- */

struct addresses {
    char text[NODES_MAX][ADDRESS_BYTES];
    struct gateway_list list;
};

static void add_address(struct addresses *addresses, int32_t port) {
    char *text = addresses->text[addresses->list.count];
    snprintf(text, ADDRESS_BYTES, "127.0.0.1:%d", (int)port);
    addresses->list.items[addresses->list.count++] = text;
}

/* A node of a mesh with one node is alone: nobody would be dialled or dial. */
static struct gateway_options options_of(const struct spec_scenario *scenario,
                                         const struct spec_node *spec,
                                         const struct gateway_options *standard) {
    struct gateway_options options = *standard;
    gateway_options_from_node(&options, spec);
    gateway_options_from_presence(&options, scenario);
    options.backplane = scenario->backplane.kind;
    options.backplane_channels = scenario->backplane.channels;
    return options;
}

static void name_node(struct nodes *nodes, const struct spec_node *spec, int64_t ordinal) {
    char *name = nodes->name[nodes->count];
    nodes->spec[nodes->count] = spec;
    if (spec->count > 1)
        snprintf(name, NODES_NAME_BYTES, "%s-%lld", spec->name, (long long)ordinal + 1);
    else
        snprintf(name, NODES_NAME_BYTES, "%s", spec->name);
}

static bool start_one(struct nodes *nodes, const char *program,
                      const struct gateway_options *options, struct addresses *addresses) {
    struct server *server = &nodes->server[nodes->count];
    struct gateway_options own = *options;
    own.backplane_at = addresses->list;
    if (nodes->count > 0) {
        own.turns = NULL;
        own.port = 0;
    }
    if (!server_start(server, program, &own))
        return fail(nodes, server->why);
    nodes->count++;
    if (is_mesh(options->backplane))
        add_address(addresses, server->backplane_port);
    return true;
}

static int32_t links_of(const struct nodes *nodes, const struct spec_backplane *backplane) {
    if (is_mesh(backplane->kind))
        return nodes->count - 1;
    return backplane->kind == SPEC_NATS ? 1 : 2 * nodes->services_count;
}

static bool has_links(const struct nodes *nodes, int32_t links) {
    struct nodes_stats stats;
    nodes_read(nodes, &stats);
    for (int32_t i = 0; i < nodes->count; i++)
        if (stats.node[i].backplane_links < (uint64_t)links)
            return false;
    return true;
}

static bool await_links(struct nodes *nodes, const struct spec_backplane *backplane) {
    int32_t links = links_of(nodes, backplane);
    for (int i = 0; i < READY_TRIES && !has_links(nodes, links); i++)
        nanosleep(&(struct timespec){.tv_nsec = TRY_MS * 1000000L}, NULL);
    return has_links(nodes, links) || fail(nodes, "a node did not reach the backplane in 5 s");
}

static int64_t count_of(const struct spec_scenario *scenario) {
    int64_t count = 0;
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++)
        count += scenario->nodes[kind].count;
    return count;
}

static bool start_all(struct nodes *nodes, const char *program,
                      const struct spec_scenario *scenario,
                      const struct gateway_options *standard) {
    struct addresses addresses = {.list = {.count = 0}};
    for (int32_t i = 0; i < nodes->services_count; i++)
        add_address(&addresses, nodes->service[i].port);
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++) {
        struct gateway_options options = options_of(scenario, &scenario->nodes[kind], standard);
        for (int64_t i = 0; i < scenario->nodes[kind].count; i++) {
            name_node(nodes, &scenario->nodes[kind], i);
            if (!start_one(nodes, program, &options, &addresses))
                return false;
        }
    }
    return true;
}

bool nodes_start(struct nodes *nodes, const char *program, const struct spec_scenario *scenario,
                 const struct gateway_options *standard) {
    *nodes = (struct nodes){0};
    if (count_of(scenario) > NODES_MAX)
        return fail(nodes, "more nodes than the real pair starts (16)");
    return start_services(nodes, scenario) && start_all(nodes, program, scenario, standard) &&
           (scenario->backplane.kind == SPEC_NO_BACKPLANE ||
            await_links(nodes, &scenario->backplane));
}

/* All are told before the first ends: a node that is leaving has nothing to say of those that do.
 */
void nodes_stop(struct nodes *nodes) {
    for (int32_t i = 0; i < nodes->count; i++)
        if (nodes->count > 1 && server_is_alive(&nodes->server[i]))
            kill(nodes->server[i].pid, SIGTERM);
    for (int32_t i = 0; i < nodes->count; i++)
        server_stop(&nodes->server[i]);
    for (int32_t i = 0; i < nodes->services_count; i++)
        service_stop(&nodes->service[i]);
    nodes->count = nodes->services_count = 0;
}

bool nodes_are_alive(struct nodes *nodes) {
    for (int32_t i = 0; i < nodes->count; i++)
        if (!server_is_alive(&nodes->server[i]))
            return false;
    return nodes->count > 0;
}

/* --- what they counted --- */

void nodes_read(const struct nodes *nodes, struct nodes_stats *stats) {
    stats->count = nodes->count;
    stats->services_count = nodes->services_count;
    for (int32_t i = 0; i < nodes->count; i++)
        gateway_stats_read_all(&nodes->server[i].stats, &stats->node[i]);
    for (int32_t i = 0; i < nodes->services_count; i++)
        stats->services_cpu_s[i] = service_cpu_seconds(&nodes->service[i]);
}

struct gateway_stats nodes_since(const struct nodes_stats *earlier,
                                 const struct nodes_stats *later) {
    struct gateway_stats all = {0};
    for (int32_t i = 0; i < later->count; i++) {
        struct gateway_stats one = gateway_stats_since(&earlier->node[i], &later->node[i]);
        gateway_stats_add(&all, &one);
    }
    return all;
}

double nodes_cpu_max_s(const struct nodes_stats *earlier, const struct nodes_stats *later) {
    double most = 0;
    for (int32_t i = 0; i < later->count; i++)
        most = fmax(most, (double)(later->node[i].cpu_ns - earlier->node[i].cpu_ns) * 1e-9);
    return most;
}

double nodes_services_cpu_max_s(const struct nodes_stats *earlier,
                                const struct nodes_stats *later) {
    double most = NAN;
    for (int32_t i = 0; i < later->services_count; i++)
        most = fmax(most, later->services_cpu_s[i] - earlier->services_cpu_s[i]);
    return most;
}

struct server_memory nodes_memory(const struct nodes *nodes) {
    CHECK(nodes->count > 0);
    struct server_memory all = server_memory(&nodes->server[0]); /* the kernel's is the machine's */
    for (int32_t i = 1; i < nodes->count; i++)
        all.user_bytes += server_memory(&nodes->server[i]).user_bytes;
    return all;
}
