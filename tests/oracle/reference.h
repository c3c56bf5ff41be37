/* The same node as models/cluster, told one delivery and one byte at a time, for exact comparison.
 *
 * It shares what both worlds share (roster, plan, receivers, the slow consumer's decision) and
 * nothing of models/cluster: no ranges, no positions on a stream, no lazy settling, no bisection. A
 * member is written when its turn in the room comes, a client reads a byte when that byte is due,
 * and each message carries how much of it is with the kernel and how much has been read. */
#ifndef HEADROOM_TESTS_ORACLE_REFERENCE_H
#define HEADROOM_TESTS_ORACLE_REFERENCE_H

#include "models/spec/profile.h"
#include "models/workload/roster.h"
#include "models/workload/slow_consumer.h"
#include "sim/base/hist.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum { REFERENCE_WINDOW_STEPS = 320, REFERENCE_STEPS_MAX = 1024 };

struct reference_options {
    const struct roster *roster;
    const struct profile_costs *costs;
    uint64_t seed, plan_seed; /* of the receivers and of the plan */
    double scale;
    base_ns warm_up_ns, measure_ns; /* both given */
    bool has_generator;
};

struct reference_step {
    int64_t due, on_time, delivered, lost, dropped, conflated, expired, shed;
};

struct reference_result {
    struct reference_step steps[REFERENCE_STEPS_MAX];
    int32_t steps_count;
    struct hist latency; /* of what was due in the window */
    int64_t closed_by_reason[SLOW_REASON_COUNT];
    int64_t queued_bytes, queued_bytes_max;
    base_ns paused_ns, busy_ns; /* in the window; busy: of all workers */
    int64_t turns, writes, written_bytes;
    bool is_dead;
};

void reference_run(const struct reference_options *options, struct reference_result *result);
void reference_result_fini(struct reference_result *result);

#endif
