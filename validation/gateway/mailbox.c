/* The box is a ring under a lock; the wake-up an eventfd. */
#include "validation/gateway/mailbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct parcel *parcel_new(uint8_t opcode, const void *bytes, size_t length, size_t room_length,
                          uint32_t references) {
    struct parcel *parcel = malloc(sizeof *parcel + length);
    if (parcel == NULL)
        return NULL;
    atomic_init(&parcel->references, references);
    parcel->opcode = opcode;
    parcel->room_length = (uint8_t)room_length;
    parcel->length = (uint32_t)length;
    memcpy(parcel->bytes, bytes, length);
    return parcel;
}

void parcel_unref(struct parcel *parcel) {
    if (atomic_fetch_sub(&parcel->references, 1) == 1)
        free(parcel);
}

bool mailbox_init(struct mailbox *mailbox) {
    *mailbox = (struct mailbox){.ring = malloc(MAILBOX_MAX * sizeof(struct mail)),
                                .event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    return mailbox->ring != NULL && mailbox->event_fd >= 0 &&
           pthread_mutex_init(&mailbox->lock, NULL) == 0;
}

static void discard(struct mail mail) {
    if (mail.kind == MAIL_SOCKET)
        close(mail.fd);
    else
        parcel_unref(mail.parcel);
}

void mailbox_fini(struct mailbox *mailbox) {
    struct mail mails[MAILBOX_BATCH];
    for (int32_t count; (count = mailbox_take(mailbox, mails)) > 0;)
        for (int32_t i = 0; i < count; i++)
            discard(mails[i]);
    free(mailbox->ring);
    close(mailbox->event_fd);
    pthread_mutex_destroy(&mailbox->lock);
}

bool mailbox_post(struct mailbox *mailbox, struct mail mail) {
    pthread_mutex_lock(&mailbox->lock);
    bool is_full = mailbox->count == MAILBOX_MAX;
    bool was_empty = mailbox->count == 0;
    if (!is_full)
        mailbox->ring[(mailbox->first + mailbox->count++) % MAILBOX_MAX] = mail;
    pthread_mutex_unlock(&mailbox->lock);
    if (was_empty)
        mailbox_wake(mailbox);
    return !is_full;
}

int32_t mailbox_take(struct mailbox *mailbox, struct mail mails[MAILBOX_BATCH]) {
    int32_t count = 0;
    pthread_mutex_lock(&mailbox->lock);
    while (mailbox->count > 0 && count < MAILBOX_BATCH) {
        mails[count++] = mailbox->ring[mailbox->first];
        mailbox->first = (mailbox->first + 1) % MAILBOX_MAX;
        mailbox->count--;
    }
    pthread_mutex_unlock(&mailbox->lock);
    return count;
}

void mailbox_wake(struct mailbox *mailbox) {
    uint64_t one = 1;
    ssize_t written = write(mailbox->event_fd, &one, sizeof one);
    (void)written; /* it can only fail for being signalled more than 2^64 times already */
}
