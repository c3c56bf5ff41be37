/* One argp table: --help, the parser and the manual page come from it. */
#include "validation/load/arguments.h"

#include "models/workload/generator.h"
#include "validation/load/shards.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { OPTION_SEED = 256, OPTION_PROBE, OPTION_SET, OPTION_WIRE };

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
    if (arguments->settings_count == ARGUMENTS_SETTINGS_MAX)
        argp_error(state, "--set: at most %d", ARGUMENTS_SETTINGS_MAX);
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

const struct argp arguments_argp = {
    .options = options,
    .parser = read_argument,
    .args_doc = "SCENARIO.json",
    .doc = "Connects a scenario's clients to a gateway and publishes as planned, whatever the "
           "server does. Obeys commands on stdin, one JSON object per line."};

void arguments_parse(struct arguments *arguments, int argc, char **argv) {
    *arguments = (struct arguments){.host = "127.0.0.1",
                                    .wire = &wire_websocket,
                                    .cpu = -1,
                                    .samples = GENERATOR_SAMPLES,
                                    .processes = 1};
    argp_err_exit_status = EX_USAGE;
    argp_parse(&arguments_argp, argc, argv, 0, NULL, arguments);
}
