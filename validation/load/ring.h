/* Many recv() in one system call.
 *
 * A generator that polls lives on recv() calls that find nothing, and where a system call is dear
 * (1.3 us on some virtual machines) they are all it does. io_uring takes a batch of them at once:
 * 0.27 instead of 1.6 us each there, and the same path through the kernel's TCP as recv(). Where
 * the kernel has none, or forbids it, the batch is a loop of recv(). */
#ifndef HEADROOM_VALIDATION_LOAD_RING_H
#define HEADROOM_VALIDATION_LOAD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RING_BATCH_MAX = 64 };

struct ring_look {
    int fd;
    void *buffer; /* NULL: the bytes are thrown away in the kernel, and counted */
    uint32_t length;
    int32_t result; /* bytes, 0 at the end of the stream, or -errno */
};

struct ring {
    int fd; /* -1: there is none */
    void *submissions_map, *completions_map, *entries_map;
    size_t submissions_bytes, completions_bytes, entries_bytes;
    uint32_t *tail, *submission_mask, *slots;          /* of the submission queue */
    uint32_t *done_head, *done_tail, *completion_mask; /* of the completion queue */
    struct io_uring_sqe *entries;
    struct io_uring_cqe *completions;
};

void ring_init(struct ring *ring, bool may_use_io_uring);
void ring_fini(struct ring *ring);
/* None of them waits. */
void ring_receive(struct ring *ring, struct ring_look *looks, int32_t count);

#endif
