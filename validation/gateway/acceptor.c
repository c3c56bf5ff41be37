/* The listening socket: worker 0 accepts and deals connections out in turn, so that client i is
 * with worker i modulo workers, which the simulator assumes too (SO_REUSEPORT would deal by a hash
 * nobody can predict).
 *
 * At the limit a few more are let in to ask for /healthz or to be told 503 in good order; beyond
 * those the answer is sent blindly. Where the descriptors themselves run out, a spare one is given
 * up to accept and close. Where that does not help either (another process has all the descriptors
 * of the machine, or its memory), whoever waits in the backlog keeps the listener readable: it is
 * not watched for a while then, or the loop would spin on it. Options that are set on the listener
 * are inherited: nothing is set per connection. */
#include "validation/gateway/worker.h"

#include "models/workload/roster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS_PER_TURN_MAX = 64, BEYOND_LIMIT_MAX = 8, BACKLOG = 4096 };

static bool set_options(int fd, const struct gateway_options *options, const char **why) {
    int on = 1;
    int send_buffer = (int)options->send_buffer;
    *why = "SO_REUSEADDR or TCP_NODELAY";
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        return false;
    *why = "SO_SNDBUF";
    if (send_buffer > 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer) != 0)
        return false;
    *why = "TCP_CONGESTION: this congestion control is not to be had";
    const char *congestion = options->congestion;
    return congestion == NULL || setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion,
                                            (socklen_t)strlen(congestion)) == 0;
}

static bool bind_and_listen(int fd, const struct gateway_options *options, const char **why) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)options->port)};
    *why = "--bind is no IPv4 address";
    if (inet_pton(AF_INET, options->bind, &address.sin_addr) != 1)
        return false;
    *why = "the address cannot be listened on";
    return bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
           listen(fd, BACKLOG) == 0;
}

bool acceptor_open(struct gateway *gateway, const char **why) {
    gateway->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    gateway->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    gateway->accept_again_ns = BASE_NS_MAX;
    *why = "no socket";
    return gateway->listen_fd >= 0 && set_options(gateway->listen_fd, gateway->options, why) &&
           bind_and_listen(gateway->listen_fd, gateway->options, why);
}

void acceptor_close(struct gateway *gateway) {
    if (gateway->listen_fd >= 0)
        close(gateway->listen_fd);
    gateway->listen_fd = -1;
    gateway->accept_again_ns = BASE_NS_MAX;
}

static void refuse(struct worker *worker, int fd) {
    char out[HTTP_RESPONSE_MAX];
    ssize_t sent = send(fd, out, http_write_status(503, out), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* whoever does not get the answer gets the end */
    gateway_count(&worker->stats->refused, 1);
    shutdown(fd, SHUT_WR);
    while (recv(fd, worker->read_buffer, (size_t)worker->options->turn.read, MSG_DONTWAIT) > 0)
        continue; /* what has come already must not turn the close into a reset */
    close(fd);
}

static void keep(struct worker *worker, int fd, bool is_beyond_limit) {
    struct connection *connection = connection_new(worker, fd);
    if (connection == NULL) {
        atomic_fetch_sub(&worker->gateway->sockets_count, 1);
        refuse(worker, fd);
        return;
    }
    connection->is_beyond_limit = is_beyond_limit;
}

static void deal(struct worker *worker, int fd) {
    struct gateway *gateway = worker->gateway;
    int32_t client = (int32_t)(gateway->dealt_count++ & INT32_MAX);
    int32_t to = roster_worker(client, gateway->workers_count);
    if (to == worker->index) {
        keep(worker, fd, false);
        return;
    }
    struct mail mail = {.kind = MAIL_SOCKET, .fd = fd};
    if (mailbox_post(&gateway->workers[to].mailbox, mail)) {
        gateway_count(&worker->stats->handed_over, 1);
        return;
    }
    gateway_count(&worker->stats->hand_over_lost, 1);
    atomic_fetch_sub(&gateway->sockets_count, 1);
    refuse(worker, fd);
}

static void admit(struct worker *worker, int fd) {
    struct gateway *gateway = worker->gateway;
    long long before = atomic_fetch_add(&gateway->sockets_count, 1);
    gateway_count(&worker->stats->accepted, 1);
    if (before < gateway->connections_max) {
        deal(worker, fd);
    } else if (before < gateway->connections_max + BEYOND_LIMIT_MAX) {
        keep(worker, fd, true);
    } else {
        atomic_fetch_sub(&gateway->sockets_count, 1);
        refuse(worker, fd);
    }
}

/* Out of descriptors: accept with the spare one, so that the peer is not left waiting in the
 * backlog. False: that is not possible either. */
static bool refuse_with_spare(struct worker *worker) {
    struct gateway *gateway = worker->gateway;
    if (gateway->spare_fd >= 0)
        close(gateway->spare_fd);
    int fd = accept4(gateway->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        refuse(worker, fd);
    gateway->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return gateway->spare_fd >= 0;
}

/* Out of descriptors the kernel says so whether anybody waits or not: one refusal a turn. */
bool acceptor_ready(struct worker *worker) {
    enum phase before = worker_enter(worker, PHASE_ACCEPT);
    bool may_go_on = true;
    for (int i = 0; i < ACCEPTS_PER_TURN_MAX; i++) {
        int fd = accept4(worker->gateway->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(worker, fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        bool is_out_of_files = errno == EMFILE || errno == ENFILE;
        if (is_out_of_files || errno == ENOBUFS || errno == ENOMEM) {
            gateway_count(&worker->stats->accept_failures, 1);
            may_go_on = is_out_of_files && refuse_with_spare(worker);
        }
        break;
    }
    worker_enter(worker, before);
    return may_go_on;
}
