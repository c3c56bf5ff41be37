/* io_uring without its library: one submission queue, one completion queue, one call that hands
 * over a batch and takes it back. MSG_DONTWAIT makes every one of them complete within that call.
 */
#include "validation/load/ring.h"

#include "sim/base/check.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int setup(struct io_uring_params *params) {
    /* The kernel may leave the work to the one thread that asks; older ones do not know of it. */
    static const unsigned flags[] = {
#if defined IORING_SETUP_SINGLE_ISSUER && defined IORING_SETUP_DEFER_TASKRUN
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
#endif
        0
    };
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        *params = (struct io_uring_params){.flags = flags[i]};
        int fd = (int)syscall(SYS_io_uring_setup, RING_BATCH_MAX, params);
        if (fd >= 0 || errno != EINVAL)
            return fd;
    }
    return -1;
}

static void *map(int fd, size_t bytes, off_t offset) {
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
    return at == MAP_FAILED ? NULL : at;
}

static bool map_all(struct ring *ring, const struct io_uring_params *params) {
    ring->submissions_bytes = params->sq_off.array + params->sq_entries * sizeof(uint32_t);
    ring->completions_bytes =
        params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
    ring->entries_bytes = params->sq_entries * sizeof(struct io_uring_sqe);
    ring->submissions_map = map(ring->fd, ring->submissions_bytes, IORING_OFF_SQ_RING);
    ring->completions_map = map(ring->fd, ring->completions_bytes, IORING_OFF_CQ_RING);
    ring->entries_map = map(ring->fd, ring->entries_bytes, IORING_OFF_SQES);
    if (!ring->submissions_map || !ring->completions_map || !ring->entries_map)
        return false;
    char *submissions = ring->submissions_map, *completions = ring->completions_map;
    ring->tail = (uint32_t *)(void *)(submissions + params->sq_off.tail);
    ring->submission_mask = (uint32_t *)(void *)(submissions + params->sq_off.ring_mask);
    ring->slots = (uint32_t *)(void *)(submissions + params->sq_off.array);
    ring->done_head = (uint32_t *)(void *)(completions + params->cq_off.head);
    ring->done_tail = (uint32_t *)(void *)(completions + params->cq_off.tail);
    ring->completion_mask = (uint32_t *)(void *)(completions + params->cq_off.ring_mask);
    ring->completions = (struct io_uring_cqe *)(void *)(completions + params->cq_off.cqes);
    ring->entries = ring->entries_map;
    return true;
}

void ring_init(struct ring *ring, bool may_use_io_uring) {
    struct io_uring_params params;
    *ring = (struct ring){.fd = may_use_io_uring ? setup(&params) : -1};
    if (ring->fd >= 0 && !map_all(ring, &params))
        ring_fini(ring);
}

void ring_fini(struct ring *ring) {
    if (ring->submissions_map)
        munmap(ring->submissions_map, ring->submissions_bytes);
    if (ring->completions_map)
        munmap(ring->completions_map, ring->completions_bytes);
    if (ring->entries_map)
        munmap(ring->entries_map, ring->entries_bytes);
    if (ring->fd >= 0)
        close(ring->fd);
    *ring = (struct ring){.fd = -1};
}

static int flags_of(const struct ring_look *look) {
    return look->buffer ? MSG_DONTWAIT : MSG_DONTWAIT | MSG_TRUNC;
}

static void receive_one_by_one(struct ring_look *looks, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        ssize_t length = recv(looks[i].fd, looks[i].buffer, looks[i].length, flags_of(&looks[i]));
        looks[i].result = length < 0 ? -errno : (int32_t)length;
    }
}

static void submit(struct ring *ring, const struct ring_look *looks, int32_t count) {
    uint32_t tail = *ring->tail;
    for (int32_t i = 0; i < count; i++, tail++) {
        uint32_t slot = tail & *ring->submission_mask;
        struct io_uring_sqe *entry = &ring->entries[slot];
        memset(entry, 0, sizeof *entry);
        entry->opcode = IORING_OP_RECV;
        entry->fd = looks[i].fd;
        entry->addr = (uint64_t)(uintptr_t)looks[i].buffer;
        entry->len = looks[i].length;
        entry->msg_flags = (uint32_t)flags_of(&looks[i]);
        entry->user_data = (uint32_t)i;
        ring->slots[slot] = slot;
    }
    __atomic_store_n(ring->tail, tail, __ATOMIC_RELEASE);
}

/* Returns how many were complete. */
static int32_t collect(struct ring *ring, struct ring_look *looks) {
    uint32_t head = *ring->done_head, tail = __atomic_load_n(ring->done_tail, __ATOMIC_ACQUIRE);
    int32_t count = (int32_t)(tail - head);
    for (; head != tail; head++) {
        const struct io_uring_cqe *done = &ring->completions[head & *ring->completion_mask];
        looks[done->user_data].result = done->res;
    }
    __atomic_store_n(ring->done_head, head, __ATOMIC_RELEASE);
    return count;
}

void ring_receive(struct ring *ring, struct ring_look *looks, int32_t count) {
    CHECK(count <= RING_BATCH_MAX);
    if (ring->fd < 0) {
        receive_one_by_one(looks, count);
        return;
    }
    submit(ring, looks, count);
    uint32_t handed_over = (uint32_t)count;
    for (int32_t done = 0; done < count; done += collect(ring, looks)) {
        long taken = syscall(SYS_io_uring_enter, ring->fd, handed_over, count - done,
                             IORING_ENTER_GETEVENTS, NULL, 0);
        CHECK(taken >= 0 || errno == EINTR || errno == EAGAIN || errno == EBUSY);
        if (taken > 0)
            handed_over -= (uint32_t)taken;
    }
}
