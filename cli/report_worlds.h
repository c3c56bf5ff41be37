/* Simulated against measured, for a report: every scenario of the store, and the cases of `headroom
 * accuracy`. Here and not in study/, which must not see what compares the worlds. */
#ifndef HEADROOM_CLI_REPORT_WORLDS_H
#define HEADROOM_CLI_REPORT_WORLDS_H

#include "study/report.h"

/* False: the store failed. */
bool report_worlds(struct report *report, struct store *store) MUST_USE;

#endif
