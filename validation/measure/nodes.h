/* The nodes of a scenario as processes, and the servers of the backplane between them.
 *
 * All run on the gateway's one processor: machine.processors must say so, and the simulator lets
 * them take turns there too. Nodes of a mesh are started one after the other, each dialling those
 * before it. */
#ifndef HEADROOM_VALIDATION_MEASURE_NODES_H
#define HEADROOM_VALIDATION_MEASURE_NODES_H

#include "models/spec/spec.h"
#include "validation/measure/server.h"
#include "validation/measure/service.h"

#include <stdbool.h>
#include <stdint.h>

enum { NODES_MAX = 16, NODES_SERVICES_MAX = 8, NODES_WHY_BYTES = 240, NODES_NAME_BYTES = 80 };

struct nodes { /* zeroed: none */
    struct server server[NODES_MAX];
    const struct spec_node *spec[NODES_MAX]; /* borrowed */
    char name[NODES_MAX][NODES_NAME_BYTES];  /* as the simulator's resources name it */
    int32_t count;
    struct service service[NODES_SERVICES_MAX];
    int32_t services_count;
    char why[NODES_WHY_BYTES];
};

/* Numbered as the balancer numbers them: kind after kind. `standard` holds what the scenario does
 * not say (processor, congestion control, where turns go: of the first node only). Waits until
 * every node is ready and has its connections to the others. False with nodes->why. */
bool nodes_start(struct nodes *nodes, const char *program, const struct spec_scenario *scenario,
                 const struct gateway_options *standard) MUST_USE;
void nodes_stop(struct nodes *nodes);
bool nodes_are_alive(struct nodes *nodes);

struct nodes_stats {
    struct gateway_stats node[NODES_MAX];
    double services_cpu_s[NODES_SERVICES_MAX];
    int32_t count, services_count;
};
void nodes_read(const struct nodes *nodes, struct nodes_stats *stats);
/* later - earlier, of all nodes together. */
struct gateway_stats nodes_since(const struct nodes_stats *earlier,
                                 const struct nodes_stats *later);
/* Processor seconds of the busiest node, and of the busiest server of the backplane (NAN: none). */
double nodes_cpu_max_s(const struct nodes_stats *earlier, const struct nodes_stats *later);
double nodes_services_cpu_max_s(const struct nodes_stats *earlier, const struct nodes_stats *later);
struct server_memory nodes_memory(const struct nodes *nodes);

#endif
