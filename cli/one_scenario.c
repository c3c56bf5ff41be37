#include "cli/one_scenario.h"

int one_scenario(const struct options *options, one_scenario_answer *answer) {
    struct scenario scenario;
    int code = files_scenario(&scenario, options->arguments[0], options);
    if (code < 0) {
        struct costs_choice costs;
        code = costs_choose(&costs, options);
        if (code < 0)
            code = answer(&scenario, &costs, options);
        costs_choice_fini(&costs);
    }
    files_scenario_fini(&scenario);
    return code;
}
