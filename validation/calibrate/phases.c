#include "validation/calibrate/phases.h"

#define COUNT_OF_STAT(name)                                                                        \
    static double count_##name(const struct calibrate_window *window) {                            \
        return (double)window->counts.name;                                                        \
    }
COUNT_OF_STAT(turns)
COUNT_OF_STAT(ready_events)
COUNT_OF_STAT(reads)
COUNT_OF_STAT(read_bytes)
COUNT_OF_STAT(publishes)
COUNT_OF_STAT(flushes)
COUNT_OF_STAT(writes)
COUNT_OF_STAT(frames_written)
COUNT_OF_STAT(written_bytes)
COUNT_OF_STAT(enqueued)
COUNT_OF_STAT(writable_events)
#undef COUNT_OF_STAT

static double evicted(const struct calibrate_window *window) {
    return profile_evicted(window->working_set);
}

static double count_cold_writes(const struct calibrate_window *window) {
    return (double)window->counts.writes * evicted(window);
}

/* After a long turn the loop finds its own code and data cold, once, however much it then reads. */
static double count_cold_turns(const struct calibrate_window *window) {
    double turns = (double)window->counts.turns;
    return turns > 0 ? turns * profile_evicted((double)window->counts.writes / turns) : 0;
}

static double count_cold_events(const struct calibrate_window *window) {
    return (double)window->counts.ready_events * evicted(window);
}

static double count_cold_reads(const struct calibrate_window *window) {
    return (double)window->counts.reads * evicted(window);
}

static double count_scatter(const struct calibrate_window *window) {
    return count_cold_writes(window) * window->scattered;
}

static const struct phase_term terms[PHASES][FIT_TERMS_MAX] = {
    [PHASE_LOOP] = {{COST_turn, count_turns},
                    {COST_turn_cold, count_cold_turns},
                    {COST_read, count_ready_events},
                    {COST_read_cold, count_cold_events}},
    [PHASE_READ] = {{COST_turn, count_turns},
                    {COST_turn_cold, count_cold_turns},
                    {COST_read, count_reads},
                    {COST_read_cold, count_cold_reads},
                    {COST_read_byte, count_read_bytes},
                    {COST_publish, count_publishes}},
    [PHASE_WRITE] = {{COST_publish, count_flushes}, /* a room written out: one per publish where it
                                                       is not coalesced */
                     {COST_write, count_writes},
                     {COST_write_cold, count_cold_writes},
                     {COST_write_scatter, count_scatter},
                     {COST_frame, count_frames_written},
                     {COST_byte, count_written_bytes}},
    [PHASE_BACKLOG] = {{PHASES_WRITTEN, NULL},
                       {COST_enqueue, count_enqueued},
                       {COST_writable, count_writable_events}},
};
static const int32_t terms_counts[PHASES] = {4, 6, 6, 3};

int32_t phases_terms_count(enum phase phase) {
    return terms_counts[phase];
}

const struct phase_term *phases_terms(enum phase phase) {
    return terms[phase];
}

double phases_ns(const struct calibrate_window *window, enum phase phase) {
    const struct gateway_stats *counts = &window->counts;
    switch (phase) {
    case PHASE_LOOP:
        return (double)(counts->poll_ns + counts->timers_ns + counts->other_ns);
    case PHASE_READ:
        return (double)counts->read_ns;
    case PHASE_WRITE:
    case PHASE_BACKLOG:
        return (double)counts->write_ns;
    case PHASES:
        break;
    }
    return 0;
}

double phases_busy_ns(const struct calibrate_window *window) {
    return (double)window->counts.accept_ns + phases_ns(window, PHASE_LOOP) +
           phases_ns(window, PHASE_READ) + phases_ns(window, PHASE_WRITE);
}
