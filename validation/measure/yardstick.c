/* Each yardstick is a function that runs one short window and says what a unit of it cost; the
 * median of WINDOWS of them is the result, after one that is thrown away.
 *
 * The reader of the send loop rests between two sweeps, as the generator's bulk sweeps do: where it
 * is always right behind the sender, how much one finds in the other's cache is a matter of who
 * leads, and the cost has two modes a third apart. And it has few connections: where a thousand
 * sockets come to lie in memory differs each time they are made, and moved the cost by 6 %; that
 * of a few hundred by 2 %.
 *
 * The measuring runs in a thread of its own, pinned, so that the caller's pinning is left alone.
 * Its costs are processor time (CLOCK_THREAD_CPUTIME_ID), but for the wake-up, which is waiting. */
#include "validation/measure/yardstick.h"

#include "sim/base/check.h"
#include "sim/base/stats.h"
#include "sim/base/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    WINDOWS = 7,
    SEND_BYTES = 130,
    CONNECTIONS = 200,
    WALK_BYTES = 8 << 20,
    LINE_BYTES = 64,
    WALK_LINES = WALK_BYTES / LINE_BYTES,
    WALK_STEPS = 1 << 17,
    ROUND_TRIPS = 200,
    BULK_BYTES = 1 << 20,
    SENDS_IN_A_ROW = 32,
};
#define WINDOW_NS (30 * BASE_NS_PER_MS)
#define STOLEN_NS (500 * BASE_NS_PER_US)
#define REST_NS (300 * BASE_NS_PER_MS)
#define SWEEP_EVERY_NS (3 * BASE_NS_PER_MS)

struct yardstick { /* what a measuring thread is given */
    enum yardstick_kind kind;
    const struct yardstick_options *options;
    struct yardstick_result *result;
    int error;
};

static base_ns clock_of(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

static int pin(int32_t cpu) {
    if (cpu < 0)
        return 0;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/* --- a partner thread on the other processor --- */

struct partner {
    pthread_t thread;
    int32_t cpu;
    _Atomic bool is_stopping;
    _Atomic int error;
    int *fds; /* borrowed */
    int32_t fds_count;
};

static void *read_in_bulk(void *context) {
    struct partner *partner = context;
    partner->error = pin(partner->cpu);
    while (!partner->is_stopping) {
        base_ns next_ns = clock_of(CLOCK_MONOTONIC) + SWEEP_EVERY_NS;
        for (int32_t i = 0; i < partner->fds_count; i++)
            (void)recv(partner->fds[i], NULL, BULK_BYTES, MSG_TRUNC | MSG_DONTWAIT);
        while (clock_of(CLOCK_MONOTONIC) < next_ns && !partner->is_stopping)
            continue; /* a reader that sleeps would have to be woken by the sender */
    }
    return NULL;
}

/* fds[0] is waited on, fds[1] answered to. */
static void *answer(void *context) {
    struct partner *partner = context;
    partner->error = pin(partner->cpu);
    uint64_t one = 1;
    while (!partner->is_stopping && read(partner->fds[0], &one, sizeof one) == sizeof one)
        if (write(partner->fds[1], &one, sizeof one) != sizeof one)
            break;
    return NULL;
}

/* --- send --- */

static int connect_pair(int listener, const struct sockaddr_in *address, int pair[2]) {
    int on = 1;
    struct linger reset = {.l_onoff =
                               1}; /* or each yardstick leaves hundreds of sockets in TIME_WAIT */
    pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pair[1] = -1;
    if (pair[0] < 0)
        return errno;
    setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(pair[0], IPPROTO_TCP, TCP_CONGESTION, "cubic", strlen("cubic"));
    setsockopt(pair[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(pair[0], (const struct sockaddr *)address, sizeof *address) != 0)
        return errno;
    pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    return pair[1] < 0 ? errno : 0;
}

/* The sending ends are out[0 .. count), the reading ones in[]. */
static int connect_all(int *out, int *in, int32_t count) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int error = 0;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        error = errno;
    for (int32_t i = 0; i < count && error == 0; i++) {
        int pair[2];
        error = connect_pair(listener, &address, pair);
        out[i] = pair[0];
        in[i] = pair[1];
    }
    if (listener >= 0)
        close(listener);
    return error;
}

static void close_all(const int *fds, int32_t count) {
    for (int32_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* A blocked send would measure the reader: what is not taken at once is counted as sent with a
 * yield, whose time is the thread's own to see. With a reader that polls it hardly happens. */
static bool send_one(int fd) {
    static const char frame[SEND_BYTES] = {(char)0x81, 126, 0, SEND_BYTES - 4};
    bool is_sent = send(fd, frame, sizeof frame, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
    if (!is_sent)
        sched_yield();
    return is_sent;
}

static double send_window(const int *fds, int32_t count) {
    base_ns end_ns = clock_of(CLOCK_MONOTONIC) + WINDOW_NS;
    base_ns cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID);
    int64_t sent = 0;
    do {
        for (int32_t i = 0; i < count; i++)
            sent += send_one(fds[i]);
    } while (clock_of(CLOCK_MONOTONIC) < end_ns);
    return sent > 0 ? (double)(clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu_ns) / (double)sent : NAN;
}

/* Connects, has the other ends read, and calls work(fds, count, context) with the sending ones. */
static int with_reader(const struct yardstick_options *options,
                       void (*work)(const int *fds, int32_t count, void *context), void *context) {
    int32_t count = options->connections > 0 ? options->connections : CONNECTIONS;
    int *fds = malloc(2 * (size_t)count * sizeof *fds);
    if (!fds)
        return ENOMEM;
    memset(fds, 0xff, 2 * (size_t)count * sizeof *fds);
    int error = connect_all(fds, fds + count, count);
    struct partner reader = {.cpu = options->other_cpu, .fds = fds + count, .fds_count = count};
    if (error == 0)
        error = pthread_create(&reader.thread, NULL, read_in_bulk, &reader);
    if (error == 0) {
        work(fds, count, context);
        reader.is_stopping = true;
        pthread_join(reader.thread, NULL);
        error = reader.error;
    }
    close_all(fds, 2 * count);
    free(fds);
    return error;
}

static void send_windows(const int *fds, int32_t count, void *context) {
    double *windows = context;
    for (int32_t i = -1; i < WINDOWS; i++) {
        double cost = send_window(fds, count);
        if (i >= 0)
            windows[i] = cost;
    }
}

/* --- spells --- */

struct watch {
    const struct yardstick_options *options;
    double *windows;
    int32_t count;
    int error;
};

static double spell_window(const int *fds, int32_t count, int32_t *next) {
    base_ns spent_ns = 0, sent = 0;
    while ((double)spent_ns < YARDSTICK_SPELL_WINDOW_S * 1e9) {
        base_ns from_ns = clock_of(CLOCK_MONOTONIC);
        int32_t sent_now = 0;
        for (int32_t i = 0; i < SENDS_IN_A_ROW; i++) {
            if (send_one(fds[*next]))
                sent_now++;
            *next = *next + 1 < count ? *next + 1 : 0;
        }
        base_ns took_ns = clock_of(CLOCK_MONOTONIC) - from_ns;
        if (took_ns < STOLEN_NS && sent_now > 0) {
            spent_ns += took_ns;
            sent += sent_now;
        }
    }
    return (double)spent_ns / (double)sent;
}

static void watch_windows(const int *fds, int32_t count, void *context) {
    const struct watch *watch = context;
    int32_t next = 0;
    spell_window(fds, count, &next);
    for (int32_t i = 0; i < watch->count; i++)
        watch->windows[i] = spell_window(fds, count, &next);
}

static void *watch_thread(void *context) {
    struct watch *watch = context;
    watch->error = pin(watch->options->cpu);
    if (watch->error == 0)
        watch->error = with_reader(watch->options, watch_windows, watch);
    return NULL;
}

bool yardstick_watch_spells(const struct yardstick_options *options, double seconds,
                            struct yardstick_spells *sum) {
    struct watch watch = {
        .options = options,
        .count = (int32_t)(fmin(seconds, YARDSTICK_WATCH_MOST_S) / YARDSTICK_SPELL_WINDOW_S)};
    watch.windows = malloc(((size_t)watch.count + 1) * sizeof *watch.windows);
    pthread_t thread;
    int error =
        watch.windows != NULL ? pthread_create(&thread, NULL, watch_thread, &watch) : ENOMEM;
    if (error == 0) {
        pthread_join(thread, NULL);
        error = watch.error;
    }
    if (error == 0)
        yardstick_add_spells(sum, watch.windows, watch.count);
    free(watch.windows);
    errno = error;
    return error == 0;
}

/* The end of the run of windows that begins at `from`, all above `level` or all not. */
static int32_t run_end(const double *windows, int32_t count, int32_t from, double level) {
    int32_t end = from;
    while (end < count && (windows[end] > level) == (windows[from] > level))
        end++;
    return end;
}

void yardstick_add_spells(struct yardstick_spells *sum, const double *windows, int32_t count) {
    if (count == 0)
        return;
    double *sorted = malloc((size_t)count * sizeof *sorted);
    CHECK(sorted != NULL);
    memcpy(sorted, windows, (size_t)count * sizeof *sorted);
    double level = YARDSTICK_SPELL_LEAST * stats_quantile(sorted, (size_t)count, 0.25);
    free(sorted);
    struct stats quiet, slow;
    stats_init(&quiet);
    stats_init(&slow);
    for (int32_t from = 0, end; from < count; from = end) {
        end = run_end(windows, count, from, level);
        bool is_slow = windows[from] > level;
        if (is_slow && (end - from) * YARDSTICK_SPELL_WINDOW_S > YARDSTICK_SPELL_MOST_S)
            continue;
        for (int32_t i = from; i < end; i++)
            stats_add(is_slow ? &slow : &quiet, windows[i]);
        sum->begun += is_slow;
    }
    double slow_s = (double)slow.count * YARDSTICK_SPELL_WINDOW_S;
    sum->quiet_s += (double)quiet.count * YARDSTICK_SPELL_WINDOW_S;
    sum->slow_s += slow_s;
    if (slow.count > 0)
        sum->excess_s += slow_s * (1 - quiet.mean / slow.mean);
}

/* --- memory --- */

/* One cycle through all lines in random order (Sattolo 1986), so that no step can be foreseen. */
static uint32_t *random_cycle(void) {
    enum { WORDS = LINE_BYTES / sizeof(uint32_t) };
    uint32_t *lines = aligned_alloc(LINE_BYTES, WALK_BYTES), *order = malloc(WALK_LINES * 4);
    if (!lines || !order) {
        free(lines);
        free(order);
        return NULL;
    }
    for (uint32_t i = 0; i < WALK_LINES; i++)
        order[i] = i;
    uint64_t state = 0x9e3779b97f4a7c15;
    for (uint32_t i = WALK_LINES - 1; i > 0; i--) {
        state = state * 6364136223846793005 + 1442695040888963407;
        uint32_t j = (uint32_t)((state >> 33) % i), moved = order[i];
        order[i] = order[j];
        order[j] = moved;
    }
    for (uint32_t i = 0; i < WALK_LINES; i++)
        lines[(size_t)i * WORDS] = order[i] * WORDS;
    free(order);
    return lines;
}

static double walk_window(const uint32_t *lines, uint32_t *at) {
    base_ns cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID);
    for (int32_t i = 0; i < WALK_STEPS; i++)
        *at = lines[*at];
    return (double)(clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu_ns) / WALK_STEPS;
}

static int measure_memory(double *windows) {
    uint32_t *lines = random_cycle(), at = 0;
    if (!lines)
        return ENOMEM;
    walk_window(lines, &at);
    for (int32_t i = 0; i < WINDOWS; i++)
        windows[i] = walk_window(lines, &at);
    /* The walk's end is used, so that it cannot be left out. */
    int error = at < WALK_BYTES ? 0 : EINVAL;
    free(lines);
    return error;
}

/* --- wake-up --- */

static double round_trips(const int *fds, int *error) {
    uint64_t one = 1;
    base_ns began_ns = clock_of(CLOCK_MONOTONIC);
    for (int32_t i = 0; i < ROUND_TRIPS; i++) {
        one = 1;
        if (write(fds[0], &one, sizeof one) != sizeof one ||
            read(fds[1], &one, sizeof one) != sizeof one) {
            *error = errno;
            break;
        }
    }
    return (double)(clock_of(CLOCK_MONOTONIC) - began_ns) * 1e-3 / ROUND_TRIPS;
}

static int measure_wake_up(const struct yardstick_options *options, double *windows) {
    int fds[2] = {eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC)};
    int error = fds[0] < 0 || fds[1] < 0 ? errno : 0;
    struct partner partner = {.cpu = options->other_cpu, .fds = fds, .fds_count = 2};
    if (error == 0)
        error = pthread_create(&partner.thread, NULL, answer, &partner);
    if (error == 0) {
        round_trips(fds, &error);
        for (int32_t i = 0; i < WINDOWS; i++)
            windows[i] = round_trips(fds, &error);
        partner.is_stopping = true;
        uint64_t one = 1;
        if (write(fds[0], &one, sizeof one) != sizeof one)
            error = errno;
        pthread_join(partner.thread, NULL);
        error = error ? error : partner.error;
    }
    close_all(fds, 2);
    return error;
}

/* --- the whole --- */

static void *measure(void *context) {
    struct yardstick *yardstick = context;
    double windows[WINDOWS];
    int error = pin(yardstick->options->cpu);
    if (error == 0) {
        switch (yardstick->kind) {
        case YARDSTICK_SEND:
            error = with_reader(yardstick->options, send_windows, windows);
            break;
        case YARDSTICK_MEMORY:
            error = measure_memory(windows);
            break;
        case YARDSTICK_WAKE_UP:
            error = measure_wake_up(yardstick->options, windows);
            break;
        case YARDSTICK_KINDS:
            error = EINVAL;
            break;
        }
    }
    yardstick->error = error;
    if (error == 0) {
        double median = stats_median(windows, WINDOWS);
        double low = stats_quantile(windows, WINDOWS, 0.1);
        double high = stats_quantile(windows, WINDOWS, 0.9);
        *yardstick->result = (struct yardstick_result){median, (high - low) / median};
    }
    return NULL;
}

bool yardstick_measure(enum yardstick_kind kind, const struct yardstick_options *options,
                       struct yardstick_result *result) {
    struct yardstick yardstick = {.kind = kind, .options = options, .result = result};
    pthread_t thread;
    int error = pthread_create(&thread, NULL, measure, &yardstick);
    if (error == 0) {
        pthread_join(thread, NULL);
        error = yardstick.error;
    }
    errno = error;
    return error == 0;
}

static void rest(void) {
    nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL);
}

bool yardstick_wait(struct yardstick_calm *calm, const struct yardstick_options *options,
                    const volatile sig_atomic_t *stop, struct yardstick_result *last) {
    base_ns until_ns = clock_of(CLOCK_MONOTONIC) + YARDSTICK_PATIENCE_NS;
    if (!(last->median > 0) && !yardstick_measure(YARDSTICK_SEND, options, last))
        return false;
    if (calm->quickest == 0 || last->median < calm->quickest)
        calm->quickest = last->median;
    while (last->median > YARDSTICK_CALM_MAX * calm->quickest && (stop == NULL || !*stop)) {
        if (clock_of(CLOCK_MONOTONIC) > until_ns) {
            calm->quickest = last->median;
            return true;
        }
        rest();
        if (!yardstick_measure(YARDSTICK_SEND, options, last))
            return false;
        if (last->median < calm->quickest)
            calm->quickest = last->median;
    }
    return true;
}

static const struct {
    const char *name, *unit;
} kinds[YARDSTICK_KINDS] = {
    [YARDSTICK_SEND] = {"send", "ns"},
    [YARDSTICK_MEMORY] = {"memory", "ns"},
    [YARDSTICK_WAKE_UP] = {"wake_up", "us"},
};

const char *yardstick_name(enum yardstick_kind kind) {
    return kinds[kind].name;
}
const char *yardstick_unit(enum yardstick_kind kind) {
    return kinds[kind].unit;
}

/* user nice system idle iowait irq softirq steal (proc(5)); guest time is within user and nice. */
bool yardstick_steal_read(int32_t cpu, struct yardstick_steal *steal) {
    enum { COLUMNS = 8, STEAL = 7 };
    char name[16], line[512];
    snprintf(name, sizeof name, cpu < 0 ? "cpu " : "cpu%d ", cpu);
    FILE *file = fopen("/proc/stat", "re");
    bool is_found = false;
    while (file && !is_found && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) != 0)
            continue;
        *steal = (struct yardstick_steal){0};
        char *at = line + strlen(name);
        for (int column = 0; column < COLUMNS; column++) {
            uint64_t ticks = strtoull(at, &at, 10);
            steal->all_ticks += ticks;
            if (column == STEAL)
                steal->stolen_ticks = ticks;
        }
        is_found = true;
    }
    if (file)
        fclose(file);
    return is_found;
}

double yardstick_steal_share(const struct yardstick_steal *before,
                             const struct yardstick_steal *after) {
    if (after->all_ticks <= before->all_ticks)
        return 0;
    return (double)(after->stolen_ticks - before->stolen_ticks) /
           (double)(after->all_ticks - before->all_ticks);
}
