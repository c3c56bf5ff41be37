/* One field of a scenario as a load that can be scaled: `--vary rooms.lobbies.size.constant`.
 *
 * A field is named as `--set` names it. Names between may be left out where the rest says which is
 * meant ("rooms.size"), and `*` stands for every entry ("populations.*.connections"), which are
 * then scaled together. What a value may be is the scenario language's to say: ends of the range
 * are found by asking its parser. */
#ifndef HEADROOM_CLI_VARY_H
#define HEADROOM_CLI_VARY_H

#include "cli/files.h"
#include "study/sweep_quantity.h"

enum { VARY_FIELDS_MAX = 16, VARY_LEAVES_MAX = 512, VARY_WHY_BYTES = 512 };

struct vary_field {
    const char *path;
    struct sweep_quantity now;
};

struct vary {
    const struct scenario *scenario; /* borrowed */
    const char *name;                /* as it was asked for, or the whole path */
    struct vary_field fields[VARY_FIELDS_MAX];
    int32_t fields_count;
    bool is_whole;                    /* one field that takes whole numbers only */
    double now;                       /* of the first field, in its base unit */
    double sum;                       /* of all fields */
    double lowest, highest;           /* values of the first that the scenario language takes */
    char why_highest[VARY_WHY_BYTES]; /* what it says beyond; "" where nothing was found */
};

/* Every field of the scenario that has a number above 0. Returns how many; at most `max`. */
int32_t vary_fields(const struct scenario *scenario, struct vary_field *fields, int32_t max,
                    struct arena *arena);

/* Prints what is wrong; returns an exit code, or -1. */
int vary_init(struct vary *vary, const char *name, const struct scenario *scenario,
              struct arena *arena) MUST_USE;

/* The scenario with the first field at `value` and the others in proportion, with its roster. False
 * when the scenario language refuses it: `why` (VARY_WHY_BYTES, or NULL) says. files_scenario_fini
 * in either case. */
bool vary_scenario(const struct vary *vary, double value, struct scenario *scenario,
                   char *why) MUST_USE;

/* Whether the field's number counts something, as far as its text shows. */
bool vary_is_counted(const struct vary_field *field);

/* "120", "2/s per room", as it would be written in the scenario. */
void vary_write(const struct vary *vary, double value, struct text *out);
/* The same to four digits, "-" for NAN. In a static ring of four: one thread. */
const char *vary_text(const struct vary *vary, double value);

#endif
