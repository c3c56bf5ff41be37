/* Counting deliveries: by the instant at which they were due, in equal steps, so that a warm-up can
 * be cut afterwards.
 *
 * A burst's deliveries are equally spaced and come in as one range. Latency counts from intent
 * (DESIGN, contract 4); what was due and has not arrived is the difference between `due` and
 * `on_time`. Each step belongs to a histogram, or to none while it is certain to be warm-up. */
#ifndef HEADROOM_MODELS_CLUSTER_TALLY_H
#define HEADROOM_MODELS_CLUSTER_TALLY_H

#include "models/workload/outcome.h"
#include "sim/base/arena.h"
#include "sim/base/fingerprint.h"
#include "sim/base/hist.h"
#include "sim/base/time.h"

#include <stdint.h>

enum {
    TALLY_STEPS = 320, /* in the measured window */
    TALLY_CHUNK_STEPS = 10,
    TALLY_WATCHED_MAX = 128, /* clients looked at one by one */
    TALLY_BATCHES = 20,      /* of the window, for standard errors and growth */
};

struct tally_step {
    int64_t due, on_time, delivered;
    int64_t lost; /* will never arrive; of these: */
    int64_t dropped, conflated;
    int64_t withheld;      /* never due, by the rule of a feed */
    int64_t expired, shed; /* due no more: ephemeral signals, too old or dropped for others */
    double delay_sum_ns;
    int64_t standing; /* of the delivered: to clients who stand still now and then */
    double standing_delay_sum_ns;
};

struct tally {
    base_ns step_ns, offset_ns; /* an instant's step is (instant + offset) / step */
    base_ns within_ns;
    base_ns horizon_ns;    /* nothing that is due later counts */
    base_ns end_ns;        /* nor what arrives later than `within` and any allowance after that */
    bool is_auto;          /* the warm-up is found afterwards, at most half of `measure` */
    int32_t warm_up_steps; /* fixed, or the most that `auto` may cut */
    int32_t steps_count;
    struct tally_step *steps;
    struct hist *hists; /* by chunk when auto, else one */
    int32_t hists_count;
    struct hist
        *watched; /* [TALLY_WATCHED_MAX]: latencies of one client each, in the last `measure` */
    int32_t watched_count;
    base_ns last_delivery_ns, longest_gap_ns;
    int64_t closed_form; /* deliveries that came in ranges of more than one */
};

#define TALLY_UNCOUNTED BASE_NS_MAX /* due to nobody: what a room is told of its own members */

struct tally_options {
    base_ns warm_up_ns; /* SPEC_AUTO: MSER-5 */
    base_ns measure_ns;
    base_ns within_ns;
    base_ns allowance_ns; /* the longest that a delivery may have beyond `within` */
};

void tally_init(struct tally *tally, const struct tally_options *options, struct arena *arena);
void tally_fini(struct tally *tally);

void tally_due(struct tally *tally, base_ns due_ns, int64_t deliveries);
void tally_lost(struct tally *tally, base_ns due_ns, int64_t deliveries);
void tally_dropped(struct tally *tally, base_ns due_ns);   /* lost, by a policy */
void tally_conflated(struct tally *tally, base_ns due_ns); /* lost, to a newer one */
void tally_withheld(struct tally *tally, base_ns due_ns, int64_t deliveries);
/* Due no more: of an ephemeral signal. */
void tally_expired(struct tally *tally, base_ns due_ns, int64_t deliveries);
void tally_shed(struct tally *tally, base_ns due_ns);
/* `count` deliveries of a publish due at `due_ns`, at first_ns, first_ns + step_ns, ..., which may
 * take `allowance_ns` longer than the objective says. */
void tally_range(struct tally *tally, base_ns due_ns, base_ns allowance_ns, base_ns first_ns,
                 base_ns step_ns, int64_t count);

/* The same delivery once more, where it is to a client who stands still now and then: how long
 * those wait is their own doing, and no sign of a backlog that grows. */
void tally_standing(struct tally *tally, base_ns due_ns, base_ns arrived_ns);

/* A client to be looked at one by one: a number for tally_watch, or -1 when there are enough. */
int32_t tally_new_watch(struct tally *tally);
void tally_watch(struct tally *tally, int32_t watch, base_ns due_ns, base_ns arrived_ns);

/* The first and one past the last step of the window, after the warm-up has been cut. */
struct tally_window {
    int32_t first, end;
    base_ns start_ns, end_ns;
};
struct tally_window tally_cut(const struct tally *tally);

/* Fills the outcome's window, latency histogram, shares, series and growth. */
void tally_report(const struct tally *tally, struct tally_window window, struct outcome *outcome);

void tally_fingerprint(const struct tally *tally, struct fingerprint *fingerprint);

#endif
