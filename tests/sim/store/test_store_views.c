/* Questions in SQL: what the views join, and what is refused. */
#include "sim/store/store_views.h"

#include "tests/sim/suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct store store;
static char path[64];
static struct text answer;

static void make(void) {
    struct store_run_options options = {.kind = STORE_SIMULATED,
                                        .command = "ceiling",
                                        .scenario = {"chat", "{\"a\": 1}"},
                                        .code = {"0.1.0", "code"},
                                        .load_scale = 1,
                                        .started_at_ns = 2000000000};
    int64_t run;
    ck_assert(store_begin_run(&store, &options, &run));
    ck_assert(store_put_metric(
        &store, run,
        &(struct store_metric){"ceiling.active", 2.385, 2, NAN, "deliveries/s", "worker_cpu"}));
    ck_assert(store_put_resource(&store, run, &(struct store_resource){"memory", 3, 4, "bytes"}));
    ck_assert(store_finish_run(
        &store, run, &(struct store_finish){.state = STORE_DONE, .finished_at_ns = 3500000000}));
}

static void setup(void) {
    snprintf(path, sizeof path, "test_store_views_%d.db", (int)getpid());
    ck_assert_msg(store_open(&store, path, STORE_WRITE), "%s", store.error);
    make();
    store_close(&store);
    ck_assert_msg(store_open(&store, path, STORE_READ), "%s", store.error);
    text_init(&answer);
}

static void teardown(void) {
    text_fini(&answer);
    store_close(&store);
    unlink(path);
}

static void head(void *context, const char *const *names, int32_t count) {
    (void)context, (void)names, (void)count;
}

static void row(void *context, const char *const *values, const bool *are_numbers, int32_t count) {
    (void)context;
    for (int32_t i = 0; i < count; i++)
        text_addf(&answer, "%s%s|", values[i] ? values[i] : "NULL", are_numbers[i] ? "#" : "");
}

static const struct store_listener listener = {.head = head, .row = row};

START_TEST(views_join_what_a_question_needs) {
    ck_assert_msg(store_query(&store, "SELECT scenario, ceiling, value, high, broke FROM ceilings",
                              &listener),
                  "%s", store.error);
    ck_assert_str_eq(text_bytes(&answer), "chat|active|2.385#|NULL|worker_cpu|");
    text_clear(&answer);
    ck_assert(store_query(&store, "SELECT scenario, took_s FROM all_runs;  ", &listener));
    ck_assert_str_eq(text_bytes(&answer), "chat|1.5#|");
    text_clear(&answer);
    ck_assert(store_query(&store, "SELECT resource, share, \"limit\" FROM limits", &listener));
    ck_assert_str_eq(text_bytes(&answer), "memory|0.75#|4.0#|");
}
END_TEST

START_TEST(every_view_can_be_asked) {
    for (int32_t i = 0; i < store_views_count; i++) {
        char sql[96];
        snprintf(sql, sizeof sql, "SELECT * FROM %s", store_views[i].name);
        ck_assert_msg(store_query(&store, sql, &listener), "%s", store.error);
    }
}
END_TEST

START_TEST(what_would_write_or_is_not_one_statement_is_refused) {
    static const struct {
        const char *sql, *why;
    } wrong[] = {
        {"DELETE FROM runs", "the statement would write, and results do not change"},
        {"CREATE TABLE x (y)", "the statement would write, and results do not change"},
        {"SELECT 1; DELETE FROM runs", "more than one statement"},
        {"  ", "there is no statement"},
        {"SELECT speed FROM runs", "no such column: speed"},
    };
    char message[128];
    snprintf(message, sizeof message, "%s: %s", path, wrong[_i].why);
    ck_assert(!store_query(&store, wrong[_i].sql, &listener));
    ck_assert_str_eq(store.error, message);
    ck_assert(store_query(&store, "SELECT count(*) FROM runs", &listener));
    ck_assert_str_eq(text_bytes(&answer), "1#|");
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(views_join_what_a_question_needs),
        TEST(every_view_can_be_asked),
        LOOP_TEST(what_would_write_or_is_not_one_statement_is_refused, 5),
    };
    return suite_run_with("store_views", tests, COUNT_OF(tests), setup, teardown);
}
