/* What the tests of the language share: a parse with its messages, and a scenario to change. */
#ifndef HEADROOM_TESTS_MODELS_SPEC_FIXTURE_H
#define HEADROOM_TESTS_MODELS_SPEC_FIXTURE_H

#include "models/spec/reading.h"
#include "models/spec/spec.h"

#include "tests/sim/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMO_POPULATIONS "\"populations\": {\"users\": {\"connections\": 100}}"
#define DEMO_ROOMS                                                                                 \
    "\"rooms\": {\"halls\": {\"size\": {\"constant\": 10}, \"members\": [\"users\"]}}"
#define DEMO_TRAFFIC                                                                               \
    "\"traffic\": {\"chat\": {\"from\": \"users\", \"to\": \"halls\", \"rate\": {\"poisson\": "    \
    "\"1/s per room\"}, \"bytes\": {\"constant\": 100}}}"
#define DEMO_NODES "\"nodes\": {\"gateway\": {\"workers\": 2}}"
#define DEMO                                                                                       \
    "{\"name\": \"demo\", " DEMO_POPULATIONS ", " DEMO_ROOMS ", " DEMO_TRAFFIC ", " DEMO_NODES "}"

struct parsed {
    struct arena arena;
    struct diag diag;
    struct spec_scenario scenario;
    struct text messages; /* diag_format of it all */
    bool is_good;
};

static inline void parsed_init_with(struct parsed *parsed, const char *text,
                                    const struct spec_options *options) {
    arena_init(&parsed->arena);
    diag_init(&parsed->diag);
    text_init(&parsed->messages);
    parsed->is_good = spec_parse(&parsed->scenario, text, options, &parsed->arena, &parsed->diag);
    diag_format(&parsed->diag, &parsed->messages);
}

static inline void parsed_init(struct parsed *parsed, const char *text) {
    const struct spec_options options = {.file = "demo.json"};
    parsed_init_with(parsed, text, &options);
}

static inline void parsed_fini(struct parsed *parsed) {
    text_fini(&parsed->messages);
    diag_fini(&parsed->diag);
    arena_fini(&parsed->arena);
}

/* The messages alone, without places and source lines, one a line. */
static inline struct text parsed_messages_new(const struct parsed *parsed) {
    struct text out;
    text_init(&out);
    for (int32_t i = 0; i < parsed->diag.items_count; i++)
        text_addf(&out, "%s%s\n", parsed->diag.items[i].severity == DIAG_WARNING ? "warning: " : "",
                  parsed->diag.items[i].message);
    return out;
}

/* ---- files that others name */

struct file {
    const char *path, *text;
};

struct files {
    const struct file *items;
    size_t count;
};

static inline char *read_file(void *context, const char *path) {
    const struct files *files = context;
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].path, path) == 0)
            return strdup(files->items[i].text);
    return NULL;
}

static inline struct spec_options options_of(const char *file, struct files *files) {
    return (struct spec_options){.file = file, .reader = {read_file, files}};
}

#define ASSERT_GOOD(parsed)                                                                        \
    ck_assert_msg((parsed)->is_good, "refused: %s", text_bytes(&(parsed)->messages))

#endif
