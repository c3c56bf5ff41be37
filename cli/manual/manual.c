/* What the pages are about: the table of commands, and the programs beside it. */
#include "cli/manual/manual.h"

#include "cli/commands.h"
#include "sim/base/check.h"
#ifdef HEADROOM_HAS_VALIDATION
#include "validation/gateway/options.h"
#include "validation/load/arguments.h"
#endif

#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 64 };

static void add_commands(struct manual *manuals) {
    static struct argp_option options[MANUALS_MAX][OPTIONS_ROWS_MAX];
    static char words[MANUALS_MAX][WORDS_MAX];
    for (int32_t i = 0; i < commands_count; i++) {
        const struct command *command = commands_all[i];
        options_of(command, options[i]);
        snprintf(words[i], WORDS_MAX, "headroom %s", command->name);
        manuals[i] = (struct manual){.words = words[i],
                                     .arguments = command->arguments,
                                     .summary = command->summary,
                                     .doc = command->doc,
                                     .verbs = command->verbs,
                                     .options = options[i]};
    }
}

#ifdef HEADROOM_HAS_VALIDATION
static int32_t add_programs(struct manual *manuals) {
    static struct argp_option gateway[GATEWAY_OPTIONS_MAX];
    gateway_options_table(gateway);
    manuals[0] = (struct manual){.words = "headroom-gateway",
                                 .arguments = "",
                                 .summary = "the real server that Headroom measures",
                                 .doc = gateway_options_doc,
                                 .options = gateway};
    manuals[1] = (struct manual){.words = "headroom-load",
                                 .arguments = arguments_argp.args_doc,
                                 .summary = "the open-loop load that Headroom measures with",
                                 .doc = arguments_argp.doc,
                                 .options = arguments_argp.options};
    return 2;
}
#else
static int32_t add_programs(struct manual *manuals) {
    (void)manuals;
    return 0;
}
#endif

int32_t manual_all(struct manual manuals[MANUALS_MAX]) {
    CHECK(commands_count + 2 <= MANUALS_MAX);
    add_commands(manuals);
    return commands_count + add_programs(manuals + commands_count);
}

void manual_name(const struct manual *manual, char *name, size_t size) {
    snprintf(name, size, "%s", manual->words);
    for (char *at = name; *at; at++)
        if (*at == ' ')
            *at = '-';
}
