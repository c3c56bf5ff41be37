/* Presence in simulated time: counts that can be worked out by hand, published and closed forms,
 * and what each mode costs beside the others. */
#include "models/cluster/attendance_state.h"

#include "tests/models/cluster/simulation.h"
#include "tests/sim/suite.h"

#include <math.h>

/* `members` in one room, all of whom exit once and enter once within eleven seconds, unless
 * `presence` says otherwise. */
static void init(struct simulation *simulation, int members, const char *presence,
                 const char *nodes, const char *measure) {
    simulation_init(
        simulation,
        "{\"name\": \"t\", \"objectives\": {\"delivery\": {\"within\": \"100ms\"}}, "
        "\"populations\": {\"p\": {\"connections\": %d}}, "
        "\"rooms\": {\"g\": {\"size\": {\"constant\": %d}, \"members\": [\"p\"]}}, "
        "\"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"g\", \"rate\": {\"constant\": \"1/s in "
        "all\"}, \"bytes\": {\"constant\": 100}}}, "
        "\"presence\": {\"rooms\": [\"g\"], %s}, \"nodes\": {\"n\": {%s}}%s, "
        "\"window\": {\"warm_up\": \"0s\", \"measure\": \"%s\"}}",
        members, members, presence, nodes,
        nodes[0] ? ", \"backplane\": {\"kind\": \"broadcast\", \"latency\": {\"constant\": "
                   "\"1ms\"}}"
                 : "",
        measure);
}

static struct outcome run(int members, const char *presence, const char *nodes,
                          const char *measure) {
    struct simulation simulation;
    init(&simulation, members, presence, nodes, measure);
    struct outcome outcome = simulation_run(&simulation, 0);
    simulation_fini(&simulation);
    return outcome;
}

static double metric_of(struct outcome outcome, enum outcome_metric metric) {
    double value = outcome.metric[metric];
    outcome_fini(&outcome);
    return value;
}

#define ONCE "\"churn\": {\"present\": \"10s\", \"stay\": \"constant\", \"away\": \"1s\"}"

/* Ably's example (its documentation of presence): 200 clients that all subscribe throughout, enter
 * and leave: 2 (N + N^2) = 80,400 messages, those of the clients themselves included. */
START_TEST(two_hundred_who_leave_and_enter_are_80400_messages) {
    struct outcome outcome =
        run(200, "\"mode\": \"deltas\", \"debounce\": \"0s\", " ONCE, "", "11s");
    double changes = 11 * outcome.metric[OUTCOME_presence_changes_per_s];
    double messages = 11 * outcome.metric[OUTCOME_presence_messages_per_s];
    ck_assert_double_eq_tol(changes + messages, 80400, 1e-6);
    outcome_fini(&outcome);
}
END_TEST

/* By hand, of "~ r0 199\n-0000002a\n" and "~ r0 200\n+0000002a <32 bytes>\n" and their frames; of
 * the 200 or 199 lines of a list, 43 bytes each. */
START_TEST(bytes_are_those_of_the_protocol) {
    double deltas = 200 * 200 * ((2 + 9 + 10) + (2 + 9 + 43));
    ck_assert_double_eq_tol(
        metric_of(run(200, "\"mode\": \"deltas\", \"debounce\": \"0s\", " ONCE, "", "11s"),
                  OUTCOME_presence_bytes_per_s),
        deltas / 11, 1e-6);
    double list = 4 + 9 + 42 * 200; /* nobody away */
    struct outcome full = run(200, "\"mode\": \"full\", \"debounce\": \"0s\", " ONCE, "", "11s");
    double per_message =
        full.metric[OUTCOME_presence_bytes_per_s] / full.metric[OUTCOME_presence_messages_per_s];
    ck_assert_double_le(per_message, list);
    ck_assert_double_ge(per_message, 0.85 * list); /* 20 of 220 s away, and the start */
    ck_assert_double_eq_tol(full.metric[OUTCOME_presence_messages_per_s] * 11, 80000, 1e-6);
    outcome_fini(&full);
}
END_TEST

/* A count every T seconds is N / T messages per second (formulas of presence), where something
 * changes in every T: 100 changes per second here, so a window opens 10 ms after the last. One in
 * 18 ends with the count it began with: 1 / sqrt(2 pi 50). */
START_TEST(counts_cost_members_over_window) {
    double per_s =
        metric_of(run(100,
                      "\"mode\": \"counts\", \"debounce\": \"500ms\", \"churn\": {\"present\": "
                      "\"1s\", \"away\": \"1s\"}",
                      "", "60s"),
                  OUTCOME_presence_messages_per_s);
    ck_assert_double_eq_tol(per_s, 100 / 0.51 * (1 - 1 / sqrt(2 * M_PI * 50)), 5);
}
END_TEST

/* One member of two flaps within the window: nobody is told, and the other believes for 200 ms in
 * 10.2 s that it is there. */
START_TEST(a_flap_within_the_window_is_not_told) {
    struct outcome outcome = run(1,
                                 "\"mode\": \"deltas\", \"debounce\": \"1s\", \"churn\": "
                                 "{\"present\": \"10s\", \"stay\": \"constant\", \"away\": "
                                 "\"200ms\"}",
                                 "", "102s");
    ck_assert_double_eq(outcome.metric[OUTCOME_presence_messages_per_s], 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_changes_per_s], 20 / 102.0, 1e-9);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_stale_share], 0.2 / 10.2, 1e-6);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_stale_ms], 200, 1e-6);
    outcome_fini(&outcome);
}
END_TEST

START_TEST(a_longer_window_costs_less_and_is_wrong_for_longer) {
    const char *const windows[] = {"0s", "100ms", "1s"};
    double messages = INFINITY, stale = -1;
    for (int i = 0; i < 3; i++) {
        char presence[128];
        snprintf(presence, sizeof presence,
                 "\"debounce\": \"%s\", \"churn\": {\"present\": \"10s\", \"away\": \"5s\"}",
                 windows[i]);
        struct outcome outcome = run(100, presence, "", "20s");
        ck_assert_double_lt(outcome.metric[OUTCOME_presence_messages_per_s], messages);
        ck_assert_double_gt(outcome.metric[OUTCOME_presence_stale_share], stale);
        messages = outcome.metric[OUTCOME_presence_messages_per_s];
        stale = outcome.metric[OUTCOME_presence_stale_share];
        outcome_fini(&outcome);
    }
}
END_TEST

/* Six letters per 1.5 s between three nodes, whatever changes: 4 per second. A change is heard on
 * the other nodes 0.75 s later on average, and its own node's members know at once. */
START_TEST(nodes_tell_each_other_once_per_broadcast_period) {
    struct outcome outcome = run(300,
                                 "\"mode\": \"deltas\", \"debounce\": \"0s\", \"churn\": "
                                 "{\"present\": \"10s\", \"away\": \"5s\"}",
                                 "\"count\": 3", "30s");
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_letters_per_s], 4, 0.1);
    ck_assert_double_gt(outcome.metric[OUTCOME_presence_stale_share], 0.9);
    outcome_fini(&outcome);
}
END_TEST

/* Nobody says anything but that it is there: 6 letters each 15 s. */
START_TEST(silent_nodes_only_say_that_they_are_there) {
    ck_assert_double_eq_tol(metric_of(run(30, "\"mode\": \"deltas\"", "\"count\": 3", "150s"),
                                      OUTCOME_presence_letters_per_s),
                            6 / 15.0, 0.041);
}
END_TEST

/* Three nodes: to tell, to acknowledge and to apply are two letters each, and two changes in three
 * have to be asked for first. Members know three hops later (four where asked), not 0.75 s. */
START_TEST(exactness_costs_seven_letters_per_change_and_is_right_within_hops) {
    struct outcome outcome = run(300, "\"mode\": \"exact\", " ONCE, "\"count\": 3", "11s");
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_letters_per_s] * 11,
                            600 * (6 + 2 / 3.0), 7);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_messages_per_s] * 11, 600 * 300, 301);
    ck_assert_double_ge(outcome.metric[OUTCOME_presence_stale_ms], 2);
    ck_assert_double_le(outcome.metric[OUTCOME_presence_stale_ms], 8);
    outcome_fini(&outcome);
}
END_TEST

/* 100 members that ask every 10 s, and nobody is told unasked. */
START_TEST(on_demand_whoever_asks_is_told) {
    struct outcome outcome =
        run(100, "\"mode\": \"on_demand\", \"list_every\": \"10s\", " ONCE, "", "60s");
    double asked = outcome.metric[OUTCOME_presence_messages_per_s] * 60;
    ck_assert_double_eq_tol(asked, 600, 3.3 * sqrt(600));
    ck_assert(isnan(outcome.metric[OUTCOME_presence_stale_share]));
    outcome_fini(&outcome);
}
END_TEST

/* Two populations, of which one never reads and is closed: its members leave the room. */
START_TEST(who_is_closed_as_too_slow_leaves) {
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"t\", \"objectives\": {\"delivery\": {\"within\": \"100ms\"}}, "
        "\"populations\": {\"p\": {\"connections\": 9}, \"dead\": {\"connections\": 1, "
        "\"receive\": {\"buffer\": \"4KiB\", \"stall\": {\"at\": \"0s\"}}}}, "
        "\"rooms\": {\"g\": {\"size\": {\"constant\": 10}, \"members\": [\"p\", \"dead\"]}}, "
        "\"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"g\", \"rate\": {\"constant\": \"50/s in "
        "all\"}, \"bytes\": {\"constant\": 1000}}}, "
        "\"presence\": {\"rooms\": [\"g\"], \"debounce\": \"0s\"}, \"nodes\": {\"n\": "
        "{\"send_buffer\": \"4KiB\", \"send_queue\": {\"limit\": \"8KiB\"}}}, "
        "\"window\": {\"warm_up\": \"0s\", \"measure\": \"5s\"}}");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_closed_slow], 1);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_changes_per_s] * 5, 1, 1e-9);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_messages_per_s] * 5, 10, 1e-9);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Notices are no deliveries: what is due, delivered and lost is as without them. */
START_TEST(notices_are_not_counted_as_deliveries) {
    struct outcome with = run(200, "\"mode\": \"full\", \"debounce\": \"0s\", " ONCE, "", "11s");
    struct outcome without = run(200, "\"mode\": \"on_demand\"", "", "11s");
    ck_assert_double_eq(with.metric[OUTCOME_deliveries], 11 * 200);
    ck_assert_double_eq(with.metric[OUTCOME_deliveries], without.metric[OUTCOME_deliveries]);
    ck_assert_double_eq(with.metric[OUTCOME_longest_gap_ms],
                        without.metric[OUTCOME_longest_gap_ms]);
    outcome_fini(&with);
    outcome_fini(&without);
}
END_TEST

/* --- connections that come and go --- */

/* Members of one room on nodes that say each 15 s that they are there, and are down after 30 s. */
static void init_coming_and_going(struct simulation *simulation, int members,
                                  const char *population, const char *presence, const char *rest) {
    simulation_init(
        simulation,
        "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": %d, %s}}, \"rooms\": "
        "{\"g\": {\"size\": {\"constant\": %d}, \"members\": [\"p\"], \"placement\": "
        "\"scattered\"}}, \"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"g\", \"rate\": "
        "{\"constant\": \"1/s in all\"}, \"bytes\": {\"constant\": 100}}}, \"presence\": "
        "{\"rooms\": [\"g\"], \"mode\": \"deltas\", %s}, %s}",
        members, population, members, presence, rest);
}

static const char pair[] =
    "\"nodes\": {\"n\": {\"count\": 2}}, \"balancer\": {\"policy\": \"least_connections\"}, "
    "\"backplane\": {\"kind\": \"broadcast\", \"latency\": \"1ms\"}, \"window\": "
    "{\"warm_up\": \"0s\", \"measure\": \"60s\"}, \"faults\": {\"f\": {\"at\": \"10s\", "
    "\"kind\": \"dies\", \"node\": \"n-2\"%s}%s}";

static void init_pair(struct simulation *simulation, const char *detection, const char *for_,
                      const char *more) {
    char population[160], rest[512];
    snprintf(population, sizeof population,
             "\"reconnect\": {\"base\": \"0s\", \"jitter\": \"none\", \"heartbeat\": \"1s\", "
             "\"heartbeat_timeout\": \"%s\"}",
             detection);
    snprintf(rest, sizeof rest, pair, for_, more);
    init_coming_and_going(simulation, 20, population, "\"debounce\": \"0s\"", rest);
}

/* Nobody of the ten notices that its node is gone. It was last heard at the start, and counts as
 * down after 30 s; the other looks every 1.5 s: told once, wrong from 10 s to 30 to 31.5 s. */
START_TEST(members_of_a_dead_node_are_believed_to_be_there_until_it_is_down) {
    struct simulation simulation;
    init_pair(&simulation, "1h", "", "");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_changes_per_s] * 60, 10, 1e-9);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_messages_per_s] * 60, 10, 1e-9);
    ck_assert_double_ge(outcome.metric[OUTCOME_presence_stale_ms], 20000);
    ck_assert_double_le(outcome.metric[OUTCOME_presence_stale_ms], 21500);
    /* of the 60 s on one node, and 10 s on the other */
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_stale_share],
                            outcome.metric[OUTCOME_presence_stale_ms] / 70000, 1e-9);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* After 2 to 3 s they are on the other node, where their old entries still stand: who is there is
 * told nothing, and each that comes gets the list. */
START_TEST(who_comes_back_elsewhere_was_never_gone) {
    struct simulation simulation;
    init_pair(&simulation, "2s", "", "");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_changes_per_s] * 60, 20, 1e-9);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_messages_per_s] * 60, 10, 1e-9);
    ck_assert_double_gt(outcome.metric[OUTCOME_presence_stale_ms], 2000);
    ck_assert_double_lt(outcome.metric[OUTCOME_presence_stale_ms], 3010);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

static int32_t present_on(const struct cluster *cluster, int32_t node) {
    char name[ROSTER_ROOM_NAME_BYTES];
    const struct presence_room *room = presence_room_find(
        &cluster->attendance->nodes[node].replica.state, attendance_room_name(0, name));
    return room != NULL ? room->present_count : 0;
}

static void look_at_replicas(void *target, const struct cluster *cluster) {
    int32_t *present = target;
    for (int32_t i = 0; i < cluster->layout->nodes_count; i++)
        present[i] = present_on(cluster, i);
}

/* It comes back knowing nobody, hears the other within 15 s, and asks. */
START_TEST(a_node_that_returns_asks_who_is_there) {
    struct simulation simulation;
    init_pair(&simulation, "2s", ", \"for\": \"5s\"",
              ", \"g\": {\"at\": \"40s\", \"kind\": \"rebalance\"}");
    int32_t present[2] = {0};
    simulation.options.look = look_at_replicas;
    simulation.options.look_target = present;
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_int_eq(present[0], 20);
    ck_assert_int_eq(present[1], 20);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* One comes every half second and stays for 5.2 s: eleven are there with the one that came, ten
 * when one has left. Each coming is a list and eleven notices, each going ten. */
START_TEST(who_comes_gets_the_list_and_the_others_hear_of_it) {
    struct simulation simulation;
    init_coming_and_going(
        &simulation, 100,
        "\"arrival\": {\"rate\": {\"constant\": \"2/s in all\"}}, \"session\": {\"length\": "
        "\"5200ms\"}",
        "\"debounce\": \"0s\"",
        "\"nodes\": {\"n\": {}}, \"window\": {\"warm_up\": \"10s\", \"measure\": \"20s\"}");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_changes_per_s] * 20, 80, 1e-9);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_messages_per_s] * 20,
                            40 * (1 + 11 + 10), 1e-9);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_presence_stale_share], 0, 1e-3);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Counted anew: the keys of a room of which truth and what a node's members were told differ. */
static int32_t wrong_keys(const struct cluster *cluster, int32_t node, int32_t room) {
    const struct attendance *attendance = cluster->attendance;
    const struct roster *roster = cluster->layout->roster;
    int32_t wrong = 0;
    for (int32_t i = 0; i < roster->rooms[room].members_count; i++) {
        int32_t client = roster->members[roster->rooms[room].members_first + i];
        char key[PRESENCE_KEY_BYTES + 1], name[ROSTER_ROOM_NAME_BYTES];
        presence_client_key(client, key);
        bool is_told = presence_is_told(&attendance->nodes[node].replica.state,
                                        attendance_room_name(room, name),
                                        (struct presence_text){key, PRESENCE_KEY_BYTES});
        wrong += is_told != attendance_member(attendance, client, room)->is_true;
    }
    return wrong;
}

static int32_t members_on(const struct cluster *cluster, int32_t node, int32_t room) {
    const struct layout_node *place = &cluster->layout->nodes[node];
    int32_t count = 0;
    for (int32_t i = 0; i < place->workers_count; i++)
        count += layout_room(cluster->layout, place->workers_first + i, room)->members_count;
    return count;
}

static void look_at_views(void *target, const struct cluster *cluster) {
    int32_t *wrong = target;
    for (int32_t room = 0; room < cluster->layout->roster->rooms_count; room++)
        for (int32_t node = 0; node < cluster->layout->nodes_count; node++) {
            const struct attendance_view *view =
                attendance_view_of(cluster->attendance, node, room);
            ck_assert_int_eq(view->wrong_count, wrong_keys(cluster, node, room));
            ck_assert_int_eq(view->members_count, members_on(cluster, node, room));
            *wrong += view->wrong_count;
        }
}

/* What is kept count of by differences is what counting anew gives, whatever happened before. */
START_TEST(what_members_were_told_is_kept_count_of_through_everything) {
    static const char *const modes[] = {"deltas", "counts", "full", "on_demand"};
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": 200, \"arrival\": {\"rate\": "
        "{\"poisson\": \"20/s in all\"}, \"present\": 0.5}, \"session\": {\"length\": "
        "{\"log_normal\": {\"mean\": \"4s\", \"sigma\": 1}}}}, \"q\": {\"connections\": 100, "
        "\"flap\": {\"every\": \"3s\", \"for\": \"500ms\"}, \"reconnect\": {\"heartbeat\": "
        "\"1s\", \"heartbeat_timeout\": \"1s\"}}}, \"rooms\": {\"g\": {\"size\": {\"constant\": "
        "30}, \"members\": [\"p\", \"q\"], \"placement\": \"scattered\"}}, \"traffic\": {\"t\": "
        "{\"from\": \"p\", \"to\": \"g\", \"rate\": {\"poisson\": \"20/s in all\"}, \"bytes\": "
        "{\"constant\": 100}}}, \"presence\": {\"rooms\": [\"g\"], \"mode\": \"%s\", "
        "\"list_every\": "
        "\"5s\", \"debounce\": \"300ms\", \"broadcast\": \"400ms\", \"down\": \"5s\", \"churn\": "
        "{\"present\": \"2s\", \"away\": \"700ms\", \"share\": 0.5}}, \"nodes\": {\"n\": "
        "{\"count\": 3, \"workers\": 2}}, \"balancer\": {\"policy\": \"random\"}, \"backplane\": "
        "{\"kind\": \"broadcast\", \"latency\": {\"log_normal\": {\"mean\": \"10ms\", \"sigma\": "
        "1}}}, \"faults\": {\"a\": {\"at\": \"3s\", \"kind\": \"dies\", \"node\": \"n-2\", "
        "\"for\": "
        "\"7s\"}, \"b\": {\"at\": \"5s\", \"kind\": \"silent\", \"node\": \"n-1\", \"for\": "
        "\"3s\"}, "
        "\"c\": {\"at\": \"8s\", \"kind\": \"backplane_splits\", \"node\": \"n-3\", \"for\": "
        "\"8s\"}, \"d\": {\"at\": \"14s\", \"kind\": \"crashes\", \"node\": \"n-1\", \"for\": "
        "\"2s\"}, \"e\": {\"at\": \"17s\", \"kind\": \"drains\", \"node\": \"n-3\", \"for\": "
        "\"2s\"}, \"f\": {\"at\": \"19s\", \"kind\": \"backplane_stalls\", \"for\": \"1s\"}}, "
        "\"window\": {\"warm_up\": \"0s\", \"measure\": \"22s\"}}",
        modes[_i]);
    simulation.costs.value[COST_write] = 2000;
    simulation.costs.value[COST_accept] = 20000;
    int32_t wrong = 0;
    simulation.options.look = look_at_views;
    simulation.options.look_target = &wrong;
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_int_gt(wrong, 0);
    ck_assert_double_gt(outcome.metric[OUTCOME_presence_changes_per_s], 50);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(two_hundred_who_leave_and_enter_are_80400_messages),
        TEST(bytes_are_those_of_the_protocol),
        TEST(counts_cost_members_over_window),
        TEST(a_flap_within_the_window_is_not_told),
        TEST(a_longer_window_costs_less_and_is_wrong_for_longer),
        TEST(nodes_tell_each_other_once_per_broadcast_period),
        TEST(silent_nodes_only_say_that_they_are_there),
        TEST(exactness_costs_seven_letters_per_change_and_is_right_within_hops),
        TEST(on_demand_whoever_asks_is_told),
        TEST(who_is_closed_as_too_slow_leaves),
        TEST(notices_are_not_counted_as_deliveries),
        TEST(members_of_a_dead_node_are_believed_to_be_there_until_it_is_down),
        TEST(who_comes_back_elsewhere_was_never_gone),
        TEST(a_node_that_returns_asks_who_is_there),
        TEST(who_comes_gets_the_list_and_the_others_hear_of_it),
        LOOP_TEST(what_members_were_told_is_kept_count_of_through_everything, 4),
    };
    return suite_run("cluster/attendance", tests, COUNT_OF(tests));
}
