#include "validation/backplane/link.h"

#include "sim/base/check.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_ENDS = 64 };

/* --- publishes that wait --- */

static bool push_end(struct backplane_ends *ends, uint64_t at) {
    if (ends->count == ends->capacity) {
        uint32_t capacity = ends->capacity > 0 ? 2 * ends->capacity : FIRST_ENDS;
        uint64_t *all = malloc(capacity * sizeof *all);
        if (all == NULL)
            return false;
        for (uint32_t i = 0; i < ends->count; i++)
            all[i] = ends->at[(ends->first + i) & (ends->capacity - 1)];
        free(ends->at);
        *ends = (struct backplane_ends){.at = all, .count = ends->count, .capacity = capacity};
    }
    ends->at[(ends->first + ends->count++) & (ends->capacity - 1)] = at;
    return true;
}

static void drop_ends(struct backplane_ends *ends, uint64_t sent_bytes) {
    while (ends->count > 0 && ends->at[ends->first] <= sent_bytes) {
        ends->first = (ends->first + 1) & (ends->capacity - 1);
        ends->count--;
    }
}

/* --- a socket --- */

static bool want(struct backplane_link *link, uint32_t interest) {
    if (link->interest == interest)
        return true;
    struct epoll_event event = {.events = interest, .data.u64 = link->tag};
    int operation = link->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(link->epoll_fd, operation, link->fd, &event) != 0)
        return false;
    link->interest = interest;
    return true;
}

/* Half a pause to a whole one, so that the nodes of a cluster do not come back in step. */
static base_ns pause_ns(const struct backplane_link *link) {
    uint32_t doublings = link->failures < 8 ? link->failures : 8;
    base_ns whole_ns = BACKPLANE_RETRY_FIRST_NS << doublings;
    if (whole_ns > BACKPLANE_RETRY_MAX_NS)
        whole_ns = BACKPLANE_RETRY_MAX_NS;
    uint64_t mixed =
        ((uint64_t)getpid() << 16 | link->tag << 8 | link->failures) * UINT64_C(0x9e3779b97f4a7c15);
    return whole_ns / 2 + (base_ns)((mixed >> 33) % (uint64_t)(whole_ns / 2));
}

uint32_t backplane_link_close(struct backplane_link *link, base_ns now_ns) {
    if (link->fd >= 0)
        close(link->fd);
    drop_ends(&link->ends, link->sent_bytes);
    uint32_t lost = link->ends.count;
    if (link->wire->confirms) /* what waits is owed too */
        lost = link->owed > lost ? link->owed : lost;
    link->owed = 0;
    link->fd = -1;
    link->interest = 0;
    link->ends.count = 0;
    link->sent_bytes = 0;
    backplane_buffer_clear(&link->in);
    backplane_buffer_clear(&link->out);
    if (link->away_ns == BASE_NS_MAX)
        link->away_ns = now_ns;
    link->deadline_ns = BASE_NS_MAX;
    link->retry_ns = link->is_dialled ? now_ns + pause_ns(link) : BASE_NS_MAX;
    link->failures++;
    link->state = BACKPLANE_ABSENT;
    return lost;
}

void backplane_link_fini(struct backplane_link *link) {
    if (link->fd >= 0)
        close(link->fd);
    backplane_buffer_fini(&link->in);
    backplane_buffer_fini(&link->out);
    free(link->ends.at);
    *link = (struct backplane_link){.fd = -1};
}

bool backplane_link_dial(struct backplane_link *link, base_ns now_ns) {
    CHECK(link->state == BACKPLANE_ABSENT && link->is_dialled);
    int on = 1;
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    link->state = BACKPLANE_CONNECTING;
    link->deadline_ns = now_ns + BACKPLANE_GREETING_NS;
    link->retry_ns = BASE_NS_MAX;
    if (link->fd >= 0 && setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        (connect(link->fd, (struct sockaddr *)&link->address, sizeof link->address) == 0 ||
         errno == EINPROGRESS) &&
        want(link, EPOLLIN | EPOLLOUT))
        return true;
    (void)backplane_link_close(link, now_ns); /* nothing waited */
    return false;
}

bool backplane_link_adopt(struct backplane_link *link, int fd, base_ns now_ns) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    link->fd = fd;
    link->state = BACKPLANE_GREETING;
    link->deadline_ns = now_ns + BACKPLANE_GREETING_NS;
    link->away_ns = now_ns;
    return want(link, EPOLLIN);
}

bool backplane_link_connected(struct backplane_link *link, base_ns now_ns) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) {
        errno = error;
        return false;
    }
    link->state = BACKPLANE_GREETING;
    link->deadline_ns = now_ns + BACKPLANE_GREETING_NS;
    return want(link, EPOLLIN);
}

void backplane_link_opened(struct backplane_link *link, base_ns now_ns) {
    link->heard_ns = now_ns;
    link->is_asked = false;
    link->state = BACKPLANE_OPEN;
    link->deadline_ns = BASE_NS_MAX;
    link->away_ns = BASE_NS_MAX;
    link->failures = 0;
    link->unsent = 0;
}

/* --- bytes --- */

bool backplane_link_has_room(const struct backplane_link *link, size_t bytes, size_t bytes_max) {
    size_t waiting = backplane_buffer_waiting(&link->out);
    return waiting <= bytes_max && bytes <= bytes_max - waiting;
}

base_ns backplane_link_due_ns(const struct backplane_link *link) {
    if (link->state == BACKPLANE_ABSENT)
        return link->retry_ns;
    if (link->state != BACKPLANE_OPEN)
        return link->deadline_ns;
    base_ns silence_ns = link->heard_ns + (link->is_asked ? 2 : 1) * link->patience_ns;
    return silence_ns < link->deadline_ns ? silence_ns : link->deadline_ns;
}

bool backplane_link_mark(struct backplane_link *link) {
    return push_end(&link->ends, link->sent_bytes + backplane_buffer_waiting(&link->out));
}

bool backplane_link_flush(struct backplane_link *link, base_ns now_ns) {
    size_t waiting = backplane_buffer_waiting(&link->out);
    if (waiting == 0 || link->state < BACKPLANE_GREETING)
        return true;
    ssize_t sent =
        send(link->fd, link->out.bytes + link->out.start, waiting, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return false;
    if (sent > 0) {
        link->writes++;
        link->written_bytes += (uint64_t)sent;
        link->sent_bytes += (uint64_t)sent;
        backplane_buffer_take(&link->out, (size_t)sent);
        drop_ends(&link->ends, link->sent_bytes);
    }
    bool is_blocked = backplane_buffer_waiting(&link->out) > 0;
    bool moved_or_new = sent > 0 || link->deadline_ns == BASE_NS_MAX;
    if (link->state == BACKPLANE_OPEN && !is_blocked)
        link->deadline_ns = BASE_NS_MAX;
    else if (link->state == BACKPLANE_OPEN && moved_or_new)
        link->deadline_ns = now_ns + link->patience_ns;
    return want(link, is_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

int64_t backplane_link_read(struct backplane_link *link, size_t budget, base_ns now_ns) {
    uint8_t *at = backplane_buffer_reserve(&link->in, budget);
    if (at == NULL) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t length = recv(link->fd, at, budget, MSG_DONTWAIT);
    if (length < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (length == 0) {
        errno = 0;
        return -1;
    }
    link->in.end += (size_t)length;
    link->heard_ns = now_ns;
    link->is_asked = false;
    return length;
}
