/* A shared mapping that nothing is read from or written to as long as all goes well; clearing gives
 * its pages back. */
#include "validation/load/unsent.h"

#include "sim/base/check.h"

#include <sys/mman.h>

enum { BITS = 64, MAP_BYTES = UNSENT_NUMBERS_MAX / 8 };

bool unsent_init(struct unsent *unsent) {
    void *map = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    unsent->words = map == MAP_FAILED ? NULL : map;
    return unsent->words;
}

void unsent_fini(struct unsent *unsent) {
    munmap((void *)unsent->words, MAP_BYTES);
    unsent->words = NULL;
}

void unsent_clear(struct unsent *unsent) {
    /* MADV_DONTNEED would only drop this process's view of a shared page. */
    CHECK(madvise((void *)unsent->words, MAP_BYTES, MADV_REMOVE) == 0);
}

void unsent_add(struct unsent *unsent, uint64_t number) {
    CHECK(number < UNSENT_NUMBERS_MAX);
    atomic_fetch_or_explicit(&unsent->words[number / BITS], UINT64_C(1) << number % BITS,
                             memory_order_release);
}

bool unsent_has(const struct unsent *unsent, uint64_t number) {
    return atomic_load_explicit(&unsent->words[number / BITS], memory_order_acquire) >>
               number % BITS &
           1;
}
