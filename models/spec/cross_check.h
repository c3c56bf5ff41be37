/* What no field can tell alone: names that must exist, sizes that must fit, settings that
 * contradict each other. */
#ifndef HEADROOM_MODELS_SPEC_CROSS_CHECK_H
#define HEADROOM_MODELS_SPEC_CROSS_CHECK_H

#include "models/spec/json.h"
#include "models/spec/reading.h"
#include "models/spec/spec.h"

/* `merged` has the places (apply.h). A field that had a mistake of its own holds its default or
 * zeros here; a check that would then only repeat the mistake says nothing. */
void cross_check(struct reading *reading, const struct spec_scenario *scenario,
                 const struct json *merged);

#endif
