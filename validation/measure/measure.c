/* A probe as a sandwich: yardstick, drain, window, yardstick. The gateway's counters are read at
 * both ends of the window by a thread that sleeps in between. */
#include "validation/measure/measure.h"

#include "models/workload/admission.h"
#include "models/workload/wire.h"
#include "sim/base/check.h"
#include "sim/base/text.h"
#include "validation/load/report.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const double MEASURE_LOAD_CPU_MAX = 0.97;
const double MEASURE_STOLEN_MAX = 0.03;
const double MEASURE_UNSENT_MAX = 0.01;
static const double LATENESS_OF_WITHIN_MAX =
    0.2; /* the generator's p99, as a share of the objective's `within` */
static const double SERVER_BUSY = 0.9; /* above it the server is what is slow */
static const base_ns START_IN_NS = 50 * BASE_NS_PER_MS;
static const base_ns CONNECT_TIMEOUT_NS = 120 * BASE_NS_PER_S;
static const base_ns SPARE_NS =
    60 * BASE_NS_PER_S; /* for draining and grace, beyond a probe's own length */

static bool fail(struct measure *measure, const char *format, ...) PRINTF_LIKE(2, 3);
static bool fail(struct measure *measure, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(measure->why, sizeof measure->why, format, list);
    va_end(list);
    return false;
}

static base_ns now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (base_ns)now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

/* --- the pair
 * -------------------------------------------------------------------------------------- */

static bool write_scenario(struct measure *measure) {
    strcpy(measure->scenario_path, "/tmp/headroom-scenario-XXXXXX");
    int descriptor = mkstemp(measure->scenario_path);
    if (descriptor < 0)
        return fail(measure, "%s: %s", measure->scenario_path, strerror(errno));
    size_t length = strlen(measure->options.scenario_text);
    ssize_t written = write(descriptor, measure->options.scenario_text, length);
    close(descriptor);
    return written == (ssize_t)length ||
           fail(measure, "%s: not written whole", measure->scenario_path);
}

static bool start_nodes(struct measure *measure) {
    const struct spec_scenario *scenario = measure->options.scenario;
    struct gateway_options options;
    gateway_options_init(&options);
    options.cpu = scenario->machine.gateway_cpu;
    options.port = scenario->machine.port == SPEC_AUTO ? 0 : scenario->machine.port;
    options.congestion = "cubic";
    options.turns = measure->options.turns;
    if (!nodes_start(&measure->nodes, measure->options.gateway_program, scenario, &options))
        return fail(measure, "%s", measure->nodes.why);
    measure->memory_empty = nodes_memory(&measure->nodes);
    return true;
}

static bool start_load(struct measure *measure) {
    struct load_session_options options = {
        .program = measure->options.load_program,
        .scenario = measure->scenario_path,
        .ports_count = measure->nodes.count,
        .cpu = (int32_t)measure->options.scenario->machine.load_cpu};
    for (int32_t i = 0; i < measure->nodes.count; i++)
        options.ports[i] = measure->nodes.server[i].port;
    if (!load_session_start(&measure->load, &options))
        return fail(measure, "%s", measure->load.error);
    return true;
}

static bool connect_all(struct measure *measure) {
    struct load_tally tally;
    if (!load_session_tally(&measure->load, "{\"do\":\"connect\"}", CONNECT_TIMEOUT_NS, &tally))
        return fail(measure, "%s", measure->load.error);
    measure->connected = tally.connected;
    measure->refused = tally.refused;
    return true;
}

static struct yardstick_options yard_options(const struct measure *measure) {
    const struct spec_machine *machine = &measure->options.scenario->machine;
    return (struct yardstick_options){.cpu = (int32_t)machine->gateway_cpu,
                                      .other_cpu = (int32_t)machine->load_cpu};
}

/* Until the machine is in the mood of the pair's other probes. */
static void await_calm(struct measure *measure) {
    struct yardstick_options options = yard_options(measure);
    measure->yard_first = measure->yard_last;
    if (!yardstick_wait(&measure->calm, &options, measure->options.stop, &measure->yard_first))
        measure->yard_first.median = NAN;
}

static void measure_yard(struct measure *measure) {
    struct yardstick_options options = yard_options(measure);
    if (!yardstick_measure(YARDSTICK_SEND, &options, &measure->yard_last))
        measure->yard_last = (struct yardstick_result){.median = NAN};
}

bool measure_open(struct measure *measure, const struct measure_options *options) {
    *measure = (struct measure){.options = *options, .calm = {.quickest = options->calm_ns}};
    measure->is_alone = loopback_enter(measure->why_shared);
    if (!write_scenario(measure) || !start_nodes(measure) || !start_load(measure))
        return false;
    if (options->is_for_ramp)
        return true;
    return connect_all(measure);
}

void measure_close(struct measure *measure) {
    if (measure->load.to_fd > 0) /* it was started, even if it has ended since */
        load_session_stop(&measure->load);
    nodes_stop(&measure->nodes);
    if (measure->scenario_path[0] != '\0')
        unlink(measure->scenario_path);
}

/* --- the window, seen from the gateway
 * --------------------------------------------------------------- */

struct watch {
    const struct nodes *nodes;
    base_ns from_ns, to_ns; /* monotonic */
    int64_t cpu;
    struct nodes_stats first, last;
    struct yardstick_steal steal_first, steal_last;
};

static void sleep_until(base_ns at_ns) {
    struct timespec at = {.tv_sec = at_ns / BASE_NS_PER_S, .tv_nsec = at_ns % BASE_NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
    }
}

static void *watch_window(void *argument) {
    struct watch *watch = argument;
    sleep_until(watch->from_ns);
    nodes_read(watch->nodes, &watch->first);
    if (!yardstick_steal_read(-1, &watch->steal_first))
        watch->steal_first = (struct yardstick_steal){0};
    sleep_until(watch->to_ns);
    nodes_read(watch->nodes, &watch->last);
    if (!yardstick_steal_read(-1, &watch->steal_last))
        watch->steal_last = watch->steal_first;
    return NULL;
}

/* --- from report to outcome
 * -------------------------------------------------------------------------- */

static int64_t reserved_files(const struct spec_node *node) {
    return node->open_files - admission_connections_max(node->open_files, node->workers);
}

static double limit_of(int64_t value) {
    return value == SPEC_UNLIMITED ? INFINITY : (double)value;
}

/* One node of the cluster. Who was refused is known of all nodes together only: where there is one,
 * its asked-for descriptors count them. */
static void add_node(const struct measure *measure, const struct watch *watch, int32_t index,
                     struct outcome *outcome) {
    const struct nodes *nodes = &measure->nodes;
    const struct spec_node *node = nodes->spec[index];
    const struct gateway_stats *first = &watch->first.node[index], *last = &watch->last.node[index];
    double seconds = base_seconds(watch->to_ns - watch->from_ns);
    double limit = limit_of(node->send_queue.limit);
    bool has_closed = last->closed[GATEWAY_CLOSE_SLOW_BYTES] > 0;
    double files =
        nodes->count == 1 ? (double)(measure->connected + measure->refused) : (double)last->sockets;
    const struct outcome_resource resources[] = {
        {.name = "worker_cpu",
         .unit = "share",
         .used = (double)(last->cpu_ns - first->cpu_ns) * 1e-9 / seconds,
         .limit = 1},
        {.name = "open_files",
         .unit = "descriptors",
         .used = files + (double)reserved_files(node),
         .limit = (double)node->open_files,
         .is_admission = true},
        {.name = "send_queue", .unit = "bytes", .used = has_closed ? limit : 0, .limit = limit},
    };
    for (size_t i = 0; i < COUNT_OF(resources); i++) {
        struct outcome_resource resource = resources[i];
        resource.node = nodes->count > 1 ? nodes->name[index] : NULL;
        outcome_add_resource(outcome, &resource);
    }
}

static void fill_resources(const struct measure *measure, const struct watch *watch,
                           struct outcome *outcome) {
    for (int32_t i = 0; i < measure->nodes.count; i++)
        add_node(measure, watch, i, outcome);
    if (measure->nodes.services_count > 0)
        outcome_add_resource(outcome, &(struct outcome_resource){
                                          .name = "backplane_cpu",
                                          .unit = "share",
                                          .used = outcome->metric[OUTCOME_backplane_cpu_share],
                                          .limit = 1});
}

/* What rooms held back; no figures where they held nothing. */
static void fill_held(const struct gateway_stats *window, double seconds, double *metric) {
    if (window->held_flushes == 0)
        return;
    metric[OUTCOME_held_messages] = (double)window->held_messages / (double)window->held_flushes;
    metric[OUTCOME_held_ms] = (double)window->held_ns * 1e-6 / (double)window->held_deliveries;
    metric[OUTCOME_held_saved_bytes_per_s] =
        (double)wire_bytes(0, (int64_t)window->held_packets_saved) / seconds;
    metric[OUTCOME_feed_longest_ms] = (double)window->feed_longest_ns * 1e-6;
    metric[OUTCOME_feed_late] = (double)window->feed_late;
}

static void fill_from_window(const struct watch *watch, bool has_presence,
                             struct outcome *outcome) {
    struct gateway_stats window = nodes_since(&watch->first, &watch->last);
    double seconds = base_seconds(watch->to_ns - watch->from_ns);
    double busy_ns = (double)(window.poll_ns + window.read_ns + window.write_ns + window.accept_ns +
                              window.timers_ns + window.other_ns);
    double *metric = outcome->metric;
    metric[OUTCOME_cpu_share] = nodes_cpu_max_s(&watch->first, &watch->last) / seconds;
    metric[OUTCOME_backplane_cpu_share] =
        nodes_services_cpu_max_s(&watch->first, &watch->last) / seconds;
    metric[OUTCOME_turns_per_s] = (double)window.turns / seconds;
    metric[OUTCOME_turn_mean_us] = window.turns > 0 ? busy_ns / (double)window.turns / 1000 : 0;
    metric[OUTCOME_writes_per_s] = (double)(window.writes + window.backplane_writes) / seconds;
    metric[OUTCOME_written_bytes_per_s] =
        (double)(window.written_bytes + window.backplane_written_bytes) / seconds;
    fill_held(&window, seconds, metric);
    if (has_presence) {
        metric[OUTCOME_presence_changes_per_s] = (double)window.presence_changes / seconds;
        metric[OUTCOME_presence_messages_per_s] = (double)window.presence_messages / seconds;
        metric[OUTCOME_presence_bytes_per_s] = (double)window.presence_bytes / seconds;
    }
    metric[OUTCOME_stolen_share] = yardstick_steal_share(&watch->steal_first, &watch->steal_last);
}

/* Over the whole probe: what is in flight at an end of the window belongs to neither side. */
static void fill_backplane(const struct gateway_stats *probe, double *metric) {
    double publishes = (double)probe->backplane_publishes;
    double received = (double)probe->backplane_received;
    if (publishes == 0)
        return;
    metric[OUTCOME_backplane_copies] = received / publishes;
    metric[OUTCOME_backplane_wasted_share] =
        received > 0 ? (double)probe->backplane_wasted / received : NAN;
    metric[OUTCOME_backplane_failed] = (double)probe->backplane_unsent +
                                       (double)probe->backplane_full +
                                       (double)probe->backplane_lost;
}

/* What the rules of slow consumers did. Drops count up to the end of the window, as in the
 * simulator, where nothing is published after it; the real load goes on for a moment. */
static void fill_from_probe(const struct nodes_stats *before, const struct nodes_stats *window_end,
                            const struct nodes_stats *after, struct outcome *outcome) {
    struct gateway_stats probe = nodes_since(before, after);
    struct gateway_stats until_end = nodes_since(before, window_end);
    double *metric = outcome->metric;
    metric[OUTCOME_dropped] = (double)until_end.dropped;
    metric[OUTCOME_conflated] = (double)until_end.conflated;
    metric[OUTCOME_queued_bytes_max] = 0;
    for (int32_t i = 0; i < after->count; i++)
        metric[OUTCOME_queued_bytes_max] =
            fmax(metric[OUTCOME_queued_bytes_max], (double)after->node[i].queued_bytes_max);
    fill_backplane(&probe, metric);
    metric[OUTCOME_closed_slow] = 0;
    for (int i = 0; i < GATEWAY_CLOSE_COUNT; i++) {
        enum slow_consumer_reason reason = gateway_close_slow_reason((enum gateway_close)i);
        if (reason == SLOW_REASON_NONE)
            continue;
        outcome->closed_by_reason[reason] += (int64_t)probe.closed[i];
        metric[OUTCOME_closed_slow] += (double)probe.closed[i];
    }
}

static void fill_from_report(struct load_report *report, struct outcome *outcome) {
    for (int i = 0; i < OUTCOME_METRICS; i++)
        outcome->metric[i] = report->metric[i];
    hist_merge(&outcome->latency, &report->latency);
    outcome->series = report->series;
    report->series = (struct outcome_series){0};
    outcome->window_ns = report->window_ns;
    outcome->warm_up_ns = report->warm_up_ns;
    outcome->seed = report->seed;
}

static void fill_memory(const struct measure *measure, struct outcome *outcome) {
    struct server_memory now = nodes_memory(&measure->nodes);
    outcome->metric[OUTCOME_memory_user_bytes] = now.user_bytes - measure->memory_empty.user_bytes;
    /* both ends of every connection are on this machine */
    outcome->metric[OUTCOME_memory_kernel_bytes] =
        (now.slab_bytes - measure->memory_empty.slab_bytes + now.socket_pages_bytes -
         measure->memory_empty.socket_pages_bytes) /
        2;
}

/* --- refusals
 * ---------------------------------------------------------------------------------------- */

static const char *disturbance(struct measure *measure, const struct outcome *outcome) {
    const double *metric = outcome->metric;
    double drift = measure->yard_last.median / measure->yard_first.median - 1;
    if (metric[OUTCOME_stolen_share] > MEASURE_STOLEN_MAX) {
        fail(measure, "disturbed: the host took %.1f %% of the processors",
             100 * metric[OUTCOME_stolen_share]);
        return measure->why;
    }
    if (fmax(1 + drift, 1 / (1 + drift)) > YARDSTICK_STEP_MAX) {
        fail(measure, "disturbed: the yardstick moved by %.0f %% over the probe", 100 * drift);
        return measure->why;
    }
    return NULL;
}

/* A load that holds in spite of a busy generator holds; one that fails with it may be the
 * generator's failure. */
static const char *generator_bound(struct measure *measure, const struct load_report *report,
                                   const struct outcome *outcome) {
    const double *metric = outcome->metric;
    double lateness_max_ms =
        LATENESS_OF_WITHIN_MAX * base_ms(measure->options.scenario->objectives.delivery.within);
    double unsent = report->publishes_due > 0
                        ? (double)report->generator.publishes_unsent / (double)report->publishes_due
                        : 0;
    if (outcome->verdict == OUTCOME_HOLDS)
        return NULL;
    if (metric[OUTCOME_load_cpu_share] > MEASURE_LOAD_CPU_MAX) {
        fail(measure, "generator-bound: busy %.0f %% of the window",
             100 * metric[OUTCOME_load_cpu_share]);
        return measure->why;
    }
    if (metric[OUTCOME_cpu_share] < SERVER_BUSY &&
        metric[OUTCOME_load_lateness_p99_ms] > lateness_max_ms) {
        fail(measure, "generator-bound: publishes were sent %.1f ms late (p99)",
             metric[OUTCOME_load_lateness_p99_ms]);
        return measure->why;
    }
    if (metric[OUTCOME_cpu_share] < SERVER_BUSY && unsent > MEASURE_UNSENT_MAX) {
        fail(measure, "rate not reached: %.1f %% of the publishes were not sent", 100 * unsent);
        return measure->why;
    }
    return NULL;
}

/* --- a probe
 * ----------------------------------------------------------------------------------------- */

static bool is_stopped(const struct measure *measure) {
    return measure->options.stop != NULL && *measure->options.stop;
}

/* Nothing in flight, everybody connected. */
static bool clean(struct measure *measure) {
    struct load_tally tally;
    if (!measure->is_dirty)
        return true;
    if (!load_session_tally(&measure->load, "{\"do\":\"drain\"}", SPARE_NS, &tally))
        return fail(measure, "%s", measure->load.error);
    return connect_all(measure);
}

static bool ask(struct measure *measure, const struct measure_request *request, base_ns start_ns,
                struct load_report *report) {
    struct text command;
    text_init(&command);
    text_addf(&command,
              "{\"do\":\"probe\",\"scale\":%.17g,\"warm_up_s\":%.9f,\"measure_s\":%.9f,"
              "\"replication\":%llu,\"start_ns\":\"%lld\"}",
              request->scale, base_seconds(request->warm_up_ns), base_seconds(request->measure_ns),
              (unsigned long long)request->replication, (long long)start_ns);
    base_ns timeout_ns = request->warm_up_ns + request->measure_ns +
                         measure->options.scenario->objectives.delivery.within + SPARE_NS;
    bool is_answered =
        load_session_report(&measure->load, text_bytes(&command), timeout_ns, report);
    text_fini(&command);
    return is_answered || fail(measure, "%s", measure->load.error);
}

bool measure_probe(struct measure *measure, const struct measure_request *request,
                   struct outcome *outcome) {
    if (is_stopped(measure))
        return fail(measure, "stopped");
    if (!nodes_are_alive(&measure->nodes))
        return fail(measure, "a gateway has ended");
    if (!clean(measure))
        return false;
    await_calm(measure);
    if (is_stopped(measure))
        return fail(measure, "stopped");
    struct nodes_stats before, after;
    nodes_read(&measure->nodes, &before);
    base_ns start_ns = now_ns() + START_IN_NS;
    struct watch watch = {.nodes = &measure->nodes,
                          .from_ns = start_ns + request->warm_up_ns,
                          .to_ns = start_ns + request->warm_up_ns + request->measure_ns};
    measure->window_start_ns = watch.from_ns;
    measure->window_end_ns = watch.to_ns;
    pthread_t thread;
    if (pthread_create(&thread, NULL, watch_window, &watch) != 0)
        return fail(measure, "no thread to watch the gateway with");
    struct load_report report;
    load_report_init(&report);
    bool is_answered = ask(measure, request, start_ns, &report);
    pthread_join(thread, NULL);
    measure->is_dirty = true;
    if (is_answered) {
        nodes_read(&measure->nodes, &after);
        fill_from_report(&report, outcome); /* all metrics: the gateway's own come after it */
        fill_memory(measure, outcome); /* a yardstick leaves thousands of sockets to be freed */
        measure_yard(measure);
        fill_from_window(&watch, measure->options.scenario->has_presence, outcome);
        fill_from_probe(&before, &watch.last, &after, outcome);
        outcome->metric[OUTCOME_refused] = (double)measure->refused;
        fill_resources(measure, &watch, outcome);
        outcome_judge(outcome, &measure->options.scenario->objectives);
        outcome->refused = disturbance(measure, outcome);
        if (outcome->refused == NULL)
            outcome->refused = generator_bound(measure, &report, outcome);
    }
    load_report_fini(&report);
    return is_answered;
}

bool measure_ramp(struct measure *measure, int64_t most, int64_t *let_in) {
    char command[96];
    struct load_tally tally;
    snprintf(command, sizeof command, "{\"do\":\"ramp\",\"connections_max\":%lld}",
             (long long)most);
    if (!load_session_tally(&measure->load, command, CONNECT_TIMEOUT_NS, &tally))
        return fail(measure, "%s", measure->load.error);
    if (tally.limit != LOAD_LIMIT_SERVER)
        return fail(measure,
                    "the ramp ended at %lld connections for another reason than the gateway's: %s",
                    (long long)tally.connected, load_limit_name(tally.limit));
    *let_in = tally.connected;
    return true;
}
