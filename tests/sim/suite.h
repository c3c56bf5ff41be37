/* A Check program is a name and a list of tests. */
#ifndef HEADROOM_TESTS_SIM_SUITE_H
#define HEADROOM_TESTS_SIM_SUITE_H

#include "sim/base/attributes.h"
#include "sim/base/check.h"

#include <check.h>
#include <stdlib.h>

struct suite_test {
    const TTest *const *test;
    int exit_code; /* what the test must end with */
    int rounds;    /* run so often, with _i counting from 0 */
};

/* clang-format off */
#define TEST(name) {&name, 0, 1}
#define TEST_OF_OUR_BUG(name) {&name, CHECK_EXIT_CODE, 1} /* ends in a failed CHECK */
#define LOOP_TEST(name, rounds) {&name, 0, rounds}
/* clang-format on */

/* set_up and tear_down around each test; NULL for none. */
static inline int suite_run_with(const char *name, const struct suite_test *tests,
                                 size_t tests_count, void (*set_up)(void),
                                 void (*tear_down)(void)) {
    Suite *suite = suite_create(name);
    TCase *group = tcase_create(name);
    tcase_add_checked_fixture(group, set_up, tear_down);
    suite_add_tcase(suite, group);
    for (size_t i = 0; i < tests_count; i++)
        _tcase_add_test(group, *tests[i].test, 0, tests[i].exit_code, 0, tests[i].rounds);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int suite_run(const char *name, const struct suite_test *tests, size_t tests_count) {
    return suite_run_with(name, tests, tests_count, NULL, NULL);
}

#endif
