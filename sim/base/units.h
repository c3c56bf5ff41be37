/* Quantities as people write them: "10ms", "64KiB", "1Gbit/s", "2/s".
 *
 * A bare number is refused wherever a unit could be meant, since "10" read as milliseconds by one
 * and as seconds by another is the commonest mistake in a capacity plan. */
#ifndef HEADROOM_SIM_BASE_UNITS_H
#define HEADROOM_SIM_BASE_UNITS_H

#include "sim/base/attributes.h"
#include "sim/base/text.h"

#include <stdbool.h>

enum units_kind {
    UNITS_NONE,    /* a plain number */
    UNITS_TIME,    /* -> nanoseconds; ns us ms s min h d */
    UNITS_BYTES,   /* -> bytes; B kB MB GB KiB MiB GiB */
    UNITS_BITRATE, /* -> bits per second; bit/s kbit/s Mbit/s Gbit/s, and B/s kB/s ... KiB/s ... as
                      eight bits each */
    UNITS_RATE,    /* -> per second; "2/s" "90/min" "5/h" */
};

struct units_result {
    double value;     /* in the kind's base unit above; exact up to 2^53 */
    const char *rest; /* the first byte of the input that was not read: "" when all was, or what
                         follows a space */
};

/* Reads a number and its unit from the start of `input`. False, with nothing written, when there is
 * no number or no unit of that kind; UNITS_TIME accepts compounds without a space ("1h30min").
 * "unlimited" is not a number: callers deal with it. */
bool units_parse(enum units_kind kind, const char *input, struct units_result *result) MUST_USE;

/* The units accepted, for an error message: "ns, us, ms, s, min, h, d". */
const char *units_names(enum units_kind kind);

/* The shortest exact form where there is one: 100000000 ns -> "100ms", 65536 B -> "64KiB";
 * otherwise three significant digits. */
void units_format(struct text *out, enum units_kind kind, double value);

#endif
