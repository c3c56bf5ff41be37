/* The commands of `headroom`, one table: help, parsing, dispatch, manual pages and completion come
 * from it. */
#ifndef HEADROOM_CLI_COMMANDS_H
#define HEADROOM_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct command command_validate;
extern const struct command command_run;
extern const struct command command_ceiling;
extern const struct command command_bound;
extern const struct command command_sweep;
extern const struct command command_plan;
extern const struct command command_gate;
extern const struct command command_explain;
extern const struct command command_calibrate;
extern const struct command command_measure;
extern const struct command command_compare;
extern const struct command command_published;
extern const struct command command_report;
extern const struct command command_db;
extern const struct command command_turns;
extern const struct command command_accuracy;

extern const struct command *const commands_all[]; /* [commands_count], as --help lists them */
extern const int32_t commands_count;

const struct command *commands_find(const char *name); /* NULL: there is none */
const char *commands_nearest(const char *wrong);       /* NULL: none is near */

/* Every exit code with its meaning (exit_codes.def). */
struct exit_row {
    int code;
    const char *meaning;
};
extern const struct exit_row exit_rows[]; /* [exit_rows_count] */
extern const int32_t exit_rows_count;

#endif
