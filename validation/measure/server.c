/* fork and exec with the words that the gateway's own option table writes. The child dies with its
 * parent (PR_SET_PDEATHSIG), so an interrupted measurement leaves nothing behind. */
#include "validation/measure/server.h"

#include "sim/base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_TIMEOUT_MS = 5000, STOP_TIMEOUT_MS = 2000, LINE_MAX_BYTES = 256 };

static bool fail(struct server *server, const char *what, const char *reason) {
    snprintf(server->why, sizeof server->why, "%s: %s", what, reason);
    return false;
}

static void become_gateway(char **words, int output) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* the terminal's Ctrl-C is for the parent, which then stops us */
    dup2(output, STDOUT_FILENO);
    execv(words[0], words);
    fprintf(stderr, "headroom: %s: %s\n", words[0], strerror(errno));
    _exit(69);
}

/* Reads until a newline, at most START_TIMEOUT_MS. */
static bool read_line(int descriptor, char *line, size_t size) {
    size_t length = 0;
    while (length + 1 < size) {
        struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
        if (poll(&waiting, 1, START_TIMEOUT_MS) != 1 || read(descriptor, line + length, 1) != 1)
            return false;
        if (line[length] == '\n') {
            line[length] = '\0';
            return true;
        }
        length++;
    }
    return false;
}

static bool wait_until_listening(struct server *server, const char *program) {
    char line[LINE_MAX_BYTES];
    bool is_read = read_line(server->output, line, sizeof line);
    if (is_read && sscanf(line, "backplane on %d", &server->backplane_port) == 1)
        is_read = read_line(server->output, line, sizeof line);
    if (!is_read || sscanf(line, "listening on %d", &server->port) != 1)
        return fail(server, program, "did not start to listen");
    const char *why;
    if (!gateway_stats_open(&server->stats, server->stats_path, &why))
        return fail(server, server->stats_path, why);
    return true;
}

bool server_start(struct server *server, const char *program,
                  const struct gateway_options *options) {
    *server = (struct server){.pid = -1, .output = -1};
    static int started;
    snprintf(server->stats_path, sizeof server->stats_path, "/dev/shm/headroom-%d-%d",
             (int)getpid(), started++);
    struct gateway_options with_stats = *options;
    with_stats.stats = server->stats_path;
    struct arena arena;
    arena_init(&arena);
    char *words[GATEWAY_WORDS_MAX];
    gateway_options_write(&with_stats, program, &arena, words);
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        arena_fini(&arena);
        return fail(server, "pipe", strerror(errno));
    }
    server->pid = fork();
    if (server->pid == 0)
        become_gateway(words, pipes[1]);
    arena_fini(&arena);
    close(pipes[1]);
    server->output = pipes[0];
    if (server->pid < 0)
        return fail(server, "fork", strerror(errno));
    if (wait_until_listening(server, program))
        return true;
    server_stop(server);
    return false;
}

bool server_is_alive(struct server *server) {
    if (server->pid <= 0)
        return false;
    if (waitpid(server->pid, NULL, WNOHANG) == 0)
        return true;
    server->pid = -1;
    return false;
}

static bool ends_within(struct server *server, int timeout_ms) {
    for (int waited_ms = 0; waited_ms < timeout_ms; waited_ms += 5) {
        if (waitpid(server->pid, NULL, WNOHANG) != 0)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return false;
}

bool server_stop(struct server *server) {
    bool was_alive = server_is_alive(server);
    if (was_alive) {
        kill(server->pid, SIGTERM);
        if (!ends_within(server, STOP_TIMEOUT_MS / 4)) {
            kill(server->pid, SIGTERM); /* the second one does not drain */
            if (!ends_within(server, STOP_TIMEOUT_MS)) {
                kill(server->pid, SIGKILL);
                waitpid(server->pid, NULL, 0);
            }
        }
    }
    server->pid = -1;
    if (server->stats.file != NULL)
        gateway_stats_close(&server->stats);
    server->stats = (struct gateway_stats_reader){0};
    if (server->output >= 0)
        close(server->output);
    server->output = -1;
    if (server->stats_path[0] != '\0')
        unlink(server->stats_path);
    return was_alive;
}

/* --- memory and CPU
 * -------------------------------------------------------------------------------- */

/* The number behind `key` in a file of "key: number kB" lines; NAN when there is none. */
static double field_of(const char *path, const char *key) {
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NAN;
    char line[LINE_MAX_BYTES];
    double value = NAN;
    size_t length = strlen(key);
    while (isnan(value) && fgets(line, sizeof line, file))
        if (strncmp(line, key, length) == 0)
            value = strtod(line + length, NULL);
    fclose(file);
    return value;
}

static double tcp_pages(void) {
    FILE *file = fopen("/proc/net/sockstat", "re");
    if (file == NULL)
        return NAN;
    char line[LINE_MAX_BYTES];
    double pages = NAN;
    while (fgets(line, sizeof line, file)) {
        const char *mem = strncmp(line, "TCP:", 4) == 0 ? strstr(line, "mem ") : NULL;
        if (mem != NULL)
            pages = strtod(mem + 4, NULL);
    }
    fclose(file);
    return pages;
}

struct server_memory server_memory(const struct server *server) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)server->pid);
    return (struct server_memory){.user_bytes = field_of(path, "Pss:") * 1024,
                                  .slab_bytes = (field_of("/proc/meminfo", "SReclaimable:") +
                                                 field_of("/proc/meminfo", "SUnreclaim:")) *
                                                1024,
                                  .socket_pages_bytes =
                                      tcp_pages() * (double)sysconf(_SC_PAGESIZE)};
}

double server_cpu_seconds(pid_t pid) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NAN;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    const char *after_name = strrchr(line, ')'); /* the name may contain anything */
    unsigned long user = 0, system = 0;
    if (after_name == NULL ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2)
        return NAN;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}
