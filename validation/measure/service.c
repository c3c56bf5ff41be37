#include "validation/measure/service.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_TRIES = 500, STOP_TRIES = 200, TRY_MS = 10, PATH_BYTES = 96 };

static const struct kind {
    const char *package, *file;
    const char *paths[3];
} kinds[SERVICE_KINDS] = {
    [SERVICE_REDIS] = {"redis-server",
                       "dump.rdb",
                       {"/usr/bin/redis-server", "/usr/local/bin/redis-server"}},
    [SERVICE_NATS] = {"nats-server",
                      "log",
                      {"/usr/sbin/nats-server", "/usr/bin/nats-server",
                       "/usr/local/bin/nats-server"}},
};

const char *service_package(enum service_kind kind) {
    return kinds[kind].package;
}

const char *service_program(enum service_kind kind) {
    for (size_t i = 0; i < COUNT_OF(kinds[kind].paths) && kinds[kind].paths[i] != NULL; i++)
        if (access(kinds[kind].paths[i], X_OK) == 0)
            return kinds[kind].paths[i];
    return NULL;
}

static bool fail(struct service *service, const char *what, const char *reason) {
    snprintf(service->why, sizeof service->why, "%s: %s", what, reason);
    return false;
}

static struct sockaddr_in loopback(int32_t port) {
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* 0: none. Somebody else may take it before its new owner does: then the start fails by name. */
static int32_t free_port(void) {
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_found = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                    getsockname(fd, (struct sockaddr *)&address, &length) == 0;
    if (fd >= 0)
        close(fd);
    return is_found ? ntohs(address.sin_port) : 0;
}

static bool answers(int32_t port) {
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_there = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return is_there;
}

static void nap(void) {
    nanosleep(&(struct timespec){.tv_nsec = TRY_MS * 1000000L}, NULL);
}

NORETURN static void become(const struct service *service, enum service_kind kind, int32_t cpu) {
    char port[16];
    snprintf(port, sizeof port, "%d", (int)service->port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* the terminal's Ctrl-C is for the parent, which then stops us */
    if (cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    int quiet = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(quiet, STDIN_FILENO);
    dup2(quiet, STDOUT_FILENO);
    dup2(quiet, STDERR_FILENO);
    const char *program = service_program(kind);
    if (chdir(service->folder) != 0)
        _exit(74);
    if (kind == SERVICE_REDIS)
        execl(program, program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly",
              "no", "--dir", service->folder, "--daemonize", "no", (char *)NULL);
    else
        execl(program, program, "-a", "127.0.0.1", "-p", port, "-l", "log", (char *)NULL);
    _exit(69);
}

static bool await(struct service *service, enum service_kind kind) {
    for (int i = 0; i < START_TRIES; i++) {
        if (answers(service->port))
            return true;
        if (waitpid(service->pid, NULL, WNOHANG) != 0) {
            service->pid = 0;
            return fail(service, kinds[kind].package, "ended before it listened");
        }
        nap();
    }
    return fail(service, kinds[kind].package, "did not start to listen");
}

bool service_start(struct service *service, enum service_kind kind, int32_t cpu) {
    *service = (struct service){.pid = 0};
    if (service_program(kind) == NULL) {
        snprintf(service->why, sizeof service->why,
                 "%s is not installed; Debian has it: apt-get install %s", kinds[kind].package,
                 kinds[kind].package);
        return false;
    }
    snprintf(service->folder, sizeof service->folder, "/tmp/headroom-%s-XXXXXX",
             kinds[kind].package);
    if (mkdtemp(service->folder) == NULL) {
        bool is_made = fail(service, service->folder, strerror(errno));
        service->folder[0] = '\0';
        return is_made;
    }
    service->port = free_port();
    service->pid = service->port > 0 ? fork() : -1;
    if (service->pid == 0)
        become(service, kind, cpu);
    if (service->pid > 0 && await(service, kind))
        return true;
    if (service->why[0] == '\0')
        fail(service, kinds[kind].package, strerror(errno));
    service_stop(service);
    return false;
}

static void remove_folder(const struct service *service) {
    for (int kind = 0; kind < SERVICE_KINDS; kind++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s/%s", service->folder, kinds[kind].file);
        unlink(path);
    }
    rmdir(service->folder);
}

void service_stop(struct service *service) {
    if (service->pid > 0)
        kill(service->pid, SIGTERM);
    for (int i = 0; service->pid > 0 && i < STOP_TRIES; i++) {
        if (waitpid(service->pid, NULL, WNOHANG) != 0)
            service->pid = 0;
        else
            nap();
    }
    if (service->pid > 0) {
        kill(service->pid, SIGKILL);
        waitpid(service->pid, NULL, 0);
    }
    service->pid = 0;
    if (service->folder[0] != '\0')
        remove_folder(service);
    service->folder[0] = '\0';
}

/* /proc/PID/task/TID/schedstat begins with nanoseconds on a processor; stat's ticks of 10 ms are
 * too coarse for a window of a second. */
static double thread_seconds(const char *folder, const char *thread) {
    char path[PATH_BYTES];
    unsigned long long ns = 0;
    snprintf(path, sizeof path, "%s/%.32s/schedstat", folder, thread);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0; /* it has just ended */
    if (fscanf(file, "%llu", &ns) != 1)
        ns = 0;
    fclose(file);
    return (double)ns * 1e-9;
}

double service_cpu_seconds(const struct service *service) {
    char folder[PATH_BYTES / 2];
    snprintf(folder, sizeof folder, "/proc/%d/task", (int)service->pid);
    DIR *threads = service->pid > 0 ? opendir(folder) : NULL;
    if (threads == NULL)
        return NAN;
    double seconds = 0;
    for (const struct dirent *thread; (thread = readdir(threads)) != NULL;)
        if (thread->d_name[0] != '.')
            seconds += thread_seconds(folder, thread->d_name);
    closedir(threads);
    return seconds;
}
