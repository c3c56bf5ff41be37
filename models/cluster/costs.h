/* The profile's costs as the simulator uses them: whole nanoseconds per burst element, so that a
 * burst's k-th write ends at an exact multiple and counting it in closed form gives the same
 * histogram as counting it write by write. */
#ifndef HEADROOM_MODELS_CLUSTER_COSTS_H
#define HEADROOM_MODELS_CLUSTER_COSTS_H

#include "models/spec/profile.h"
#include "models/spec/spec.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

/* What connections to clients cost beyond the profile's rows, because a node compresses or seals;
 * all 0 where it does neither. */
struct costs_client {
    bool packs, seals;
    double record_ns;                   /* per TLS record, either way */
    double saved;                       /* share of a payload that compression takes away */
    double publish_ns, publish_byte_ns; /* once per publish and worker, by payload */
    double frame_ns, byte_ns;           /* per message and recipient, and byte written */
    double read_byte_ns;                /* per byte read */
};

struct costs {
    struct profile_costs raw;
    struct costs_client client;
    base_ns publish_ns, wake_up_ns; /* the rows of these names, rounded: every turn asks for them */
};

struct costs costs_of(const struct profile_costs *raw, const struct spec_node *node);

struct costs_write {
    int64_t frames, bytes;
    double working_set; /* sockets that the worker wrote since it last wrote this one */
    bool is_to_node;    /* or to a backplane, where nothing is compressed */
    double scattered;   /* share of writes to a socket that was not accepted after the one before */
};

/* `last_writes`: the send calls of the worker's turn before. */
base_ns costs_turn(const struct costs *costs, int64_t last_writes);
/* One ready socket, `bytes` taken from it; `working_set` as in struct costs_write. */
base_ns costs_read(const struct costs *costs, int64_t bytes, double working_set);
base_ns costs_publish(const struct costs *costs);
base_ns costs_lookup(const struct costs *costs); /* of a shared session: the worker's part */
base_ns costs_lookup_wait(const struct costs *costs);
/* Bytes of TLS records around so many equal writes of so many bytes together. */
int64_t costs_record_bytes(const struct costs *costs, int64_t writes, int64_t bytes);
/* What a payload of so many bytes is on its way to or from a client. */
int64_t costs_packed_bytes(const struct costs *costs, int64_t bytes);
/* Compressing such a payload once for all recipients, where that is what a node does. */
base_ns costs_pack(const struct costs *costs, int64_t bytes);
/* Opening and decompressing what was read from a client: so many bytes as they came. */
base_ns costs_unpack(const struct costs *costs, int64_t bytes);
base_ns costs_write(const struct costs *costs, const struct costs_write *write);
base_ns costs_enqueue(const struct costs *costs);
base_ns costs_writable(const struct costs *costs);
/* A new connection, with its TLS handshake. */
base_ns costs_accept(const struct costs *costs, enum spec_tls tls);
base_ns costs_wake_up(const struct costs *costs);

#endif
