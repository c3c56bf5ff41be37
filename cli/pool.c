/* Threads take the next index from one counter. A thread that cannot be started leaves its share to
 * the others; the caller works too. */
#include "cli/pool.h"

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

void pool_map(int32_t jobs, int32_t count, void (*task)(void *context, int32_t index),
              void *context) {
    struct work work = {.count = count, .task = task, .context = context};
    long threads = jobs > 0 ? jobs : sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t others[THREADS_MAX];
    long started = 0;
    while (started < THREADS_MAX && started < threads - 1 && started < count - 1) {
        if (pthread_create(&others[started], NULL, work_on, &work) != 0)
            break;
        started++;
    }
    work_on(&work);
    while (started > 0)
        pthread_join(others[--started], NULL);
}
