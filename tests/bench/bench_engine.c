/* What an event costs: the calendar against a 4-ary heap of the same interface, and M/M/1 against
 * SimPy.
 *
 * HOLD is the classic benchmark of event lists: pop one, schedule one an exponential time later,
 * with so many always pending (Jones 1986). Its random times are drawn before, so that only the
 * list is measured. M/M/1 at rho 0.9 is a whole small model: draws, station, histograms,
 * fingerprint. The repeats of all rows are interleaved and the median is printed, with the smallest
 * and largest beside it; what is worth comparing between machines is the ratio, not the
 * nanoseconds. */
#include "sim/base/check.h"
#include "sim/base/rng.h"
#include "sim/base/stats.h"
#include "sim/engine/run.h"
#include "sim/engine/station.h"
#include "tests/sim/engine/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REPEATS = 7, HOLD_EVENTS = 2000000, DRAWS = 1 << 16, MM1_JOBS = 1000000 };

static double cpu_ns(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* HOLD */

enum spread { EXPONENTIAL, SKEWED };

static base_ns draws_ns[DRAWS];

/* SKEWED: nine in ten within 100 us, the others within ten minutes, as messages and idle timeouts
 * are. */
static void draw(enum spread spread) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 1, .purpose = (uint32_t)spread});
    for (int32_t i = 0; i < DRAWS; i++) {
        double mean_s = 1;
        if (spread == SKEWED)
            mean_s = rng_uniform(&rng) < 0.9 ? 100e-6 : 600;
        draws_ns[i] = base_ns_from_seconds(rng_exponential(&rng, mean_s));
    }
}

/* Both lists behind the same indirect calls, so that neither gains from being inlined. */
struct list_ops {
    calendar_handle (*schedule)(void *list, base_ns at_ns, uint64_t arg);
    bool (*pop)(void *list, struct calendar_event *event);
};

static calendar_handle calendar_list_schedule(void *list, base_ns at_ns, uint64_t arg) {
    return calendar_schedule(list, at_ns, NULL, NULL, arg);
}

static bool calendar_list_pop(void *list, struct calendar_event *event) {
    return calendar_pop(list, BASE_NS_MAX, event);
}

static calendar_handle heap_list_schedule(void *list, base_ns at_ns, uint64_t arg) {
    return heap_schedule(list, at_ns, NULL, NULL, arg);
}

static bool heap_list_pop(void *list, struct calendar_event *event) {
    return heap_pop(list, BASE_NS_MAX, event);
}

static const struct list_ops calendar_ops = {calendar_list_schedule, calendar_list_pop};
static const struct list_ops heap_ops = {heap_list_schedule, heap_list_pop};

typedef double (*list_benchmark)(const struct list_ops *ops, void *list, int32_t argument);

static double on_calendar(list_benchmark benchmark, int32_t argument) {
    static struct calendar calendar;
    calendar_init(&calendar, CALENDAR_PENDING_MAX);
    double ns = benchmark(&calendar_ops, &calendar, argument);
    calendar_fini(&calendar);
    return ns;
}

static double on_heap(list_benchmark benchmark, int32_t argument) {
    struct heap heap;
    heap_init(&heap);
    double ns = benchmark(&heap_ops, &heap, argument);
    heap_fini(&heap);
    return ns;
}

/* Two rounds of the pending events before the clock starts: by then their times are spread as they
 * stay. */
static double hold(const struct list_ops *ops, void *list, int32_t pending) {
    struct calendar_event event;
    for (int32_t i = 0; i < pending; i++)
        (void)ops->schedule(list, draws_ns[i % DRAWS] + i % 7, 0);
    double start_ns = 0;
    for (int32_t i = -2 * pending; i < HOLD_EVENTS; i++) {
        if (i == 0)
            start_ns = cpu_ns();
        CHECK(ops->pop(list, &event));
        (void)ops->schedule(list, event.at_ns + draws_ns[(uint32_t)i % DRAWS], 0);
    }
    return (cpu_ns() - start_ns) / HOLD_EVENTS;
}

static double hold_calendar(int32_t pending) {
    return on_calendar(hold, pending);
}

static double hold_heap(int32_t pending) {
    return on_heap(hold, pending);
}

/* M/M/1: the engine as it ships, and a bare loop on the heap that does the same arithmetic without
 * any of its books. */

struct mm1 {
    struct run run;
    struct station station;
    struct rng arrivals, services;
    int32_t jobs_left;
};

static void mm1_arrive(void *target, uint64_t arg, base_ns now_ns) {
    struct mm1 *model = target;
    (void)now_ns;
    double service_s = rng_exponential(&model->services, 1.0);
    (void)station_arrive(&model->station, base_ns_from_seconds(service_s), arg);
    if (--model->jobs_left > 0) {
        double gap_s = rng_exponential(&model->arrivals, 1 / 0.9);
        (void)run_after(&model->run, base_ns_from_seconds(gap_s), mm1_arrive, model, arg);
    }
}

static double mm1_engine(int32_t jobs) {
    static struct mm1 model;
    run_init(&model.run, &(struct run_options){.seed = 1, .scenario = "M/M/1"});
    station_init(&model.station, &model.run, &(struct station_options){.servers = 1});
    model.arrivals = run_stream(&model.run, 0, 0, 0);
    model.services = run_stream(&model.run, 0, 1, 0);
    model.jobs_left = jobs;
    (void)run_after(&model.run, 0, mm1_arrive, &model, 0);
    double start_ns = cpu_ns();
    CHECK(run_until(&model.run, BASE_NS_MAX) == RUN_REACHED_END);
    double elapsed_ns = cpu_ns() - start_ns;
    CHECK(model.run.events_count == 2 * (uint64_t)jobs);
    station_fini(&model.station);
    run_fini(&model.run);
    return elapsed_ns / (2.0 * jobs);
}

static double mm1_bare(const struct list_ops *ops, void *list, int32_t jobs) {
    struct calendar_event event;
    struct rng arrivals, services;
    rng_init(&arrivals, (struct rng_name){.seed = 1, .purpose = 0});
    rng_init(&services, (struct rng_name){.seed = 1, .purpose = 1});
    int32_t arrived = 0, present = 0;
    (void)ops->schedule(list, 0, 0);
    double start_ns = cpu_ns();
    while (ops->pop(list, &event)) {
        bool is_arrival = event.arg == 0;
        present += is_arrival ? 1 : -1;
        if (is_arrival && ++arrived < jobs) {
            base_ns gap_ns = base_ns_from_seconds(rng_exponential(&arrivals, 1 / 0.9));
            (void)ops->schedule(list, event.at_ns + gap_ns, 0);
        }
        if (is_arrival ? present == 1 : present > 0) {
            base_ns service_ns = base_ns_from_seconds(rng_exponential(&services, 1.0));
            (void)ops->schedule(list, event.at_ns + service_ns, 1);
        }
    }
    return (cpu_ns() - start_ns) / (2.0 * jobs);
}

static double mm1_bare_calendar(int32_t jobs) {
    return on_calendar(mm1_bare, jobs);
}

static double mm1_bare_heap(int32_t jobs) {
    return on_heap(mm1_bare, jobs);
}

/* SimPy's line, "ns mean", or 0 with the reason on stderr. Its script is this program's only
 * argument. */
static double mm1_simpy(const char *script) {
    char command[4096];
    double ns = 0, sojourn_s = 0;
    (void)snprintf(command, sizeof command, "python3 '%s'", script);
    fflush(NULL);
    FILE *pipe = popen(command, "r");
    if (!pipe || fscanf(pipe, "%lf %lf", &ns, &sojourn_s) != 2)
        ns = 0;
    if (pipe)
        (void)pclose(pipe);
    return ns;
}

struct row {
    const char *name;
    double (*product)(int32_t argument), (*yardstick)(int32_t argument);
    int32_t argument;
    enum spread spread;
    double product_ns[REPEATS], yardstick_ns[REPEATS];
};

static void measure(struct row *rows, int32_t rows_count) {
    for (int32_t repeat = 0; repeat < REPEATS; repeat++)
        for (int32_t i = 0; i < rows_count; i++) {
            draw(rows[i].spread);
            rows[i].product_ns[repeat] = rows[i].product(rows[i].argument);
            rows[i].yardstick_ns[repeat] = rows[i].yardstick(rows[i].argument);
        }
}

/* Returns the median of the product. */
static double print(struct row *row) {
    double product_ns = stats_median(row->product_ns, REPEATS);
    double yardstick_ns = stats_median(row->yardstick_ns, REPEATS);
    printf("%-38s %8.1f (%6.1f to %6.1f) %8.1f (%6.1f to %6.1f) %7.2f\n", row->name, product_ns,
           row->product_ns[0], row->product_ns[REPEATS - 1], yardstick_ns, row->yardstick_ns[0],
           row->yardstick_ns[REPEATS - 1], product_ns / yardstick_ns);
    return product_ns;
}

static void print_simpy(const char *script, double engine_ns) {
    double simpy_ns = script ? mm1_simpy(script) : 0;
    if (simpy_ns > 0)
        printf("%-38s %8.1f %s %.0f\n", "M/M/1 rho 0.9, SimPy", simpy_ns,
               "               times the engine:", simpy_ns / engine_ns);
    else
        printf("%-38s is missing: not compared\n", "M/M/1 rho 0.9, SimPy");
}

int main(int argc, char **argv) {
    static struct row rows[] = {
        {.name = "M/M/1 rho 0.9, engine : bare heap",
         .product = mm1_engine,
         .yardstick = mm1_bare_heap,
         .argument = MM1_JOBS},
        {.name = "M/M/1 rho 0.9, bare calendar : bare heap",
         .product = mm1_bare_calendar,
         .yardstick = mm1_bare_heap,
         .argument = MM1_JOBS},
        {"HOLD 100, calendar : heap", hold_calendar, hold_heap, 100, EXPONENTIAL, {0}, {0}},
        {"HOLD 1000", hold_calendar, hold_heap, 1000, EXPONENTIAL, {0}, {0}},
        {"HOLD 10000", hold_calendar, hold_heap, 10000, EXPONENTIAL, {0}, {0}},
        {"HOLD 100000", hold_calendar, hold_heap, 100000, EXPONENTIAL, {0}, {0}},
        {"HOLD 100, skewed times", hold_calendar, hold_heap, 100, SKEWED, {0}, {0}},
        {"HOLD 100000, skewed times", hold_calendar, hold_heap, 100000, SKEWED, {0}, {0}},
    };
    measure(rows, COUNT_OF(rows));
    printf("CPU ns per event, median of %d (least to most); the last column is the ratio\n",
           REPEATS);
    double engine_ns = print(&rows[0]);
    for (size_t i = 1; i < COUNT_OF(rows); i++)
        (void)print(&rows[i]);
    print_simpy(argc > 1 ? argv[1] : NULL, engine_ns);
    return 0;
}
