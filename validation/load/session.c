/* A pipe each way and a deadline on every read. The child dies with its parent, so a killed
 * measurement leaves nothing behind that polls. */
#include "validation/load/session.h"

#include "sim/base/check.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_BYTES_MAX = 64 << 20, READ_BYTES = 64 << 10, ARGUMENTS_MAX = 160, STOP_TRIES = 200 };

static base_ns clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

PRINTF_LIKE(2, 3)
static bool fail(struct load_session *session, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(session->error, sizeof session->error, format, arguments);
    va_end(arguments);
    return false;
}

/* --- starting --- */

struct command_line {
    struct arena arena;
    char *arguments[ARGUMENTS_MAX];
    int32_t count;
};

PRINTF_LIKE(2, 3)
static void add_argument(struct command_line *line, const char *format, ...) {
    CHECK(line->count < ARGUMENTS_MAX - 1);
    struct text text;
    text_init(&text);
    va_list arguments;
    va_start(arguments, format);
    text_addv(&text, format, arguments);
    va_end(arguments);
    line->arguments[line->count++] = arena_new_text(&line->arena, text_bytes(&text));
    text_fini(&text);
}

static void write_command_line(struct command_line *line,
                               const struct load_session_options *options) {
    add_argument(line, "%s", options->program);
    add_argument(line, "%s", options->scenario);
    for (int32_t i = 0; i < options->ports_count; i++)
        add_argument(line, "--port=%" PRId32, options->ports[i]);
    if (options->host)
        add_argument(line, "--bind=%s", options->host);
    if (options->wire)
        add_argument(line, "--wire=%s", options->wire);
    if (options->cpu >= 0)
        add_argument(line, "--cpu=%" PRId32, options->cpu);
    if (options->has_seed)
        add_argument(line, "--seed=%" PRIu64, options->seed);
    if (options->samples > 0)
        add_argument(line, "--samples=%" PRId32, options->samples);
    if (options->processes > 0)
        add_argument(line, "--processes=%" PRId32, options->processes);
    for (int32_t i = 0; i < options->settings_count; i++)
        add_argument(line, "--set=%s=%s", options->settings[i].path, options->settings[i].value);
}

NORETURN static void be_child(char *const *arguments, int in_fd, int out_fd, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && dup2(in_fd, STDIN_FILENO) >= 0 && dup2(out_fd, STDOUT_FILENO) >= 0)
        execv(arguments[0], arguments);
    _exit(127);
}

static bool spawn(struct load_session *session, char *const *arguments) {
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) != 0)
        return fail(session, "pipe: %s", strerror(errno));
    if (pipe2(up, O_CLOEXEC) != 0) {
        close(down[0]);
        close(down[1]);
        return fail(session, "pipe: %s", strerror(errno));
    }
    pid_t parent = getpid();
    session->pid = fork();
    if (session->pid == 0)
        be_child(arguments, down[0], up[1], parent);
    close(down[0]);
    close(up[1]);
    session->to_fd = down[1];
    session->from_fd = up[0];
    if (session->pid > 0)
        return true;
    session->pid = 0;
    close(down[1]);
    close(up[0]);
    return fail(session, "fork: %s", strerror(errno));
}

bool load_session_start(struct load_session *session, const struct load_session_options *options) {
    *session = (struct load_session){.to_fd = -1, .from_fd = -1};
    if (access(options->program, X_OK) != 0)
        return fail(session, "%s: %s", options->program, strerror(errno));
    struct command_line line = {.count = 0};
    arena_init(&line.arena);
    write_command_line(&line, options);
    bool is_started = spawn(session, line.arguments);
    arena_fini(&line.arena);
    return is_started;
}

/* --- asking --- */

/* Why the child is gone, in words. */
static bool fail_gone(struct load_session *session) {
    int status = 0;
    if (waitpid(session->pid, &status, 0) == session->pid)
        session->pid = 0;
    if (WIFEXITED(status))
        return fail(session, "headroom-load ended with exit code %d", WEXITSTATUS(status));
    return fail(session, "headroom-load ended by signal %d", WTERMSIG(status));
}

static bool write_line(struct load_session *session, const char *command) {
    struct text line;
    text_init(&line);
    text_addf(&line, "%s\n", command);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGPIPE, &ignore, &before);
    ssize_t written = write(session->to_fd, line.bytes, line.length);
    sigaction(SIGPIPE, &before, NULL);
    bool is_written = written == (ssize_t)line.length;
    text_fini(&line);
    return is_written || fail_gone(session);
}

static bool read_more(struct load_session *session, base_ns deadline_ns) {
    base_ns left_ns = deadline_ns - clock_now();
    struct pollfd polled = {.fd = session->from_fd, .events = POLLIN};
    int ready = left_ns > 0 ? poll(&polled, 1, (int)(left_ns / BASE_NS_PER_MS) + 1) : 0;
    if (ready == 0)
        return fail(session, "headroom-load did not answer in time");
    if (ready < 0)
        return errno == EINTR || fail(session, "poll: %s", strerror(errno));
    if (session->length + READ_BYTES > session->capacity) {
        session->capacity = 2 * (session->length + READ_BYTES);
        session->line = realloc(session->line, session->capacity);
        CHECK(session->line);
    }
    ssize_t length = read(session->from_fd, session->line + session->length, READ_BYTES);
    if (length <= 0)
        return fail_gone(session);
    session->length += (size_t)length;
    return session->length <= ANSWER_BYTES_MAX || fail(session, "an answer without an end");
}

/* The command's answer, or the error that it is. */
static const char *judge(struct load_session *session) {
    static const char mark[] = "{\"error\":";
    if (strncmp(session->line, mark, sizeof mark - 1) != 0)
        return session->line;
    cJSON *root = cJSON_Parse(session->line);
    const cJSON *why = cJSON_GetObjectItemCaseSensitive(root, "error");
    fail(session, "headroom-load: %s", cJSON_IsString(why) ? why->valuestring : "an error");
    cJSON_Delete(root);
    return NULL;
}

const char *load_session_ask(struct load_session *session, const char *command,
                             base_ns timeout_ns) {
    if (session->pid == 0) {
        fail(session, "headroom-load is not running");
        return NULL;
    }
    base_ns deadline_ns = clock_now() + timeout_ns;
    session->length = 0;
    if (!write_line(session, command))
        return NULL;
    char *end = NULL;
    while (!end) {
        size_t before = session->length;
        if (!read_more(session, deadline_ns))
            return NULL;
        if (session->length >
            before) /* a signal alone brings nothing, and there may be no line yet */
            end = memchr(session->line + before, '\n', session->length - before);
    }
    *end = '\0';
    return judge(session);
}

bool load_session_tally(struct load_session *session, const char *command, base_ns timeout_ns,
                        struct load_tally *tally) {
    const char *answer = load_session_ask(session, command, timeout_ns);
    if (!answer)
        return false;
    return load_tally_parse(tally, answer) || fail(session, "not a tally: %.100s", answer);
}

bool load_session_report(struct load_session *session, const char *command, base_ns timeout_ns,
                         struct load_report *report) {
    const char *answer = load_session_ask(session, command, timeout_ns), *why;
    if (!answer)
        return false;
    return load_report_parse(report, answer, &why) || fail(session, "%s", why);
}

/* --- stopping --- */

int load_session_stop(struct load_session *session) {
    int status = -1;
    if (session->to_fd >= 0)
        close(session->to_fd); /* the end of its input is a quit */
    for (int32_t i = 0; session->pid > 0 && i < STOP_TRIES; i++) {
        if (waitpid(session->pid, &status, WNOHANG) == session->pid)
            session->pid = 0;
        else
            nanosleep(&(struct timespec){.tv_nsec = 10 * BASE_NS_PER_MS}, NULL);
    }
    if (session->pid > 0) {
        kill(session->pid, SIGKILL);
        waitpid(session->pid, &status, 0);
    }
    if (session->from_fd >= 0)
        close(session->from_fd);
    free(session->line);
    *session = (struct load_session){.to_fd = -1, .from_fd = -1};
    return status;
}
