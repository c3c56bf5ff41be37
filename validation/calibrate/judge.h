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

enum { JUDGE_YARDS_MAX = 4 * BLOCKS_MAX, JUDGE_OTHERS_MAX = 4 };

/* The bare send loop before the first block, every other one and after the last; the slower
 * yardsticks at both ends. */
struct judge_yards {
    double send[JUDGE_YARDS_MAX];
    int32_t send_count;
    struct yardstick_calm calm;
    double other[YARDSTICK_KINDS][JUDGE_OTHERS_MAX];
    int32_t other_count[YARDSTICK_KINDS];
};

/* False when a yardstick could not be laid (no sockets, no such processor): errno says why. */
bool judge_take(struct judge_yards *yards, enum yardstick_kind kind, int32_t gateway_cpu,
                int32_t load_cpu) MUST_USE;

/* Waits until the machine is in its quickest mood again, where it is not; one more yardstick then.
 */
bool judge_await_calm(struct judge_yards *yards, int32_t gateway_cpu, int32_t load_cpu,
                      const volatile sig_atomic_t *stop) MUST_USE;

/* True when the yardsticks around a block that began after `position` of them lie too far from each
 * other, or their mean too far from the median of all so far. */
bool judge_is_off(const struct judge_yards *yards, int32_t position);

/* Gives each window of block b the mean of the yardsticks before and after it, as a share of the
 * median, and excludes what is beyond the band. `position[block]`: how many yardsticks had been
 * taken when the block began. */
void judge_windows(struct windows *windows, const struct judge_yards *yards,
                   const int32_t *position);

/* True with the reason in `why` when this machine cannot be calibrated now. */
bool judge_refuses(const struct windows *windows, char why[CALIBRATE_WHY_BYTES]) MUST_USE;

void judge_to_profile(const struct judge_yards *yards, struct profile *profile);

#endif
