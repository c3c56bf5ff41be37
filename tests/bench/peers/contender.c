/* A row per server: its words, and what must be there for it. The peers' programs lie where set_up
 * put them, PEERS_FOLDER; all other places come from the build. Each has the processor to itself:
 * the mask is inherited, so that a server of many threads shares out that one among them. */
#include "tests/bench/peers/contender.h"

#include "sim/base/check.h"
#include "validation/measure/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_MAX = 12, START_TRIES = 500, TRY_EVERY_MS = 20 };

#define UWS_MODULE PEERS_FOLDER "/node_modules/@trufflesuite/uws-js-unofficial"
#define NATS_PROGRAM PEERS_FOLDER "/nats/usr/sbin/nats-server"

/* In words[] this stands for the port. */
static const char port_word[] = "PORT";

static const struct row {
    const char *name, *wire;
    const char *needed; /* a file; NULL: it was built with us */
    const char *words[WORDS_MAX];
} rows[CONTENDERS] = {
    [CONTENDER_GATEWAY] = {"headroom-gateway",
                           "websocket",
                           NULL,
                           {GATEWAY_PROGRAM, "--open-files=20000", "--idle-timeout=never", "--port",
                            port_word}},
    [CONTENDER_AT_ONCE] = {"headroom-gateway, at once",
                           "websocket",
                           NULL,
                           {GATEWAY_PROGRAM, "--open-files=20000", "--idle-timeout=never",
                            "--fan-out=write_at_once", "--port", port_word}},
    [CONTENDER_UWS] = {"uWebSockets",
                       "websocket",
                       UWS_MODULE "/package.json",
                       {"node", BENCH_FOLDER "/uws_server.js", UWS_MODULE, port_word}},
    [CONTENDER_NATS] = {"nats-server",
                        "nats",
                        NATS_PROGRAM,
                        {NATS_PROGRAM, "-c", BENCH_FOLDER "/nats.conf", "-p", port_word}},
    [CONTENDER_BARE_AT_ONCE] = {"bare loop, send() per frame",
                                "websocket",
                                NULL,
                                {BARE_PROGRAM, port_word, "at_once"}},
    [CONTENDER_BARE_COALESCED] = {"bare loop, coalesced each 5 ms",
                                  "websocket",
                                  NULL,
                                  {BARE_PROGRAM, port_word, "5"}},
};

const char *contender_name(enum contender_kind kind) {
    return rows[kind].name;
}
const char *contender_wire(enum contender_kind kind) {
    return rows[kind].wire;
}

bool contender_is_here(enum contender_kind kind, const char **why) {
    *why = rows[kind].needed;
    return *why == NULL || access(*why, R_OK) == 0;
}

/* --- starting --- */

static int listener_on(struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    socklen_t length = sizeof *address;
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)address, length) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)address, &length) == 0);
    return fd;
}

static int32_t free_port(void) {
    struct sockaddr_in address;
    close(listener_on(&address));
    return ntohs(address.sin_port);
}

static bool is_listening(int32_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_connected = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return is_connected;
}

NORETURN static void become(enum contender_kind kind, int32_t cpu, int32_t port) {
    char port_text[12];
    char *words[WORDS_MAX + 1] = {NULL};
    snprintf(port_text, sizeof port_text, "%d", port);
    for (int i = 0; i < WORDS_MAX && rows[kind].words[i] != NULL; i++)
        words[i] = rows[kind].words[i] == port_word ? port_text : (char *)rows[kind].words[i];
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nowhere = open("/dev/null", O_RDWR);
    if (sched_setaffinity(0, sizeof set, &set) == 0 && dup2(nowhere, STDOUT_FILENO) >= 0 &&
        dup2(nowhere, STDERR_FILENO) >= 0)
        execvp(words[0], words);
    _exit(127);
}

bool contender_start(struct contender *contender, enum contender_kind kind, int32_t cpu) {
    *contender = (struct contender){.kind = kind, .port = free_port()};
    contender->pid = fork();
    if (contender->pid == 0)
        become(kind, cpu, contender->port);
    for (int i = 0; i < START_TRIES && contender->pid > 0; i++) {
        if (waitpid(contender->pid, NULL, WNOHANG) == contender->pid)
            contender->pid = 0;
        else if (is_listening(contender->port))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = TRY_EVERY_MS * 1000000L}, NULL);
    }
    contender_stop(contender);
    return false;
}

void contender_stop(struct contender *contender) {
    if (contender->pid > 0) {
        kill(contender->pid, SIGKILL);
        waitpid(contender->pid, NULL, 0);
    }
    contender->pid = 0;
}

/* --- what it has used --- */

double contender_cpu_s(const struct contender *contender) {
    return server_cpu_seconds(contender->pid);
}

double contender_memory_bytes(const struct contender *contender) {
    return server_memory(&(struct server){.pid = contender->pid}).user_bytes;
}
