/* `headroom`: finds the command in the table and runs it. */
#include "cli/commands.h"

#include "sim/base/text.h"

#include <stdio.h>
#include <string.h>

#ifndef HEADROOM_VERSION
#define HEADROOM_VERSION "unknown"
#endif

static const struct command *const commands[] = {
    &command_validate,  &command_run,       &command_ceiling,  &command_sweep, &command_plan,
#ifdef HEADROOM_HAS_VALIDATION
    &command_calibrate, &command_measure,   &command_accuracy, &command_turns,
#endif
    &command_compare,   &command_published, &command_report,   &command_db,
};

static void print_help(FILE *out) {
    fputs("headroom: how much a WebSocket service can carry, before the hardware is bought\n\n"
          "usage: headroom COMMAND [OPTION...] [ARGUMENT...]\n\n",
          out);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(out, "  %-10s %-12s %s\n", commands[i]->name, commands[i]->arguments,
                commands[i]->summary);
    fputs("\n`headroom COMMAND --help` says more. Exit codes: 0 it holds, 99 it does not, 96 "
          "cannot tell yet, 64 wrong usage,\n"
          "65 wrong input, 66 no such input, 69 something needed is missing, 74 input or output "
          "failed, 75 measurement refused.\n",
          out);
}

static const struct command *find(const char *name) {
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown(const char *name) {
    const char *names[COUNT_OF(commands)];
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        names[i] = commands[i]->name;
    const char *nearest = text_nearest(name, names, COUNT_OF(names));
    fprintf(stderr, "headroom: \"%s\" is no command", name);
    if (nearest)
        fprintf(stderr, "; did you mean \"%s\"?\n", nearest);
    else
        fprintf(stderr, "; `headroom --help` lists them\n");
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("headroom " HEADROOM_VERSION);
        return 0;
    }
    const struct command *command = find(argv[1]);
    if (command == NULL)
        return unknown(argv[1]);
    struct options options;
    int code = options_parse(command, argc - 1, argv + 1, &options);
    if (code >= 0)
        return code;
    code = command->run(&options);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "headroom: standard output: writing failed\n");
        return EXIT_IO;
    }
    return code;
}
