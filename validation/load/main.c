/* headroom-load: the open-loop load generator. What it can be asked is in command.h, what it
 * answers in report.h and tally.h. */
#include "models/spec/spec.h"
#include "models/workload/generator.h"
#include "models/workload/roster.h"
#include "validation/load/connect.h"
#include "validation/load/serve.h"
#include "validation/load/shards.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

enum {
    SETTINGS_MAX = 64,
    FILE_BYTES_MAX = 16 << 20,
    OPTION_SEED = 256,
    OPTION_PROBE,
    OPTION_SET,
    OPTION_WIRE
};

struct arguments {
    const char *scenario;
    const char *host;
    const struct wire *wire;
    int32_t ports[CLIENTS_NODES_MAX]; /* [ports_count] */
    int32_t ports_count;
    long cpu, samples, processes; /* cpu -1: any */
    uint64_t seed;
    bool has_seed, has_probe;
    double probe_scale;
    struct spec_setting settings[SETTINGS_MAX];
    int32_t settings_count;
};

static const struct argp_option options[] = {
    {"port", 'p', "N", 0, "TCP port of the server (required); repeated, of each node in turn", 0},
    {"bind", 'b', "ADDRESS", 0, "IPv4 address of the server (127.0.0.1)", 0},
    {"seed", OPTION_SEED, "N", 0, "root of every random draw, before the scenario's own", 0},
    {"cpu", 'c', "N", 0, "processor to run on", 0},
    {"samples", 's', "N", 0, "connections that are looked at one by one (256)", 0},
    {"processes", 'k', "N", 0, "processes that share the connections (1)", 0},
    {"set", OPTION_SET, "PATH=VALUE", 0, "set a field of the scenario", 0},
    {"wire", OPTION_WIRE, "PROTOCOL", 0, "the server's: websocket (default) or nats", 0},
    {"probe", OPTION_PROBE, "SCALE", 0, "connect, probe once at this load, print the report", 0},
    {0},
};

static long whole_number(const char *text, long lowest, long highest, const char *name,
                         struct argp_state *state) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < lowest || value > highest)
        argp_error(state, "--%s: %s is not a number from %ld to %ld", name, text, lowest, highest);
    return value;
}

static void read_seed(struct arguments *arguments, const char *text, struct argp_state *state) {
    char *end;
    errno = 0;
    arguments->seed = strtoull(text, &end, 10);
    arguments->has_seed = true;
    if (errno || *text < '0' || *text > '9' || *end)
        argp_error(state, "--seed: %s is not a number from 0 to 18446744073709551615", text);
}

static void read_probe(struct arguments *arguments, const char *text, struct argp_state *state) {
    char *end;
    arguments->probe_scale = strtod(text, &end);
    arguments->has_probe = true;
    if (end == text || *end || !(arguments->probe_scale >= 1e-9) || arguments->probe_scale > 1e9)
        argp_error(state, "--probe: %s is not a load from 1e-9 to 1e9", text);
}

static void read_setting(struct arguments *arguments, char *text, struct argp_state *state) {
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        argp_error(state, "--set: %s is not PATH=VALUE", text);
    if (arguments->settings_count == SETTINGS_MAX)
        argp_error(state, "--set: at most %d", SETTINGS_MAX);
    *equals = '\0';
    arguments->settings[arguments->settings_count++] = (struct spec_setting){text, equals + 1};
}

static void read_host(struct arguments *arguments, const char *text, struct argp_state *state) {
    struct in_addr address;
    arguments->host = text;
    if (inet_pton(AF_INET, text, &address) != 1)
        argp_error(state, "--bind: %s is not an IPv4 address", text);
}

static void read_wire(struct arguments *arguments, const char *text, struct argp_state *state) {
    arguments->wire = wire_named(text);
    if (!arguments->wire)
        argp_error(state, "--wire: %s is neither websocket nor nats", text);
}

static error_t read_argument(int key, char *text, struct argp_state *state) {
    struct arguments *arguments = state->input;
    switch (key) {
    case 'p':
        if (arguments->ports_count == CLIENTS_NODES_MAX)
            argp_error(state, "--port: at most %d", CLIENTS_NODES_MAX);
        arguments->ports[arguments->ports_count++] =
            (int32_t)whole_number(text, 1, 65535, "port", state);
        return 0;
    case 'b':
        read_host(arguments, text, state);
        return 0;
    case 'c':
        arguments->cpu = whole_number(text, -1, CPU_SETSIZE - 1, "cpu", state);
        return 0;
    case 's':
        arguments->samples = whole_number(text, 1, 20000, "samples", state);
        return 0;
    case 'k':
        arguments->processes = whole_number(text, 1, SHARDS_MAX, "processes", state);
        return 0;
    case OPTION_SEED:
        read_seed(arguments, text, state);
        return 0;
    case OPTION_PROBE:
        read_probe(arguments, text, state);
        return 0;
    case OPTION_WIRE:
        read_wire(arguments, text, state);
        return 0;
    case OPTION_SET:
        read_setting(arguments, text, state);
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->scenario)
            argp_error(state, "one scenario at a time");
        arguments->scenario = text;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->scenario || arguments->ports_count == 0)
            argp_error(state, "a scenario and --port are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

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
    static const struct argp argp = {
        .options = options,
        .parser = read_argument,
        .args_doc = "SCENARIO.json",
        .doc = "Connects a scenario's clients to a gateway and publishes as planned, whatever the "
               "server does. Obeys commands on stdin, one JSON object per line."};
    struct arguments arguments = {.host = "127.0.0.1",
                                  .wire = &wire_websocket,
                                  .cpu = -1,
                                  .samples = GENERATOR_SAMPLES,
                                  .processes = 1};
    argp_err_exit_status = EX_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
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
        code = check_ports(arguments.ports_count, &scenario);
        roster_init(&roster, &scenario, scenario.seed, &arena);
        if (code == 0)
            code = run(&arguments, &roster, &unsent);
        unsent_fini(&unsent);
    }
    arena_fini(&arena);
    return code;
}
