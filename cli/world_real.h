/* The real pair as a world that the study can ask: every probe is kept in the store as it is made.
 */
#ifndef HEADROOM_CLI_WORLD_REAL_H
#define HEADROOM_CLI_WORLD_REAL_H

#include "cli/ceiling.h"
#include "cli/files.h"
#include "cli/record.h"
#include "study/probe.h"
#include "validation/measure/measure.h"

struct world_real {
    struct measure measure;
    const struct scenario *scenario;       /* borrowed */
    const struct measure_options *options; /* borrowed: a broken pair is opened anew */
    struct store *store;                   /* borrowed */
    int64_t parent;                        /* the run that the probes are part of */
    const char *part_metric, *part; /* kept with each probe as a metric's name and text; NULL: not
                                       made for a part of anything */
    bool is_broken;                 /* the pair, or the store: measure.why, or said already */
};

struct study_world world_real_as_world(struct world_real *real);

/* A search on this pair as an answer, and the end of the run that its probes were part of. */
struct ceiling_answer world_real_answer(const struct world_real *real,
                                        const struct study_ceiling *ceiling);
bool world_real_finish(const struct world_real *real, const struct study_ceiling *ceiling) MUST_USE;

/* One probe with its row in the store. False: the pair or the store is broken. */
bool world_real_probe(struct world_real *real, const struct measure_request *request,
                      const char *command, struct outcome *outcome) MUST_USE;

#endif
