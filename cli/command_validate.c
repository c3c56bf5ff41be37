/* `headroom validate FILE...`: every mistake in every file; the first file's code is not the last
 * word. */
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/print.h"

#include <stdio.h>

static int run(const struct options *options) {
    int worst = EXIT_HOLDS;
    cJSON *list = cJSON_CreateArray();
    for (int32_t i = 0; i < options->arguments_count; i++) {
        struct scenario scenario;
        int code = files_scenario(&scenario, options->arguments[i], options);
        bool is_right = code < 0;
        if (!is_right)
            worst = code;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "file", options->arguments[i]);
        cJSON_AddBoolToObject(item, "valid", is_right);
        cJSON_AddItemToArray(list, item);
        if (is_right && !options->is_json)
            printf("%s: right: %d clients, %d rooms\n", options->arguments[i],
                   scenario.roster.clients_count, scenario.roster.rooms_count);
        files_scenario_fini(&scenario);
    }
    if (options->is_json) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
        cJSON_AddItemToObject(json, "files", list);
        print_json(json);
    } else {
        cJSON_Delete(list);
    }
    return worst;
}

const struct command command_validate = {
    .name = "validate",
    .arguments = "FILE...",
    .summary = "check scenario files: every mistake, with its place",
    .doc = "Exit code 0 when all are right, 65 when one is not, 66 when one is not there.",
    .takes = "sJq",
    .arguments_min = 1,
    .arguments_max = OPTIONS_ARGUMENTS_MAX,
    .run = run,
};
