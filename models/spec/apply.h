/* A layer (a file, or one --set) laid over a scenario: what it says is parsed into the struct, what
 * it does not say stays.
 *
 * Beside the struct grows `merged`, the tree of what was said last about each field: later checks
 * look up the place of a value in it, and what is required is looked for in it when all layers are
 * down. */
#ifndef HEADROOM_MODELS_SPEC_APPLY_H
#define HEADROOM_MODELS_SPEC_APPLY_H

#include "models/spec/json.h"
#include "models/spec/reading.h"
#include "models/spec/table.h"

/* Defaults in every field, nothing in the maps (each has room for its most entries). */
void apply_defaults(struct arena *arena, const struct table *table, void *base);

/* Parses an object of `table`'s fields into `base`; at the top "$schema" and "extends" are left
 * aside. */
void apply_object(struct reading *reading, const struct table *table, const struct json *json,
                  void *base);

/* Lays `layer` over `merged`, taking its nodes. Objects of the tables are merged, values are
 * replaced whole. */
void apply_merge(const struct table *table, struct json *merged, struct json *layer);

/* Adds an error for each required field that no layer has. */
void apply_find_missing(struct reading *reading, const struct table *table,
                        const struct json *merged);

/* All field names of `table` for a hint. At most `names_max`. */
int32_t apply_names(const struct table *table, const char **names, int32_t names_max);

#endif
