#include "study/idle.h"

#include "tests/sim/suite.h"

#include <math.h>

/* base + each * connections, in steps of a page where `page` is set. */
struct linear {
    double base, each, page;
};
static double used(void *context, int64_t connections) {
    const struct linear *linear = context;
    double bytes = linear->base + linear->each * (double)connections;
    return linear->page > 0 ? ceil(bytes / linear->page) * linear->page : bytes;
}

static struct linear descriptors = {.base = 38, .each = 1};
static struct linear memory = {.base = 17e6, .each = 2385, .page = 4096};
static struct linear table = {.base = 0, .each = 0};

START_TEST(descriptors_are_exact) {
    struct study_idle_resource resource = {"open_files", "files", used, &descriptors, 20000, NULL};
    struct study_idle idle = study_idle_ceiling(&resource, 1);
    ck_assert_int_eq(idle.connections, 20000 - 38);
    ck_assert_double_eq(idle.rows[0].used, 20000);
    resource.limit = 19999.5; /* a limit between two whole numbers is not passed */
    ck_assert_int_eq(study_idle_ceiling(&resource, 1).connections, 19999 - 38);
    resource.limit = 39; /* one */
    ck_assert_int_eq(study_idle_ceiling(&resource, 1).connections, 1);
    resource.limit = 38; /* none */
    ck_assert_int_eq(study_idle_ceiling(&resource, 1).connections, 0);
    resource.limit = 12; /* not even the process itself */
    ck_assert_int_eq(study_idle_ceiling(&resource, 1).connections, 0);
}
END_TEST

START_TEST(resources_break_in_order) {
    const struct study_idle_resource resources[] = {
        {"table", "entries", used, &table, 1, NULL},
        {"memory", "bytes", used, &memory, 41e6, NULL},
        {"open_files", "files", used, &descriptors, 20000, NULL},
        {"open_files_of_the_system", "files", used, &descriptors, 20000, NULL},
    };
    struct study_idle idle = study_idle_ceiling(resources, 4);
    /* floor(41e6 / 4096) pages are 40,996,864 bytes; (40,996,864 - 17e6) / 2385 = 10,061.6 */
    ck_assert_int_eq(idle.connections, 10061);
    ck_assert_str_eq(idle.rows[0].name, "memory");
    ck_assert_str_eq(idle.rows[1].name, "open_files"); /* a tie keeps the order given */
    ck_assert_str_eq(idle.rows[2].name, "open_files_of_the_system");
    ck_assert_str_eq(idle.rows[3].name, "table");
    ck_assert_int_eq(idle.rows[3].connections, STUDY_IDLE_CONNECTIONS_MAX);
    ck_assert_double_eq(idle.rows[1].used, 10061 + 38);
}
END_TEST

START_TEST(no_resource_is_a_bug_of_ours) {
    study_idle_ceiling(NULL, 0);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(descriptors_are_exact),
        TEST(resources_break_in_order),
        TEST_OF_OUR_BUG(no_resource_is_a_bug_of_ours),
    };
    return suite_run("idle", tests, COUNT_OF(tests));
}
