#include "validation/load/serve.h"

#include "validation/load/connect.h"
#include "validation/load/probe.h"
#include "validation/load/report.h"
#include "validation/load/tally.h"

#include <stdlib.h>

void serve_init(struct serve *serve, const struct roster *roster,
                const struct clients_options *options, struct unsent *unsent) {
    *serve = (struct serve){.scenario = roster->scenario, .unsent = unsent};
    arena_init(&serve->arena);
    clients_init(&serve->clients, roster, options, &serve->arena);
}

void serve_fini(struct serve *serve) {
    clients_fini(&serve->clients);
    arena_fini(&serve->arena);
}

void serve_error(struct text *answer, const char *why) {
    text_add(answer, "{\"error\":");
    text_add_json_string(answer, why);
    text_add(answer, "}");
}

static void drain(struct serve *serve, base_ns patience_ns, struct load_tally *tally) {
    *tally = (struct load_tally){.connected =
                                     serve->clients.connected_count + serve->clients.extra_count};
    tally->is_quiet = probe_drain(&serve->clients, patience_ns, &tally->bytes);
    serve->is_dirty = !tally->is_quiet;
}

static bool is_room_there(const struct roster *roster, const struct command *command,
                          struct text *answer) {
    if (command->room + command->rooms <= roster->rooms_count)
        return true;
    serve_error(answer, "room: the scenario has not so many rooms");
    return false;
}

static bool is_countable(const struct roster *roster, const struct command *command,
                         struct text *answer) {
    double seconds = base_seconds(command->warm_up_ns + command->measure_ns + PROBE_TAIL_MAX_NS);
    double per_s = command->verb == COMMAND_BURST
                       ? (double)command->publishes / base_seconds(command->every_ns)
                       : plan_offered(roster).publishes_per_s * command->scale;
    if (seconds * per_s < UNSENT_NUMBERS_MAX / 2)
        return true;
    serve_error(answer, "too many publishes for one probe");
    return false;
}

static void probe(struct serve *serve, const struct command *command, struct text *answer) {
    const struct clients_options *options = &serve->clients.options;
    struct source_burst burst = {.room = (int32_t)command->room,
                                 .rooms_count = (int32_t)command->rooms,
                                 .publishes = (int32_t)command->publishes,
                                 .bytes = (int32_t)command->bytes,
                                 .every_ns = command->every_ns};
    struct probe_options probe_options = {
        .source = {.seed = options->seed,
                   .replication = (uint64_t)command->replication,
                   .scale = command->scale,
                   .burst = command->verb == COMMAND_BURST ? &burst : NULL},
        .warm_up_ns = command->warm_up_ns,
        .window_ns = command->measure_ns,
        .within_ns = serve->scenario->objectives.delivery.within,
        .grace_ns = command->grace_ns,
        .start_ns = command->start_ns,
        .is_shared = options->processes > 1,
        .unsent = serve->unsent,
    };
    struct load_report report;
    load_report_init(&report);
    probe_run(&serve->clients, &probe_options, &report);
    load_report_finish(&report);
    serve->is_dirty = !report.is_quiet;
    load_report_write(&report, answer);
    load_report_fini(&report);
}

/* Of one process alone: what lies about from an earlier probe is read away first, and the list of
 * unsent publishes starts empty. Among several, shards.c sees to both for all at once. */
static void prepare(struct serve *serve, const struct command *command) {
    struct load_tally ignored;
    if (serve->clients.options.processes > 1)
        return;
    if (serve->is_dirty)
        drain(serve, command->patience_ns, &ignored);
    unsent_clear(serve->unsent);
}

void serve_answer(struct serve *serve, const struct command *command, struct text *answer) {
    struct load_tally tally = {0};
    switch (command->verb) {
    case COMMAND_PROBE:
    case COMMAND_BURST:
        if ((command->verb == COMMAND_BURST &&
             !is_room_there(serve->clients.roster, command, answer)) ||
            !is_countable(serve->clients.roster, command, answer))
            return;
        prepare(serve, command);
        probe(serve, command, answer);
        return;
    case COMMAND_CONNECT:
        connect_roster(&serve->clients, &tally);
        break;
    case COMMAND_RAMP:
        connect_ramp(&serve->clients,
                     (int32_t)(command->connections_max / serve->clients.options.processes),
                     &tally);
        break;
    case COMMAND_DRAIN:
        drain(serve, command->patience_ns, &tally);
        break;
    case COMMAND_QUIT:
        tally.is_quiet = true;
        break;
    }
    load_tally_write(&tally, answer);
}

bool serve_write_line(FILE *out, const struct text *answer) {
    return fprintf(out, "%s\n", text_bytes(answer)) > 0 && fflush(out) == 0;
}

bool serve_lines(struct serve *serve, FILE *in, FILE *out) {
    char *line = NULL;
    size_t capacity = 0;
    bool is_written = true, is_over = false;
    struct text answer, why;
    text_init(&answer);
    text_init(&why);
    while (!is_over && is_written && getline(&line, &capacity, in) > 0) {
        struct command command;
        text_clear(&answer);
        text_clear(&why);
        if (command_parse(&command, line, &serve->scenario->window, &why)) {
            serve_answer(serve, &command, &answer);
            is_over = command.verb == COMMAND_QUIT;
        } else {
            serve_error(&answer, text_bytes(&why));
        }
        is_written = serve_write_line(out, &answer);
    }
    free(line);
    text_fini(&answer);
    text_fini(&why);
    return is_written;
}
