/* Layout and checks of a recording. The rings stand behind the head and the turns behind the rings,
 * each on a cache line of its own, so that workers do not share one. */
#include "models/workload/turn.h"

#include "sim/base/check.h"

static const struct {
    const char *name, *unit, *doc;
} columns[TURN_COLUMNS] = {
#define COLUMN(name, unit, doc) {#name, unit, doc},
#include "models/workload/turn.def"
#undef COLUMN
};

const char *turn_column_name(enum turn_column column) {
    return columns[column].name;
}
const char *turn_column_unit(enum turn_column column) {
    return columns[column].unit;
}
const char *turn_column_doc(enum turn_column column) {
    return columns[column].doc;
}

static bool is_power_of_two(uint32_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

uint32_t turn_file_turns_max(int32_t workers_count) {
    CHECK(workers_count >= 1 && workers_count <= TURN_WORKERS_MAX);
    uint32_t turns = TURNS_MAX;
    while (turns > TURNS_MAX / (uint32_t)workers_count)
        turns /= 2;
    return turns;
}

static size_t turns_offset(uint32_t workers_count) {
    return sizeof(struct turn_file) + workers_count * sizeof(struct turn_ring);
}

static size_t bytes_of(uint32_t workers_count, uint32_t turns_max) {
    return turns_offset(workers_count) + (size_t)workers_count * turns_max * sizeof(struct turn);
}

size_t turn_file_bytes(int32_t workers_count, uint32_t turns_max) {
    CHECK(workers_count >= 1 && workers_count <= TURN_WORKERS_MAX);
    CHECK(is_power_of_two(turns_max) && turns_max <= TURNS_MAX / (uint32_t)workers_count);
    return bytes_of((uint32_t)workers_count, turns_max);
}

struct turn_file *turn_file_init(void *memory, int32_t workers_count, uint32_t turns_max) {
    struct turn_file *file = memory;
    file->version = TURN_FILE_VERSION;
    file->columns_count = TURN_COLUMNS;
    file->workers_count = (uint32_t)workers_count;
    file->turns_max = turns_max;
    atomic_thread_fence(memory_order_release);
    file->magic = TURN_FILE_MAGIC; /* last: whoever sees it sees the rest */
    return file;
}

static const struct turn *ring_of(const struct turn_file *file, int32_t worker) {
    CHECK(worker >= 0 && (uint32_t)worker < file->workers_count);
    const char *first = (const char *)file + turns_offset(file->workers_count);
    return (const struct turn *)(const void *)first + (size_t)worker * file->turns_max;
}

struct turn_log turn_log_of(struct turn_file *file, int32_t worker) {
    if (file == NULL)
        return (struct turn_log){0};
    return (struct turn_log){.turns = (struct turn *)(uintptr_t)ring_of(file, worker),
                             .count = &file->rings[worker].count,
                             .mask = file->turns_max - 1};
}

bool turn_file_check(const void *memory, size_t bytes, const char **why) {
    const struct turn_file *file = memory;
    *why = NULL;
    if (bytes < sizeof *file)
        *why = "the recording is cut short";
    else if (file->magic != TURN_FILE_MAGIC)
        *why = "no recording of turns";
    else if (file->version != TURN_FILE_VERSION || file->columns_count != TURN_COLUMNS)
        *why = "a recording of another version";
    else if (file->workers_count < 1 || file->workers_count > TURN_WORKERS_MAX ||
             !is_power_of_two(file->turns_max) ||
             file->turns_max > TURNS_MAX / file->workers_count ||
             file->window_end_ns < file->window_start_ns)
        *why = "a recording whose head is damaged";
    else if (bytes < bytes_of(file->workers_count, file->turns_max))
        *why = "the recording is cut short";
    return *why == NULL;
}

static uint64_t recorded(const struct turn_file *file, int32_t worker) {
    CHECK(worker >= 0 && (uint32_t)worker < file->workers_count);
    return atomic_load_explicit(&file->rings[worker].count, memory_order_acquire);
}

int64_t turn_file_count(const struct turn_file *file, int32_t worker) {
    uint64_t count = recorded(file, worker);
    return (int64_t)(count < file->turns_max ? count : file->turns_max);
}

int64_t turn_file_lost(const struct turn_file *file, int32_t worker) {
    return (int64_t)recorded(file, worker) - turn_file_count(file, worker);
}

const struct turn *turn_file_at(const struct turn_file *file, int32_t worker, int64_t i) {
    CHECK(i >= 0 && i < turn_file_count(file, worker));
    uint64_t at = (uint64_t)(turn_file_lost(file, worker) + i);
    return &ring_of(file, worker)[at & (file->turns_max - 1)];
}

bool turn_file_is_in_window(const struct turn_file *file, const struct turn *turn) {
    bool is_bounded = file->window_start_ns != 0 || file->window_end_ns != 0;
    return !is_bounded ||
           (turn->start_ns >= file->window_start_ns && turn->start_ns < file->window_end_ns);
}
