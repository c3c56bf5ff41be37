/* How workers reach each other: a bounded box per worker, posted to by the others and emptied by
 * its owner.
 *
 * A mutex, held for the copy of one entry: a publish crosses once per other worker, not per
 * recipient, so the lock is not where time goes. The owner is woken only when its box was empty. */
#ifndef HEADROOM_VALIDATION_GATEWAY_MAILBOX_H
#define HEADROOM_VALIDATION_GATEWAY_MAILBOX_H

#include "sim/base/attributes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAILBOX_MAX = 1 << 15, MAILBOX_BATCH = 64 };

/* A publish, or a room's name, shared by the workers that it goes to. */
struct parcel {
    atomic_uint references;
    uint8_t opcode;
    uint8_t room_length; /* bytes[0 .. room_length): the room's name */
    uint32_t length;
    uint8_t bytes[];
};

struct parcel *parcel_new(uint8_t opcode, const void *bytes, size_t length, size_t room_length,
                          uint32_t references) MUST_USE;
void parcel_unref(struct parcel *parcel);

enum mail_kind { MAIL_SOCKET, MAIL_PUBLISH, MAIL_THROTTLE, MAIL_RESUME };

struct mail {
    enum mail_kind kind;
    int fd;                /* SOCKET: owned by the mail */
    struct parcel *parcel; /* the others: a reference owned by the mail */
};

struct mailbox {
    pthread_mutex_t lock;
    struct mail *ring; /* [MAILBOX_MAX] */
    uint32_t first, count;
    int event_fd; /* readable when there is mail, or when somebody wants the owner's attention */
};

bool mailbox_init(struct mailbox *mailbox) MUST_USE;
void mailbox_fini(struct mailbox *mailbox); /* closes and frees what was never taken */
bool mailbox_post(struct mailbox *mailbox, struct mail mail) MUST_USE; /* false: full */
int32_t mailbox_take(struct mailbox *mailbox, struct mail mails[MAILBOX_BATCH]);
void mailbox_wake(struct mailbox *mailbox);

#endif
