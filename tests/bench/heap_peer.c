#include "tests/bench/heap_peer.h"

#include "sim/base/check.h"
#include "sim/base/hist.h"
#include "sim/base/rng.h"
#include "sim/base/time.h"
#include "tests/sim/engine/heap.h"

#include <stddef.h>
#include <time.h>

enum { DELIVERIES = 3000000 };

double heap_peer_cpu_s(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double heap_peer_run(void) {
    static struct heap heap;
    struct hist hist;
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 1});
    heap_init(&heap);
    hist_init(&hist);
    double start_s = heap_peer_cpu_s();
    int32_t counted = 0;
    for (base_ns now_ns = 0; counted < DELIVERIES;
         now_ns += base_ns_from_seconds(rng_exponential(&rng, 2e-3))) {
        struct calendar_event event;
        for (; heap_pop(&heap, now_ns, &event); counted++)
            hist_add(&hist, event.at_ns - (base_ns)event.arg);
        for (int32_t i = 1; i <= 1000; i++)
            heap_schedule(&heap, now_ns + i * 4000, NULL, NULL, (uint64_t)now_ns);
    }
    double took_s = heap_peer_cpu_s() - start_s;
    heap_fini(&heap);
    hist_fini(&hist);
    return counted / took_s;
}
