/* Published cases: what others measured or worked out, and what Headroom says of the same case.
 *
 * The cases are data, scenarios/published: figures with their sources, each with a word on how it
 * is to be had (published_how.c) and how near it must be. They are built into the program, so that
 * the table is the same wherever it is asked for; a case that cannot be read is our bug. */
#ifndef HEADROOM_CLI_PUBLISHED_H
#define HEADROOM_CLI_PUBLISHED_H

#include "models/spec/profile.h"
#include "sim/base/arena.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct published_row {
    const char *what, *unit; /* live in the table's arena, as all text does */
    double published;        /* NAN: the source has no such figure, it is only shown what we say */
    double said;
    double within;      /* may differ by this share; NAN: shown, not gated */
    double resolution;  /* of the published figure as it was printed: half of it is forgiven */
    const char *series; /* rows of one series differ in size only; NULL: of none */
};

struct published_case {
    const char *name, *source, *about;
    struct published_row *rows;
    int32_t rows_count, rows_max;
};

struct published_table {
    struct arena arena;
    struct profile_costs reference; /* what cases that ask for "reference" are priced with */
    struct published_case *cases;
    int32_t cases_count;
};

/* Every case, or those that are named; false when a name is none's, which is then *unknown. */
bool published_run(struct published_table *table, const char *const *names, int32_t names_count,
                   const char **unknown) MUST_USE;
void published_fini(struct published_table *table);

bool published_is_gated(const struct published_row *row);
bool published_holds(const struct published_row *row);
/* said / published - 1; NAN where nothing was published. */
double published_error(const struct published_row *row);

/* --- for published_how.c --- */

void published_add(struct published_table *table, struct published_case *to,
                   const struct published_row *row);
/* Adds the rows of one figure, as its "how" says. */
void published_work_out(struct published_table *table, struct published_case *of,
                        const cJSON *json_case, const cJSON *figure);
/* Members of a figure; a missing number is `otherwise`. */
double published_number(const cJSON *json, const char *key, double otherwise);

/* Redis Cluster: the slot of a key, CRC16 (XMODEM) of it modulo 16,384, and which of `nodes` equal
 * ranges of slots, as `redis-cli --cluster create` cuts them, that is in. */
int32_t published_slot(const char *key);
int32_t published_slot_node(int32_t slot, int32_t nodes);

#endif
