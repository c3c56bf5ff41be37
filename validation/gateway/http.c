/* One line at a time: bytes are gathered up to CRLF, then the line is judged and forgotten, so only
 * what was learnt is kept. A malformed line is refused at once; a well-formed request that we do
 * not serve is refused at its end, when nothing of it is left unread that would make the kernel
 * answer a close with a reset. SHA-1 and base64 are nettle's. */
#include "validation/gateway/http.h"

#include <nettle/base64.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char accept_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, 1.3 */

struct slice {
    const char *bytes;
    size_t length;
};

static bool equals(struct slice a, const char *text) {
    return a.length == strlen(text) && memcmp(a.bytes, text, a.length) == 0;
}

static bool equals_any_case(struct slice a, const char *text) {
    return a.length == strlen(text) && strncasecmp(a.bytes, text, a.length) == 0;
}

static bool is_token_byte(char c) { /* RFC 9110, 5.6.2 */
    bool is_alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_alphanumeric || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_value_byte(char c) {
    unsigned char byte = (unsigned char)c;
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

static struct slice trimmed(struct slice value) {
    while (value.length > 0 && (*value.bytes == ' ' || *value.bytes == '\t'))
        value = (struct slice){value.bytes + 1, value.length - 1};
    while (value.length > 0 &&
           (value.bytes[value.length - 1] == ' ' || value.bytes[value.length - 1] == '\t'))
        value.length--;
    return value;
}

static struct slice cut(struct slice *rest, char separator) {
    const char *end = memchr(rest->bytes, separator, rest->length);
    size_t length = end != NULL ? (size_t)(end - rest->bytes) : rest->length;
    struct slice part = {rest->bytes, length};
    size_t skipped = end != NULL ? length + 1 : length;
    *rest = (struct slice){rest->bytes + skipped, rest->length - skipped};
    return part;
}

static bool list_has(struct slice list, const char *token) {
    while (list.length > 0)
        if (equals_any_case(trimmed(cut(&list, ',')), token))
            return true;
    return false;
}

static bool is_same_secret(struct slice offered, const char *secret) {
    size_t length = strlen(secret);
    return offered.length == length && memeql_sec(offered.bytes, secret, length);
}

void http_parser_init(struct http_parser *parser) {
    memset(parser, 0, offsetof(struct http_parser, line));
}

static bool refuse(struct http_parser *parser, uint16_t status) {
    parser->status = status;
    return false;
}

static enum http_target target_of(struct slice path) {
    if (equals(path, "/") || equals(path, "/ws"))
        return HTTP_SOCKET;
    if (equals(path, "/healthz"))
        return HTTP_HEALTH;
    return equals(path, "/metrics") ? HTTP_METRICS : HTTP_UNKNOWN;
}

static void read_query(struct http_parser *parser, const struct http_rules *rules,
                       struct slice query) {
    while (query.length > 0) {
        struct slice value = cut(&query, '&');
        struct slice name = cut(&value, '=');
        if (equals(name, "token") && rules->token != NULL && is_same_secret(value, rules->token))
            parser->is_token_right = true;
    }
}

static bool is_method(struct slice method) {
    for (size_t i = 0; i < method.length; i++)
        if (!is_token_byte(method.bytes[i]))
            return false;
    return method.length > 0;
}

static bool is_target(struct slice target) {
    for (size_t i = 0; i < target.length; i++)
        if (target.bytes[i] <= ' ' || target.bytes[i] == 0x7f)
            return false;
    return target.length > 0 && target.bytes[0] == '/';
}

static bool read_request_line(struct http_parser *parser, const struct http_rules *rules,
                              struct slice line) {
    struct slice method = cut(&line, ' ');
    struct slice target = cut(&line, ' ');
    if (!is_method(method) || !is_target(target) || !equals(line, "HTTP/1.1"))
        return refuse(parser, 400);
    parser->is_get = equals(method, "GET");
    parser->target = target_of(cut(&target, '?'));
    read_query(parser, rules, target);
    return true;
}

static bool read_key(struct http_parser *parser, struct slice value) {
    struct base64_decode_ctx decoding;
    base64_decode_init(&decoding);
    uint8_t raw[BASE64_DECODE_LENGTH(HTTP_KEY_BYTES)];
    size_t raw_length = sizeof raw;
    if (++parser->keys_count > 1 || value.length != HTTP_KEY_BYTES ||
        !base64_decode_update(&decoding, &raw_length, raw, value.length, value.bytes) ||
        !base64_decode_final(&decoding) || raw_length != 16)
        return refuse(parser, 400);
    memcpy(parser->key, value.bytes, HTTP_KEY_BYTES);
    return true;
}

static bool read_host(struct http_parser *parser, struct slice value) {
    if (parser->has_host || value.length == 0)
        return refuse(parser, 400);
    parser->has_host = true;
    return true;
}

static bool read_version(struct http_parser *parser, struct slice value) {
    if (parser->has_version)
        return refuse(parser, 400);
    parser->has_version = true;
    parser->is_version_13 = equals(value, "13");
    return true;
}

static bool read_origin(struct http_parser *parser, const struct http_rules *rules,
                        struct slice value) {
    if (parser->has_origin)
        return refuse(parser, 400);
    parser->has_origin = true;
    for (int32_t i = 0; i < rules->origins_count; i++)
        if (equals_any_case(value, rules->origins[i]))
            parser->is_origin_allowed = true;
    return true;
}

static bool read_authorization(struct http_parser *parser, const struct http_rules *rules,
                               struct slice value) {
    if (parser->has_authorization)
        return refuse(parser, 400);
    parser->has_authorization = true;
    struct slice scheme = cut(&value, ' ');
    if (equals_any_case(scheme, "Bearer") && rules->token != NULL &&
        is_same_secret(trimmed(value), rules->token))
        parser->is_token_right = true;
    return true;
}

static bool read_header(struct http_parser *parser, const struct http_rules *rules,
                        struct slice name, struct slice value) {
    if (equals_any_case(name, "Host"))
        return read_host(parser, value);
    if (equals_any_case(name, "Upgrade"))
        parser->has_upgrade |= list_has(value, "websocket");
    else if (equals_any_case(name, "Connection"))
        parser->has_connection_upgrade |= list_has(value, "upgrade");
    else if (equals_any_case(name, "Sec-WebSocket-Key"))
        return read_key(parser, value);
    else if (equals_any_case(name, "Sec-WebSocket-Version"))
        return read_version(parser, value);
    else if (equals_any_case(name, "Origin"))
        return read_origin(parser, rules, value);
    else if (equals_any_case(name, "Authorization"))
        return read_authorization(parser, rules, value);
    else if (equals_any_case(name, "Transfer-Encoding") ||
             (equals_any_case(name, "Content-Length") && !equals(value, "0")))
        return refuse(parser, 400);
    return true;
}

static bool read_header_line(struct http_parser *parser, const struct http_rules *rules,
                             struct slice line) {
    if (memchr(line.bytes, ':', line.length) == NULL)
        return refuse(parser, 400);
    struct slice value = line;
    struct slice name = cut(&value, ':');
    if (!is_method(name)) /* a name is a token like a method; folding and "Host :" end here */
        return refuse(parser, 400);
    for (size_t i = 0; i < value.length; i++)
        if (!is_value_byte(value.bytes[i]))
            return refuse(parser, 400);
    return read_header(parser, rules, name, trimmed(value));
}

static uint16_t final_status(const struct http_parser *parser, const struct http_rules *rules) {
    if (!parser->is_get)
        return 405;
    if (parser->target == HTTP_UNKNOWN)
        return 404;
    if (!parser->has_host)
        return 400;
    if (parser->target != HTTP_SOCKET)
        return 200;
    if (!parser->has_upgrade || !parser->is_version_13)
        return 426;
    if (!parser->has_connection_upgrade || parser->keys_count != 1)
        return 400;
    if (rules->origins_count > 0 && !parser->is_origin_allowed)
        return 403;
    return rules->token != NULL && !parser->is_token_right ? 401 : 200;
}

/* A whole line without its CRLF. */
static enum http_result end_line(struct http_parser *parser, const struct http_rules *rules) {
    struct slice line = {parser->line, parser->line_length};
    parser->line_length = 0;
    if (parser->lines_count > 0 && line.length == 0) {
        parser->status = final_status(parser, rules);
        return parser->status == 200 ? HTTP_REQUEST : HTTP_REFUSED;
    }
    if (parser->lines_count > HTTP_LINES_MAX) {
        parser->status = 431;
        return HTTP_REFUSED;
    }
    bool is_good = parser->lines_count++ == 0 ? read_request_line(parser, rules, line)
                                              : read_header_line(parser, rules, line);
    return is_good ? HTTP_MORE : HTTP_REFUSED;
}

static enum http_result feed_byte(struct http_parser *parser, const struct http_rules *rules,
                                  char byte) {
    bool is_too_long = parser->line_length == HTTP_LINE_MAX && byte != '\n';
    if (++parser->bytes > HTTP_HEADER_MAX || is_too_long) {
        parser->status = 431;
        return HTTP_REFUSED;
    }
    bool follows_cr = parser->line_length > 0 && parser->line[parser->line_length - 1] == '\r';
    if (follows_cr != (byte == '\n')) { /* CR and LF come in pairs */
        parser->status = 400;
        return HTTP_REFUSED;
    }
    if (byte == '\n') {
        parser->line_length--;
        return end_line(parser, rules);
    }
    parser->line[parser->line_length++] = byte;
    return HTTP_MORE;
}

enum http_result http_parser_feed(struct http_parser *parser, const struct http_rules *rules,
                                  const char *bytes, size_t length, size_t *used) {
    for (size_t i = 0; i < length; i++) {
        enum http_result result = feed_byte(parser, rules, bytes[i]);
        if (result == HTTP_MORE)
            continue;
        *used = i + 1;
        return result;
    }
    *used = length;
    return HTTP_MORE;
}

size_t http_write_upgrade(const struct http_parser *parser, char out[HTTP_RESPONSE_MAX]) {
    struct sha1_ctx hashing;
    uint8_t digest[SHA1_DIGEST_SIZE];
    char accept[BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE)];
    sha1_init(&hashing);
    sha1_update(&hashing, HTTP_KEY_BYTES, (const uint8_t *)parser->key);
    sha1_update(&hashing, sizeof accept_guid - 1, (const uint8_t *)accept_guid);
    sha1_digest(&hashing, sizeof digest, digest);
    base64_encode_raw(accept, sizeof digest, digest);
    int length = snprintf(out, HTTP_RESPONSE_MAX,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n\r\n",
                          (int)sizeof accept, accept);
    return (size_t)length;
}

static const struct {
    uint16_t status;
    const char *phrase, *header;
} statuses[] = {
    {200, "OK", ""},
    {400, "Bad Request", ""},
    {401, "Unauthorized", "WWW-Authenticate: Bearer\r\n"},
    {403, "Forbidden", ""},
    {404, "Not Found", ""},
    {405, "Method Not Allowed", "Allow: GET\r\n"},
    {426, "Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"},
    {431, "Request Header Fields Too Large", ""},
    {503, "Service Unavailable", "Retry-After: 1\r\n"},
};

size_t http_write_status(uint16_t status, char out[HTTP_RESPONSE_MAX]) {
    size_t i = 0;
    while (i + 1 < COUNT_OF(statuses) && statuses[i].status != status)
        i++;
    int length = snprintf(out, HTTP_RESPONSE_MAX,
                          "HTTP/1.1 %d %s\r\n%sContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                          "Connection: %sclose\r\n\r\n%s\n",
                          (int)statuses[i].status, statuses[i].phrase, statuses[i].header,
                          strlen(statuses[i].phrase) + 1, status == 426 ? "Upgrade, " : "",
                          statuses[i].phrase);
    return (size_t)length;
}

size_t http_write_head(const char *type, size_t body_bytes, char out[HTTP_RESPONSE_MAX]) {
    int length = snprintf(out, HTTP_RESPONSE_MAX,
                          "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n",
                          type, body_bytes);
    return (size_t)length;
}
