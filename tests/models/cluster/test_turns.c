/* What the simulator's flight recorder says adds up to what the run says of itself, and changes
 * nothing. */
#include "models/cluster/node.h"
#include "tests/models/cluster/simulation.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <string.h>

/* Turns of some 100 us, 60 a second: none of them is cut by an end of the window. */
#define PROMPT                                                                                     \
    "{\"name\": \"prompt\", \"seed\": \"11\", \"populations\": {\"p\": {\"connections\": 90}}, "   \
    "\"rooms\": {\"g\": {\"size\": {\"constant\": 30}, \"members\": [\"p\"]}}, \"traffic\": "      \
    "{\"t\": {\"from\": \"p\", \"to\": \"g\", \"rate\": {\"poisson\": \"20/s per room\"}, "        \
    "\"bytes\": {\"constant\": 77}}}, \"nodes\": {\"n\": {\"workers\": %d, \"fan_out\": "          \
    "\"%s\"}}, \"window\": {\"warm_up\": \"300ms\", \"measure\": \"2s\"}}"

/* Readers that fall behind and catch up; members of several rooms. */
#define SLOW                                                                                       \
    "{\"name\": \"slow\", \"seed\": \"8\", \"populations\": {\"a\": {\"connections\": 120}, "      \
    "\"b\": {\"connections\": 12, \"receive\": {\"stall\": {\"every\": \"500ms\", \"for\": "       \
    "\"200ms\"}, \"buffer\": \"8KiB\"}}}, "                                                        \
    "\"rooms\": {\"g\": {\"size\": {\"constant\": 40}, \"members\": [\"a\", \"b\"], \"count\": "   \
    "9, \"placement\": \"scattered\"}}, \"traffic\": {\"t\": {\"from\": \"a\", \"to\": \"g\", "    \
    "\"rate\": {\"poisson\": \"150/s per room\"}, \"bytes\": {\"log_normal\": {\"mean\": 300, "    \
    "\"sigma\": 0.9}}}}, \"objectives\": {\"delivery\": {\"within\": \"5s\"}}, \"nodes\": "        \
    "{\"n\": "                                                                                     \
    "{\"send_buffer\": \"8KiB\", \"send_queue\": {\"limit\": \"unlimited\", \"policy\": "          \
    "\"%s\"}}}, \"window\": {\"warm_up\": \"300ms\", \"measure\": \"2s\"}}"

static void set_costs(struct simulation *simulation) {
    static const struct {
        enum cost cost;
        double value;
    } costs[] = {{COST_turn, 4300},           {COST_read, 900},
                 {COST_read_byte, 0.7},       {COST_publish, 1700},
                 {COST_write, 1660.5},        {COST_frame, 61.25},
                 {COST_byte, 0.11},           {COST_enqueue, 240},
                 {COST_writable, 800},        {COST_wake_up, 6100},
                 {COST_writable_share, 0.33}, {COST_window_share, 0.27}};
    for (size_t i = 0; i < COUNT_OF(costs); i++)
        simulation->costs.value[costs[i].cost] = costs[i].value;
}

struct seen { /* of a node, before it is freed */
    base_ns window_start_ns, window_end_ns;
    int64_t delivered, with_kernel;
};

static void look(void *target, const struct cluster *cluster) {
    struct seen *seen = target;
    seen->window_start_ns = cluster->window_start_ns;
    seen->window_end_ns = cluster->window_end_ns;
    seen->delivered = seen->with_kernel = 0;
    for (int32_t i = 0; i < cluster->tally.steps_count; i++)
        seen->delivered += cluster->tally.steps[i].delivered;
    for (int32_t i = 0; i < cluster->layout->consumers_count; i++)
        seen->with_kernel += cluster->consumers[i].sent.count;
}

static struct turn_file *new_file(int32_t workers) {
    size_t bytes = turn_file_bytes(workers, turn_file_turns_max(workers));
    void *memory = aligned_alloc(_Alignof(struct turn_file), bytes);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0, bytes);
    return turn_file_init(memory, workers, turn_file_turns_max(workers));
}

/* Sums over the turns in the window; turns are whole and follow each other. Returns their count. */
static int64_t sum(const struct turn_file *file, struct turn *total) {
    int64_t count = 0;
    *total = (struct turn){0};
    for (int32_t worker = 0; worker < (int32_t)file->workers_count; worker++) {
        base_ns end_ns = 0;
        for (int64_t i = 0; i < turn_file_count(file, worker); i++) {
            const struct turn *turn = turn_file_at(file, worker, i);
            ck_assert_int_eq(turn->took_ns, turn->loop_ns + turn->read_ns + turn->write_ns);
            ck_assert_int_eq(turn->start_ns, end_ns + turn->idle_ns);
            ck_assert_int_ge(turn->idle_ns, 0);
            ck_assert_int_ge(turn->read_ns, 0);
            end_ns = turn->start_ns + turn->took_ns;
            if (!turn_file_is_in_window(file, turn))
                continue;
            count++;
            for (int column = 0; column < TURN_COLUMNS; column++)
                ((int64_t *)(void *)total)[column] += turn_value(turn, (enum turn_column)column);
        }
    }
    return count;
}

START_TEST(turns_add_up_to_the_outcome) {
    static const struct {
        int workers;
        const char *fan_out;
    } cases[] = {{1, "coalesce"}, {1, "write_at_once"}, {2, "coalesce"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct simulation simulation;
        struct seen seen;
        simulation_init(&simulation, PROMPT, cases[i].workers, cases[i].fan_out);
        set_costs(&simulation);
        simulation.options.look = look;
        simulation.options.look_target = &seen;
        simulation.options.turns = new_file(cases[i].workers);
        struct outcome outcome = simulation_run(&simulation, 0);
        simulation.options.turns->window_start_ns = seen.window_start_ns;
        simulation.options.turns->window_end_ns = seen.window_end_ns;
        struct turn total;
        int64_t turns = sum(simulation.options.turns, &total);
        double window_s = base_seconds(seen.window_end_ns - seen.window_start_ns);
        const double *metric = outcome.metric;
        ck_assert_int_gt(turns, 60);
        ck_assert_int_eq(turns, llround(metric[OUTCOME_turns_per_s] * window_s));
        ck_assert_int_eq(total.writes, llround(metric[OUTCOME_writes_per_s] * window_s));
        ck_assert_int_eq(total.bytes, llround(metric[OUTCOME_written_bytes_per_s] * window_s));
        ck_assert_double_eq_tol((double)total.took_ns,
                                metric[OUTCOME_turn_mean_us] * 1000 * (double)turns, 1);
        ck_assert_int_eq(total.touched, total.writes);        /* all are prompt: a write each */
        ck_assert_int_eq(total.frames * 79, total.bytes);     /* 77 behind a header of 2 */
        ck_assert_int_eq(total.frames, total.publishes * 30); /* members of a room */
        ck_assert_int_eq(total.reads, total.publishes);
        ck_assert_int_eq(total.enqueued + total.writable_events, 0);
        free(simulation.options.turns);
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
}
END_TEST

START_TEST(frames_of_slow_readers_are_deliveries_too) {
    static const char *const policies[] = {"unbounded", "blocking"};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        struct simulation simulation;
        struct seen seen;
        simulation_init(&simulation, SLOW, policies[i]);
        set_costs(&simulation);
        simulation.options.look = look;
        simulation.options.look_target = &seen;
        simulation.options.turns = new_file(1);
        struct outcome outcome = simulation_run(&simulation, 0);
        struct turn total;
        sum(simulation.options.turns, &total); /* the whole run */
        ck_assert_int_gt(total.enqueued, 20);
        ck_assert_int_gt(i == 0 ? total.writable_events : 1, 0);
        ck_assert_int_eq(total.frames, seen.delivered + seen.with_kernel);
        ck_assert_int_gt(total.touched, total.writes / 2);
        free(simulation.options.turns);
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
}
END_TEST

static double closed_form_share(const char *rooms) {
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": 9}, \"q\": "
        "{\"connections\": 1, \"receive\": {\"rate\": \"1Mbit/s\"}}}, \"rooms\": {%s}, "
        "\"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"g\", \"rate\": {\"constant\": "
        "\"100/s in all\"}, \"bytes\": {\"constant\": 100}}}, \"nodes\": {\"n\": {}}, "
        "\"window\": {\"warm_up\": \"0s\", \"measure\": \"4s\"}}",
        rooms);
    struct outcome outcome = simulation_run(&simulation, 0);
    double share = outcome.metric[OUTCOME_closed_form_share];
    ck_assert_double_eq(outcome.metric[OUTCOME_late_share], 0);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
    return share;
}

/* The one who reads at a rate stands sixth of ten (models/workload/roster.h): runs of five and of
 * four around it. Rooms of one have nothing to count at once. */
START_TEST(the_share_in_closed_form_is_that_of_runs_between_followed_readers) {
    ck_assert_double_eq(closed_form_share("\"g\": {\"size\": {\"constant\": 9}, \"members\": "
                                          "[\"p\"]}"),
                        1);
    ck_assert_double_eq_tol(closed_form_share("\"g\": {\"size\": {\"constant\": 10}, "
                                              "\"members\": [\"p\", \"q\"]}"),
                            0.9, 1e-12);
    ck_assert_double_eq(closed_form_share("\"g\": {\"size\": {\"constant\": 1}, \"members\": "
                                          "[\"p\"]}"),
                        0);
}
END_TEST

START_TEST(recording_changes_no_fingerprint) {
    struct simulation simulation;
    simulation_init(&simulation, SLOW, "unbounded");
    set_costs(&simulation);
    struct outcome without = simulation_run(&simulation, 3);
    simulation.options.turns = new_file(1);
    struct outcome with = simulation_run(&simulation, 3);
    ck_assert_uint_eq(without.fingerprint, with.fingerprint);
    ck_assert_int_gt(turn_file_count(simulation.options.turns, 0), 100);
    free(simulation.options.turns);
    outcome_fini(&without);
    outcome_fini(&with);
    simulation_fini(&simulation);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(turns_add_up_to_the_outcome),
        TEST(frames_of_slow_readers_are_deliveries_too),
        TEST(the_share_in_closed_form_is_that_of_runs_between_followed_readers),
        TEST(recording_changes_no_fingerprint),
    };
    return suite_run("models/cluster: turns", tests, COUNT_OF(tests));
}
