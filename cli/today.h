/* A profile made earlier, checked against the machine as it is now. */
#ifndef HEADROOM_CLI_TODAY_H
#define HEADROOM_CLI_TODAY_H

#include "cli/costs.h"
#include "cli/options.h"

/* How the machine compares with the one that a profile was made on. */
struct today {
    double factor; /* the yardstick "send" now over the profile's; NAN: one of them is missing */
    double error;  /* standard error of it, as a share */
    double now_ns, then_ns;
};

/* Takes the yardstick for about two seconds, on the processors that a measurement would use, and
 * says what came out. */
void today_look(struct today *today, const struct profile *profile, const struct options *options);

/* Looks, and moves the costs to the machine's speed of now, by their elasticities, with what that
 * leaves open in their errors. Without a yardstick they stay as they are, which is said. */
void today_move(struct costs_choice *costs, const struct options *options);

#endif
