/* Whole files in and out, and a scenario or profile read from one with every mistake printed. */
#ifndef HEADROOM_CLI_FILES_H
#define HEADROOM_CLI_FILES_H

#include "cli/options.h"
#include "models/spec/profile.h"
#include "models/spec/spec.h"
#include "models/workload/roster.h"
#include "sim/base/arena.h"
#include "sim/base/diag.h"

#include <stdbool.h>
#include <stddef.h>

/* malloc'ed text ending in NUL, or NULL with errno set. Files with a NUL inside keep it: `length`
 * says. */
char *files_read(const char *path, size_t *length) MUST_USE;
/* False after having said why on standard error. */
bool files_write(const char *path, const char *text) MUST_USE;

/* A scenario with what belongs to it. Everything lives in `arena`. */
struct scenario {
    const char *path;
    struct arena arena;
    struct spec_scenario spec;
    struct roster roster;
    struct text canonical; /* spec_write's text: what is stored and hashed */
    uint64_t hash;
};

/* Reads, checks, prints what is wrong on standard error; returns an exit code, or -1 when all is
 * well. */
int files_scenario(struct scenario *scenario, const char *path,
                   const struct options *options) MUST_USE;
void files_scenario_fini(struct scenario *scenario);
/* False when the real pair cannot honour it; what it cannot is printed on standard error. */
bool files_check_real(const struct scenario *scenario) MUST_USE;

/* The same from a text that was read already (of the file `parse->file`): `scenario` gets its spec,
 * its canonical text and its hash, but no roster. Mistakes go to `diag`; files_scenario_fini in
 * either case. `seed`: instead of the text's own; NULL: that one. */
bool files_scenario_parse(struct scenario *scenario, const char *text,
                          const struct spec_options *parse, const uint64_t *seed,
                          struct diag *diag) MUST_USE;
/* Opens what a scenario extends. */
struct spec_reader files_reader(void);
/* A file's text (malloc'ed), checked to be one; NULL after having said why: `*code` to exit with.
 */
char *files_read_text(const char *path, int *code) MUST_USE;
void files_print_diag(const struct diag *diag);

int files_profile(struct profile *profile, const char *path, struct arena *arena) MUST_USE;
/* The same of a text that did not come from a file; `name` stands for one in what is printed. */
int files_parse_profile(struct profile *profile, const char *text, const char *name,
                        struct arena *arena) MUST_USE;

/* A path that counts from the folder of this program's executable: what is installed, or built,
 * with it. */
const char *files_beside_program(const char *path, struct arena *arena);

/* What this program is: version and a hash of its own executable; "code" of the store and of a
 * prediction. */
uint64_t files_code_hash(void);

#endif
