/* The HTTP/1.1 request in front of a WebSocket: bytes in, a verdict out; no socket, no allocation.
 *
 * Strict where leniency has been a hole elsewhere: CRLF only, no folding, no blank before a colon,
 * no body, no second Host or key, every length bounded. Fed in any pieces, the verdict is the same.
 */
#ifndef HEADROOM_VALIDATION_GATEWAY_HTTP_H
#define HEADROOM_VALIDATION_GATEWAY_HTTP_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_LINE_MAX = 2048,   /* bytes of the request line or of one header: 431 */
    HTTP_HEADER_MAX = 8192, /* bytes in all: 431 */
    HTTP_LINES_MAX = 64,    /* headers: 431 */
    HTTP_KEY_BYTES = 24,    /* 16 bytes in base64 */
    HTTP_RESPONSE_MAX = 512,
};

enum http_target { HTTP_SOCKET, HTTP_HEALTH, HTTP_METRICS, HTTP_UNKNOWN };
enum http_result { HTTP_MORE, HTTP_REQUEST, HTTP_REFUSED };

struct http_rules {
    const char *token; /* NULL: everybody */
    const char *const
        *origins; /* a request without one of them is refused; count 0: all are let in */
    int32_t origins_count;
};

struct http_parser {
    enum http_target target;
    uint16_t status; /* of HTTP_REFUSED: 400, 401, 403, 404, 405, 426, 431 */
    bool is_get, has_host, has_upgrade, has_connection_upgrade, has_version, is_version_13;
    bool has_origin, is_origin_allowed, has_authorization, is_token_right;
    uint8_t keys_count;
    char key[HTTP_KEY_BYTES];
    uint32_t line_length, lines_count, bytes;
    char line[HTTP_LINE_MAX];
};

void http_parser_init(struct http_parser *parser);
/* `used`: bytes of `bytes` that belong to the request; what follows is the first frame's. */
enum http_result http_parser_feed(struct http_parser *parser, const struct http_rules *rules,
                                  const char *bytes, size_t length, size_t *used) MUST_USE;

/* 101 with Sec-WebSocket-Accept of the request's key (RFC 6455, 4.2.2). Both return the length. */
size_t http_write_upgrade(const struct http_parser *parser, char out[HTTP_RESPONSE_MAX]);
/* A short answer that ends the connection; 200 and the statuses above and 503. */
size_t http_write_status(uint16_t status, char out[HTTP_RESPONSE_MAX]);
/* The head of a 200 with a body of that length. */
size_t http_write_head(const char *type, size_t body_bytes, char out[HTTP_RESPONSE_MAX]);

#endif
