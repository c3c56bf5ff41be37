/* Each cost is rounded once, where it becomes time. */
#include "models/cluster/costs.h"

#include <math.h>

static base_ns rounded(double ns) {
    return (base_ns)llround(ns);
}

/* Rows are by byte of payload; what is counted later is what is left of it. */
static void add_deflate(struct costs *costs, const struct spec_deflate *deflate) {
    const double *value = costs->raw.value;
    struct costs_client *client = &costs->client;
    if (deflate->kind == SPEC_NO_DEFLATE)
        return;
    client->packs = true;
    client->saved = 1 - deflate->left;
    client->read_byte_ns += value[COST_inflate_byte] / deflate->left;
    if (deflate->kind == SPEC_CONTEXT_TAKEOVER) {
        client->frame_ns += value[COST_deflate_message];
        client->byte_ns += value[COST_deflate_byte] / deflate->left;
    } else {
        client->publish_ns += value[COST_deflate_message];
        client->publish_byte_ns += value[COST_deflate_byte];
    }
}

static void add_tls(struct costs *costs) {
    const double *value = costs->raw.value;
    struct costs_client *client = &costs->client;
    client->seals = true;
    client->record_ns = value[COST_tls_record];
    client->byte_ns += value[COST_tls_byte];
    client->read_byte_ns += value[COST_tls_byte];
}

struct costs costs_of(const struct profile_costs *raw, const struct spec_node *node) {
    struct costs costs = {.raw = *raw,
                          .publish_ns = rounded(raw->value[COST_publish]),
                          .wake_up_ns = rounded(raw->value[COST_wake_up])};
    if (node->tls != SPEC_TLS_NONE)
        add_tls(&costs);
    add_deflate(&costs, &node->deflate);
    return costs;
}

base_ns costs_turn(const struct costs *costs, int64_t last_writes) {
    const double *value = costs->raw.value;
    return rounded(value[COST_turn] + value[COST_turn_cold] * profile_evicted((double)last_writes));
}

base_ns costs_read(const struct costs *costs, int64_t bytes, double working_set) {
    const double *value = costs->raw.value;
    return rounded(value[COST_read] + value[COST_read_cold] * profile_evicted(working_set) +
                   value[COST_read_byte] * (double)bytes);
}

base_ns costs_publish(const struct costs *costs) {
    return costs->publish_ns;
}

static int64_t records_of(int64_t bytes) {
    enum { RECORD_BYTES_MAX = 16384 }; /* RFC 8446, 5.1 */
    return (bytes + RECORD_BYTES_MAX - 1) / RECORD_BYTES_MAX;
}

/* Header, type and tag of TLS 1.3 with AES-GCM: 5 + 1 + 16 (RFC 8446, 5.2). */
int64_t costs_record_bytes(const struct costs *costs, int64_t writes, int64_t bytes) {
    enum { RECORD_OVERHEAD_BYTES = 22 };
    if (!costs->client.seals || writes == 0)
        return 0;
    return writes * RECORD_OVERHEAD_BYTES * records_of(bytes / writes);
}

static double client_write_ns(const struct costs *costs, const struct costs_write *write) {
    const struct costs_client *client = &costs->client;
    if (write->is_to_node || (!client->packs && !client->seals))
        return 0;
    return client->frame_ns * (double)write->frames + client->byte_ns * (double)write->bytes +
           client->record_ns * (double)records_of(write->bytes);
}

/* How likely the kernel's objects of a socket are cold depends on how many were written in between;
 * those of neighbours share pages, and what the processor keeps of them. */
base_ns costs_write(const struct costs *costs, const struct costs_write *write) {
    const double *value = costs->raw.value;
    double evicted = profile_evicted(write->working_set);
    return rounded(value[COST_write] +
                   (value[COST_write_cold] + value[COST_write_scatter] * write->scattered) *
                       evicted +
                   value[COST_frame] * (double)write->frames +
                   value[COST_byte] * (double)write->bytes + client_write_ns(costs, write));
}

base_ns costs_lookup(const struct costs *costs) {
    return rounded(costs->raw.value[COST_session_lookup]);
}
base_ns costs_lookup_wait(const struct costs *costs) {
    return rounded(costs->raw.value[COST_session_wait]);
}

int64_t costs_packed_bytes(const struct costs *costs, int64_t bytes) {
    if (!costs->client.packs)
        return bytes;
    return bytes - llround(costs->client.saved * (double)bytes);
}

base_ns costs_pack(const struct costs *costs, int64_t bytes) {
    if (!costs->client.packs)
        return 0;
    return rounded(costs->client.publish_ns + costs->client.publish_byte_ns * (double)bytes);
}

base_ns costs_unpack(const struct costs *costs, int64_t bytes) {
    const struct costs_client *client = &costs->client;
    if (!client->packs && !client->seals)
        return 0;
    return rounded(client->read_byte_ns * (double)bytes +
                   client->record_ns * (double)records_of(bytes));
}

base_ns costs_enqueue(const struct costs *costs) {
    return rounded(costs->raw.value[COST_enqueue]);
}
base_ns costs_writable(const struct costs *costs) {
    return rounded(costs->raw.value[COST_writable]);
}
base_ns costs_accept(const struct costs *costs, enum spec_tls tls) {
    const double *value = costs->raw.value;
    double handshake = tls == SPEC_TLS_FULL      ? value[COST_tls_handshake]
                       : tls == SPEC_TLS_RESUMED ? value[COST_tls_resumption]
                                                 : 0;
    return rounded(value[COST_accept] + handshake);
}
base_ns costs_wake_up(const struct costs *costs) {
    return costs->wake_up_ns;
}
