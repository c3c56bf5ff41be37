/* Links are a fixed table: first those that are dialled, in the order of the options (of Redis two
 * for each instance, one to publish and one to subscribe), then those of nodes that dialled us. A
 * link's place is its tag, so an event finds it without a search.
 *
 * What other nodes of a registry hold is a table of rooms whose members are links. */
#include "validation/backplane/client.h"

#include "sim/base/check.h"
#include "sim/base/text.h"
#include "validation/backplane/holders.h"
#include "validation/backplane/link.h"
#include "validation/backplane/shard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS_PER_TURN_MAX = 16, BACKLOG = 64 };

struct kind {
    const struct backplane_wire *wire; /* NULL: the real pair has none */
    int32_t links_per_address;         /* Redis: 2 */
    bool is_mesh, routes_by_rooms;
};

static const struct kind kinds[SPEC_backplane_kind_COUNT] = {
    [SPEC_BROADCAST] = {&backplane_wire_mesh, 1, .is_mesh = true},
    [SPEC_REGISTRY] = {&backplane_wire_mesh, 1, .is_mesh = true, .routes_by_rooms = true},
    [SPEC_REDIS] = {&backplane_wire_redis, 2, .is_mesh = false},
    [SPEC_REDIS_SHARDED] = {&backplane_wire_redis, 2, .is_mesh = false},
    [SPEC_NATS] = {&backplane_wire_nats, 1, .is_mesh = false},
};

struct backplane {
    struct backplane_options options;
    struct backplane_host host;
    const struct kind *kind;
    struct backplane_self self;
    struct backplane_link links[BACKPLANE_LINKS_MAX];
    int32_t dialled_count, links_count; /* links[dialled_count .. links_count): accepted */
    int listen_fd;
    struct holders holders; /* registry: which links hold a room */
    struct backplane_counts counts;
};

/* --- saying what happened --- */

static void say(const struct backplane *backplane, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(const struct backplane *backplane, const char *format, ...) {
    struct text line;
    text_init(&line);
    va_list arguments;
    va_start(arguments, format);
    text_addv(&line, format, arguments);
    va_end(arguments);
    backplane->host.say(backplane->host.context, text_bytes(&line));
    text_fini(&line);
}

struct peer_name {
    char text[INET_ADDRSTRLEN + 8];
};

static struct peer_name name_of(const struct backplane_link *link) {
    struct peer_name name = {"a node"};
    char address[INET_ADDRSTRLEN];
    if (link->is_dialled && inet_ntop(AF_INET, &link->address.sin_addr, address, sizeof address))
        (void)snprintf(name.text, sizeof name.text, "%s:%d", address,
                       ntohs(link->address.sin_port));
    return name;
}

/* --- links come and go --- */

static bool is_subscriber(const struct backplane *backplane, const struct backplane_link *link) {
    return backplane->kind->links_per_address == 1 || (link - backplane->links) % 2 == 1;
}

static void end_link(struct backplane *backplane, struct backplane_link *link, const char *why,
                     base_ns now_ns) {
    bool was_open = link->state == BACKPLANE_OPEN;
    if (was_open || (link->is_dialled && link->failures == 0))
        say(backplane, "backplane: %s: %s%s", name_of(link).text, why,
            link->is_dialled ? "; dialling again" : "");
    backplane->counts.backplane_lost += backplane_link_close(link, now_ns);
    if (was_open) {
        backplane->counts.backplane_disconnects++;
        backplane->counts.backplane_links--;
    }
    holders_forget(&backplane->holders, (int32_t)(link - backplane->links));
}

static bool say_rooms(struct backplane *backplane, struct backplane_link *link) {
    static const struct backplane_room all = {"", 0, 1};
    bool has_channels = !backplane->kind->is_mesh;
    if (!is_subscriber(backplane, link) || (!has_channels && !backplane->kind->routes_by_rooms))
        return true;
    if (has_channels && backplane->options.is_shared)
        return link->wire->write_interest(&link->out, &all, true);
    struct backplane_room room;
    int32_t instance = (int32_t)(link - backplane->links) / backplane->kind->links_per_address;
    for (uint32_t cursor = 0; backplane->host.next_room(backplane->host.context, &cursor, &room);) {
        bool is_here = !has_channels || shard_of(room.name, room.length,
                                                 backplane->options.addresses_count) == instance;
        if (is_here && !link->wire->write_interest(&link->out, &room, true))
            return false;
    }
    return true;
}

static void open_link(struct backplane *backplane, struct backplane_link *link, base_ns now_ns) {
    if (link->state == BACKPLANE_OPEN)
        return;
    if (link->failures > 0)
        say(backplane,
            "backplane: %s is back after %.1f s; %llu publishes were not sent meanwhile, and what "
            "others sent is lost",
            name_of(link).text, base_seconds(now_ns - link->away_ns),
            (unsigned long long)link->unsent);
    backplane_link_opened(link, now_ns);
    backplane->counts.backplane_connects++;
    backplane->counts.backplane_links++;
    if (!say_rooms(backplane, link) || !backplane_link_flush(link, now_ns))
        end_link(backplane, link, strerror(errno), now_ns);
}

static void greet(struct backplane *backplane, struct backplane_link *link, base_ns now_ns) {
    if (!link->wire->write_hello(&link->out, &backplane->self) ||
        !backplane_link_flush(link, now_ns))
        end_link(backplane, link, strerror(errno), now_ns);
    else if (link->wire->is_ready_at_once)
        open_link(backplane, link, now_ns);
}

static void dial(struct backplane *backplane, struct backplane_link *link, base_ns now_ns) {
    if (!backplane_link_dial(link, now_ns) && link->failures == 1)
        say(backplane, "backplane: %s: %s; dialling again", name_of(link).text, strerror(errno));
}

/* --- set-up --- */

static bool read_address(const char *text, struct sockaddr_in *address) {
    const char *colon = strrchr(text, ':');
    char host[INET_ADDRSTRLEN], *end;
    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    long port = strtol(colon + 1, &end, 10);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return colon[1] != '\0' && *end == '\0' && port >= 1 && port <= 65535 &&
           inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

static struct backplane_link *init_link(struct backplane *backplane, int32_t place) {
    struct backplane_link *link = &backplane->links[place];
    *link = (struct backplane_link){
        .wire = backplane->kind->wire,
        .fd = -1,
        .epoll_fd = backplane->options.epoll_fd,
        .tag = backplane->options.tag_first + 1 + (uint64_t)place,
        .retry_ns = BASE_NS_MAX,
        .deadline_ns = BASE_NS_MAX,
        .patience_ns = backplane->options.deadline_ns,
        .away_ns = BASE_NS_MAX,
        .writes = link->writes,
        .written_bytes = link->written_bytes,
        .in = link->in,
        .out = link->out,
        .ends = {.at = link->ends.at, .capacity = link->ends.capacity},
    };
    return link;
}

static bool init_dialled(struct backplane *backplane, base_ns now_ns, const char **why) {
    const struct backplane_options *options = &backplane->options;
    int32_t each = backplane->kind->links_per_address;
    for (int32_t i = 0; i < options->addresses_count * each; i++) {
        struct backplane_link *link = init_link(backplane, backplane->links_count++);
        link->is_dialled = true;
        link->away_ns = link->retry_ns = now_ns;
        errno = 0;
        *why = "an address of the backplane is not ADDRESS:PORT";
        if (!read_address(options->addresses[i / each], &link->address))
            return false;
    }
    backplane->dialled_count = backplane->links_count;
    return true;
}

static bool listen_for_nodes(struct backplane *backplane, const char **why) {
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)backplane->options.port)};
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = backplane->options.tag_first};
    *why = "the backplane's port";
    backplane->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return backplane->listen_fd >= 0 &&
           inet_pton(AF_INET, backplane->options.bind, &address.sin_addr) == 1 &&
           setsockopt(backplane->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           bind(backplane->listen_fd, (struct sockaddr *)&address, sizeof address) == 0 &&
           listen(backplane->listen_fd, BACKLOG) == 0 &&
           epoll_ctl(backplane->options.epoll_fd, EPOLL_CTL_ADD, backplane->listen_fd, &event) == 0;
}

static bool init(struct backplane *backplane, base_ns now_ns, const char **why) {
    *why = "no such backplane in the gateway";
    errno = 0;
    if (backplane->kind->wire == NULL)
        return false;
    *why = "the backplane needs the address of at least one instance";
    if (!backplane->kind->is_mesh && backplane->options.addresses_count == 0)
        return false;
    *why = "the token is too long for the backplane";
    if (backplane->self.token != NULL && strlen(backplane->self.token) > BACKPLANE_TOKEN_MAX)
        return false;
    return init_dialled(backplane, now_ns, why) &&
           (!backplane->kind->is_mesh || listen_for_nodes(backplane, why));
}

struct backplane *backplane_new(const struct backplane_options *options,
                                const struct backplane_host *host, base_ns now_ns,
                                const char **why) {
    CHECK(options->addresses_count <= BACKPLANE_ADDRESSES_MAX);
    struct backplane *backplane = calloc(1, sizeof *backplane);
    *why = "no memory for the backplane";
    if (backplane == NULL)
        return NULL;
    backplane->options = *options;
    backplane->host = *host;
    backplane->kind = &kinds[options->kind];
    backplane->listen_fd = -1;
    backplane->self = (struct backplane_self){.origin = options->origin,
                                              .token = options->token,
                                              .routes_by_rooms = backplane->kind->routes_by_rooms};
    if (init(backplane, now_ns, why))
        return backplane;
    int error = errno;
    backplane_free(backplane);
    errno = error;
    return NULL;
}

void backplane_free(struct backplane *backplane) {
    for (int32_t i = 0; i < backplane->links_count; i++)
        backplane_link_fini(&backplane->links[i]);
    if (backplane->listen_fd >= 0)
        close(backplane->listen_fd);
    holders_fini(&backplane->holders);
    free(backplane);
}

int32_t backplane_port(const struct backplane *backplane) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    if (backplane->listen_fd < 0 ||
        getsockname(backplane->listen_fd, (struct sockaddr *)&address, &length) != 0)
        return 0;
    return ntohs(address.sin_port);
}

/* --- out --- */

void backplane_hold(struct backplane *backplane, const struct backplane_room *room, bool holds) {
    const struct kind *kind = backplane->kind;
    bool is_said = kind->is_mesh ? kind->routes_by_rooms : !backplane->options.is_shared;
    if (!is_said)
        return;
    int32_t instance =
        kind->is_mesh ? 0 : shard_of(room->name, room->length, backplane->options.addresses_count);
    int32_t first = kind->is_mesh ? 0 : instance * kind->links_per_address;
    int32_t end = kind->is_mesh ? backplane->links_count : first + kind->links_per_address;
    for (int32_t i = first; i < end; i++) {
        struct backplane_link *link = &backplane->links[i];
        if (link->state == BACKPLANE_OPEN && is_subscriber(backplane, link))
            (void)!link->wire->write_interest(&link->out, room,
                                              holds); /* out of memory: the deadline
                                                         or the next hello tells */
    }
}

static void send_on(struct backplane *backplane, struct backplane_link *link,
                    const struct backplane_message *message) {
    size_t bytes = BACKPLANE_HEAD_BYTES + message->delivery_length;
    if (link->state != BACKPLANE_OPEN) {
        backplane->counts.backplane_unsent++;
        link->unsent++;
    } else if (!backplane_link_has_room(link, bytes, backplane->options.buffer_bytes) ||
               !link->wire->write_publish(&link->out, message, backplane->options.is_shared)) {
        backplane->counts.backplane_full++;
    } else {
        backplane->counts.backplane_copies++;
        link->owed += link->wire->confirms;
        (void)!backplane_link_mark(link); /* out of memory: it is not counted if it is lost */
    }
}

static void send_to_all(struct backplane *backplane, const struct backplane_message *message) {
    for (int32_t i = 0; i < backplane->links_count; i++)
        if (backplane->links[i].is_dialled || backplane->links[i].state == BACKPLANE_OPEN)
            send_on(backplane, &backplane->links[i], message);
}

void backplane_publish(struct backplane *backplane, uint8_t opcode, const char *room,
                       size_t room_length, const void *delivery, size_t length) {
    const struct kind *kind = backplane->kind;
    struct backplane_message message = {.origin = backplane->self.origin,
                                        .opcode = opcode,
                                        .room = room,
                                        .room_length = room_length,
                                        .delivery = delivery,
                                        .delivery_length = length};
    backplane->counts.backplane_publishes++;
    if (kind->routes_by_rooms) {
        uint64_t holding[HOLDERS_WORDS];
        holders_of(&backplane->holders, room, room_length, holding);
        for (int32_t i = 0; i < backplane->links_count; i++)
            if (holding[i / 64] >> (i % 64) & 1)
                send_on(backplane, &backplane->links[i], &message);
    } else if (kind->is_mesh) {
        send_to_all(backplane, &message);
    } else {
        int32_t instance = backplane->options.is_shared
                               ? 0
                               : shard_of(room, room_length, backplane->options.addresses_count);
        send_on(backplane, &backplane->links[instance * kind->links_per_address], &message);
    }
}

void backplane_flush(struct backplane *backplane, base_ns now_ns) {
    uint64_t waiting = 0, writes = 0, bytes = 0;
    for (int32_t i = 0; i < backplane->links_count; i++) {
        struct backplane_link *link = &backplane->links[i];
        if (backplane_buffer_waiting(&link->out) > 0 && !backplane_link_flush(link, now_ns))
            end_link(backplane, link, strerror(errno), now_ns);
        waiting += backplane_buffer_waiting(&link->out);
        writes += link->writes;
        bytes += link->written_bytes;
    }
    backplane->counts.backplane_writes = writes;
    backplane->counts.backplane_written_bytes = bytes;
    backplane->counts.backplane_waiting_bytes = waiting;
}

/* --- in --- */

static void take_message(struct backplane *backplane, const struct backplane_event *event) {
    struct backplane_message message;
    backplane->counts.backplane_received++;
    if (!backplane_message_read(&message, event->bytes, event->length))
        backplane->counts.backplane_refusals++; /* somebody else's, on a channel of ours */
    else if (message.origin == backplane->self.origin)
        backplane->counts.backplane_echoes++;
    else if (!backplane->host.deliver(backplane->host.context, &message))
        backplane->counts.backplane_wasted++;
}

/* False: the connection has ended. */
static bool obey(struct backplane *backplane, struct backplane_link *link,
                 const struct backplane_event *event, base_ns now_ns) {
    int32_t place = (int32_t)(link - backplane->links);
    bool is_greeted = link->state == BACKPLANE_OPEN;
    switch (event->kind) {
    case BACKPLANE_MORE:
    case BACKPLANE_HEARD:
        return true;
    case BACKPLANE_CONFIRMED:
        link->owed -= link->owed > 0;
        return true;
    case BACKPLANE_GREETED: /* who was dialled answers only whoever said the right token */
        if (!link->is_dialled && !is_greeted)
            greet(backplane, link, now_ns);
        if (link->state != BACKPLANE_ABSENT)
            open_link(backplane, link, now_ns);
        return link->state == BACKPLANE_OPEN;
    case BACKPLANE_MESSAGE:
        if (is_greeted)
            take_message(backplane, event);
        break;
    case BACKPLANE_HOLDS:
        if (!is_greeted ||
            holders_add(&backplane->holders, (const char *)event->bytes, event->length, place))
            break;
        end_link(backplane, link, "no memory for its rooms", now_ns); /* they are said again */
        return false;
    case BACKPLANE_LEAVES:
        if (is_greeted)
            holders_remove(&backplane->holders, (const char *)event->bytes, event->length, place);
        break;
    case BACKPLANE_PINGED:
        if (link->wire->write_pong(&link->out) && backplane_link_flush(link, now_ns))
            return true;
        end_link(backplane, link, strerror(errno), now_ns);
        return false;
    case BACKPLANE_BROKEN:
        backplane->counts.backplane_refusals++;
        end_link(backplane, link, event->why, now_ns);
        return false;
    }
    if (is_greeted)
        return true;
    backplane->counts.backplane_refusals++;
    end_link(backplane, link, "spoke before its hello", now_ns);
    return false;
}

static void read_link(struct backplane *backplane, struct backplane_link *link, base_ns now_ns) {
    int64_t length = backplane_link_read(link, backplane->options.read_bytes, now_ns);
    if (length < 0) {
        end_link(backplane, link, errno != 0 ? strerror(errno) : "closed by the other side",
                 now_ns);
        return;
    }
    struct backplane_event event;
    do {
        link->wire->next(&link->in, &backplane->self, &event);
    } while (obey(backplane, link, &event, now_ns) && event.kind != BACKPLANE_MORE);
}

static struct backplane_link *free_place(struct backplane *backplane) {
    for (int32_t i = backplane->dialled_count; i < backplane->links_count; i++)
        if (backplane->links[i].state == BACKPLANE_ABSENT)
            return init_link(backplane, i);
    return backplane->links_count < BACKPLANE_LINKS_MAX
               ? init_link(backplane, backplane->links_count++)
               : NULL;
}

static void accept_nodes(struct backplane *backplane, base_ns now_ns) {
    for (int i = 0; i < ACCEPTS_PER_TURN_MAX; i++) {
        int fd = accept4(backplane->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct backplane_link *link = free_place(backplane);
        if (link == NULL) {
            backplane->counts.backplane_refusals++;
            close(fd);
        } else if (!backplane_link_adopt(link, fd, now_ns)) {
            end_link(backplane, link, strerror(errno), now_ns);
        }
    }
}

void backplane_ready(struct backplane *backplane, uint64_t tag, uint32_t events, base_ns now_ns) {
    if (tag == backplane->options.tag_first) {
        accept_nodes(backplane, now_ns);
        return;
    }
    struct backplane_link *link = &backplane->links[tag - backplane->options.tag_first - 1];
    if (link->state == BACKPLANE_CONNECTING) {
        if (backplane_link_connected(link, now_ns))
            greet(backplane, link, now_ns);
        else
            end_link(backplane, link, strerror(errno), now_ns);
        return;
    }
    if ((events & EPOLLOUT) != 0 && link->state != BACKPLANE_ABSENT &&
        !backplane_link_flush(link, now_ns))
        end_link(backplane, link, strerror(errno), now_ns);
    if ((events & ~(uint32_t)EPOLLOUT) != 0 && link->state != BACKPLANE_ABSENT)
        read_link(backplane, link, now_ns);
}

/* --- time --- */

base_ns backplane_due_ns(const struct backplane *backplane) {
    base_ns due_ns = BASE_NS_MAX;
    for (int32_t i = 0; i < backplane->links_count; i++) {
        base_ns own_ns = backplane_link_due_ns(&backplane->links[i]);
        due_ns = own_ns < due_ns ? own_ns : due_ns;
    }
    return due_ns;
}

/* It has been silent for as long as a side that lives never is. */
static void ask(struct backplane *backplane, struct backplane_link *link, base_ns now_ns) {
    link->is_asked = true;
    if (!link->wire->write_ping(&link->out) || !backplane_link_flush(link, now_ns))
        end_link(backplane, link, strerror(errno), now_ns);
}

void backplane_tick(struct backplane *backplane, base_ns now_ns) {
    for (int32_t i = 0; i < backplane->links_count; i++) {
        struct backplane_link *link = &backplane->links[i];
        if (backplane_link_due_ns(link) > now_ns)
            continue;
        if (link->state == BACKPLANE_ABSENT) {
            dial(backplane, link, now_ns);
        } else if (link->deadline_ns > now_ns && !link->is_asked) {
            ask(backplane, link, now_ns);
        } else {
            backplane->counts.backplane_deadlines++;
            end_link(backplane, link, link->deadline_ns <= now_ns ? "takes nothing" : "is silent",
                     now_ns);
        }
    }
}

const struct backplane_counts *backplane_counts(const struct backplane *backplane) {
    return &backplane->counts;
}
