/* A backplane's own server as a child process: Debian's redis-server or nats-server, on a free port
 * of the loopback, with a data folder that goes when it does. Stopped by its pid. */
#ifndef HEADROOM_VALIDATION_MEASURE_SERVICE_H
#define HEADROOM_VALIDATION_MEASURE_SERVICE_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum service_kind { SERVICE_REDIS, SERVICE_NATS, SERVICE_KINDS };

struct service {
    pid_t pid; /* 0 or less: not running */
    int32_t port;
    char folder[64]; /* removed by service_stop */
    char why[200];
};

/* Where the program is, or NULL: not installed. Static text. */
const char *service_program(enum service_kind kind);
const char *service_package(enum service_kind kind); /* Debian's name */

/* Starts it on processor `cpu` (-1: any) and waits until it answers. False with service->why. */
bool service_start(struct service *service, enum service_kind kind, int32_t cpu) MUST_USE;
/* SIGTERM, then SIGKILL after two seconds. Harmless when it never started. */
void service_stop(struct service *service);
/* Processor time so far, all threads; NAN: not running. */
double service_cpu_seconds(const struct service *service);

#endif
