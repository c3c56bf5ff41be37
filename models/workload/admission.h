/* How many connections a process lets in: some below its descriptor limit, so that it can still
 * log, answer its health check and accept in order to refuse. */
#ifndef HEADROOM_MODELS_WORKLOAD_ADMISSION_H
#define HEADROOM_MODELS_WORKLOAD_ADMISSION_H

#include "models/spec/spec.h"

#include <stdint.h>

enum {
    ADMISSION_RESERVED_FILES =
        32, /* standard streams, listening socket, statistics file, one to refuse with, spare */
    ADMISSION_RESERVED_FILES_PER_WORKER = 4, /* epoll, wake-up, timer, hand-over */
};

/* 0 when the limit leaves no room. */
int64_t admission_connections_max(int64_t open_files, int64_t workers_count);

#endif
