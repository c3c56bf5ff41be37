#include "models/workload/faults.h"

#include "tests/models/workload/scenario.h"
#include "tests/sim/suite.h"

#include <stdio.h>

static const base_ns S = BASE_NS_PER_S;

static void init(struct scenario *scenario, struct faults *faults, const char *text) {
    char json[2048];
    snprintf(json, sizeof json,
             "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": 10}}, \"rooms\": {}, "
             "\"traffic\": {}, \"nodes\": {\"a\": {\"count\": 3, \"zone\": \"east\"}, \"b\": "
             "{\"count\": 2, \"zone\": \"west\"}}, \"backplane\": {\"kind\": \"registry\"}, "
             "\"window\": {\"warm_up\": \"1s\", \"measure\": \"1h\"}, \"faults\": {%s}}",
             text);
    scenario_init(scenario, json);
    faults_init(faults, &scenario->spec, &scenario->arena);
}

static void check_action(const struct faults *faults, int32_t index, base_ns at_ns,
                         enum faults_kind kind, int32_t node) {
    ck_assert_int_lt(index, faults->count);
    ck_assert_int_eq(faults->actions[index].at_ns, at_ns);
    ck_assert_int_eq(faults->actions[index].kind, kind);
    ck_assert_int_eq(faults->actions[index].node, node);
}

START_TEST(a_fault_of_a_zone_is_one_of_each_of_its_nodes) {
    struct scenario scenario;
    struct faults faults;
    init(&scenario, &faults,
         "\"z\": {\"at\": \"7s\", \"kind\": \"dies\", \"zone\": \"west\", \"for\": \"11s\"}");
    ck_assert_int_eq(faults.count, 4);
    check_action(&faults, 0, 7 * S, FAULTS_DIES, 3);
    check_action(&faults, 1, 7 * S, FAULTS_DIES, 4);
    check_action(&faults, 2, 18 * S, FAULTS_RETURNS, 3);
    check_action(&faults, 3, 18 * S, FAULTS_RETURNS, 4);
    ck_assert_int_eq(faults.first_ns, 7 * S);
    scenario_fini(&scenario);
}
END_TEST

/* Each is drained for 5 s, gone for 3, and the next one's turn is 2 s later: ten seconds each. */
START_TEST(a_deploy_is_one_node_after_the_other) {
    struct scenario scenario;
    struct faults faults;
    init(&scenario, &faults,
         "\"d\": {\"at\": \"1s\", \"kind\": \"deploy\", \"node\": \"a\", \"spread\": \"5s\", "
         "\"for\": \"3s\", \"pause\": \"2s\"}");
    ck_assert_int_eq(faults.count, 9);
    for (int32_t node = 0; node < 3; node++) {
        check_action(&faults, 3 * node, (1 + 10 * node) * S, FAULTS_DRAINS, node);
        check_action(&faults, 3 * node + 1, (6 + 10 * node) * S, FAULTS_STOPS, node);
        check_action(&faults, 3 * node + 2, (9 + 10 * node) * S, FAULTS_RETURNS, node);
        ck_assert_int_eq(faults.actions[3 * node].spread_ns, 5 * S);
    }
    scenario_fini(&scenario);
}
END_TEST

START_TEST(one_node_is_named_by_its_kind_and_number) {
    struct scenario scenario;
    struct faults faults;
    init(&scenario, &faults,
         "\"x\": {\"at\": \"9s\", \"kind\": \"added\", \"node\": \"b-2\"}, "
         "\"y\": {\"at\": \"3s\", \"kind\": \"silent\", \"node\": \"a-1\"}");
    ck_assert_int_eq(faults.count, 2);
    check_action(&faults, 0, 3 * S, FAULTS_SILENT, 0); /* the earlier one first */
    check_action(&faults, 1, 9 * S, FAULTS_RETURNS, 4);
    for (int32_t node = 0; node < 5; node++)
        ck_assert_int_eq(faults_is_there(&scenario.spec, node), node != 4);
    scenario_fini(&scenario);
}
END_TEST

START_TEST(what_a_node_writes_is_cut_at_its_next_end) {
    struct scenario scenario;
    struct faults faults;
    init(&scenario, &faults,
         "\"x\": {\"at\": \"4s\", \"kind\": \"silent\", \"node\": \"a-2\", \"for\": \"1s\"}, "
         "\"y\": {\"at\": \"8s\", \"kind\": \"crashes\", \"node\": \"a-2\"}");
    ck_assert_int_eq(faults_next_end(&faults, 1, 0, true), 4 * S);
    ck_assert_int_eq(faults_next_end(&faults, 1, 0, false), 8 * S);
    ck_assert_int_eq(faults_next_end(&faults, 1, 4 * S, true), 8 * S);
    ck_assert_int_eq(faults_next_end(&faults, 1, 8 * S, true), BASE_NS_MAX);
    ck_assert_int_eq(faults_next_end(&faults, 0, 0, true), BASE_NS_MAX);
    scenario_fini(&scenario);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_fault_of_a_zone_is_one_of_each_of_its_nodes),
        TEST(a_deploy_is_one_node_after_the_other),
        TEST(one_node_is_named_by_its_kind_and_number),
        TEST(what_a_node_writes_is_cut_at_its_next_end),
    };
    return suite_run("workload/faults", tests, COUNT_OF(tests));
}
