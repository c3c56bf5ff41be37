/* A ring that overwrites its oldest record. */
#include "sim/engine/trace.h"

#include "sim/base/check.h"

#include <inttypes.h>

void trace_init(struct trace *trace, struct arena *arena, uint32_t records_max,
                const struct trace_kind *kinds, uint32_t kinds_count) {
    CHECK(records_max >= 1 && records_max <= TRACE_RECORDS_MAX);
    *trace = (struct trace){.records = ARENA_NEW(arena, records_max, struct trace_record),
                            .records_max = records_max,
                            .kinds = kinds,
                            .kinds_count = kinds_count};
}

void trace_add(struct trace *trace, base_ns at_ns, uint32_t kind, uint64_t a, uint64_t b) {
    CHECK(kind < trace->kinds_count);
    trace->records[trace->added_count++ % trace->records_max] =
        (struct trace_record){at_ns, kind, a, b};
}

static void format_number(const char *name, uint64_t value, struct text *out) {
    if (name)
        text_addf(out, " %s %" PRIu64, name, value);
}

void trace_format(const struct trace *trace, struct text *out) {
    uint64_t first =
        trace->added_count > trace->records_max ? trace->added_count - trace->records_max : 0;
    if (first > 0)
        text_addf(out, "(%" PRIu64 " earlier records are lost)\n", first);
    for (uint64_t i = first; i < trace->added_count; i++) {
        const struct trace_record *record = &trace->records[i % trace->records_max];
        const struct trace_kind *kind = &trace->kinds[record->kind];
        text_addf(out, "%" PRId64 " ns %s", record->at_ns, kind->name);
        format_number(kind->a_name, record->a, out);
        format_number(kind->b_name, record->b, out);
        text_add(out, "\n");
    }
}

void trace_print(const struct trace *trace, FILE *out) {
    struct text text;
    text_init(&text);
    trace_format(trace, &text);
    fputs(text_bytes(&text), out);
    text_fini(&text);
}
