/* `headroom`: finds the command in the table and runs it. */
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

static void print_exit_codes(FILE *out) {
    fputs("\nExit codes:\n", out);
    for (int32_t i = 0; i < exit_rows_count; i++)
        fprintf(out, "  %3d  %s\n", exit_rows[i].code, exit_rows[i].meaning);
}

static void print_help(FILE *out) {
    fputs("headroom: how much a WebSocket service can carry, before the hardware is bought\n\n"
          "usage: headroom COMMAND [OPTION...] [ARGUMENT...]\n\n",
          out);
    for (int32_t i = 0; i < commands_count; i++)
        fprintf(out, "  %-10s %-12s %s\n", commands_all[i]->name, commands_all[i]->arguments,
                commands_all[i]->summary);
    fputs("\n`headroom COMMAND --help` says more; so does `man headroom`, where it is installed.\n",
          out);
    print_exit_codes(out);
}

static int unknown(const char *name) {
    const char *nearest = commands_nearest(name);
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
    const struct command *command = commands_find(argv[1]);
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
