/* A loopback of the pair's own, on which every segment is acknowledged at once.
 *
 * On the machine's loopback the receiver decides from its history whether it acknowledges a segment
 * at once (the first sixteen after a silence of a retransmission timeout), every second one, when
 * its application reads, or 40 ms later from a timer. An acknowledgement that comes at once is
 * processed within the sender's send(), one that comes with the read is paid for by the reader. So
 * the same write costs the server a quarter more or less, depending on what happened to its socket
 * before, and the difference between two runs is a property of neither the server nor the load.
 *
 * A network namespace of the process's own has a loopback whose routes can say `quickack`: each
 * segment is acknowledged at once, within the send() that carried it. That is what a server behind
 * a network card pays for clients whose messages are further apart than a delayed acknowledgement
 * (40 ms), and an upper bound where they are not. It takes the machine's firewall and connection
 * tracking out of the way too, and changes nothing outside. */
#ifndef HEADROOM_VALIDATION_MEASURE_LOOPBACK_H
#define HEADROOM_VALIDATION_MEASURE_LOOPBACK_H

#include "sim/base/attributes.h"

#include <stdbool.h>

enum { LOOPBACK_WHY_BYTES = 160 };

/* Moves the calling process, which must have one thread, and what it starts from now on into a
 * network namespace with such a loopback. Twice is harmless. False where the kernel does not let
 * this user (then `why` says at what it failed): the process is where it was, or in a namespace
 * whose loopback acknowledges as the kernel likes. */
bool loopback_enter(char why[LOOPBACK_WHY_BYTES]) MUST_USE;

/* "every segment, at once" or "as the kernel likes": for a profile's pins. */
const char *loopback_acknowledgements(void);

#endif
