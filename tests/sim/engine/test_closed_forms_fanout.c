/* Queueing theory for more than single jobs at one station: a tandem of stations, and rooms, whose
 * publishes arrive as batches of one job per recipient (DESIGN: fan-out, written at once). Judged
 * as in test_closed_forms.c. */
#include "sim/engine/run.h"
#include "sim/engine/station.h"
#include "tests/sim/engine/estimate.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <string.h>

enum { REPLICATIONS = 64 };
enum purpose { ARRIVALS, SERVICES, ROOMS };

/* Jackson: three exponential stations in a row. The controls are counts less rates, weighted with
 * the jobs at each station. */

enum { STATIONS = 3, TANDEM_JOBS = 22000, TANDEM_WARM_UP_JOBS = 2000, WEIGHTS = STATIONS + 1 };

static const double tandem_gap_s = 1 / 0.5, tandem_service_s[STATIONS] = {1, 1 / 0.8, 1 / 0.7};

struct tandem {
    struct run run;
    struct tandem_station {
        struct tandem *tandem;
        int32_t index;
        struct station station;
        struct rng services;
    } stations[STATIONS];
    struct rng arrivals;
    base_ns changed_ns;
    int32_t arrived;
    bool is_measuring;
    struct stats sojourn_s;
    double sums[ESTIMATE_CONTROLS_MAX];
};

static struct tandem tandem;

/* `kind`: 0 an arrival from outside, 1 + i a departure from station i. `jobs` as they were until
 * now. */
static void add_tandem_controls(struct tandem *t, int32_t kind, const int32_t jobs[STATIONS]) {
    double elapsed_s = base_seconds(t->run.now_ns - t->changed_ns);
    double expected[1 + STATIONS] = {elapsed_s / tandem_gap_s};
    double weights[WEIGHTS] = {1, jobs[0], jobs[1], jobs[2]};
    t->changed_ns = t->run.now_ns;
    for (int32_t i = 0; i < STATIONS; i++)
        expected[1 + i] = jobs[i] > 0 ? elapsed_s / tandem_service_s[i] : 0;
    for (int32_t i = 0; i < 1 + STATIONS; i++)
        for (int32_t j = 0; j < WEIGHTS; j++)
            t->sums[i * WEIGHTS + j] += weights[j] * ((i == kind) - expected[i]);
}

static void note_change(struct tandem *t, int32_t kind) {
    int32_t jobs[STATIONS];
    for (int32_t i = 0; i < STATIONS; i++)
        jobs[i] = station_in_system(&t->stations[i].station) + (kind == 1 + i);
    if (t->is_measuring)
        add_tandem_controls(t, kind, jobs);
}

static void enter(struct tandem_station *at, uint64_t tag) {
    double service_s = rng_exponential(&at->services, tandem_service_s[at->index]);
    (void)station_arrive(&at->station, base_ns_from_seconds(service_s), tag);
}

static void tandem_done(void *target, const struct station_visit *visit) {
    struct tandem_station *from = target;
    struct tandem *t = from->tandem;
    note_change(t, 1 + from->index);
    if (from->index + 1 < STATIONS)
        enter(from + 1, visit->tag);
    else if (t->is_measuring)
        stats_add(&t->sojourn_s, base_seconds(visit->done_ns - (base_ns)visit->tag));
}

static void tandem_arrive(void *target, uint64_t arg, base_ns now_ns) {
    struct tandem *t = target;
    note_change(t, 0);
    if (t->arrived == TANDEM_WARM_UP_JOBS) {
        t->is_measuring = true;
        t->changed_ns = now_ns;
    }
    enter(&t->stations[0], (uint64_t)now_ns);
    if (++t->arrived == TANDEM_JOBS)
        run_stop(&t->run);
    double gap_s = rng_exponential(&t->arrivals, tandem_gap_s);
    (void)run_after(&t->run, base_ns_from_seconds(gap_s), tandem_arrive, t, arg);
}

static void start_tandem(uint64_t seed) {
    tandem = (struct tandem){0};
    run_init(&tandem.run, &(struct run_options){.seed = seed});
    stats_init(&tandem.sojourn_s);
    tandem.arrivals = run_stream(&tandem.run, 0, ARRIVALS, 0);
    for (int32_t i = 0; i < STATIONS; i++) {
        struct tandem_station *at = &tandem.stations[i];
        at->tandem = &tandem;
        at->index = i;
        at->services = run_stream(&tandem.run, (uint64_t)i, SERVICES, 0);
        station_init(&at->station, &tandem.run,
                     &(struct station_options){.servers = 1, .done = tandem_done, .target = at});
    }
}

static struct sample simulate_tandem(uint64_t seed) {
    start_tandem(seed);
    (void)run_after(&tandem.run, 0, tandem_arrive, &tandem, 0);
    ck_assert_int_eq(run_until(&tandem.run, BASE_NS_MAX - 1), RUN_STOPPED);
    struct sample sample = {.value = tandem.sojourn_s.mean};
    for (int32_t i = 0; i < WEIGHTS * (1 + STATIONS); i++)
        sample.controls[i] = tandem.sums[i] / (TANDEM_JOBS - TANDEM_WARM_UP_JOBS);
    for (int32_t i = 0; i < STATIONS; i++) {
        ck_assert_double_lt(station_little_gap(&tandem.stations[i].station), 1e-9);
        station_fini(&tandem.stations[i].station);
    }
    run_fini(&tandem.run);
    return sample;
}

START_TEST(a_tandem_has_the_mean_sojourn_of_jackson) {
    static struct sample samples[REPLICATIONS];
    for (size_t i = 0; i < REPLICATIONS; i++)
        samples[i] = simulate_tandem(i + 1);
    struct estimate estimate = estimate_of(samples, REPLICATIONS, WEIGHTS * (1 + STATIONS));
    assert_estimate("Jackson tandem mean sojourn",
                    golden("Jackson tandem 3x M/M/1 mean,\"lam=.5 mu=1,.8,.7\","), &estimate);
}
END_TEST

/* Rooms: a publish brings one job for each recipient, all at once. Beside the draws' own controls
 * (test_closed_forms.c) there are those of Poisson arrivals: an idle period is exponential, and
 * what arrivals find is what stands on average over time. */

static const double write_s = 4e-6;

struct rooms {
    const char *name;
    int32_t small, large; /* recipients */
    double large_share;
    int32_t publishes, warm_up_publishes;
    const char *first_prefix, *delivery_prefix, *last_prefix;
};

static const struct rooms all_rooms[] = {
    {"rooms of 150", 150, 150, 0, 900, 100,
     "M[X]/D/1 const N=150 s=4us rho=.6 first write starts us,,", " ... random recipient us,,",
     " ... last recipient us,,"},
    {"rooms of 10 and 1000", 10, 1000, 0.05, 6500, 500,
     "M[X]/D/1 95% N=10 5% N=1000 first write starts us,,", " ... per-recipient mean us,,",
     " ... per-publish last mean us,,"},
};

enum tag { IS_FIRST = 1, IS_LAST = 2, IS_MEASURED = 4 };
enum measure { FIRST_START, DELIVERY, LAST_DONE, MEASURES };
enum { ROOM_CONTROLS = 9 };

struct fanout {
    const struct rooms *rooms;
    struct run run;
    struct station station;
    struct rng arrivals, choices;
    int32_t published;
    double work_s;                         /* found by the next publish, by Lindley's recursion */
    double gap_s, turn_s, turn_squared_s2; /* of a publish: gap before the next, all its writes */
    double measured_s[MEASURES];
    double sums[ROOM_CONTROLS];
};

static struct fanout fanout;

static double mean_recipients(const struct rooms *rooms) {
    return rooms->small + rooms->large_share * (rooms->large - rooms->small);
}

static void fanout_done(void *target, const struct station_visit *visit) {
    struct fanout *f = target;
    if (!(visit->tag & IS_MEASURED))
        return;
    double sojourn_s = base_seconds(visit->done_ns - visit->arrived_ns);
    f->measured_s[DELIVERY] += sojourn_s;
    if (visit->tag & IS_FIRST)
        f->measured_s[FIRST_START] += base_seconds(visit->started_ns - visit->arrived_ns);
    if (visit->tag & IS_LAST)
        f->measured_s[LAST_DONE] += sojourn_s;
}

/* Lindley: the work that the next publish finds; with what it leaves idle. */
static void add_room_controls(struct fanout *f, double turn_s, double gap_s) {
    double before_s = f->work_s, loaded_s = before_s + turn_s;
    double after_s = fmax(loaded_s - gap_s, 0), idle_s = fmax(gap_s - loaded_s, 0);
    double turn_off = turn_s - f->turn_s, gap_off = gap_s - f->gap_s;
    double area_s2 = (loaded_s * loaded_s - after_s * after_s) / 2;
    double terms[ROOM_CONTROLS] = {gap_off,
                                   before_s * gap_off,
                                   gap_s * gap_s - 2 * f->gap_s * f->gap_s,
                                   idle_s > 0 ? idle_s - f->gap_s : 0,
                                   idle_s > 0 ? idle_s * idle_s - 2 * f->gap_s * f->gap_s : 0,
                                   after_s - area_s2 / f->gap_s,
                                   turn_off,
                                   before_s * turn_off,
                                   turn_s * turn_s - f->turn_squared_s2};
    f->work_s = after_s;
    for (size_t i = 0; i < ROOM_CONTROLS && f->published > f->rooms->warm_up_publishes; i++)
        f->sums[i] += terms[i];
}

static void publish(void *target, uint64_t arg, base_ns now_ns) {
    struct fanout *f = target;
    const struct rooms *rooms = f->rooms;
    (void)now_ns;
    bool is_large = rng_uniform(&f->choices) < rooms->large_share;
    int32_t recipients = is_large ? rooms->large : rooms->small;
    uint64_t tag = f->published++ >= rooms->warm_up_publishes ? IS_MEASURED : 0;
    for (int32_t i = 0; i < recipients; i++) {
        uint64_t place = (i == 0 ? IS_FIRST : 0) | (i + 1 == recipients ? IS_LAST : 0);
        (void)station_arrive(&f->station, base_ns_from_seconds(write_s), tag | place);
    }
    double gap_s = rng_exponential(&f->arrivals, f->gap_s);
    add_room_controls(f, recipients * write_s, gap_s);
    if (f->published < rooms->publishes)
        (void)run_after(&f->run, base_ns_from_seconds(gap_s), publish, f, arg);
}

static void start_fanout(const struct rooms *rooms, uint64_t seed) {
    double share = rooms->large_share, small = rooms->small, large = rooms->large;
    fanout = (struct fanout){.rooms = rooms};
    fanout.turn_s = mean_recipients(rooms) * write_s;
    fanout.turn_squared_s2 =
        ((1 - share) * small * small + share * large * large) * write_s * write_s;
    fanout.gap_s = fanout.turn_s / 0.6;
    run_init(&fanout.run, &(struct run_options){.seed = seed});
    station_init(&fanout.station, &fanout.run,
                 &(struct station_options){.servers = 1, .done = fanout_done, .target = &fanout});
    fanout.arrivals = run_stream(&fanout.run, 0, ARRIVALS, 0);
    fanout.choices = run_stream(&fanout.run, 0, ROOMS, 0);
}

/* All three measures of a replication, in microseconds, over the same controls. */
static void simulate_fanout(const struct rooms *rooms, uint64_t seed,
                            struct sample *samples[MEASURES]) {
    start_fanout(rooms, seed);
    (void)run_after(&fanout.run, 0, publish, &fanout, 0);
    ck_assert_int_eq(run_until(&fanout.run, BASE_NS_MAX - 1), RUN_REACHED_END);
    ck_assert_double_lt(station_little_gap(&fanout.station), 1e-9);
    double publishes = rooms->publishes - rooms->warm_up_publishes;
    for (int32_t i = 0; i < MEASURES; i++) {
        double counted = i == DELIVERY ? publishes * mean_recipients(rooms) : publishes;
        samples[i]->value = fanout.measured_s[i] * 1e6 / counted;
        for (int32_t j = 0; j < ROOM_CONTROLS; j++)
            samples[i]->controls[j] = fanout.sums[j] / publishes;
    }
    station_fini(&fanout.station);
    run_fini(&fanout.run);
}

static void assert_measure(const struct rooms *rooms, const char *what, const char *prefix,
                           const struct sample *samples) {
    char name[64];
    /* the last three controls are those of the turn, which a constant room does not vary */
    size_t controls = rooms->small == rooms->large ? ROOM_CONTROLS - 3 : ROOM_CONTROLS;
    struct estimate estimate = estimate_of(samples, REPLICATIONS, controls);
    (void)snprintf(name, sizeof name, "%s, %s", rooms->name, what);
    assert_estimate(name, golden(prefix), &estimate);
}

START_TEST(a_publish_into_a_room_takes_as_long_as_batch_arrivals_do) {
    static struct sample samples[MEASURES][REPLICATIONS];
    const struct rooms *rooms = &all_rooms[_i];
    for (size_t i = 0; i < REPLICATIONS; i++) {
        struct sample *of_replication[MEASURES] = {&samples[FIRST_START][i], &samples[DELIVERY][i],
                                                   &samples[LAST_DONE][i]};
        simulate_fanout(rooms, i + 1, of_replication);
    }
    assert_measure(rooms, "first write starts", rooms->first_prefix, samples[FIRST_START]);
    assert_measure(rooms, "per delivery", rooms->delivery_prefix, samples[DELIVERY]);
    assert_measure(rooms, "per publish", rooms->last_prefix, samples[LAST_DONE]);
}
END_TEST

/* A closed loop: four clients who publish again as soon as their last copy is written. */

enum { CLIENTS = 4, MEMBERS = 24000, ROUNDS = 5 };

struct loop {
    struct run run;
    struct station station;
    base_ns published_ns[CLIENTS];
    int32_t rounds[CLIENTS];
    base_ns last_round_trip_ns[CLIENTS];
};

static struct loop loop;

/* Tags: the client above, whether it is its last copy below. */
static void publish_to_all(int32_t client) {
    loop.published_ns[client] = loop.run.now_ns;
    for (int32_t i = 0; i < MEMBERS; i++)
        (void)station_arrive(&loop.station, 3520, (uint64_t)(client * 2 + (i + 1 == MEMBERS)));
}

static void loop_done(void *target, const struct station_visit *visit) {
    (void)target;
    int32_t client = (int32_t)visit->tag / 2;
    if (!(visit->tag & 1))
        return;
    loop.last_round_trip_ns[client] = visit->done_ns - loop.published_ns[client];
    if (++loop.rounds[client] < ROUNDS)
        publish_to_all(client);
}

START_TEST(a_closed_loop_goes_round_in_clients_times_members_times_write) {
    run_init(&loop.run, &(struct run_options){.seed = 1});
    station_init(&loop.station, &loop.run,
                 &(struct station_options){.servers = 1, .done = loop_done});
    for (int32_t client = 0; client < CLIENTS; client++)
        publish_to_all(client);
    ck_assert_int_eq(run_until(&loop.run, 10 * BASE_NS_PER_S), RUN_REACHED_END);
    ck_assert_double_lt(station_little_gap(&loop.station), 1e-9);
    double expected_ms = golden("closed FIFO C=4 N=24000 s=3.52us RTT ms,,");
    for (int32_t client = 0; client < CLIENTS; client++) {
        ck_assert_int_eq(loop.rounds[client], ROUNDS);
        ck_assert_double_eq_tol(base_ms(loop.last_round_trip_ns[client]), expected_ms, 1e-9);
    }
    station_fini(&loop.station);
    run_fini(&loop.run);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(a_tandem_has_the_mean_sojourn_of_jackson),
    LOOP_TEST(a_publish_into_a_room_takes_as_long_as_batch_arrivals_do, COUNT_OF(all_rooms)),
    TEST(a_closed_loop_goes_round_in_clients_times_members_times_write),
};

int main(void) {
    return suite_run("closed forms of fan-out", tests, COUNT_OF(tests));
}
