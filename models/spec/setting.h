/* `--set path=value` as a layer: the path is resolved against the tables and the entries that are
 * there, and the value becomes a tree of one branch that is applied like a file's. */
#ifndef HEADROOM_MODELS_SPEC_SETTING_H
#define HEADROOM_MODELS_SPEC_SETTING_H

#include "models/spec/json.h"
#include "models/spec/reading.h"
#include "models/spec/spec.h"

/* NULL after a mistake, which has been said. `scenario` and `merged` are what the layers
 * below made. */
struct json *setting_read(struct reading *reading, const struct spec_setting *setting,
                          struct spec_setting_place place, const struct spec_scenario *scenario,
                          const struct json *merged) MUST_USE;

#endif
