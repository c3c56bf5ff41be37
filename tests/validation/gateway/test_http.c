/* The upgrade's parser: every request in one piece and byte by byte, since the verdict must not
 * depend on how it was cut. */
#include "tests/sim/suite.h"
#include "validation/gateway/http.h"

#include <stdio.h>
#include <string.h>

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" KEY
#define HEAD "GET / HTTP/1.1\r\nHost: example.com\r\n"

static const char *const origins[] = {"https://good.example", "http://localhost:8080"};

struct verdict {
    enum http_result result;
    struct http_parser parser;
    size_t used;
};

static struct verdict feed(const struct http_rules *rules, const char *bytes, size_t length,
                           size_t step) {
    struct verdict verdict = {.result = HTTP_MORE};
    http_parser_init(&verdict.parser);
    while (verdict.result == HTTP_MORE && verdict.used < length) {
        size_t piece = step < length - verdict.used ? step : length - verdict.used;
        size_t used = 0;
        verdict.result =
            http_parser_feed(&verdict.parser, rules, bytes + verdict.used, piece, &used);
        verdict.used += used;
    }
    return verdict;
}

static void expect(const struct http_rules *rules, const char *request, int status) {
    static const size_t steps[] = {1, 2, 7, 1 << 20};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct verdict verdict = feed(rules, request, strlen(request), steps[i]);
        int got = verdict.result == HTTP_MORE      ? 0
                  : verdict.result == HTTP_REQUEST ? 200
                                                   : verdict.parser.status;
        ck_assert_msg(got == status, "in steps of %zu: %d instead of %d for\n%s", steps[i], got,
                      status, request);
    }
}

static const struct http_rules open_rules = {0};

START_TEST(a_right_request_is_taken_and_its_end_is_found) {
    const char request[] = HEAD UPGRADE "\r\nand the first frame";
    for (size_t step = 1; step < sizeof request; step++) {
        struct verdict verdict = feed(&open_rules, request, sizeof request - 1, step);
        ck_assert_int_eq(verdict.result, HTTP_REQUEST);
        ck_assert_int_eq(verdict.parser.target, HTTP_SOCKET);
        ck_assert_uint_eq(verdict.used, strlen(HEAD UPGRADE "\r\n"));
    }
}
END_TEST

START_TEST(the_accept_key_is_that_of_the_rfc) {
    const char request[] = HEAD UPGRADE "\r\n";
    struct verdict verdict = feed(&open_rules, request, strlen(request), 1000);
    char out[HTTP_RESPONSE_MAX];
    size_t length = http_write_upgrade(&verdict.parser, out);
    /* RFC 6455, 1.3 */
    const char expected[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    ck_assert_uint_eq(length, strlen(expected));
    ck_assert_mem_eq(out, expected, length);
}
END_TEST

START_TEST(header_names_and_tokens_ignore_case_and_lists_are_searched) {
    expect(&open_rules,
           "GET /ws HTTP/1.1\r\nhOST:x\r\nuPgrade: h2c, WebSocket\r\nCONNECTION: keep-alive , "
           "upgrade\r\nsec-websocket-version:\t13 \r\n" KEY "\r\n",
           200);
    expect(&open_rules, "GET /healthz?verbose HTTP/1.1\r\nHost: x\r\n\r\n", 200);
    expect(&open_rules, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200);
    expect(&open_rules, HEAD "Content-Length: 0\r\n" UPGRADE "\r\n", 200);
}
END_TEST

START_TEST(malformed_requests_are_400) {
    static const char *const requests[] = {
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\n\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "GET\r\n\r\n",
        "\r\n\r\n",
        "G\x01T / HTTP/1.1\r\n\r\n",
        "GET example.com/ HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\r\n\r\n",
        "GET / HTTP/1.1\r\n: x\r\n\r\n",
        HEAD "Host: other\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        HEAD "X: a\r\n folded\r\n\r\n",
        HEAD "X: a\x01\r\n\r\n",
        HEAD "X: a\rb\r\n\r\n",
        HEAD "Content-Length: 5\r\n\r\n",
        HEAD "Transfer-Encoding: chunked\r\n\r\n",
        HEAD UPGRADE KEY "\r\n",
        HEAD "Sec-WebSocket-Key: short\r\n",
        HEAD "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n",
        HEAD "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n",
        HEAD "Origin: a\r\nOrigin: b\r\n",
        HEAD "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" KEY "\r\n",
        HEAD "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "GET / HTTP/1.1\r\n" UPGRADE "\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(requests); i++)
        expect(&open_rules, requests[i], 400);
}
END_TEST

START_TEST(what_is_not_served_has_its_own_status) {
    expect(&open_rules, "PUT / HTTP/1.1\r\nHost: x\r\n\r\n", 405);
    expect(&open_rules, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404);
    expect(&open_rules, HEAD "\r\n", 426);
    expect(&open_rules,
           HEAD "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n" KEY
                "\r\n",
           426);
}
END_TEST

START_TEST(only_a_listed_origin_is_let_in) {
    const struct http_rules rules = {.origins = origins, .origins_count = 2};
    expect(&rules, HEAD "Origin: https://good.example\r\n" UPGRADE "\r\n", 200);
    expect(&rules, HEAD "Origin: http://localhost:8080\r\n" UPGRADE "\r\n", 200);
    expect(&rules, HEAD "Origin: https://good.example.evil\r\n" UPGRADE "\r\n", 403);
    expect(&rules, HEAD "Origin: null\r\n" UPGRADE "\r\n", 403);
    expect(&rules, HEAD UPGRADE "\r\n", 403);
}
END_TEST

START_TEST(a_token_is_asked_for_in_header_or_query) {
    const struct http_rules rules = {.token = "s3cret"};
    expect(&rules, HEAD "Authorization: Bearer s3cret\r\n" UPGRADE "\r\n", 200);
    expect(&rules, HEAD "Authorization: bearer  s3cret \r\n" UPGRADE "\r\n", 200);
    expect(&rules, "GET /?a=b&token=s3cret HTTP/1.1\r\nHost: x\r\n" UPGRADE "\r\n", 200);
    expect(&rules, HEAD "Authorization: Bearer s3cre\r\n" UPGRADE "\r\n", 401);
    expect(&rules, HEAD "Authorization: Bearer s3cretX\r\n" UPGRADE "\r\n", 401);
    expect(&rules, HEAD "Authorization: Basic s3cret\r\n" UPGRADE "\r\n", 401);
    expect(&rules, "GET /?token= HTTP/1.1\r\nHost: x\r\n" UPGRADE "\r\n", 401);
    expect(&rules, HEAD UPGRADE "\r\n", 401);
}
END_TEST

static size_t with_line_of(char *request, size_t line_bytes) {
    size_t head = strlen(HEAD);
    memcpy(request, HEAD, head);
    memset(request + head, 'x', line_bytes);
    memcpy(request + head, "X:", 2);
    memcpy(request + head + line_bytes, "\r\n\r\n", 5);
    return head + line_bytes + 4;
}

START_TEST(a_line_may_be_as_long_as_its_limit_and_no_longer) {
    static char request[2 * HTTP_LINE_MAX];
    with_line_of(request, HTTP_LINE_MAX - 1); /* and its CR */
    expect(&open_rules, request, 426);
    with_line_of(request, HTTP_LINE_MAX);
    expect(&open_rules, request, 431);
}
END_TEST

START_TEST(there_may_be_as_many_headers_as_the_limit_and_no_more) {
    char request[HTTP_HEADER_MAX];
    for (int more = 0; more < 2; more++) {
        size_t length = (size_t)snprintf(request, sizeof request, HEAD);
        for (int i = 1; i < HTTP_LINES_MAX + more; i++) /* Host is one */
            length += (size_t)snprintf(request + length, sizeof request - length, "X: y\r\n");
        snprintf(request + length, sizeof request - length, "\r\n");
        expect(&open_rules, request, more == 0 ? 426 : 431);
    }
}
END_TEST

START_TEST(all_of_it_together_is_bounded) {
    static char request[2 * HTTP_HEADER_MAX];
    size_t length = (size_t)snprintf(request, sizeof request, HEAD);
    while (length < HTTP_HEADER_MAX)
        length += (size_t)snprintf(request + length, sizeof request - length, "X: %01000d\r\n", 0);
    expect(&open_rules, request, 431);
}
END_TEST

START_TEST(a_request_that_is_not_complete_asks_for_more) {
    const char request[] = HEAD UPGRADE "\r\n";
    for (size_t length = 0; length < sizeof request - 1; length++)
        ck_assert_int_eq(feed(&open_rules, request, length, 3).result, HTTP_MORE);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(a_right_request_is_taken_and_its_end_is_found),
        TEST(the_accept_key_is_that_of_the_rfc),
        TEST(header_names_and_tokens_ignore_case_and_lists_are_searched),
        TEST(malformed_requests_are_400),
        TEST(what_is_not_served_has_its_own_status),
        TEST(only_a_listed_origin_is_let_in),
        TEST(a_token_is_asked_for_in_header_or_query),
        TEST(a_line_may_be_as_long_as_its_limit_and_no_longer),
        TEST(there_may_be_as_many_headers_as_the_limit_and_no_more),
        TEST(all_of_it_together_is_bounded),
        TEST(a_request_that_is_not_complete_asks_for_more),
    };
    return suite_run("gateway: http", tests, COUNT_OF(tests));
}
