/* The loop, and its course: warm-up, window, a tail under the same load, quiet.
 *
 * The load does not stop with the window, or the last deliveries of it would have the server to
 * themselves. Once the last of them can no longer be in time, everybody reads whatever their
 * habits, until nothing has come for a while: what has not arrived by then never will. */
#include "validation/load/probe_state.h"

#include "sim/base/check.h"

#include <sched.h>
#include <stdlib.h>

#define START_IN_NS (20 * BASE_NS_PER_MS)

static base_ns cpu_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

static base_ns tail_of(const struct probe_options *options) {
    return options->within_ns < PROBE_TAIL_MAX_NS ? options->within_ns : PROBE_TAIL_MAX_NS;
}

static void fill_report_head(struct probe *probe) {
    const struct probe_options *options = probe->options;
    struct load_report *report = probe->report;
    report->seed = options->source.seed;
    report->replication = options->source.replication;
    report->scale = options->source.scale;
    report->warm_up_ns = options->warm_up_ns;
    report->window_ns = options->window_ns;
    report->within_ns = options->within_ns;
    report->steps_count = load_report_steps(options->window_ns);
    report->step_ns = options->window_ns / report->steps_count;
    report->generator.processes = 1;
    const struct spec_scenario *scenario = probe->clients->roster->scenario;
    for (int32_t p = 0; p < scenario->populations_count; p++)
        load_report_add_population(report, scenario->populations[p].name);
}

static void probe_init(struct probe *probe, struct clients *clients,
                       const struct probe_options *options, struct load_report *report,
                       struct arena *arena) {
    *probe = (struct probe){.clients = clients, .options = options, .report = report, .mask = 1};
    fill_report_head(probe);
    source_init(&probe->source, clients->roster, &options->source, arena);
    probe->touched = ARENA_NEW(arena, (size_t)clients->count, int32_t);
    for (int32_t local = 0; local < clients->count; local++) {
        clients->client[local].is_touched = outbox_waiting(&clients->outbox[local]) > 0;
        if (clients->client[local].is_touched)
            probe->touched[probe->touched_count++] = local;
    }
    probe->buffer = ARENA_NEW(arena, RING_BATCH_MAX * PROBE_BUFFER_BYTES, uint8_t);
    ring_init(&probe->ring, !options->is_without_io_uring);
    report->generator.rings = probe->ring.fd >= 0;
    probe->log_max = PROBE_LOG_MAX;
    probe->log = malloc((size_t)probe->log_max * sizeof *probe->log);
    CHECK(probe->log);
    clients_begin(clients);
}

/* The longest that the server may hold a message back: what it holds is not lost. */
static base_ns held_of(const struct clients *clients) {
    base_ns feed_ns = feed_allowance_ns(clients_feed(clients), INT64_MAX);
    base_ns batch_ns = clients->roster->scenario->nodes[0].batch.for_;
    return feed_ns > batch_ns ? feed_ns : batch_ns;
}

static void set_times(struct probe *probe) {
    const struct probe_options *options = probe->options;
    probe->now_ns = probe_clock();
    probe->start_ns = options->start_ns ? options->start_ns : probe->now_ns + START_IN_NS;
    probe->window_start_ns = probe->start_ns + options->warm_up_ns;
    probe->window_end_ns = probe->window_start_ns + options->window_ns;
    probe->send_end_ns = probe->window_end_ns + tail_of(options);
    probe->last_bytes_ns = probe->last_delivery_ns = probe->start_ns;
    probe->sample_pass_ns = probe->other_pass_ns = probe->now_ns;
}

static int32_t least(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* How many of the others are due for a look, so that a sweep takes GENERATOR_SWEEP_NS: none, until
 * there are enough of them to be worth a system call. What was missed is not saved up. */
static int32_t others_due(struct probe *probe, base_ns since_ns) {
    int32_t count = probe->clients->others_count;
    int32_t most = least(count, GENERATOR_OTHERS_PER_TURN),
            few = least(count, PROBE_OTHERS_AT_LEAST);
    probe->others_owed += (double)count * (double)since_ns / (double)GENERATOR_SWEEP_NS;
    if (probe->others_owed < few)
        return 0;
    int32_t due = probe->others_owed < most ? (int32_t)probe->others_owed : most;
    probe->others_owed = due < most ? probe->others_owed - due : 0;
    return due;
}

/* One turn of the loop. */
static void turn(struct probe *probe, base_ns *last_ns) {
    struct clients *clients = probe->clients;
    probe_send(probe);
    int32_t samples = least(clients->samples_count, GENERATOR_SAMPLES_PER_TURN);
    if (samples > 0)
        probe_look_at_samples(probe, samples);
    else
        probe_tick(probe);
    int32_t others = others_due(probe, probe->now_ns - *last_ns);
    *last_ns = probe->now_ns;
    if (others > 0)
        probe_look_at_others(probe, others);
    if (probe->options->is_shared)
        sched_yield();
}

static void run_until(struct probe *probe, base_ns end_ns, base_ns *last_ns) {
    while (probe->now_ns < end_ns)
        turn(probe, last_ns);
}

static bool is_silent(const struct probe *probe) {
    return probe->touched_count == 0 && probe->now_ns - probe->last_bytes_ns > PROBE_QUIET_NS;
}

/* A server far behind may be silent for the length of one of its turns. So after a silence the
 * sampled clients ask for a pong, which comes when what was sent before has been read; silence
 * after that is quiet. */
static bool is_quiet(const struct probe *probe) {
    return probe->has_pinged && probe->pings_left == 0 && is_silent(probe);
}

static void run_until_quiet(struct probe *probe, base_ns end_ns, base_ns *last_ns) {
    probe->is_draining = true;
    if (probe->last_bytes_ns < probe->now_ns - PROBE_QUIET_NS)
        probe->last_bytes_ns = probe->now_ns - PROBE_QUIET_NS / 2; /* who stalled may have more */
    while (!is_quiet(probe) && probe->now_ns < end_ns) {
        if (!probe->has_pinged && is_silent(probe))
            probe_ping_samples(probe);
        turn(probe, last_ns);
    }
    probe->report->is_quiet = is_quiet(probe);
}

/* --- its own cost --- */

static struct load_looks looks_of(const struct probe_looks *looks, double *busy_s) {
    double empty_ns =
        looks->idle_empty > 0 ? (double)looks->idle_ns / (double)looks->idle_empty : 0;
    double found_ns = (double)looks->ns - (double)looks->empty * empty_ns;
    if (found_ns < 0 || looks->found == 0)
        found_ns = 0;
    *busy_s += found_ns * 1e-9;
    return (struct load_looks){
        .found = looks->found,
        .empty = looks->empty,
        .bytes = looks->bytes,
        .found_ns = looks->found > 0 ? found_ns / (double)looks->found : 0,
        .empty_ns = empty_ns,
    };
}

static void fill_generator(struct probe *probe, base_ns elapsed_ns, base_ns cpu_ns) {
    struct load_generator *generator = &probe->report->generator;
    const struct probe_costs *costs = &probe->costs;
    generator->elapsed_s = base_seconds(elapsed_ns);
    generator->cpu_s = base_seconds(cpu_ns);
    generator->busy_s = base_seconds(costs->send_ns);
    generator->sample = looks_of(&costs->sample, &generator->busy_s);
    generator->bulk = looks_of(&costs->bulk, &generator->busy_s);
    generator->sends = costs->sends;
    generator->sent_bytes = costs->sent_bytes;
    generator->send_ns = costs->sends > 0 ? (double)costs->send_ns / (double)costs->sends : 0;
}

static void run_window(struct probe *probe, base_ns *last_ns) {
    base_ns cpu_ns = cpu_clock(), began_ns = probe->now_ns;
    probe->costs = (struct probe_costs){0};
    run_until(probe, probe->window_end_ns, last_ns);
    fill_generator(probe, probe->now_ns - began_ns, cpu_clock() - cpu_ns);
}

void probe_run(struct clients *clients, const struct probe_options *options,
               struct load_report *report) {
    struct arena arena;
    arena_init(&arena);
    struct probe probe;
    probe_init(&probe, clients, options, report, &arena);
    set_times(&probe);
    probe_first_publish(&probe);
    attend_begin(&probe);
    base_ns last_ns = probe.now_ns;
    run_until(&probe, probe.window_start_ns, &last_ns);
    run_window(&probe, &last_ns);
    run_until(&probe, probe.window_end_ns + options->within_ns + held_of(clients), &last_ns);
    run_until_quiet(&probe, probe.now_ns + options->grace_ns, &last_ns);
    probe_give_up_unsent(&probe);
    probe_end_gap(&probe);
    probe_account(&probe);
    attend_end(&probe);
    free(probe.log);
    ring_fini(&probe.ring);
    arena_fini(&arena);
}

bool probe_drain(struct clients *clients, base_ns patience_ns, int64_t *bytes) {
    struct load_report report;
    load_report_init(&report);
    struct arena arena;
    arena_init(&arena);
    struct probe_options options = {.window_ns = BASE_NS_PER_S, .source.scale = 1};
    struct probe probe;
    probe_init(&probe, clients, &options, &report, &arena);
    set_times(&probe);
    probe.start_ns = probe.now_ns;
    base_ns last_ns = probe.now_ns;
    run_until_quiet(&probe, probe.now_ns + patience_ns, &last_ns);
    *bytes = 0;
    for (int32_t local = 0; local < clients->count; local++)
        *bytes += clients->client[local].bytes;
    bool is_done = report.is_quiet;
    free(probe.log);
    ring_fini(&probe.ring);
    arena_fini(&arena);
    load_report_fini(&report);
    return is_done;
}
