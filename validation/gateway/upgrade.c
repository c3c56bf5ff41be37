/* Bytes of a connection that has not spoken WebSocket yet: the request, its answer, and what
 * follows it.
 *
 * Nearly every request comes in one piece and is read by the worker's own parser; only one that
 * does not gets a parser of its own. */
#include "validation/gateway/worker.h"

#include "sim/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void answer(struct worker *worker, struct connection *connection, uint16_t status) {
    char out[HTTP_RESPONSE_MAX];
    deliver_answer(worker, connection, out, http_write_status(status, out));
}

static void refuse_for_lack_of_room(struct worker *worker, struct connection *connection) {
    gateway_count(&worker->stats->refused, 1);
    answer(worker, connection, 503);
}

static void answer_metrics(struct worker *worker, struct connection *connection) {
    struct text body, whole;
    text_init(&body);
    text_init(&whole);
    metrics_write(worker->gateway, &body);
    char head[HTTP_RESPONSE_MAX];
    text_add_n(&whole, head,
               http_write_head("text/plain; version=0.0.4; charset=utf-8", body.length, head));
    text_add_n(&whole, text_bytes(&body), body.length);
    deliver_answer(worker, connection, text_bytes(&whole), whole.length);
    text_fini(&body);
    text_fini(&whole);
}

static bool give_session(struct worker *worker, struct connection *connection) {
    size_t bytes = (size_t)worker->options->session;
    if (bytes == 0)
        return true;
    connection->session = malloc(bytes);
    if (connection->session == NULL)
        return false;
    memset(connection->session, 0x5a, bytes); /* memory that is not touched is not used */
    gateway_count(&worker->stats->session_bytes, bytes);
    return true;
}

static void open_connection(struct worker *worker, struct connection *connection,
                            const struct http_parser *parser) {
    if (!give_session(worker, connection)) {
        refuse_for_lack_of_room(worker, connection);
        return;
    }
    char out[HTTP_RESPONSE_MAX];
    size_t length = http_write_upgrade(parser, out);
    free(connection->parser);
    connection->input = NULL;
    connection->state = CONNECTION_OPEN;
    gateway_count(&worker->stats->upgraded, 1);
    gateway_count(&worker->stats->connections, 1);
    if (send(connection->fd, out, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
        connection_doom(worker, connection, GATEWAY_CLOSE_RESET);
    connection_update_timer(worker, connection);
}

static void serve(struct worker *worker, struct connection *connection,
                  const struct http_parser *parser) {
    char out[HTTP_RESPONSE_MAX];
    if (parser->target == HTTP_METRICS)
        answer_metrics(worker, connection);
    else if (parser->target == HTTP_HEALTH && worker->is_draining)
        answer(worker, connection, 503);
    else if (parser->target == HTTP_HEALTH)
        deliver_answer(worker, connection, out, http_write_status(200, out));
    else if (connection->is_beyond_limit || worker->is_draining)
        refuse_for_lack_of_room(worker, connection);
    else
        open_connection(worker, connection, parser);
}

static void keep_parser(struct worker *worker, struct connection *connection) {
    if (connection->parser != NULL)
        return;
    connection->parser = malloc(sizeof *connection->parser);
    if (connection->parser == NULL)
        connection_doom(worker, connection, GATEWAY_CLOSE_NO_MEMORY);
    else
        *connection->parser = worker->parser;
}

void upgrade_bytes(struct worker *worker, struct connection *connection, uint8_t *bytes,
                   size_t length) {
    if (connection->ends_when_sent)
        return; /* its answer is on the way */
    struct http_parser *parser = connection->parser;
    if (parser == NULL) {
        parser = &worker->parser;
        http_parser_init(parser);
    }
    size_t used = 0;
    switch (http_parser_feed(parser, &worker->gateway->rules, (const char *)bytes, length, &used)) {
    case HTTP_MORE:
        keep_parser(worker, connection);
        return;
    case HTTP_REFUSED:
        gateway_count(&worker->stats->rejected, 1);
        answer(worker, connection, parser->status);
        return;
    case HTTP_REQUEST:
        serve(worker, connection, parser);
        break;
    }
    if (connection->state == CONNECTION_OPEN && !connection->is_doomed && used < length)
        message_bytes(worker, connection, bytes + used, length - used);
}
