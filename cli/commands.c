/* The table itself, apart from main() so that the pages of docs/reference, the manual pages and the
 * completion are written from it. */
#include "cli/commands.h"

#include "sim/base/text.h"

#include <string.h>

const struct command *const commands_all[] = {
    &command_validate,  &command_run,       &command_ceiling,  &command_sweep,
    &command_bound,     &command_plan,      &command_gate,     &command_explain,
#ifdef HEADROOM_HAS_VALIDATION
    &command_calibrate, &command_measure,   &command_accuracy, &command_turns,
#endif
    &command_compare,   &command_published, &command_report,   &command_db,
};

const int32_t commands_count = COUNT_OF(commands_all);

const struct command *commands_find(const char *name) {
    for (int32_t i = 0; i < commands_count; i++)
        if (strcmp(commands_all[i]->name, name) == 0)
            return commands_all[i];
    return NULL;
}

const char *commands_nearest(const char *wrong) {
    const char *names[COUNT_OF(commands_all)];
    for (int32_t i = 0; i < commands_count; i++)
        names[i] = commands_all[i]->name;
    return text_nearest(wrong, names, COUNT_OF(names));
}

const struct exit_row exit_rows[] = {
#define EXIT_CODE(enumerator, code, meaning) {code, meaning},
#include "cli/exit_codes.def"
#undef EXIT_CODE
};

const int32_t exit_rows_count = COUNT_OF(exit_rows);
