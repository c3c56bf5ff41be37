/* Answers on standard output: as text for a person, or as JSON for a program. Both from the same
 * outcome. */
#ifndef HEADROOM_CLI_PRINT_H
#define HEADROOM_CLI_PRINT_H

#include "cli/options.h"
#include "models/workload/outcome.h"
#include "models/workload/plan.h"

#include <cjson/cJSON.h>

enum { PRINT_SCHEMA_VERSION = 1 };

struct print_run {
    const char *scenario; /* its name */
    const char *source;   /* "simulated" or "measured" */
    const struct outcome *outcome;
    const struct spec_scenario *spec;
    uint64_t seed;
    double scale;
};

/* `run --json` of DESIGN section 6. */
cJSON *print_run_json(const struct print_run *run) MUST_USE;
void print_resources(const struct outcome *outcome); /* a line each */
void print_run_text(const struct print_run *run);

/* Prints and frees. */
void print_json(cJSON *json);
/* A number that JSON can carry: NAN and infinities become null. */
void print_add_number(cJSON *object, const char *key, double value);
void print_add_hex(cJSON *object, const char *key, uint64_t value);
/* "resources", and "resources_by_node" where there are several nodes. */
void print_add_resources(cJSON *object, const struct outcome *outcome);
/* Seeds beyond 2^53 keep their digits. */
void print_add_u64(cJSON *object, const char *key, uint64_t value);

/* "1,234,567" / "12.3" / "0.00123": three significant digits below a thousand, whole numbers above.
 * In a static ring of eight buffers: one thread. */
const char *print_number(double value);

int print_exit_code(enum outcome_verdict verdict);
/* "it holds", "it does not hold", ... with a word on why. */
const char *print_verdict(enum outcome_verdict verdict);

/* Narration on standard error: nothing under --quiet; colour never; a progress line only on a
 * terminal. */
void print_say(const struct options *options, const char *format, ...) PRINTF_LIKE(2, 3);
void print_progress(const struct options *options, const char *format, ...) PRINTF_LIKE(2, 3);
void print_progress_end(const struct options *options);

#endif
