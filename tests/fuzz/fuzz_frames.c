/* Any bytes of an open connection, in any pieces, earn the same answers: the gateway's real way
 * from bytes to messages, in echo mode, over a socket pair. */
#include "sim/base/check.h"
#include "validation/gateway/worker.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT_MAX = 4096, OUTPUT_MAX = 1 << 16 };

static struct gateway gateway;
static struct gateway_options options;
static struct worker worker;

static void start(void) {
    gateway_options_init(&options);
    options.echo = true;
    gateway.options = &options;
    gateway.workers_count = 1;
    gateway.listen_fd = gateway.signal_fd = gateway.spare_fd = -1;
    gateway.stats = gateway_stats_create(NULL, 1, 0);
    CHECK(gateway.stats != NULL && worker_init(&worker, &gateway, 0));
}

static struct connection *open_pair(int fds[2]) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    struct connection *connection = connection_new(&worker, fds[0]);
    CHECK(connection != NULL);
    connection->state = CONNECTION_OPEN;
    gateway_count(&worker.stats->connections, 1);
    return connection;
}

/* What the connection answers to the bytes, fed `step` at a time. */
static size_t answers(const uint8_t *data, size_t size, size_t step, uint8_t *out) {
    int fds[2];
    struct connection *connection = open_pair(fds);
    static uint8_t copy[INPUT_MAX];
    for (size_t used = 0; used < size && !connection->is_doomed; used += step) {
        size_t piece = step < size - used ? step : size - used;
        memcpy(copy, data + used, piece); /* unmasked in place */
        message_bytes(&worker, connection, copy, piece);
    }
    if (!connection->is_doomed)
        connection_doom(&worker, connection, GATEWAY_CLOSE_IDLE);
    connection_end_doomed(&worker);
    size_t length = 0;
    for (ssize_t got; (got = read(fds[1], out + length, OUTPUT_MAX - length)) > 0;)
        length += (size_t)got;
    connection_doom(&worker, connection, GATEWAY_CLOSE_PEER);
    connection_end_doomed(&worker);
    close(fds[1]);
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t whole[OUTPUT_MAX], pieces[OUTPUT_MAX];
    if (gateway.stats == NULL)
        start();
    if (size < 1 || size > INPUT_MAX)
        return 0;
    size_t whole_length = answers(data + 1, size - 1, size, whole);
    size_t pieces_length = answers(data + 1, size - 1, data[0] % 61 + 1u, pieces);
    CHECK(whole_length == pieces_length && memcmp(whole, pieces, whole_length) == 0);
    return 0;
}
