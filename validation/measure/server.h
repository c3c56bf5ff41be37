/* The real gateway as a child process: started from a scenario, watched, stopped by its pid. */
#ifndef HEADROOM_VALIDATION_MEASURE_SERVER_H
#define HEADROOM_VALIDATION_MEASURE_SERVER_H

#include "models/spec/spec.h"
#include "sim/base/attributes.h"
#include "validation/gateway/options.h"
#include "validation/gateway/stats.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct server {
    pid_t pid;
    int32_t port;
    int32_t backplane_port; /* 0: it listens for no other nodes */
    int output;             /* its standard output; kept open while it lives */
    char stats_path[64];    /* in /dev/shm or /tmp; removed by server_stop */
    struct gateway_stats_reader stats;
    char why[160]; /* what went wrong, for the user */
};

/* Starts `program` and waits until it listens. False with server->why. */
bool server_start(struct server *server, const char *program,
                  const struct gateway_options *options) MUST_USE;

/* SIGTERM, then SIGKILL after two seconds; waits for it. Harmless when it never started. Returns
 * false when it had died before. */
bool server_stop(struct server *server);
bool server_is_alive(struct server *server);

/* Memory of the process in user space (PSS of its private and shared pages) and, of the whole
 * machine, the kernel's for TCP sockets: /proc/PID/smaps_rollup, /proc/slabinfo. NAN: not readable.
 */
struct server_memory {
    double user_bytes;
    double slab_bytes;         /* SReclaimable + SUnreclaim of /proc/meminfo: take differences */
    double socket_pages_bytes; /* "mem" of TCP in /proc/net/sockstat, in bytes */
};
struct server_memory server_memory(const struct server *server);

/* CPU seconds of a process so far, all threads; NAN: there is none. */
double server_cpu_seconds(pid_t pid);

#endif
