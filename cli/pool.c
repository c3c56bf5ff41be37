/* Threads take the next index from one counter. A thread that cannot be started leaves its share to
 * the others; the caller works too. */
#include "cli/pool.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { THREADS_MAX = 256 };

struct work {
    atomic_int next;
    int32_t count;
    void (*task)(void *context, int32_t index);
    void *context;
};

static void *work_on(void *argument) {
    struct work *work = argument;
    for (;;) {
        int32_t index = atomic_fetch_add(&work->next, 1);
        if (index >= work->count)
            return NULL;
        work->task(work->context, index);
    }
}

/* Every probe gives its memory back and the next one asks for as much: without this the allocator
 * returns it to the kernel in between, and zeroing it again page by page is a sixth of the time. */
static void keep_memory(void) {
    enum { KEPT_BYTES = 64 << 20, LARGE_BYTES = 8 << 20 };
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

void pool_map(int32_t jobs, int32_t count, void (*task)(void *context, int32_t index),
              void *context) {
    struct work work = {.count = count, .task = task, .context = context};
    long threads = jobs > 0 ? jobs : sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t others[THREADS_MAX];
    long started = 0;
    keep_memory();
    while (started < THREADS_MAX && started < threads - 1 && started < count - 1) {
        if (pthread_create(&others[started], NULL, work_on, &work) != 0)
            break;
        started++;
    }
    work_on(&work);
    while (started > 0)
        pthread_join(others[--started], NULL);
}
