/* The socket pairs of this machine's kernel. What a kernel takes is its own; what must hold on any
 * is that nothing is lost between the two ends, and that it ends in time. */
#include "tests/sim/suite.h"

#include "validation/calibrate/buffers.h"

#include <dirent.h>
#include <string.h>
#include <time.h>

static int count_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

START_TEST(a_stalled_reader_fills_two_buffers_and_a_read_frees_them) {
    struct buffers_trial trials[2] = {{.options = {65536, 131072, 134}},
                                      {.options = {32768, 65536, 1032}}};
    char why[128] = "";
    double begin = seconds();
    int descriptors = count_descriptors();
    ck_assert_msg(buffers_run(trials, 2, "cubic", why, sizeof why), "%s", why);
    ck_assert_double_lt(seconds() - begin, 4);
    ck_assert_int_eq(count_descriptors(), descriptors);
    for (int i = 0; i < 2; i++) {
        const struct buffers_trial *trial = &trials[i];
        /* Every byte taken is in one of the two buffers, or in both while it is unacknowledged. */
        ck_assert_int_ge(trial->receiver_bytes + trial->sender_bytes, trial->sent_bytes);
        ck_assert_int_gt(trial->receiver_bytes, 0);
        ck_assert_int_gt(trial->sender_bytes, 0);
        /* The kernel doubles what was asked for and counts its own records, so payload is less. */
        ck_assert_int_le(trial->receiver_bytes, 2 * trial->options.receive_buffer + 1032);
        ck_assert_int_ge(trial->sender_memory, trial->sender_bytes);
        ck_assert_int_gt(trial->window_bytes, 0);
        ck_assert_int_ge(trial->writable_bytes, trial->window_bytes);
        ck_assert_int_le(trial->writable_bytes, trial->sent_bytes);
        ck_assert_int_gt(trial->freed_bytes, 0);
    }
    ck_assert_int_gt(trials[0].sent_bytes, trials[1].sent_bytes);
}
END_TEST

START_TEST(a_congestion_control_that_is_not_there_is_said_so) {
    struct buffers_trial trial = {.options = {65536, 131072, 134}};
    char why[128] = "";
    int descriptors = count_descriptors();
    ck_assert(!buffers_run(&trial, 1, "no-such-control", why, sizeof why));
    ck_assert_str_eq(why, "loopback socket pairs: No such file or directory");
    ck_assert_int_eq(count_descriptors(), descriptors);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_stalled_reader_fills_two_buffers_and_a_read_frees_them),
        TEST(a_congestion_control_that_is_not_there_is_said_so),
    };
    return suite_run("calibrate/buffers", tests, COUNT_OF(tests));
}
