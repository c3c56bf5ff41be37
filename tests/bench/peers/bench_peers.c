/* Our gateway beside uWebSockets and nats-server, and two bare loops as yardsticks: the same
 * generator, the same machine, one after the other in rounds.
 *
 *   bench_peers [--room=N] [--bytes=N] [--who=one|all] [--rounds=N] [--idle=N] [--record=FILE]
 *
 * A round takes a server after the other through a case; the next round begins elsewhere in the
 * climb, so that its steps do not fall on the same loads. Each result is a line of the record as
 * soon as it is there, and the table is made of all its lines: stop when you like, go on with the
 * same file. Without --room, --bytes and --who every case is visited. */
#include "tests/bench/peers/ceiling.h"

#include "sim/base/check.h"
#include "sim/base/stats.h"
#include "validation/measure/loopback.h"

#include <argp.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS_MAX = 64, LINE_BYTES = 256 };

static const struct ceiling_case cases[] = {
    {100, 128, false},   {1000, 128, false},  {5000, 128, false}, {100, 1024, false},
    {1000, 1024, false}, {5000, 1024, false}, {100, 128, true},   {1000, 128, true},
};

static const char *who(const struct ceiling_case *of) {
    return of->is_chat ? "all" : "one";
}

struct results { /* of one case and server */
    struct ceiling ceiling[ROUNDS_MAX];
    int32_t count;
};

struct bench {
    long room, bytes, rounds, idle; /* 0: all, none */
    const char *who;                /* NULL: all */
    const char *record;             /* NULL: none is kept */
    struct results results[COUNT_OF(cases)][CONTENDERS];
};

/* --- the record --- */

static void take(struct bench *bench, size_t which, enum contender_kind kind,
                 const struct ceiling *ceiling) {
    struct results *results = &bench->results[which][kind];
    if (results->count < ROUNDS_MAX)
        results->ceiling[results->count++] = *ceiling;
}

static void read_record(struct bench *bench) {
    FILE *file = bench->record ? fopen(bench->record, "r") : NULL;
    char line[LINE_BYTES];
    while (file && fgets(line, sizeof line, file)) {
        struct ceiling ceiling;
        struct ceiling_case read;
        int is_chat, kind, is_generators;
        if (sscanf(line, "%d %d %d %d %lf %lf %lf %lf %d", &read.room, &read.bytes, &is_chat, &kind,
                   &ceiling.deliveries_per_s, &ceiling.p99_ms, &ceiling.server_share,
                   &ceiling.generator_share, &is_generators) != 9 ||
            kind < 0 || kind >= CONTENDERS)
            continue;
        ceiling.is_generators = is_generators;
        for (size_t i = 0; i < COUNT_OF(cases); i++)
            if (cases[i].room == read.room && cases[i].bytes == read.bytes &&
                cases[i].is_chat == is_chat)
                take(bench, i, (enum contender_kind)kind, &ceiling);
    }
    if (file)
        fclose(file);
}

static void write_record(const struct bench *bench, size_t which, enum contender_kind kind,
                         const struct ceiling *ceiling) {
    FILE *file = bench->record ? fopen(bench->record, "a") : NULL;
    if (!file)
        return;
    fprintf(file, "%d %d %d %d %.0f %.2f %.3f %.3f %d\n", cases[which].room, cases[which].bytes,
            cases[which].is_chat, (int)kind, ceiling->deliveries_per_s, ceiling->p99_ms,
            ceiling->server_share, ceiling->generator_share, ceiling->is_generators);
    fclose(file);
}

/* --- measuring --- */

static double median_of(const struct results *results, double *low, double *high) {
    double values[ROUNDS_MAX];
    for (int32_t i = 0; i < results->count; i++)
        values[i] = results->ceiling[i].deliveries_per_s;
    double median = stats_median(values, (size_t)results->count);
    *low = results->count > 0 ? values[0] : 0;
    *high = results->count > 0 ? values[results->count - 1] : 0;
    return median;
}

static void visit(struct bench *bench, size_t which, enum contender_kind kind, int32_t round) {
    double low, high, guess = median_of(&bench->results[which][kind], &low, &high);
    double step = fmod(0.618 * round, 1) - 0.7; /* mostly from below; golden section */
    struct ceiling ceiling;
    guess = (guess > 0 ? guess : 3 * CEILING_UNIT) * pow(1.4, step);
    if (!ceiling_find(kind, cases[which], guess, &ceiling))
        return;
    fprintf(stderr,
            "%5d x %4d B %s  %-32s %8.0f deliveries/s, p99 %3.0f ms, server %3.0f %%, "
            "generator %3.0f %%\n",
            cases[which].room, cases[which].bytes, who(&cases[which]), contender_name(kind),
            ceiling.deliveries_per_s, ceiling.p99_ms, 100 * ceiling.server_share,
            100 * ceiling.generator_share);
    take(bench, which, kind, &ceiling);
    write_record(bench, which, kind, &ceiling);
}

static bool is_wanted(const struct bench *bench, size_t which) {
    return (bench->room == 0 || bench->room == cases[which].room) &&
           (bench->bytes == 0 || bench->bytes == cases[which].bytes) &&
           (bench->who == NULL || strcmp(bench->who, who(&cases[which])) == 0);
}

static void measure(struct bench *bench) {
    const char *why;
    for (int32_t round = 0; round < bench->rounds; round++)
        for (size_t i = 0; i < COUNT_OF(cases); i++)
            for (int kind = 0; kind < CONTENDERS && is_wanted(bench, i); kind++)
                if (contender_is_here((enum contender_kind)kind, &why))
                    visit(bench, i, (enum contender_kind)kind, bench->results[i][kind].count);
}

/* --- what came of it --- */

static void print_cell(const struct results *results) {
    double low, high, median = median_of(results, &low, &high);
    int32_t generators = 0;
    for (int32_t i = 0; i < results->count; i++)
        generators += results->ceiling[i].is_generators;
    if (results->count == 0)
        printf(" - |");
    else
        printf(" %.0f k (%.0f..%.0f)%s |", median / 1e3, low / 1e3, high / 1e3,
               2 * generators > results->count ? " g" : "");
}

static double rate_of(const struct ceiling *ceiling) {
    return ceiling->deliveries_per_s;
}

/* Of the server's processor, per second of it: does not care how finely the ceiling was found. */
static double frames_per_cpu_s(const struct ceiling *ceiling) {
    return ceiling->server_share > 0 ? ceiling->deliveries_per_s / ceiling->server_share : 0;
}

/* Ratios of one round each, so that the machine's mood is the same above and below. */
static void print_ratio(double (*value)(const struct ceiling *), const struct results *ours,
                        const struct results *theirs) {
    double ratios[ROUNDS_MAX];
    int32_t count = 0, rounds = ours->count < theirs->count ? ours->count : theirs->count;
    for (int32_t i = 0; i < rounds; i++)
        if (value(&theirs->ceiling[i]) > 0)
            ratios[count++] = value(&ours->ceiling[i]) / value(&theirs->ceiling[i]);
    if (count == 0) {
        printf(" - |");
        return;
    }
    double median = stats_median(ratios, (size_t)count);
    printf(" %.2f (%.2f..%.2f) |", median, ratios[0], ratios[count - 1]);
}

static void print_tables(const struct bench *bench) {
    printf("\nThousands of deliveries/s with p99 within %d ms and nothing lost: median "
           "(lowest..highest) "
           "of the rounds; g: the generator was at its limit.\n\n| room, bytes, who publishes |",
           CEILING_WITHIN_MS);
    for (int kind = 0; kind < CONTENDERS; kind++)
        printf(" %s |", contender_name((enum contender_kind)kind));
    printf(" rounds |\n|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        printf("| %d, %d, %s |", cases[i].room, cases[i].bytes, who(&cases[i]));
        for (int kind = 0; kind < CONTENDERS; kind++)
            print_cell(&bench->results[i][kind]);
        printf(" %d |\n", bench->results[i][CONTENDER_GATEWAY].count);
    }
    printf("\nRatios of the same round.\n\n| room, bytes, who publishes | gateway / uWebSockets | "
           "gateway / nats-server | gateway / bare coalesced | at once / bare send() | "
           "the same per second of processor time |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct results *of = bench->results[i];
        printf("| %d, %d, %s |", cases[i].room, cases[i].bytes, who(&cases[i]));
        print_ratio(rate_of, &of[CONTENDER_GATEWAY], &of[CONTENDER_UWS]);
        print_ratio(rate_of, &of[CONTENDER_GATEWAY], &of[CONTENDER_NATS]);
        print_ratio(rate_of, &of[CONTENDER_GATEWAY], &of[CONTENDER_BARE_COALESCED]);
        print_ratio(rate_of, &of[CONTENDER_AT_ONCE], &of[CONTENDER_BARE_AT_ONCE]);
        print_ratio(frames_per_cpu_s, &of[CONTENDER_AT_ONCE], &of[CONTENDER_BARE_AT_ONCE]);
        printf("\n");
    }
}

static void print_idle(int32_t connections) {
    static const enum contender_kind kinds[] = {CONTENDER_GATEWAY, CONTENDER_UWS, CONTENDER_NATS};
    const char *why;
    printf("\nUser-space memory per idle connection, %d of them held, in rooms of 100:\n",
           connections);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (contender_is_here(kinds[i], &why))
            printf("  %-32s %8.0f B\n", contender_name(kinds[i]),
                   ceiling_idle_bytes(kinds[i], connections));
}

/* --- the program --- */

/* The kernel's default may be one that paces (bbr), and not every server can be told to take
 * another. In a namespace of its own reno may always be had. */
static void stop_pacing(void) {
    int fd = open("/proc/sys/net/ipv4/tcp_congestion_control", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "reno", strlen("reno")) < 0)
        fprintf(stderr, "congestion control stays the machine's own\n");
    if (fd >= 0)
        close(fd);
}

static void enter_loopback(void) {
    char why[LOOPBACK_WHY_BYTES];
    if (loopback_enter(why))
        stop_pacing();
    else
        fprintf(stderr, "on the machine's own loopback: %s\n", why);
    fprintf(stderr, "acknowledgements: %s\n", loopback_acknowledgements());
}

static error_t read_argument(int key, char *text, struct argp_state *state) {
    struct bench *bench = state->input;
    switch (key) {
    case 'r':
        bench->room = atol(text);
        return 0;
    case 'b':
        bench->bytes = atol(text);
        return 0;
    case 'w':
        bench->who = text;
        return 0;
    case 'n':
        bench->rounds = atol(text);
        return 0;
    case 'i':
        bench->idle = atol(text);
        return 0;
    case 'f':
        bench->record = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"room", 'r', "N", 0, "only rooms of 100, 1000 or 5000", 0},
        {"bytes", 'b', "N", 0, "only 128 or 1024 bytes", 0},
        {"who", 'w', "WHO", 0, "only one (a feed) or all (a chat)", 0},
        {"rounds", 'n', "N", 0, "rounds (3); 0: print the record's table", 0},
        {"idle", 'i', "N", 0, "and the memory of so many idle connections", 0},
        {"record", 'f', "FILE", 0, "keep each result there, and begin with what it has", 0},
        {0},
    };
    static const struct argp argp = {.options = options, .parser = read_argument};
    static struct bench bench = {.rounds = 3};
    argp_parse(&argp, argc, argv, 0, NULL, &bench);
    const char *why;
    for (int kind = 0; kind < CONTENDERS; kind++)
        if (!contender_is_here((enum contender_kind)kind, &why))
            printf("%s is absent (no %s) and left out\n", contender_name((enum contender_kind)kind),
                   why);
    if (bench.rounds > 0 || bench.idle > 0)
        enter_loopback();
    read_record(&bench);
    measure(&bench);
    print_tables(&bench);
    if (bench.idle > 0)
        print_idle((int32_t)bench.idle);
    return EXIT_SUCCESS;
}
