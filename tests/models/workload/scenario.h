/* A scenario from its text, for tests: parsed as a user's file is, with its roster; whatever is
 * wrong with it fails the test. */
#ifndef HEADROOM_TESTS_MODELS_WORKLOAD_SCENARIO_H
#define HEADROOM_TESTS_MODELS_WORKLOAD_SCENARIO_H

#include "models/workload/roster.h"

#include <check.h>

struct scenario {
    struct arena arena;
    struct spec_scenario spec;
    struct roster roster;
};

static inline void scenario_init(struct scenario *scenario, const char *text) {
    struct diag diag;
    struct text messages;
    diag_init(&diag);
    text_init(&messages);
    arena_init(&scenario->arena);
    bool is_right = spec_parse(&scenario->spec, text, &(struct spec_options){.file = "test.json"},
                               &scenario->arena, &diag);
    diag_format(&diag, &messages);
    ck_assert_msg(is_right, "%s\n%s", text_bytes(&messages), text);
    text_fini(&messages);
    diag_fini(&diag);
    roster_init(&scenario->roster, &scenario->spec, scenario->spec.seed, &scenario->arena);
}

static inline void scenario_fini(struct scenario *scenario) {
    arena_fini(&scenario->arena);
}

#endif
