/* The engine against queueing theory: each closed form is simulated as a model on a station would
 * be.
 *
 * Two judges. Every wait of every job must be exactly, to the nanosecond, what the recursion of
 * Kiefer and Wolfowitz (1955) says for the same draws; that one knows nothing of events. And the
 * means must be those of the textbook, within 0.5 % and 3.3 standard errors, with the controls of
 * estimate.c. Replication i has seed i, counting from 1; no seed was chosen. */
#include "sim/engine/run.h"
#include "sim/engine/station.h"
#include "tests/sim/engine/estimate.h"
#include "tests/sim/suite.h"

#include <gsl/gsl_randist.h>
#include <math.h>

enum { SERVERS_MAX = 100, PHIS_MAX = 4, REPLICATIONS = 64 };
enum purpose { ARRIVALS, SERVICES };

/* A queue: Poisson arrivals into one station. */
struct queue {
    double gap_s;                         /* mean */
    double service_s, service_squared_s2; /* moments */
    double (*draw_service)(const struct queue *queue, struct rng *rng);
    int32_t servers, capacity;
    int32_t jobs, warm_up_jobs;
    size_t phis_count; /* weights of the controls: 1, load, load^2, ... and `phi` as the last, if
                          there is one */
    double (*phi)(double load);
    double (*measure)(const struct station *station);
};

struct model {
    const struct queue *queue;
    struct run run;
    struct station station;
    struct rng arrivals, services;
    base_ns free_at_ns[SERVERS_MAX]; /* ascending: the recursion's servers */
    base_ns changed_ns;              /* when a job last came or went */
    int32_t arrived, wrong_waits, wrong_losses;
    bool is_measuring;
    double sums[ESTIMATE_CONTROLS_MAX];
};

static struct model model;
static struct hist all_sojourns_ns; /* of all replications */

static double exponential_service(const struct queue *queue, struct rng *rng) {
    return rng_exponential(rng, queue->service_s);
}

static double constant_service(const struct queue *queue, struct rng *rng) {
    (void)rng;
    return queue->service_s;
}

static double lognormal_service(const struct queue *queue, struct rng *rng) {
    double sigma2 = log(queue->service_squared_s2 / (queue->service_s * queue->service_s));
    gsl_rng generator = rng_as_gsl(rng);
    return gsl_ran_lognormal(&generator, log(queue->service_s) - sigma2 / 2, sqrt(sigma2));
}

/* What the recursion says a job that comes now must wait; takes the job. */
static base_ns expected_wait_ns(struct model *m, base_ns service_ns) {
    base_ns now_ns = m->run.now_ns;
    base_ns start_ns = m->free_at_ns[0] > now_ns ? m->free_at_ns[0] : now_ns;
    base_ns free_ns = start_ns + service_ns;
    int32_t i = 0;
    for (; i + 1 < m->queue->servers && m->free_at_ns[i + 1] < free_ns; i++)
        m->free_at_ns[i] = m->free_at_ns[i + 1];
    m->free_at_ns[i] = free_ns;
    return start_ns - now_ns;
}

static void weigh(const struct queue *queue, double load, double phis[PHIS_MAX]) {
    double power = 1;
    for (size_t i = 0; i < queue->phis_count; i++, power *= load)
        phis[i] = queue->phi && i + 1 == queue->phis_count ? queue->phi(load) : power;
}

/* One server, any service: the work that a job finds is independent of its service and of the gap
 * after it. */
static void add_draws(struct model *m, double service_s, double gap_s) {
    const struct queue *queue = m->queue;
    double phis[PHIS_MAX], *sum = m->sums;
    weigh(queue, fmax(base_seconds(m->free_at_ns[0] - m->run.now_ns), 0), phis);
    for (size_t i = 0; i < queue->phis_count; i++) {
        *sum++ += phis[i] * (gap_s - queue->gap_s);
        *sum++ += phis[i] * (service_s - queue->service_s);
    }
    *sum++ += gap_s * gap_s - 2 * queue->gap_s * queue->gap_s;
    *sum++ += service_s * service_s - queue->service_squared_s2;
}

/* Several servers or a bound, exponential services: while n jobs are there, arrivals come at the
 * rate 1/gap and departures at min(n, servers)/service, whatever happened before; so counts less
 * rate times time are 0 on average. `jobs` were there from the last change to now. */
static void add_counts(struct model *m, int32_t jobs, bool is_arrival) {
    const struct queue *queue = m->queue;
    double phis[PHIS_MAX], *sum = m->sums,
                           scale = queue->capacity ? queue->capacity : queue->servers;
    double elapsed_s = base_seconds(m->run.now_ns - m->changed_ns);
    double departures =
        (jobs < queue->servers ? jobs : queue->servers) * elapsed_s / queue->service_s;
    m->changed_ns = m->run.now_ns;
    weigh(queue, jobs / scale, phis);
    for (size_t i = 0; i < queue->phis_count; i++) {
        *sum++ += phis[i] * (is_arrival - elapsed_s / queue->gap_s);
        *sum++ += phis[i] * (!is_arrival - departures);
    }
}

static bool is_counted(const struct queue *queue) {
    return queue->servers > 1 || queue->capacity > 0;
}

static void depart(void *target, const struct station_visit *visit) {
    struct model *m = target;
    m->wrong_waits += visit->started_ns - visit->arrived_ns != (base_ns)visit->tag;
    if (m->is_measuring && is_counted(m->queue))
        add_counts(m, station_in_system(&m->station) + 1, false);
}

static void start_measuring(struct model *m) {
    station_restart(&m->station);
    m->is_measuring = true;
    m->changed_ns = m->run.now_ns;
}

static void arrive(void *target, uint64_t arg, base_ns now_ns) {
    struct model *m = target;
    const struct queue *queue = m->queue;
    (void)now_ns;
    int32_t jobs = station_in_system(&m->station);
    double service_s = queue->draw_service(queue, &m->services);
    double gap_s = rng_exponential(&m->arrivals, queue->gap_s);
    if (m->is_measuring && is_counted(queue))
        add_counts(m, jobs, true);
    else if (m->is_measuring)
        add_draws(m, service_s, gap_s);
    if (m->arrived == queue->warm_up_jobs)
        start_measuring(m);
    base_ns service_ns = base_ns_from_seconds(service_s);
    bool has_room = queue->capacity == 0 || jobs < queue->capacity;
    base_ns wait_ns = has_room ? expected_wait_ns(m, service_ns) : 0;
    m->wrong_losses += station_arrive(&m->station, service_ns, (uint64_t)wait_ns) != has_room;
    if (++m->arrived == queue->jobs)
        run_stop(&m->run);
    (void)run_after(&m->run, base_ns_from_seconds(gap_s), arrive, m, arg);
}

static size_t controls_of(const struct queue *queue) {
    return 2 * queue->phis_count + (is_counted(queue) ? 0 : 2);
}

static struct sample simulate(const struct queue *queue, uint64_t seed) {
    model = (struct model){.queue = queue};
    run_init(&model.run, &(struct run_options){.seed = seed});
    station_init(&model.station, &model.run,
                 &(struct station_options){.servers = queue->servers,
                                           .capacity = queue->capacity,
                                           .done = depart,
                                           .target = &model});
    model.arrivals = run_stream(&model.run, 0, ARRIVALS, 0);
    model.services = run_stream(&model.run, 0, SERVICES, 0);
    (void)run_after(&model.run, 0, arrive, &model, 0);
    ck_assert_int_eq(run_until(&model.run, BASE_NS_MAX - 1), RUN_STOPPED);
    ck_assert_int_eq(model.wrong_waits, 0);
    ck_assert_int_eq(model.wrong_losses, 0);
    ck_assert_double_lt(station_little_gap(&model.station), 1e-9);
    struct sample sample = {.value = queue->measure(&model.station)};
    for (size_t i = 0; i < controls_of(queue); i++)
        sample.controls[i] = model.sums[i] / (queue->jobs - queue->warm_up_jobs);
    hist_merge(&all_sojourns_ns, &model.station.sojourn_ns);
    station_fini(&model.station);
    run_fini(&model.run);
    return sample;
}

static struct estimate estimate_queue(const struct queue *queue) {
    static struct sample samples[REPLICATIONS];
    hist_init(&all_sojourns_ns);
    for (size_t i = 0; i < REPLICATIONS; i++)
        samples[i] = simulate(queue, i + 1);
    return estimate_of(samples, REPLICATIONS, controls_of(queue));
}

static double mean_sojourn_s(const struct station *station) {
    return hist_mean(&station->sojourn_ns) * 1e-9;
}

static double mean_wait_s(const struct station *station) {
    return hist_mean(&station->wait_ns) * 1e-9;
}

START_TEST(mm1_has_the_mean_sojourn_of_the_textbook) {
    struct queue queue = {.gap_s = 1 / 0.8,
                          .service_s = 1,
                          .service_squared_s2 = 2,
                          .draw_service = exponential_service,
                          .servers = 1,
                          .jobs = 34000,
                          .warm_up_jobs = 2000,
                          .phis_count = 3,
                          .measure = mean_sojourn_s};
    struct estimate estimate = estimate_queue(&queue);
    assert_estimate("M/M/1 mean sojourn", golden("M/M/1 mean sojourn,lam=.8 mu=1,"), &estimate);
}
END_TEST

static const double p99_s =
    23.025850929940457; /* ln(100) / (mu - lambda), where the slope is taken */

/* To first order a p99 moves by what the share above it is off, over the density there: 0.01 * (mu
 * - lambda). */
static double p99_sojourn_s(const struct station *station) {
    double above = (double)hist_count_above(&station->sojourn_ns, base_ns_from_seconds(p99_s));
    double share = above / (double)station->sojourn_ns.total;
    return p99_s + (share - 0.01) / (0.01 * 0.2);
}

/* What one second more of work does to later sojourns beyond the p99: next to nothing far below it.
 */
static double tilted(double work_s) {
    return exp(0.2 * (fmin(work_s, p99_s) - p99_s));
}

START_TEST(mm1_has_the_p99_sojourn_of_the_textbook) {
    struct queue queue = {.gap_s = 1 / 0.8,
                          .service_s = 1,
                          .service_squared_s2 = 2,
                          .draw_service = exponential_service,
                          .servers = 1,
                          .jobs = 130000,
                          .warm_up_jobs = 2000,
                          .phis_count = 4,
                          .phi = tilted,
                          .measure = p99_sojourn_s};
    struct estimate estimate = estimate_queue(&queue);
    double expected_s = golden("M/M/1 p99 sojourn,lam=.8 mu=1,");
    assert_estimate("M/M/1 p99 sojourn", expected_s, &estimate);
    double from_histogram_s = base_seconds(hist_quantile(&all_sojourns_ns, 0.99));
    ck_assert_double_eq_tol(from_histogram_s, expected_s,
                            expected_s / 512 + 3.3 * estimate.plain_stderr);
}
END_TEST

START_TEST(md1_has_the_mean_wait_of_pollaczek_and_khinchine) {
    struct queue queue = {.gap_s = 1 / 0.8,
                          .service_s = 1,
                          .service_squared_s2 = 1,
                          .draw_service = constant_service,
                          .servers = 1,
                          .jobs = 34000,
                          .warm_up_jobs = 2000,
                          .phis_count = 3,
                          .measure = mean_wait_s};
    struct estimate estimate = estimate_queue(&queue);
    assert_estimate("M/D/1 mean wait", golden("M/D/1 mean wait,rho=.8 s=1,"), &estimate);
}
END_TEST

START_TEST(mg1_with_lognormal_services_has_the_mean_wait_of_pollaczek_and_khinchine) {
    struct queue queue = {.gap_s = 1 / 0.8,
                          .service_s = 1,
                          .service_squared_s2 = 5, /* cv = 2 */
                          .draw_service = lognormal_service,
                          .servers = 1,
                          .jobs = 66000,
                          .warm_up_jobs = 2000,
                          .phis_count = 3,
                          .measure = mean_wait_s};
    struct estimate estimate = estimate_queue(&queue);
    assert_estimate("M/G/1 lognormal cv=2 mean wait",
                    golden("M/G/1 lognormal cv=2 mean wait,rho=.8 s=1,"), &estimate);
}
END_TEST

/* Of eight servers all are busy, and so many jobs more. */
static double queued(double jobs_per_server) {
    return fmax(jobs_per_server - 0.875, 0);
}

START_TEST(mmc_has_the_mean_wait_of_erlang_c) {
    struct queue queue = {.gap_s = 1 / 6.4,
                          .service_s = 1,
                          .service_squared_s2 = 2,
                          .draw_service = exponential_service,
                          .servers = 8,
                          .jobs = 20000,
                          .warm_up_jobs = 2000,
                          .phis_count = 4,
                          .phi = queued,
                          .measure = mean_wait_s};
    struct estimate estimate = estimate_queue(&queue);
    assert_estimate("M/M/c mean wait (Erlang C)",
                    golden("M/M/c mean wait (Erlang C),c=8 a=6.4 mu=1,"), &estimate);
}
END_TEST

/* Losses: where, with which golden value. */
static const struct loss {
    const char *prefix;
    double offered;
    int32_t servers, capacity;
} losses[] = {
    {"Erlang-B,c=10 a=8,", 8, 10, 10},
    {"Erlang-B,c=100 a=90,", 90, 100, 100},
    {"M/M/1/K drop prob,rho=.9 K=20 in system,", 0.9, 1, 20},
    {"M/M/c/K drop prob,c=4 a=3.6 K=20,", 3.6, 4, 20},
};

START_TEST(a_full_station_loses_the_share_of_the_textbook) {
    struct queue queue = {.gap_s = 1 / losses[_i].offered,
                          .service_s = 1,
                          .service_squared_s2 = 2,
                          .draw_service = exponential_service,
                          .servers = losses[_i].servers,
                          .capacity = losses[_i].capacity,
                          .jobs = 20000,
                          .warm_up_jobs = 2000,
                          .phis_count = 4,
                          .measure = station_loss_share};
    struct estimate estimate = estimate_queue(&queue);
    assert_estimate(losses[_i].prefix, golden(losses[_i].prefix), &estimate);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(mm1_has_the_mean_sojourn_of_the_textbook),
    TEST(mm1_has_the_p99_sojourn_of_the_textbook),
    TEST(md1_has_the_mean_wait_of_pollaczek_and_khinchine),
    TEST(mg1_with_lognormal_services_has_the_mean_wait_of_pollaczek_and_khinchine),
    TEST(mmc_has_the_mean_wait_of_erlang_c),
    LOOP_TEST(a_full_station_loses_the_share_of_the_textbook, COUNT_OF(losses)),
};

int main(void) {
    return suite_run("closed forms", tests, COUNT_OF(tests));
}
