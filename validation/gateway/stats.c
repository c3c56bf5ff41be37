/* The statistics file's two ends. A block is an array of 64-bit words to whoever copies or adds it;
 * its names come from stats.def. */
#include "validation/gateway/stats.h"

#include "validation/gateway/mapped.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(_Atomic uint64_t) == sizeof(uint64_t),
               "a block is plain words to its reader");

static size_t file_bytes(uint32_t workers_count) {
    return sizeof(struct gateway_stats_file) +
           (size_t)workers_count * sizeof(struct gateway_stats_live);
}

struct gateway_stats_file *gateway_stats_create(const char *path, uint32_t workers_count,
                                                base_ns now_ns) {
    struct gateway_stats_file *file = mapped_new(path, file_bytes(workers_count));
    if (file == NULL)
        return NULL;
    file->version = GATEWAY_STATS_VERSION;
    file->words = GATEWAY_STATS_WORDS;
    file->workers_count = workers_count;
    file->pid = (uint32_t)getpid();
    file->started_ns = (uint64_t)now_ns;
    atomic_thread_fence(memory_order_release);
    file->magic = GATEWAY_STATS_MAGIC; /* last: whoever sees it sees the rest */
    return file;
}

static const char *refusal(const struct gateway_stats_file *file, uint64_t bytes) {
    if (file->magic != GATEWAY_STATS_MAGIC)
        return "not a gateway's statistics";
    if (file->version != GATEWAY_STATS_VERSION || file->words != GATEWAY_STATS_WORDS)
        return "statistics of another version of the gateway";
    if (file->workers_count == 0 || file->workers_count > 64 ||
        bytes < file_bytes(file->workers_count))
        return "statistics file is cut short";
    return NULL;
}

bool gateway_stats_open(struct gateway_stats_reader *reader, const char *path, const char **why) {
    *reader = (struct gateway_stats_reader){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    bool is_open = fd >= 0 && fstat(fd, &status) == 0;
    bool is_large_enough = is_open && (size_t)status.st_size >= file_bytes(1);
    void *memory = is_large_enough
                       ? mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0)
                       : MAP_FAILED;
    if (fd >= 0)
        close(fd);
    if (memory == MAP_FAILED) {
        *why = is_open ? "statistics file is cut short" : "statistics file cannot be opened";
        return false;
    }
    *reader = (struct gateway_stats_reader){.file = memory, .file_bytes = (uint64_t)status.st_size};
    *why = refusal(reader->file, reader->file_bytes);
    if (*why != NULL)
        gateway_stats_close(reader);
    return *why == NULL;
}

void gateway_stats_close(struct gateway_stats_reader *reader) {
    if (reader->file != NULL)
        munmap((void *)(uintptr_t)reader->file, reader->file_bytes);
    reader->file = NULL;
}

uint32_t gateway_stats_workers(const struct gateway_stats_reader *reader) {
    return reader->file->workers_count;
}

void gateway_stats_snapshot(const struct gateway_stats_live *live, struct gateway_stats *stats) {
    const _Atomic uint64_t *from = (const _Atomic uint64_t *)(const void *)live;
    uint64_t words[GATEWAY_STATS_WORDS];
    for (size_t i = 0; i < GATEWAY_STATS_WORDS; i++)
        words[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
    memcpy(stats, words, sizeof words);
}

void gateway_stats_read(const struct gateway_stats_reader *reader, uint32_t worker,
                        struct gateway_stats *stats) {
    gateway_stats_snapshot(&reader->file->workers[worker], stats);
}

void gateway_stats_add(struct gateway_stats *into, const struct gateway_stats *from) {
    uint64_t sum[GATEWAY_STATS_WORDS], more[GATEWAY_STATS_WORDS];
    memcpy(sum, into, sizeof sum);
    memcpy(more, from, sizeof more);
    for (size_t i = 0; i < GATEWAY_STATS_WORDS; i++)
        sum[i] += more[i];
    memcpy(into, sum, sizeof sum);
}

void gateway_stats_read_all(const struct gateway_stats_reader *reader,
                            struct gateway_stats *stats) {
    *stats = (struct gateway_stats){0};
    uint64_t now_ns = 0;
    for (uint32_t i = 0; i < reader->file->workers_count; i++) {
        struct gateway_stats one;
        gateway_stats_read(reader, i, &one);
        gateway_stats_add(stats, &one);
        now_ns = one.now_ns > now_ns ? one.now_ns : now_ns;
    }
    stats->now_ns = now_ns;
}

struct gateway_stats gateway_stats_since(const struct gateway_stats *earlier,
                                         const struct gateway_stats *later) {
    struct gateway_stats since = *later;
#define COUNTER(name, help) since.name -= earlier->name;
#define NS(name, help) since.name -= earlier->name;
#define GAUGE(name, help)
#include "validation/backplane/counts.def"
#include "validation/gateway/stats.def"
#undef COUNTER
#undef NS
#undef GAUGE
    for (size_t i = 0; i < GATEWAY_CLOSE_COUNT; i++)
        since.closed[i] -= earlier->closed[i];
    return since;
}

static const struct {
    const char *label;
    uint16_t code;
} closes[] = {
#define CLOSE(enumerator, label, code) {label, code},
#include "validation/gateway/close_reason.def"
#undef CLOSE
};

const char *gateway_close_label(enum gateway_close reason) {
    return closes[reason].label;
}

uint16_t gateway_close_code(enum gateway_close reason) {
    return closes[reason].code;
}

static const enum gateway_close slow_closes[SLOW_REASON_COUNT] = {
    [SLOW_REASON_NONE] =
        GATEWAY_CLOSE_SLOW_BYTES, /* a queue's own end, not a rule's: see queue.h */
    [SLOW_REASON_BYTES] = GATEWAY_CLOSE_SLOW_BYTES,
    [SLOW_REASON_MESSAGES] = GATEWAY_CLOSE_SLOW_MESSAGES,
    [SLOW_REASON_SOFT_LIMIT] = GATEWAY_CLOSE_SLOW_SOFT_LIMIT,
    [SLOW_REASON_WRITE_DEADLINE] = GATEWAY_CLOSE_SLOW_WRITE_DEADLINE,
};

enum gateway_close gateway_close_of_slow(enum slow_consumer_reason reason) {
    return slow_closes[reason];
}

enum slow_consumer_reason gateway_close_slow_reason(enum gateway_close reason) {
    for (int i = SLOW_REASON_BYTES; i < SLOW_REASON_COUNT; i++)
        if (slow_closes[i] == reason)
            return (enum slow_consumer_reason)i;
    return SLOW_REASON_NONE;
}
