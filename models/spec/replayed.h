/* Rates over time, replayed from a CSV file: the stages of a pace (docs/models/workload.md).
 *
 *   time_s,rate_per_s
 *   0,120
 *   60,135.5
 *
 * A rate holds from its line's time to the next line's, the last one for ever; times count from the
 * first line's, so a file may have seconds of the epoch. The header names the units, because a bare
 * number has none. Between two lines the rate does not change: a straight line instead would need
 * another clock than the one of hand-written stages, and a file of as many lines as one likes can
 * say both. */
#ifndef HEADROOM_MODELS_SPEC_REPLAYED_H
#define HEADROOM_MODELS_SPEC_REPLAYED_H

#include "models/spec/json.h"
#include "models/spec/reading.h"
#include "models/spec/spec.h"
#include "models/spec/table.h"

/* Of a pace, from a file or by hand: a day in minutes. What is written out must be read again, and
 * a scenario file has a largest size (JSON_BYTES_MAX). */
enum { REPLAYED_STAGES_MAX = 2000 };

/* Shortest and longest stage, by hand or from a file. */
extern const char replayed_for_lowest[], replayed_for_highest[];

/* Whether a rate per second is within the row's range. */
bool replayed_is_inside(const struct table_row *row, double rate_per_s);

/* `path`: a text, the file's path from the folder of the file that it is written in (of a --set:
 * from the current folder). Fills in the stages; every mistake of the file is an error with its
 * line, and false. */
bool replayed_read(struct reading *reading, const struct table_row *row, const struct json *path,
                   struct spec_pace *pace) MUST_USE;

#endif
