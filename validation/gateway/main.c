/* headroom-gateway: options, limits, workers, and the wait for their end. */
#include "validation/gateway/worker.h"

#include "models/workload/admission.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

enum { EXIT_UNAVAILABLE = 69, EXIT_IO = 74, EXIT_USAGE = 64 };

static int fail(int code, const char *what) {
    fprintf(stderr, "headroom-gateway: %s%s%s\n", what, errno != 0 ? ": " : "",
            errno != 0 ? strerror(errno) : "");
    return code;
}

static bool limit_files(int64_t open_files) {
    struct rlimit limit = {.rlim_cur = (rlim_t)open_files};
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now) != 0)
        return false;
    limit.rlim_max = now.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool pin(int64_t cpu) {
    if (cpu < 0)
        return true;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

/* Signals arrive in worker 0's loop; no thread is interrupted. */
static int open_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void announce(const struct gateway *gateway) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    const struct backplane *backplane = gateway->workers[0].backplane;
    if (backplane != NULL && backplane_port(backplane) > 0)
        printf("backplane on %d\n", (int)backplane_port(backplane));
    if (getsockname(gateway->listen_fd, (struct sockaddr *)&address, &length) == 0)
        printf("listening on %d\n", ntohs(address.sin_port));
    fflush(stdout);
}

static int run_workers(struct gateway *gateway) {
    gateway->workers = calloc((size_t)gateway->workers_count, sizeof *gateway->workers);
    if (gateway->workers == NULL)
        return fail(EXIT_UNAVAILABLE, "workers");
    for (int32_t i = 0; i < gateway->workers_count; i++)
        if (!worker_init(&gateway->workers[i], gateway, i))
            return fail(EXIT_UNAVAILABLE, "worker");
    const char *why;
    if (!cluster_open(&gateway->workers[0], &why))
        return fail(errno != 0 ? EXIT_UNAVAILABLE : EXIT_USAGE, why);
    for (int32_t i = 1; i < gateway->workers_count; i++)
        if (pthread_create(&gateway->workers[i].thread, NULL, worker_run, &gateway->workers[i]) !=
            0)
            return fail(EXIT_UNAVAILABLE, "thread");
    announce(gateway);
    worker_run(&gateway->workers[0]);
    for (int32_t i = 1; i < gateway->workers_count; i++)
        pthread_join(gateway->workers[i].thread, NULL);
    for (int32_t i = 0; i < gateway->workers_count; i++)
        worker_fini(&gateway->workers[i]);
    free(gateway->workers);
    return EXIT_SUCCESS;
}

static int64_t limit_of(const struct gateway_options *options) {
    int64_t possible = admission_connections_max(options->open_files, options->workers);
    bool is_lower = options->connections_max > 0 && options->connections_max < possible;
    return is_lower ? options->connections_max : possible;
}

static int run(const struct gateway_options *options) {
    static struct gateway gateway;
    gateway.options = options;
    gateway.rules = (struct http_rules){.token = options->token,
                                        .origins = options->origins.items,
                                        .origins_count = options->origins.count};
    gateway.workers_count = (int32_t)options->workers;
    gateway.connections_max = limit_of(options);
    if (gateway.connections_max == 0) {
        fprintf(stderr, "headroom-gateway: --open-files leaves no room for a connection\n");
        return EXIT_USAGE;
    }
    if (options->backplane != SPEC_NO_BACKPLANE && options->workers > 1) {
        fprintf(stderr, "headroom-gateway: a node with a backplane has one worker\n");
        return EXIT_USAGE;
    }
    if (options->presence && options->workers > 1) {
        fprintf(stderr, "headroom-gateway: a node with presence has one worker\n");
        return EXIT_USAGE;
    }
    if (options->presence && options->presence_mode == SPEC_PRESENCE_EXACT) {
        fprintf(stderr, "headroom-gateway: no coordinator for an exact presence\n");
        return EXIT_USAGE;
    }
    if (!limit_files(options->open_files))
        return fail(EXIT_UNAVAILABLE, "--open-files is above the hard limit");
    if (!pin(options->cpu))
        return fail(EXIT_UNAVAILABLE, "--cpu");
    gateway.stats =
        gateway_stats_create(options->stats, (uint32_t)options->workers, worker_clock());
    if (gateway.stats == NULL)
        return fail(EXIT_IO, "--stats");
    if (options->turns != NULL) {
        gateway.turns = turns_create(options->turns, gateway.workers_count);
        if (gateway.turns == NULL)
            return fail(EXIT_IO, "--turns");
    }
    gateway.signal_fd = open_signals();
    const char *why = "signals";
    if (gateway.signal_fd < 0 || !acceptor_open(&gateway, &why))
        return fail(EXIT_UNAVAILABLE, why);
    return run_workers(&gateway);
}

int main(int argc, char **argv) {
    struct arena arena;
    struct gateway_options options;
    arena_init(&arena);
    gateway_options_init(&options);
    gateway_options_parse(&options, argc, argv, &arena);
    int code = run(&options);
    arena_fini(&arena);
    return code;
}
