/* Who is present, as clients say it: everybody enters with the connection, and then exits, enters
 * and asks as models/workload/presence_plan has it. What the server tells of it is read and
 * forgotten: it counts that itself. */
#ifndef HEADROOM_VALIDATION_LOAD_ATTEND_H
#define HEADROOM_VALIDATION_LOAD_ATTEND_H

#include "models/workload/presence_plan.h"
#include "validation/load/clients.h"

struct probe;

struct attend { /* of a probe */
    struct presence_plan plan;
    struct presence_event next;
    bool has_next;
};

/* Into the outbox of a client of the roster. False: it is full. */
bool attend_say(struct outbox *outbox, const struct wire *wire, const struct roster *roster,
                const struct presence_event *event, uint32_t mask);

/* Whether this is a server's word about who is present. */
static inline bool attend_is_notice(const char *message, size_t length) {
    return length >= 2 && (message[0] == '=' || message[0] == '~' || message[0] == '#') &&
           message[1] == ' ';
}

/* --- in a probe; without presence each does nothing --- */
/* Who was away when the last probe ended enters again. */
void attend_begin(struct probe *probe);
void attend_end(struct probe *probe);
bool attend_is_due(const struct probe *probe);
/* All that is due, into the outboxes. */
void attend_speak(struct probe *probe);

#endif
