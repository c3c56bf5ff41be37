/* What a write is on the wire of an Ethernet: full segments of TCP over IPv4 with timestamps, each
 * with its headers, preamble and gap. Frames to different sockets never share a segment; those of
 * one write do. A 128 B message is 222 B there. (Linux: net/ipv4/tcp_output.c; IEEE 802.3.) */
#ifndef HEADROOM_MODELS_WORKLOAD_WIRE_H
#define HEADROOM_MODELS_WORKLOAD_WIRE_H

#include <stdint.h>

enum {
    WIRE_SEGMENT_BYTES = 1448, /* 1,500 less IPv4 20, TCP 20, timestamps 12 */
    WIRE_PACKET_BYTES = 90,    /* those 52, Ethernet 18, preamble and gap 20 */
};

/* Segments of one write. */
static inline int64_t wire_packets(int64_t bytes) {
    return (bytes + WIRE_SEGMENT_BYTES - 1) / WIRE_SEGMENT_BYTES;
}

/* Bytes on the wire of writes of so many bytes in so many segments. */
static inline int64_t wire_bytes(int64_t bytes, int64_t packets) {
    return bytes + WIRE_PACKET_BYTES * packets;
}

#endif
