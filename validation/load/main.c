/* headroom-load: the open-loop load generator. What it can be asked is in command.h, what it
 * answers in report.h and tally.h. */
#include "models/spec/spec.h"
#include "models/workload/roster.h"
#include "validation/load/arguments.h"
#include "validation/load/connect.h"
#include "validation/load/serve.h"
#include "validation/load/shards.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

enum { FILE_BYTES_MAX = 16 << 20 };

/* --- the scenario --- */

/* malloc'ed; NULL with errno set. */
static char *read_file(void *context UNUSED, const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    struct text text;
    text_init(&text);
    text_add(&text, "");
    char bytes[4096];
    size_t length;
    while ((length = fread(bytes, 1, sizeof bytes, file)) > 0 && text.length < FILE_BYTES_MAX)
        text_add_n(&text, bytes, length);
    bool is_read = !ferror(file) && text.length < FILE_BYTES_MAX;
    int error = ferror(file) ? errno : EFBIG;
    fclose(file);
    if (is_read)
        return text.bytes ? text.bytes : strdup("");
    text_fini(&text);
    errno = error;
    return NULL;
}

/* 0, or the exit code that a broken scenario earns; says on stderr what is wrong with it. What is
 * only odd is not said here: `headroom` has said it of the file that somebody wrote, and what it
 * hands over has every default written out. */
static int read_scenario(const struct arguments *arguments, struct spec_scenario *scenario,
                         struct arena *arena) {
    char *text = read_file(NULL, arguments->scenario);
    if (!text) {
        fprintf(stderr, "headroom-load: %s: %s\n", arguments->scenario, strerror(errno));
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? EX_NOINPUT : EX_DATAERR;
    }
    struct spec_options spec = {.file = arguments->scenario,
                                .reader = {.read = read_file},
                                .settings = arguments->settings,
                                .settings_count = arguments->settings_count};
    struct diag diag;
    diag_init(&diag);
    bool is_good = spec_parse(scenario, text, &spec, arena, &diag) &&
                   spec_check_real(scenario, arguments->scenario, &diag);
    struct text messages;
    text_init(&messages);
    diag_format(&diag, &messages);
    if (!is_good)
        fputs(text_bytes(&messages), stderr);
    text_fini(&messages);
    diag_fini(&diag);
    free(text);
    return is_good ? 0 : EX_DATAERR;
}

/* One server for all, or one for each node. */
static int check_ports(int32_t ports_count, const struct spec_scenario *scenario) {
    int64_t nodes = 0;
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++)
        nodes += scenario->nodes[kind].count;
    if (ports_count == 1 || ports_count == nodes)
        return 0;
    fprintf(stderr, "headroom-load: %d ports for %lld nodes\n", ports_count, (long long)nodes);
    return EX_USAGE;
}

static int check_wire(const struct wire *wire, const struct spec_scenario *scenario) {
    if (wire == &wire_websocket || !scenario->has_presence)
        return 0;
    fprintf(stderr, "headroom-load: %s knows no presence\n", wire->name);
    return EX_USAGE;
}

/* --- the process --- */

static bool pin(long cpu) {
    if (cpu < 0)
        return true;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) == 0)
        return true;
    fprintf(stderr, "headroom-load: processor %ld: %s\n", cpu, strerror(errno));
    return false;
}

static void raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* --probe: connect, one probe, the report on stdout. */
static int probe_once(struct serve *serve, double scale) {
    struct load_tally tally;
    connect_roster(&serve->clients, &tally);
    if (tally.connected == 0) {
        fprintf(stderr, "headroom-load: no connection to %s:%d (%s)\n", serve->clients.options.host,
                (int)serve->clients.options.ports[0], load_limit_name(tally.limit));
        return EX_UNAVAILABLE;
    }
    struct text why, answer;
    text_init(&why);
    text_init(&answer);
    struct command command;
    int code = command_parse(&command, "{\"do\":\"probe\"}", &serve->scenario->window, &why)
                   ? EX_OK
                   : EX_SOFTWARE;
    command.scale = scale;
    serve_answer(serve, &command, &answer);
    if (!serve_write_line(stdout, &answer))
        code = EX_IOERR;
    text_fini(&why);
    text_fini(&answer);
    return code;
}

static int run(const struct arguments *arguments, const struct roster *roster,
               struct unsent *unsent) {
    struct clients_options own = {.host = arguments->host,
                                  .wire = arguments->wire,
                                  .ports_count = arguments->ports_count,
                                  .seed = roster->scenario->seed,
                                  .samples = (int32_t)arguments->samples,
                                  .processes = (int32_t)arguments->processes};
    memcpy(own.ports, arguments->ports, sizeof own.ports);
    if (own.processes > 1 && !arguments->has_probe)
        return shards_run(roster, &own, unsent, stdin, stdout) ? EX_OK : EX_IOERR;
    own.processes = 1;
    struct serve serve;
    serve_init(&serve, roster, &own, unsent);
    int code = arguments->has_probe                 ? probe_once(&serve, arguments->probe_scale)
               : serve_lines(&serve, stdin, stdout) ? EX_OK
                                                    : EX_IOERR;
    serve_fini(&serve);
    return code;
}

int main(int argc, char **argv) {
    struct arguments arguments;
    arguments_parse(&arguments, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    raise_open_files();
    if (!pin(arguments.cpu))
        return EX_USAGE;
    struct arena arena;
    arena_init(&arena);
    struct spec_scenario scenario;
    int code = read_scenario(&arguments, &scenario, &arena);
    struct unsent unsent;
    if (code == 0 && !unsent_init(&unsent)) {
        fprintf(stderr, "headroom-load: %s\n", strerror(errno));
        code = EX_OSERR;
    } else if (code == 0) {
        if (arguments.has_seed)
            scenario.seed = arguments.seed;
        struct roster roster;
        code = check_wire(arguments.wire, &scenario);
        if (code == 0)
            code = check_ports(arguments.ports_count, &scenario);
        roster_init(&roster, &scenario, scenario.seed, &arena);
        if (code == 0)
            code = run(&arguments, &roster, &unsent);
        unsent_fini(&unsent);
    }
    arena_fini(&arena);
    return code;
}
