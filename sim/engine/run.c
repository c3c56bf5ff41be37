/* The loop: take the next event, set the clock, call.
 *
 * The time of every event goes into the fingerprint, its function and target do not: addresses
 * differ from process to process. Models add what they draw and count. */
#include "sim/engine/run.h"

static void dump_trace(const void *target, FILE *out) {
    fprintf(out, "  what happened last:\n");
    trace_print(target, out);
}

void run_init(struct run *run, const struct run_options *options) {
    run->now_ns = 0;
    run->seed = options->seed;
    run->events_count = 0;
    run->events_max = options->events_max ? options->events_max : RUN_EVENTS_MAX_DEFAULT;
    run->is_stopped = false;
    run->check_context = (struct check_context){
        .scenario = options->scenario, .seed = options->seed, .now_ns = &run->now_ns};
    calendar_init(&run->calendar,
                  options->pending_max ? options->pending_max : CALENDAR_PENDING_MAX);
    arena_init(&run->arena);
    fingerprint_init(&run->fingerprint);
}

void run_fini(struct run *run) {
    calendar_fini(&run->calendar);
    arena_fini(&run->arena);
}

void run_set_trace(struct run *run, const struct trace *trace) {
    run->check_context.dump = trace ? dump_trace : NULL;
    run->check_context.dump_target = trace;
}

static void note_event(struct run *run) {
    run->events_count++;
    fingerprint_u64(&run->fingerprint, (uint64_t)run->now_ns);
}

static void run_event(struct run *run, const struct calendar_event *event) {
    run->now_ns = event->at_ns;
    note_event(run);
    event->fn(event->target, event->arg, event->at_ns);
}

static enum run_outcome run_events(struct run *run, base_ns end_ns) {
    struct calendar_event event;
    while (!run->is_stopped) {
        if (run->calendar.refused_count > 0)
            return RUN_PENDING_MAX;
        if (run->events_count >= run->events_max && calendar_next_ns(&run->calendar) <= end_ns)
            return RUN_EVENTS_MAX;
        if (!calendar_pop(&run->calendar, end_ns, &event)) {
            run->now_ns = end_ns;
            return RUN_REACHED_END;
        }
        run_event(run, &event);
    }
    return RUN_STOPPED;
}

enum run_outcome run_until(struct run *run, base_ns end_ns) {
    CHECK(end_ns >= run->now_ns);
    run->is_stopped = false;
    check_set_context(&run->check_context);
    enum run_outcome outcome = run_events(run, end_ns);
    check_set_context(NULL);
    return outcome;
}

void run_stop(struct run *run) {
    run->is_stopped = true;
}

void run_next_of_group(struct run *run) {
    note_event(run);
}

calendar_handle run_at(struct run *run, base_ns at_ns, calendar_fn fn, void *target, uint64_t arg) {
    CHECK(at_ns >= run->now_ns);
    if (at_ns == BASE_NS_MAX)
        return 0;
    return calendar_schedule(&run->calendar, at_ns, fn, target, arg);
}

calendar_handle run_after(struct run *run, base_ns after_ns, calendar_fn fn, void *target,
                          uint64_t arg) {
    CHECK(after_ns >= 0);
    if (after_ns >= BASE_NS_MAX - run->now_ns)
        return 0;
    return calendar_schedule(&run->calendar, run->now_ns + after_ns, fn, target, arg);
}

bool run_cancel(struct run *run, calendar_handle handle) {
    return calendar_cancel(&run->calendar, handle);
}

struct rng run_stream(const struct run *run, uint64_t entity, uint32_t purpose, uint64_t index) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){
                       .seed = run->seed, .entity = entity, .purpose = purpose, .index = index});
    return rng;
}

const char *run_outcome_name(enum run_outcome outcome) {
    static const char *const names[] = {
        [RUN_REACHED_END] = "reached the end",
        [RUN_STOPPED] = "stopped",
        [RUN_EVENTS_MAX] = "stopped at the bound on events",
        [RUN_PENDING_MAX] = "stopped at the bound on pending events",
    };
    CHECK((size_t)outcome < COUNT_OF(names));
    return names[outcome];
}
