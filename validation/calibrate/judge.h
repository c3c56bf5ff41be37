/* When a calibration is one: yardsticks around every block, and the rules by which it is refused.
 */
#ifndef HEADROOM_VALIDATION_CALIBRATE_JUDGE_H
#define HEADROOM_VALIDATION_CALIBRATE_JUDGE_H

#include "models/spec/profile.h"
#include "sim/base/attributes.h"
#include "validation/calibrate/windows.h"
#include "validation/measure/yardstick.h"

#include <stdbool.h>
#include <stdint.h>

enum { JUDGE_OTHERS_MAX = 4 };

/* The bare send loop as taken last and before that, which is around a block; the slower yardsticks,
 * taken at both ends of a calibration. */
struct judge_yards {
    double send_before_ns, send_ns;
    double other[YARDSTICK_KINDS][JUDGE_OTHERS_MAX];
    int32_t other_count[YARDSTICK_KINDS];
};

/* False when a yardstick could not be laid (no sockets, no such processor): errno says why. */
bool judge_take(struct judge_yards *yards, enum yardstick_kind kind, int32_t gateway_cpu,
                int32_t load_cpu) MUST_USE;

/* Gives the windows from `first` on, of a block that has just ended, the last two yardsticks. */
void judge_bracket(struct windows *windows, int32_t first, const struct judge_yards *yards);

/* True when the yardsticks around a window's block lie too far from each other. */
bool judge_is_off(const struct calibrate_window *window);

/* The send yardstick to which a calibration's costs belong: the lower quartile of its blocks';
 * NAN: none has one. */
double judge_reference_ns(const struct windows *windows);

/* Gives each window its yardstick as a share of the reference, and excludes those in whose block
 * the machine changed its speed. */
void judge_windows(struct windows *windows);

/* The widest half interval of a typical turn, as a share, that a calibration may leave. */
#define JUDGE_TURN_ERROR_MAX 0.15

/* True with the reason in `why` when a fit of these windows leaves `turn_error`, which is too much
 * to predict anything by. */
bool judge_refuses(const struct windows *windows, double turn_error,
                   char why[CALIBRATE_WHY_BYTES]) MUST_USE;

/* The send yardstick that the costs belong to, and the medians of the others. */
void judge_reference_to_profile(const struct windows *windows, struct profile *profile);
void judge_to_profile(const struct judge_yards *yards, struct profile *profile);

#endif
