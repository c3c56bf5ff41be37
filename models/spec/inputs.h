/* Every field of a scenario as one flat list: what it is set to, and whether anybody set it. For
 * whoever shows a reader what an answer rests on. */
#ifndef HEADROOM_MODELS_SPEC_INPUTS_H
#define HEADROOM_MODELS_SPEC_INPUTS_H

#include "models/spec/spec.h"

struct spec_input {
    const char *path;  /* as `--set` takes it */
    const char *value; /* as a file has it; a text without its quotes */
    const char *doc;
    bool is_default; /* it stands at what a file that leaves it out would get */
};

/* In the order of the rows. Everything lives in `arena`. */
void spec_list_inputs(const struct spec_scenario *scenario, struct arena *arena,
                      struct spec_input **inputs, int32_t *count);

#endif
