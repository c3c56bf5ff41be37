/* The last things that happened: a bounded ring of (time, kind, a, b), printed on request or by a
 * failed CHECK.
 *
 * Recording costs four stores, so it can stay on; the words for the kinds are the caller's table.
 */
#ifndef HEADROOM_SIM_ENGINE_TRACE_H
#define HEADROOM_SIM_ENGINE_TRACE_H

#include "sim/base/arena.h"
#include "sim/base/text.h"
#include "sim/base/time.h"

#include <stdint.h>
#include <stdio.h>

enum { TRACE_RECORDS_MAX = 1 << 20 };

struct trace_kind {
    const char *name;
    const char *a_name, *b_name; /* what the two numbers are; NULL: nothing, not printed */
};

struct trace_record {
    base_ns at_ns;
    uint32_t kind;
    uint64_t a, b;
};

struct trace {
    struct trace_record *records; /* [records_max], in the caller's arena */
    uint32_t records_max;
    uint64_t added_count;           /* the last records_max of them are kept */
    const struct trace_kind *kinds; /* borrowed; outlives the trace */
    uint32_t kinds_count;
};

/* `records_max` from 1 to TRACE_RECORDS_MAX. */
void trace_init(struct trace *trace, struct arena *arena, uint32_t records_max,
                const struct trace_kind *kinds, uint32_t kinds_count);
void trace_add(struct trace *trace, base_ns at_ns, uint32_t kind, uint64_t a, uint64_t b);

/* "1234 ns publish room 3 bytes 128", a line for each, the oldest first; says how many older ones
 * are lost. */
void trace_format(const struct trace *trace, struct text *out);
void trace_print(const struct trace *trace, FILE *out);

#endif
