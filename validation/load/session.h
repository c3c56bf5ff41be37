/* headroom-load as a child: started, asked, stopped. What measure and calibrate use. */
#ifndef HEADROOM_VALIDATION_LOAD_SESSION_H
#define HEADROOM_VALIDATION_LOAD_SESSION_H

#include "models/spec/spec.h"
#include "sim/base/attributes.h"
#include "validation/load/report.h"
#include "validation/load/tally.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { LOAD_SESSION_ERROR_BYTES = 256, LOAD_SESSION_PORTS_MAX = 16 };

struct load_session_options {
    const char *program;                   /* path of headroom-load */
    const char *scenario;                  /* path */
    const char *host;                      /* NULL: 127.0.0.1 */
    const char *wire;                      /* NULL: websocket */
    int32_t ports[LOAD_SESSION_PORTS_MAX]; /* of the nodes in the balancer's order */
    int32_t ports_count;
    int32_t cpu; /* -1: any */
    bool has_seed;
    uint64_t seed;
    int32_t samples;   /* 0: its own default */
    int32_t processes; /* 0: one */
    const struct spec_setting *settings;
    int32_t settings_count;
};

struct load_session {
    pid_t pid; /* 0: not running */
    int to_fd, from_fd;
    char *line; /* the last answer */
    size_t length, capacity;
    char error[LOAD_SESSION_ERROR_BYTES]; /* of the last call that failed */
};

/* All return false with session->error set. Its stderr stays the caller's. */
bool load_session_start(struct load_session *session,
                        const struct load_session_options *options) MUST_USE;
/* One command, one answer (borrowed until the next call); NULL when it failed, was refused or took
 * longer than `timeout_ns`. After a timeout the session can only be stopped. */
const char *load_session_ask(struct load_session *session, const char *command,
                             base_ns timeout_ns) MUST_USE;
bool load_session_tally(struct load_session *session, const char *command, base_ns timeout_ns,
                        struct load_tally *tally) MUST_USE;
/* A probe or a burst; `report` must be initialised. */
bool load_session_report(struct load_session *session, const char *command, base_ns timeout_ns,
                         struct load_report *report) MUST_USE;
/* Asks it to quit, waits a moment, then kills it. Its exit status as of waitpid; -1: not running.
 */
int load_session_stop(struct load_session *session);

#endif
