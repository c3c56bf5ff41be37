/* The gateway's flight recorder against its statistics: the same counters, turn by turn. */
#include "models/workload/turn.h"
#include "tests/sim/suite.h"
#include "tests/validation/gateway/client.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void name_file(char path[64]) {
    snprintf(path, 64, "/tmp/headroom-turns-%d", (int)getpid());
}

static const struct turn_file *map_file(const char *path, size_t *bytes) {
    int fd = open(path, O_RDONLY);
    struct stat status;
    ck_assert(fd >= 0 && fstat(fd, &status) == 0);
    *bytes = (size_t)status.st_size;
    const void *memory = mmap(NULL, *bytes, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    close(fd);
    unlink(path);
    const char *why;
    ck_assert_msg(turn_file_check(memory, *bytes, &why), "%s", why);
    return memory;
}

static struct turn sum(const struct turn_file *file, int32_t worker) {
    struct turn total = {0};
    int64_t end_ns = 0;
    for (int64_t i = 0; i < turn_file_count(file, worker); i++) {
        const struct turn *turn = turn_file_at(file, worker, i);
        ck_assert_int_eq(turn->took_ns, turn->loop_ns + turn->read_ns + turn->write_ns);
        ck_assert_int_ge(turn->idle_ns, 0);
        ck_assert_int_gt(turn->took_ns, 0);
        if (i > 0)
            ck_assert_int_eq(turn->start_ns, end_ns + turn->idle_ns);
        end_ns = turn->start_ns + turn->took_ns;
        for (int column = 0; column < TURN_COLUMNS; column++)
            ((int64_t *)(void *)&total)[column] += turn_value(turn, (enum turn_column)column);
    }
    return total;
}

/* Turns are counted at their start and recorded at their end: waits for what is under way. */
static void wait_until_recorded(const struct server *server, const struct turn_file *file) {
    for (int waited_ms = 0; waited_ms < CLIENT_WAIT_MS; waited_ms++) {
        if (turn_file_count(file, 0) == (int64_t)server_stats(server).turns)
            return;
        usleep(1000);
    }
    ck_abort_msg("turns are missing");
}

START_TEST(turns_recorded_are_the_statistics) {
    enum { MEMBERS = 7, PUBLISHES = 20 };
    char path[64], option[80];
    name_file(path);
    snprintf(option, sizeof option, "--turns=%s", path);
    struct server server;
    START(&server, option);
    size_t bytes;
    const struct turn_file *file = map_file(path, &bytes);
    int fds[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
        fds[i] = client_open(&server);
        client_join(&server, fds[i], "r");
    }
    wait_until_recorded(&server, file);
    struct turn before = sum(file, 0);
    int64_t turns_before = turn_file_count(file, 0);
    for (int i = 0; i < PUBLISHES; i++) { /* one after the other: a turn each, or a few */
        client_say(fds[i % MEMBERS], "publish r\nhello");
        for (int member = 0; member < MEMBERS; member++)
            client_expect(fds[member], "r\nhello");
    }
    wait_until_recorded(&server, file);
    struct gateway_stats stats = server_stats(&server);
    struct turn total = sum(file, 0);
    ck_assert_int_eq(turn_file_lost(file, 0), 0);
    ck_assert_int_ge(turn_file_count(file, 0) - turns_before, PUBLISHES);
    ck_assert_int_eq(total.publishes - before.publishes, PUBLISHES);
    ck_assert_int_eq(total.touched - before.touched, MEMBERS * PUBLISHES);
    ck_assert_int_eq(total.writes - before.writes, MEMBERS * PUBLISHES);
    ck_assert_int_eq(total.frames - before.frames, MEMBERS * PUBLISHES);
    ck_assert_int_eq(total.bytes - before.bytes, MEMBERS * PUBLISHES * (2 + 7)); /* "r\nhello" */
    ck_assert_int_eq(total.reads, (int64_t)stats.reads);
    ck_assert_int_eq(total.read_bytes, (int64_t)stats.read_bytes);
    ck_assert_int_eq(total.ready_events, (int64_t)stats.ready_events);
    ck_assert_int_eq(total.writes, (int64_t)stats.writes);
    ck_assert_int_eq(total.read_ns, (int64_t)stats.read_ns);
    ck_assert_int_eq(total.write_ns, (int64_t)stats.write_ns);
    ck_assert_int_eq(server_stop(&server), 0);
    munmap((void *)(uintptr_t)file, bytes);
}
END_TEST

START_TEST(each_worker_has_its_own_turns) {
    char path[64], option[80];
    name_file(path);
    snprintf(option, sizeof option, "--turns=%s", path);
    struct server server;
    START(&server, option, "--workers=2");
    size_t bytes;
    const struct turn_file *file = map_file(path, &bytes);
    ck_assert_uint_eq(file->workers_count, 2);
    int fds[4];
    for (int i = 0; i < 4; i++) {
        fds[i] = client_open(&server);
        client_join(&server, fds[i], "r");
    }
    client_say(fds[0], "publish r\nhello");
    for (int i = 0; i < 4; i++)
        client_expect(fds[i], "r\nhello");
    ck_assert_int_eq(server_stop(&server), 0); /* after which everything is recorded */
    struct turn first = sum(file, 0), second = sum(file, 1);
    ck_assert_int_eq(first.publishes + second.publishes, 1);
    ck_assert_int_eq(first.touched, 2); /* connections are dealt out in turn */
    ck_assert_int_eq(second.touched, 2);
    munmap((void *)(uintptr_t)file, bytes);
}
END_TEST

START_TEST(a_file_that_cannot_be_made_ends_the_gateway_with_74) {
    pid_t pid = fork();
    if (pid == 0) {
        freopen("/dev/null", "w", stderr);
        execl(HEADROOM_GATEWAY, HEADROOM_GATEWAY, "--turns=/no/such/folder/turns", (char *)NULL);
        _exit(1);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 74);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(turns_recorded_are_the_statistics),
        TEST(each_worker_has_its_own_turns),
        TEST(a_file_that_cannot_be_made_ends_the_gateway_with_74),
    };
    return suite_run("gateway: turns", tests, COUNT_OF(tests));
}
