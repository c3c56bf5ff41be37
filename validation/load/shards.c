/* The parent holds no connection and sleeps while its children work; they die with it. Answers are
 * merged as counts and their figures derived anew. */
#include "validation/load/shards.h"

#include "sim/base/check.h"
#include "validation/load/report.h"
#include "validation/load/tally.h"

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_IN_NS (300 * BASE_NS_PER_MS) /* for every child to have read the command by then */

struct shard {
    pid_t pid;
    FILE *to, *from;
    char *line; /* its last answer */
    size_t capacity;
};

struct shards {
    struct shard shard[SHARDS_MAX];
    int32_t count;
    struct unsent *unsent;
    const struct spec_window *window;
    bool is_dirty;
};

/* --- the children --- */

NORETURN static void be_child(const struct roster *roster, const struct clients_options *options,
                              struct unsent *unsent, int in_fd, int out_fd) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    FILE *in = fdopen(in_fd, "r"), *out = fdopen(out_fd, "w");
    CHECK(in && out);
    struct serve serve;
    serve_init(&serve, roster, options, unsent);
    bool is_written = serve_lines(&serve, in, out);
    serve_fini(&serve);
    _exit(is_written ? 0 : 1);
}

static bool start_one(struct shards *shards, const struct roster *roster,
                      const struct clients_options *options) {
    struct shard *shard = &shards->shard[shards->count];
    int down[2], up[2];
    if (pipe(down) != 0)
        return false;
    if (pipe(up) != 0) {
        close(down[0]);
        close(down[1]);
        return false;
    }
    struct clients_options own = *options;
    own.process = shards->count;
    pid_t pid = fork();
    if (pid == 0) {
        for (int32_t i = 0; i < shards->count; i++) { /* so that a sibling sees its end of file */
            close(fileno(shards->shard[i].to));
            close(fileno(shards->shard[i].from));
        }
        close(down[1]);
        close(up[0]);
        be_child(roster, &own, shards->unsent, down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    *shard = (struct shard){.pid = pid, .to = fdopen(down[1], "w"), .from = fdopen(up[0], "r")};
    CHECK(shard->to && shard->from);
    shards->count++;
    return pid > 0;
}

static void stop_all(struct shards *shards) {
    for (int32_t i = 0; i < shards->count; i++) {
        fclose(shards->shard[i].to);
        fclose(shards->shard[i].from);
        free(shards->shard[i].line);
        if (shards->shard[i].pid > 0)
            waitpid(shards->shard[i].pid, NULL, 0);
    }
}

/* Sends one line to all and waits for every answer. */
static bool ask_all(struct shards *shards, const char *line) {
    for (int32_t i = 0; i < shards->count; i++)
        if (fprintf(shards->shard[i].to, "%s\n", line) < 0 || fflush(shards->shard[i].to) != 0)
            return false;
    for (int32_t i = 0; i < shards->count; i++)
        if (getline(&shards->shard[i].line, &shards->shard[i].capacity, shards->shard[i].from) <= 0)
            return false;
    return true;
}

/* --- merging --- */

/* The first answer that is an error, passed on. */
static bool has_error(const struct shards *shards, struct text *answer) {
    for (int32_t i = 0; i < shards->count; i++) {
        const char *line = shards->shard[i].line;
        if (strncmp(line, "{\"error\":", 9) == 0) {
            text_add_n(answer, line, strcspn(line, "\n"));
            return true;
        }
    }
    return false;
}

static void merge_tallies(const struct shards *shards, struct text *answer) {
    struct load_tally all = {.is_quiet = true};
    for (int32_t i = 0; i < shards->count; i++) {
        struct load_tally one;
        CHECK(load_tally_parse(&one, shards->shard[i].line));
        load_tally_merge(&all, &one);
    }
    load_tally_write(&all, answer);
}

static void merge_reports(struct shards *shards, struct text *answer) {
    struct load_report all, one;
    const char *why;
    load_report_init(&all);
    CHECK(load_report_parse(&all, shards->shard[0].line, &why));
    for (int32_t i = 1; i < shards->count; i++) {
        load_report_init(&one);
        CHECK(load_report_parse(&one, shards->shard[i].line, &why));
        load_report_merge(&all, &one);
        load_report_fini(&one);
    }
    load_report_finish(&all);
    shards->is_dirty = !all.is_quiet;
    load_report_write(&all, answer);
    load_report_fini(&all);
}

/* --- commands --- */

static base_ns soon(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * BASE_NS_PER_S + now.tv_nsec + START_IN_NS;
}

static bool relay(struct shards *shards, struct command *command, struct text *answer) {
    bool is_probe = command->verb == COMMAND_PROBE || command->verb == COMMAND_BURST;
    if (is_probe && shards->is_dirty && !ask_all(shards, "{\"do\":\"drain\"}"))
        return false;
    if (is_probe) {
        unsent_clear(shards->unsent);
        if (command->start_ns == 0)
            command->start_ns = soon();
    }
    struct text line;
    text_init(&line);
    command_write(command, &line);
    bool is_answered = ask_all(shards, text_bytes(&line));
    text_fini(&line);
    if (!is_answered)
        return false;
    if (has_error(shards, answer))
        return true;
    if (is_probe)
        merge_reports(shards, answer);
    else
        merge_tallies(shards, answer);
    return true;
}

static bool relay_lines(struct shards *shards, FILE *in, FILE *out) {
    char *line = NULL;
    size_t capacity = 0;
    bool is_well = true, is_over = false;
    struct text answer, why;
    text_init(&answer);
    text_init(&why);
    while (!is_over && is_well && getline(&line, &capacity, in) > 0) {
        struct command command;
        text_clear(&answer);
        text_clear(&why);
        if (!command_parse(&command, line, shards->window, &why)) {
            serve_error(&answer, text_bytes(&why));
        } else if (relay(shards, &command, &answer)) {
            is_over = command.verb == COMMAND_QUIT;
        } else {
            serve_error(&answer, "a generator process ended before its time");
            is_well = false;
        }
        is_well = serve_write_line(out, &answer) && is_well;
    }
    free(line);
    text_fini(&answer);
    text_fini(&why);
    return is_well;
}

bool shards_run(const struct roster *roster, const struct clients_options *options,
                struct unsent *unsent, FILE *in, FILE *out) {
    CHECK(options->processes <= SHARDS_MAX);
    struct shards shards = {.unsent = unsent, .window = &roster->scenario->window};
    bool is_well = true;
    while (is_well && shards.count < options->processes)
        is_well = start_one(&shards, roster, options);
    is_well = is_well && relay_lines(&shards, in, out);
    stop_all(&shards);
    return is_well;
}
