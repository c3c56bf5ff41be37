/* The commands of `headroom`, one table: help, parsing and dispatch come from it. */
#ifndef HEADROOM_CLI_COMMANDS_H
#define HEADROOM_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct command command_validate;
extern const struct command command_run;
extern const struct command command_ceiling;
extern const struct command command_sweep;
extern const struct command command_plan;
extern const struct command command_calibrate;
extern const struct command command_measure;
extern const struct command command_compare;
extern const struct command command_published;
extern const struct command command_report;
extern const struct command command_db;
extern const struct command command_turns;
extern const struct command command_accuracy;

#endif
