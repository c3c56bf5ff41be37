/* A text that cannot be read any more is as good as none: who asks has the run's numbers still, and
 * says what it cannot do without. */
#include "cli/stored.h"

#include "sim/base/check.h"

#include <stdlib.h>

enum store_found stored_scenario(struct store *store, const struct store_run *run,
                                 struct scenario *scenario) {
    struct store_text text;
    struct arena arena;
    *scenario = (struct scenario){.path = NULL};
    arena_init(&arena);
    enum store_found found = run->scenario_hash == 0
                                 ? STORE_MISSING
                                 : store_scenario_text(store, run->scenario_hash, &arena, &text);
    if (found == STORE_FOUND) {
        struct diag *diag = malloc(sizeof *diag);
        CHECK(diag != NULL);
        diag_init(diag);
        struct spec_options parse = {.file = store->path, .reader = files_reader()};
        if (files_scenario_parse(scenario, text.text, &parse, &run->seed, diag))
            roster_init(&scenario->roster, &scenario->spec, scenario->spec.seed, &scenario->arena);
        else
            found = STORE_MISSING;
        diag_fini(diag);
        free(diag);
    }
    arena_fini(&arena);
    return found;
}

enum store_found stored_profile(struct store *store, const struct store_run *run,
                                struct arena *arena, struct profile *profile) {
    struct store_text text;
    enum store_found found = run->profile_hash == 0
                                 ? STORE_MISSING
                                 : store_profile_text(store, run->profile_hash, arena, &text);
    if (found == STORE_FOUND && files_parse_profile(profile, text.text, store->path, arena) >= 0)
        found = STORE_MISSING;
    return found;
}

enum store_found stored_calibration(struct store *store, struct arena *arena,
                                    struct store_run *run) {
    const struct store_filter done = {.command = "calibrate", .state = "done"};
    return store_latest_run(store, &done, arena, run);
}
