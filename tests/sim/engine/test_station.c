#include "sim/engine/station.h"

#include "tests/sim/suite.h"

static struct run run;
static struct station station;

struct visits {
    int32_t count;
    struct station_visit visit[64];
};

static struct visits visits;

static void note(void *target, const struct station_visit *visit) {
    struct visits *list = target;
    list->visit[list->count++] = *visit;
}

static void start(int32_t servers, int32_t capacity) {
    visits = (struct visits){0};
    run_init(&run, &(struct run_options){.seed = 1});
    station_init(&station, &run,
                 &(struct station_options){
                     .servers = servers, .capacity = capacity, .done = note, .target = &visits});
}

static void stop(void) {
    station_fini(&station);
    run_fini(&run);
}

static void assert_visit(int32_t index, uint64_t tag, base_ns arrived_ns, base_ns started_ns,
                         base_ns done_ns) {
    ck_assert_int_lt(index, visits.count);
    const struct station_visit *visit = &visits.visit[index];
    ck_assert_uint_eq(visit->tag, tag);
    ck_assert_int_eq(visit->arrived_ns, arrived_ns);
    ck_assert_int_eq(visit->started_ns, started_ns);
    ck_assert_int_eq(visit->done_ns, done_ns);
}

START_TEST(one_server_serves_in_the_order_of_arrival) {
    start(1, 0);
    ck_assert(station_arrive(&station, 300, 1));
    ck_assert(station_arrive(&station, 50, 2));
    ck_assert_int_eq(run_until(&run, 100), RUN_REACHED_END);
    ck_assert(station_arrive(&station, 20, 3));
    ck_assert_int_eq(run_until(&run, 1000), RUN_REACHED_END);
    assert_visit(0, 1, 0, 0, 300);
    assert_visit(1, 2, 0, 300, 350);
    assert_visit(2, 3, 100, 350, 370);
    ck_assert_double_eq_tol(hist_mean(&station.wait_ns), (0 + 300 + 250) / 3.0, 1e-9);
    ck_assert_double_eq_tol(hist_mean(&station.sojourn_ns), (300 + 350 + 270) / 3.0, 1e-9);
    /* 2 until 100, 3 until 300, 2 until 350, 1 until 370 */
    ck_assert_double_eq_tol(station_mean_in_system(&station), (200 + 600 + 100 + 20) / 1000.0,
                            1e-12);
    ck_assert_double_eq_tol(station_utilisation(&station), 0.37, 1e-12);
    ck_assert_double_eq(station_little_gap(&station), 0);
    stop();
}
END_TEST

START_TEST(several_servers_share_one_queue) {
    start(2, 0);
    ck_assert(station_arrive(&station, 100, 1));
    ck_assert(station_arrive(&station, 40, 2));
    ck_assert(station_arrive(&station, 10, 3));
    ck_assert_int_eq(station_in_system(&station), 3);
    ck_assert_int_eq(run_until(&run, 200), RUN_REACHED_END);
    assert_visit(0, 2, 0, 0, 40);
    assert_visit(1, 3, 0, 40, 50);
    assert_visit(2, 1, 0, 0, 100);
    ck_assert_double_eq_tol(station_utilisation(&station), 150 / 400.0, 1e-12);
    stop();
}
END_TEST

START_TEST(a_job_beyond_the_capacity_is_lost) {
    start(1, 3);
    ck_assert(station_arrive(&station, 100, 1));
    ck_assert(station_arrive(&station, 100, 2));
    ck_assert(station_arrive(&station, 100, 3));
    ck_assert(!station_arrive(&station, 100, 4));
    ck_assert_int_eq(run_until(&run, 100), RUN_REACHED_END);
    ck_assert(station_arrive(&station, 100, 5));
    ck_assert(!station_arrive(&station, 100, 6));
    ck_assert_uint_eq(station.arrived_count, 6);
    ck_assert_uint_eq(station.lost_count, 2);
    ck_assert_double_eq_tol(station_loss_share(&station), 2 / 6.0, 1e-12);
    ck_assert_int_eq(run_until(&run, 1000), RUN_REACHED_END);
    ck_assert_int_eq(visits.count, 4);
    stop();
}
END_TEST

START_TEST(the_ring_grows_in_order_from_wherever_it_stands) {
    start(1, 0);
    uint64_t tag = 0;
    for (; tag < 12; tag++)
        ck_assert(station_arrive(&station, 10, tag));
    ck_assert_int_eq(run_until(&run, 75),
                     RUN_REACHED_END); /* 7 done: the ring begins in its middle */
    for (; tag < 50; tag++)
        ck_assert(station_arrive(&station, 10, tag));
    ck_assert_int_eq(run_until(&run, 10000), RUN_REACHED_END);
    ck_assert_int_eq(visits.count, 50);
    for (uint64_t i = 0; i < 50; i++)
        ck_assert_uint_eq(visits.visit[i].tag, i);
    stop();
}
END_TEST

START_TEST(a_restart_forgets_what_was_counted_and_keeps_the_jobs) {
    start(1, 0);
    ck_assert(station_arrive(&station, 20, 1)); /* done before the restart */
    ck_assert(station_arrive(&station, 80, 2));
    ck_assert(station_arrive(&station, 100, 3));
    ck_assert_int_eq(run_until(&run, 50), RUN_REACHED_END);
    station_restart(&station);
    ck_assert_uint_eq(station.arrived_count, 0);
    ck_assert_int_eq(station_in_system(&station), 2);
    ck_assert_int_eq(run_until(&run, 250), RUN_REACHED_END);
    /* from 50 on: 2 until 100, 1 until 200, none until 250 */
    ck_assert_double_eq_tol(station_mean_in_system(&station), 200 / 200.0, 1e-12);
    ck_assert_uint_eq(station.done_count, 2);
    ck_assert_double_eq(station_little_gap(&station), 0);
    stop();
}
END_TEST

START_TEST(littles_books_agree_while_jobs_are_inside) {
    start(2, 0);
    for (uint64_t i = 0; i < 9; i++)
        ck_assert(station_arrive(&station, 100 + (base_ns)i, i));
    ck_assert_int_eq(run_until(&run, 237), RUN_REACHED_END);
    ck_assert_int_gt(station_in_system(&station), 2);
    ck_assert_double_eq(station_little_gap(&station), 0);
    station.residence_ns -= 1; /* one nanosecond lost is seen */
    ck_assert_double_gt(station_little_gap(&station), 0);
    stop();
}
END_TEST

static void send_back(void *target, const struct station_visit *visit) {
    note(target, visit);
    if (visit->tag == 1 && visits.count < 3)
        (void)station_arrive(&station, 10, 1);
}

START_TEST(a_job_that_comes_straight_back_queues_behind_those_who_wait) {
    start(1, 0);
    station.options.done = send_back;
    ck_assert(station_arrive(&station, 10, 1));
    ck_assert(station_arrive(&station, 10, 2));
    ck_assert_int_eq(run_until(&run, 100), RUN_REACHED_END);
    assert_visit(0, 1, 0, 0, 10);
    assert_visit(1, 2, 0, 10, 20);
    assert_visit(2, 1, 10, 20, 30);
    stop();
}
END_TEST

START_TEST(a_capacity_below_the_servers_is_our_bug) {
    start(4, 3);
}
END_TEST

START_TEST(no_server_is_our_bug) {
    start(0, 0);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(one_server_serves_in_the_order_of_arrival),
    TEST(several_servers_share_one_queue),
    TEST(a_job_beyond_the_capacity_is_lost),
    TEST(the_ring_grows_in_order_from_wherever_it_stands),
    TEST(a_restart_forgets_what_was_counted_and_keeps_the_jobs),
    TEST(littles_books_agree_while_jobs_are_inside),
    TEST(a_job_that_comes_straight_back_queues_behind_those_who_wait),
    TEST_OF_OUR_BUG(a_capacity_below_the_servers_is_our_bug),
    TEST_OF_OUR_BUG(no_server_is_our_bug),
};

int main(void) {
    return suite_run("station", tests, COUNT_OF(tests));
}
