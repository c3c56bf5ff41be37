/* headroom-load as a program: asked, refused, killed, in one process and in two, and against the
 * real gateway where that was built. */
#include "tests/sim/suite.h"
#include "tests/validation/load/fake_server.h"
#include "tests/validation/load/world.h"
#include "validation/load/session.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_NS (20 * BASE_NS_PER_S)
static const char probe_line[] =
    "{\"do\":\"probe\",\"scale\":1.25,\"warm_up_s\":0.1,\"measure_s\":0.6}";

static char scenario_path[] = P_tmpdir "/headroom-load-test-XXXXXX";

static const char *write_scenario(const char *json) {
    strcpy(scenario_path + strlen(scenario_path) - 6, "XXXXXX");
    int fd = mkstemp(scenario_path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, json, strlen(json)), (ssize_t)strlen(json));
    close(fd);
    return scenario_path;
}

static void start(struct load_session *session, int32_t port, int32_t processes) {
    struct load_session_options options = {.program = LOAD_PROGRAM,
                                           .scenario = write_scenario(world_mixed),
                                           .ports = {port},
                                           .ports_count = 1,
                                           .cpu = -1,
                                           .samples = 16,
                                           .processes = processes};
    ck_assert_msg(load_session_start(session, &options), "%s", session->error);
}

static void stop(struct load_session *session) {
    int status = load_session_stop(session);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    unlink(scenario_path);
}

static void connect_all(struct load_session *session, int64_t connections) {
    struct load_tally tally;
    ck_assert_msg(load_session_tally(session, "{\"do\":\"connect\"}", TIMEOUT_NS, &tally), "%s",
                  session->error);
    ck_assert_int_eq(tally.connected, connections);
}

/* What is due and lost in one probe of the mixed world by so many processes. */
static void probe_with(int32_t processes, struct load_report *report) {
    struct fake_server server;
    struct load_session session;
    fake_start(&server, &(struct fake_options){0});
    start(&session, server.port, processes);
    connect_all(&session, 220);
    ck_assert_msg(load_session_report(&session, probe_line, TIMEOUT_NS, report), "%s",
                  session.error);
    stop(&session);
    fake_stop(&server);
}

START_TEST(two_processes_account_for_the_same_as_one) {
    struct load_report one, two;
    load_report_init(&one);
    load_report_init(&two);
    probe_with(1, &one);
    probe_with(2, &two);
    ck_assert_int_eq(two.generator.processes, 2);
    ck_assert_double_gt(one.metric[OUTCOME_due], 0);
    ck_assert_double_eq(two.metric[OUTCOME_due], one.metric[OUTCOME_due]);
    ck_assert_double_eq(two.metric[OUTCOME_offered_publishes_per_s],
                        one.metric[OUTCOME_offered_publishes_per_s]);
    ck_assert_double_eq(one.metric[OUTCOME_lost], 0);
    ck_assert_double_eq(two.metric[OUTCOME_lost], 0);
    ck_assert_double_eq(two.metric[OUTCOME_connections], 220);
    for (int32_t p = 0; p < 2; p++) {
        ck_assert_int_eq(two.populations[p].sampled, one.populations[p].sampled);
        ck_assert_int_eq(two.populations[p].due_sampled, one.populations[p].due_sampled);
        ck_assert_int_eq(two.populations[p].bulk_bytes, one.populations[p].bulk_bytes);
    }
    load_report_fini(&one);
    load_report_fini(&two);
}
END_TEST

START_TEST(a_command_that_is_none_is_refused_and_the_next_is_obeyed) {
    struct fake_server server;
    struct load_session session;
    fake_start(&server, &(struct fake_options){0});
    start(&session, server.port, _i + 1); /* alone, and as one of two */
    ck_assert_ptr_null(load_session_ask(&session, "{\"do\":\"dance\"}", TIMEOUT_NS));
    ck_assert_str_eq(session.error,
                     "headroom-load: do: expected connect, probe, burst, drain, ramp or quit");
    ck_assert_ptr_null(load_session_ask(&session, "{\"do\":\"burst\",\"room\":20}", TIMEOUT_NS));
    ck_assert_str_eq(session.error, "headroom-load: room: the scenario has not so many rooms");
    connect_all(&session, 220);
    struct load_tally tally;
    ck_assert(load_session_tally(&session, "{\"do\":\"drain\"}", TIMEOUT_NS, &tally));
    ck_assert(tally.is_quiet);
    ck_assert(load_session_tally(&session, "{\"do\":\"ramp\",\"connections_max\":230}", TIMEOUT_NS,
                                 &tally));
    ck_assert_int_eq(tally.connected, 230);
    stop(&session);
    fake_stop(&server);
}
END_TEST

START_TEST(a_child_that_dies_is_reported_and_not_waited_for) {
    struct fake_server server;
    struct load_session session;
    fake_start(&server, &(struct fake_options){0});
    start(&session, server.port, 1);
    connect_all(&session, 220);
    kill(session.pid, SIGTERM);
    ck_assert_ptr_null(load_session_ask(&session, probe_line, TIMEOUT_NS));
    ck_assert_str_eq(session.error, "headroom-load ended by signal 15");
    ck_assert_ptr_null(load_session_ask(&session, probe_line, TIMEOUT_NS));
    ck_assert_str_eq(session.error, "headroom-load is not running");
    load_session_stop(&session);
    unlink(scenario_path);
    fake_stop(&server);
}
END_TEST

START_TEST(an_answer_that_takes_too_long_is_given_up) {
    struct fake_server server;
    struct load_session session;
    fake_start(&server, &(struct fake_options){0});
    start(&session, server.port, 1);
    connect_all(&session, 220);
    ck_assert_ptr_null(load_session_ask(&session, probe_line, 50 * BASE_NS_PER_MS));
    ck_assert_str_eq(session.error, "headroom-load did not answer in time");
    load_session_stop(&session);
    unlink(scenario_path);
    fake_stop(&server);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_an_error) {
    struct load_session session;
    struct load_session_options options = {.program = "/nowhere/headroom-load",
                                           .scenario = "x.json"};
    ck_assert(!load_session_start(&session, &options));
    ck_assert_str_eq(session.error, "/nowhere/headroom-load: No such file or directory");
    ck_assert_int_eq(load_session_stop(&session), -1);
}
END_TEST

/* Exit code of the program with these arguments, its output thrown away. */
static int exit_code(char *const *arguments) {
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execv(LOAD_PROGRAM, arguments);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* DESIGN: 64 wrong usage, 65 wrong input file, 66 no such input, 69 a needed service is missing */
START_TEST(wrong_input_earns_its_exit_code) {
    char *const cases[][8] = {
        {"headroom-load", NULL},
        {"headroom-load", scenario_path, NULL},
        {"headroom-load", scenario_path, "--port=0", NULL},
        {"headroom-load", scenario_path, "--port=1", "--cpu=9999999", NULL},
        {"headroom-load", scenario_path, "--port=1", "--bind=localhost", NULL},
        {"headroom-load", scenario_path, "--port=1", "--seed=-1", NULL},
        {"headroom-load", scenario_path, "--port=1", "--probe=0", NULL},
        {"headroom-load", scenario_path, "--port=1", "--set=name", NULL},
        {"headroom-load", "/nowhere/x.json", "--port=1", NULL},
        {"headroom-load", scenario_path, "--port=1", "--set=seed=x", NULL},
        {"headroom-load", scenario_path, "--port=1", "--set=nodes.gateway.memory=1GiB", NULL},
        {"headroom-load", scenario_path, "--port=1", "--probe=1", NULL},
        {"headroom-load", scenario_path, "--port=1", NULL},
    };
    static const int expected[] = {64, 64, 64, 64, 64, 64, 64, 64, 66, 65, 65, 69, 0};
    write_scenario(world_mixed);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        ck_assert_msg(exit_code(cases[i]) == expected[i], "case %zu", i);
    unlink(scenario_path);
}
END_TEST

#ifdef GATEWAY_PROGRAM
static pid_t start_gateway(int32_t *port) {
    int up[2];
    ck_assert_int_eq(pipe(up), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(up[1], STDOUT_FILENO);
        dup2(up[1], STDERR_FILENO);
        close(up[0]);
        execl(GATEWAY_PROGRAM, GATEWAY_PROGRAM, "--port=0", NULL);
        _exit(127);
    }
    close(up[1]);
    char line[256] = "";
    for (size_t length = 0; !strchr(line, '\n') && length < sizeof line - 1;) {
        ssize_t got = read(up[0], line + length, sizeof line - 1 - length);
        ck_assert_int_gt(got, 0);
        length += (size_t)got;
        line[length] = '\0';
    }
    close(up[0]);
    ck_assert_int_eq(sscanf(line, "listening on %d", port), 1);
    return pid;
}

START_TEST(every_delivery_of_the_real_gateway_is_accounted_for) {
    int32_t port;
    pid_t gateway = start_gateway(&port);
    struct load_session session;
    struct load_report report;
    load_report_init(&report);
    start(&session, port, 1);
    connect_all(&session, 220);
    ck_assert_msg(load_session_report(&session,
                                      "{\"do\":\"probe\",\"scale\":4,\"warm_up_s\":0.2,"
                                      "\"measure_s\":1.5}",
                                      TIMEOUT_NS, &report),
                  "%s", session.error);
    ck_assert_double_gt(report.metric[OUTCOME_due], 1000);
    ck_assert_double_eq(report.metric[OUTCOME_lost], 0);
    ck_assert_double_eq(report.metric[OUTCOME_deliveries], report.metric[OUTCOME_due]);
    ck_assert_int_eq(report.server_errors, 0);
    ck_assert_int_eq(report.closes_count, 0);
    for (int32_t p = 0; p < 2; p++) {
        ck_assert_int_eq(report.populations[p].bulk_bytes, report.populations[p].bulk_due_bytes);
        ck_assert_int_eq(report.populations[p].arrived_sampled, report.populations[p].due_sampled);
    }
    load_report_fini(&report);
    stop(&session);
    kill(gateway, SIGKILL);
    waitpid(gateway, NULL, 0);
}
END_TEST
#endif

int main(void) {
    static const struct suite_test tests[] = {
        TEST(two_processes_account_for_the_same_as_one),
        LOOP_TEST(a_command_that_is_none_is_refused_and_the_next_is_obeyed, 2),
        TEST(a_child_that_dies_is_reported_and_not_waited_for),
        TEST(an_answer_that_takes_too_long_is_given_up),
        TEST(a_program_that_is_not_there_is_an_error),
        TEST(wrong_input_earns_its_exit_code),
#ifdef GATEWAY_PROGRAM
        TEST(every_delivery_of_the_real_gateway_is_accounted_for),
#endif
    };
    return suite_run("load session", tests, COUNT_OF(tests));
}
