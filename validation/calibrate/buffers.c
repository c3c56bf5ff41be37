/* "Refused for good" is a refusal that the kernel's first zero-window probe (200 ms) has not
 * changed: a probe may hand over another segment. */
#include "validation/calibrate/buffers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_BYTES_MAX = 65536,
    PIECE_BYTES = 1024,           /* read between two looks */
    FILL_PAUSE_NS = 250 * 1000,   /* between two rounds ... */
    ROUND_BYTES = 134,            /* ... in which each pair gets so much on average */
    FILL_MAX_NS = 2000 * 1000000, /* a kernel that takes more has no bound worth measuring */
    PROBE_NS = 260 * 1000000,     /* the shortest retransmission timeout, and some */
    DRAIN_PAUSE_NS = 2 * 1000000, /* between two pieces of the same pair */
    DRAIN_ROUNDS_MAX = 400,
};

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

struct pair {
    int sender, receiver;
    bool is_done;
    int64_t taken_ns; /* when the kernel last took something */
    int64_t read_bytes;
};

static void pause_ns(long ns) {
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static int64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool set_congestion(int socket, const char *name) {
    return name == NULL ||
           setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0;
}

static bool set_buffer(int socket, int which, int32_t bytes) {
    int on = 1;
    return setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
           setsockopt(socket, SOL_SOCKET, which, &bytes, sizeof bytes) == 0;
}

static bool listen_on(int listener, const struct buffers_options *options, const char *congestion) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return listener >= 0 && set_buffer(listener, SO_SNDBUF, options->send_buffer) &&
           set_congestion(listener, congestion) &&
           bind(listener, (struct sockaddr *)&any, sizeof any) == 0 && listen(listener, 1) == 0;
}

static bool connect_to(int listener, struct pair *pair, const struct buffers_options *options,
                       const char *congestion) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    pair->receiver = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (pair->receiver < 0 || getsockname(listener, (struct sockaddr *)&address, &length) != 0 ||
        !set_buffer(pair->receiver, SO_RCVBUF, options->receive_buffer) ||
        !set_congestion(pair->receiver, congestion) ||
        connect(pair->receiver, (struct sockaddr *)&address, length) != 0)
        return false;
    pair->sender = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return pair->sender >= 0;
}

static bool pair_open(struct pair *pair, const struct buffers_options *options,
                      const char *congestion) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_open =
        listen_on(listener, options, congestion) && connect_to(listener, pair, options, congestion);
    int reason = errno;
    if (listener >= 0)
        close(listener);
    errno = reason;
    return is_open;
}

/* Linger 0: reset, so that no port is left in TIME_WAIT. */
static void pair_close(const struct pair *pair) {
    struct linger at_once = {.l_onoff = 1};
    if (pair->sender >= 0) {
        setsockopt(pair->sender, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(pair->sender);
    }
    if (pair->receiver >= 0)
        close(pair->receiver);
}

static int64_t bytes_in(int socket, unsigned long request) {
    int bytes = 0;
    return ioctl(socket, request, &bytes) == 0 ? bytes : -1;
}

static int64_t sender_memory(int socket) {
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof info;
    return getsockopt(socket, SOL_SOCKET, SO_MEMINFO, info, &length) == 0
               ? (int64_t)info[SK_MEMINFO_WMEM_QUEUED]
               : -1;
}

/* --- filling ------------------------------------------------------------------------------------
 */

/* False with errno set when it fails. */
static bool send_frame(struct pair *pair, struct buffers_trial *trial, int64_t now_ns) {
    static const char frame[FRAME_BYTES_MAX];
    ssize_t taken =
        send(pair->sender, frame, (size_t)trial->options.frame_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0) {
        pair->is_done = now_ns - pair->taken_ns > PROBE_NS;
        return errno == EAGAIN;
    }
    trial->sent_bytes += taken;
    pair->taken_ns = now_ns;
    return true;
}

static bool fill(struct pair *pairs, struct buffers_trial *trials, int32_t count) {
    int64_t begin_ns = clock_ns(), now_ns = begin_ns;
    int32_t unfinished = count;
    for (int32_t i = 0; i < count; i++)
        pairs[i].taken_ns = begin_ns;
    for (int32_t round = 0; unfinished > 0 && now_ns - begin_ns < FILL_MAX_NS;
         round++, now_ns = clock_ns()) {
        unfinished = 0;
        for (int32_t i = 0; i < count; i++) {
            int32_t every = (trials[i].options.frame_bytes + ROUND_BYTES - 1) / ROUND_BYTES;
            if (!pairs[i].is_done && round % every == 0 &&
                !send_frame(&pairs[i], &trials[i], now_ns))
                return false;
            unfinished += !pairs[i].is_done;
        }
        pause_ns(FILL_PAUSE_NS);
    }
    errno = ENOBUFS;
    return unfinished == 0;
}

static void look_at_full(struct pair *pairs, struct buffers_trial *trials, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        trials[i].receiver_bytes = bytes_in(pairs[i].receiver, SIOCINQ);
        trials[i].sender_bytes = bytes_in(pairs[i].sender, SIOCOUTQ);
        trials[i].sender_memory = sender_memory(pairs[i].sender);
        pairs[i].is_done = false;
    }
}

/* --- draining -----------------------------------------------------------------------------------
 */

static bool is_writable(const struct pair *pair) {
    struct pollfd wanted = {.fd = pair->sender, .events = POLLOUT};
    return poll(&wanted, 1, 0) == 1 && (wanted.revents & POLLOUT) != 0;
}

static void look(struct pair *pair, struct buffers_trial *trial) {
    int64_t left = bytes_in(pair->sender, SIOCOUTQ);
    if (trial->window_bytes == 0 && left < trial->sender_bytes)
        trial->window_bytes = pair->read_bytes;
    if (!is_writable(pair))
        return;
    trial->writable_bytes = pair->read_bytes;
    trial->freed_bytes = trial->sender_bytes - left;
    pair->is_done = true;
}

static int32_t drain_round(struct pair *pairs, struct buffers_trial *trials, int32_t count) {
    int32_t unfinished = 0;
    for (int32_t i = 0; i < count; i++) {
        if (pairs[i].is_done)
            continue;
        look(&pairs[i], &trials[i]);
        char piece[PIECE_BYTES];
        ssize_t got =
            pairs[i].is_done ? 0 : recv(pairs[i].receiver, piece, sizeof piece, MSG_DONTWAIT);
        pairs[i].read_bytes += got > 0 ? got : 0;
        unfinished += !pairs[i].is_done;
    }
    return unfinished;
}

static bool drain(struct pair *pairs, struct buffers_trial *trials, int32_t count) {
    for (int32_t round = 0; round < DRAIN_ROUNDS_MAX; round++) {
        if (drain_round(pairs, trials, count) == 0)
            return true;
        pause_ns(DRAIN_PAUSE_NS);
    }
    errno = ETIME;
    return false;
}

bool buffers_run(struct buffers_trial *trials, int32_t count, const char *congestion, char *why,
                 int32_t why_bytes) {
    struct pair pairs[BUFFERS_PAIRS_MAX];
    const char *step = "loopback socket pairs";
    bool is_right = count <= BUFFERS_PAIRS_MAX;
    errno = E2BIG;
    for (int32_t i = 0; i < count && i < BUFFERS_PAIRS_MAX; i++) {
        pairs[i] = (struct pair){.sender = -1, .receiver = -1};
        trials[i] = (struct buffers_trial){.options = trials[i].options};
        is_right = is_right && pair_open(&pairs[i], &trials[i].options, congestion);
    }
    if (is_right) {
        step = "filling a stalled reader's buffers";
        is_right = fill(pairs, trials, count);
    }
    if (is_right) {
        look_at_full(pairs, trials, count);
        step = "draining a stalled reader's buffers";
        is_right = drain(pairs, trials, count);
    }
    if (!is_right)
        snprintf(why, (size_t)why_bytes, "%s: %s", step, strerror(errno));
    for (int32_t i = 0; i < count && i < BUFFERS_PAIRS_MAX; i++)
        pair_close(&pairs[i]);
    return is_right;
}
