/* The generator answers when its load is over, so a thread waits for the answer while this one
 * looks at the counters. */
#include "validation/calibrate/windows.h"

#include "sim/base/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WINDOWS_PER_BLOCK_MAX = 512, DRAIN_WRITES_LEAST = 10 };

#define DRAIN_LENGTH_NS (5 * BASE_NS_PER_MS) /* a backlog is gone in a tenth of a second */
#define START_IN_NS (10 * BASE_NS_PER_MS)
#define ANSWER_TIMEOUT_NS (20 * BASE_NS_PER_S)

static const double WAITED_MOST = 0.02;           /* of a window, for the gateway's processor */
static const double GENERATOR_WAITED_MOST = 0.10; /* likewise, the generator's */
static const double GENERATOR_CPU_LEAST = 0.80;   /* of a block: it polls, so it should have all */

static base_ns clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

static void sleep_until(base_ns at_ns) {
    struct timespec at = {at_ns / BASE_NS_PER_S, at_ns % BASE_NS_PER_S};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

void windows_init(struct windows *windows) {
    *windows = (struct windows){0};
}

void windows_fini(struct windows *windows) {
    free(windows->items);
    windows_init(windows);
}

void windows_add(struct windows *windows, const struct calibrate_window *window) {
    if (windows->count == windows->capacity) {
        windows->capacity = windows->capacity == 0 ? 512 : 2 * windows->capacity;
        windows->items =
            realloc(windows->items, (size_t)windows->capacity * sizeof *windows->items);
        CHECK(windows->items != NULL);
    }
    windows->items[windows->count++] = *window;
}

static int32_t cell_of(const struct windows *windows, const int32_t *cells, int32_t index,
                       int32_t *cells_count) {
    for (int32_t i = 0; i < index; i++)
        if (strcmp(windows->items[i].cell, windows->items[index].cell) == 0)
            return cells[windows->items[i].block];
    return (*cells_count)++;
}

int32_t windows_cells(const struct windows *windows, int32_t cells[WINDOWS_BLOCKS_MAX]) {
    int32_t blocks_count = 0, cells_count = 0;
    memset(cells, 0, WINDOWS_BLOCKS_MAX * sizeof *cells);
    for (int32_t i = 0; i < windows->count; i++) {
        int32_t block = windows->items[i].block;
        CHECK(block >= 0 && block < WINDOWS_BLOCKS_MAX);
        if (i == 0 || block != windows->items[i - 1].block)
            cells[block] = cell_of(windows, cells, i, &cells_count);
        blocks_count = block >= blocks_count ? block + 1 : blocks_count;
    }
    return blocks_count;
}

/* --- rules --------------------------------------------------------------------------------------
 */

const char *calibrate_exclusion_word(enum calibrate_exclusion exclusion) {
    static const char *const words[] = {
#define EXCLUSION(enumerator, word, doc) word,
#include "validation/calibrate/exclusion.def"
#undef EXCLUSION
    };
    return words[exclusion];
}

enum calibrate_exclusion windows_judge(const struct calibrate_window *window,
                                       const struct machine_counters *before,
                                       const struct machine_counters *after, bool may_block) {
    double length_ns = (double)window->length_ns;
    if (after->stolen_ticks > before->stolen_ticks)
        return CALIBRATE_STOLEN;
    if ((double)(after->wait_ns - before->wait_ns) > WAITED_MOST * length_ns)
        return CALIBRATE_SHARED;
    if (!may_block &&
        after->retransmits - before->retransmits > after->loss_probes - before->loss_probes)
        return CALIBRATE_RETRANSMITS;
    if (!may_block && window->counts.short_writes > 0)
        return CALIBRATE_BLOCKED;
    if ((double)(after->generator_wait_ns - before->generator_wait_ns) >
        GENERATOR_WAITED_MOST * length_ns)
        return CALIBRATE_LATE_GENERATOR;
    return CALIBRATE_USED;
}

bool windows_is_late(const struct load_report *report) {
    const struct load_generator *generator = &report->generator;
    return generator->cpu_s < GENERATOR_CPU_LEAST * generator->elapsed_s ||
           hist_quantile(&generator->lateness, 0.99) > WINDOWS_LENGTH_NS;
}

/* --- asking while looking -----------------------------------------------------------------------
 */

struct asking {
    struct pair *pair;
    pid_t generator; /* pair->load is the thread's until it has been joined */
    struct text command;
    struct load_report *report;
    pthread_t thread;
    atomic_bool is_over;
    bool is_answered;
};

static void *ask(void *argument) {
    struct asking *asking = argument;
    asking->is_answered = load_session_report(&asking->pair->load, text_bytes(&asking->command),
                                              ANSWER_TIMEOUT_NS, asking->report);
    atomic_store(&asking->is_over, true);
    return NULL;
}

struct look {
    struct gateway_stats counts;
    struct machine_counters machine;
    base_ns at_ns;
};

static void look(const struct asking *asking, struct look *look) {
    const struct server *server = &asking->pair->server;
    look->machine = machine_read(server->pid, asking->generator);
    look->at_ns = clock_ns();
    gateway_stats_read_all(&server->stats, &look->counts);
}

static void cut(struct windows *windows, const struct windows_block *block, int32_t number,
                const struct look *before, const struct look *after) {
    struct calibrate_window window = {
        .block = number,
        .life = block->life,
        .cell = number == block->number ? block->cell->name : block->cell->drains_as,
        .working_set = block->cell->working_set,
        .scattered = block->scattered,
        .start_ns = before->at_ns,
        .length_ns = after->at_ns - before->at_ns,
        .counts = gateway_stats_since(&before->counts, &after->counts),
        .yardstick = 1,
    };
    window.exclusion = windows_judge(&window, &before->machine, &after->machine,
                                     blocks_may_block(block->cell->setting));
    windows_add(windows, &window);
}

static bool is_stopped(const struct windows_block *block) {
    return block->stop != NULL && *block->stop != 0;
}

/* Looks at equal distances from `from_ns` on, until `until_ns` or the answer. */
static void cut_until(struct windows *windows, struct asking *asking,
                      const struct windows_block *block, int32_t number, base_ns from_ns,
                      base_ns until_ns) {
    struct look before, after;
    bool is_drain = number != block->number;
    base_ns length_ns = is_drain ? DRAIN_LENGTH_NS : WINDOWS_LENGTH_NS;
    sleep_until(from_ns);
    look(asking, &before);
    for (int32_t i = 1; i <= WINDOWS_PER_BLOCK_MAX && !is_stopped(block); i++) {
        base_ns next_ns = from_ns + i * length_ns;
        if (next_ns > until_ns || atomic_load(&asking->is_over))
            return;
        sleep_until(next_ns);
        look(asking, &after);
        if (!is_drain || after.counts.writes - before.counts.writes >= DRAIN_WRITES_LEAST)
            cut(windows, block, number, &before, &after);
        before = after;
    }
}

static void mark_late(struct windows *windows, int32_t first) {
    for (int32_t i = first; i < windows->count; i++)
        if (windows->items[i].exclusion == CALIBRATE_USED)
            windows->items[i].exclusion = CALIBRATE_LATE_GENERATOR;
}

static bool run_load(struct windows *windows, struct asking *asking,
                     const struct windows_block *block, const struct blocks_times *times) {
    if (pthread_create(&asking->thread, NULL, ask, asking) != 0) {
        snprintf(asking->pair->why, sizeof asking->pair->why,
                 "no thread for the generator's answer");
        return false;
    }
    base_ns from_ns = times->start_ns + times->warm_up_ns, until_ns = from_ns + times->measure_ns;
    cut_until(windows, asking, block, block->number, from_ns, until_ns);
    if (block->memory_at_end != NULL)
        *block->memory_at_end = server_memory(&asking->pair->server);
    if (block->drain_number >= 0)
        cut_until(windows, asking, block, block->drain_number, until_ns, BASE_NS_MAX);
    if (is_stopped(block) && !atomic_load(&asking->is_over))
        kill(asking->generator, SIGKILL); /* or its load goes on until its end */
    pthread_join(asking->thread, NULL);
    if (!asking->is_answered)
        snprintf(asking->pair->why, sizeof asking->pair->why, "%s",
                 is_stopped(block) ? "stopped" : asking->pair->load.error);
    return asking->is_answered;
}

bool windows_run(struct windows *windows, struct pair *pair, const struct windows_block *block,
                 struct load_report *report) {
    struct asking asking = {.pair = pair, .generator = pair->load.pid, .report = report};
    struct blocks_times times = {.start_ns = clock_ns() + START_IN_NS,
                                 .warm_up_ns = block->warm_up_ns,
                                 .measure_ns = block->measure_ns};
    int32_t first = windows->count;
    text_init(&asking.command);
    atomic_init(&asking.is_over, false);
    blocks_write_command(block->cell, block->speed, &times, &asking.command);
    bool is_run = run_load(windows, &asking, block, &times);
    text_fini(&asking.command);
    if (is_run && windows_is_late(report))
        mark_late(windows, first);
    return is_run;
}
