/* What a room's members are told about who is there: whether something, how long it is, and the
 * bytes. The lengths come from counts alone, so that the simulated node writes no text.
 *
 *   = ROOM N\n  and a line "KEY STATE" for each of the N present: the list
 *   ~ ROOM N\n  and a line "+KEY STATE" or "-KEY" for each that came or went, N now being there
 *   # ROOM N\n  the count */
#ifndef HEADROOM_MODELS_WORKLOAD_PRESENCE_NOTICE_H
#define HEADROOM_MODELS_WORKLOAD_PRESENCE_NOTICE_H

#include "models/spec/spec.h"
#include "models/workload/presence_state.h"
#include "sim/base/text.h"

/* Payload bytes of what members are told of the keys taken (presence_room_take); 0: nothing,
 * because all cancelled out, or because the mode tells nothing by itself. Writes it to `out` unless
 * that is NULL. Before presence_room_told. */
int64_t presence_notice(enum spec_presence_mode mode, const struct presence_room *room,
                        const struct presence_key *taken, struct text *out);

/* What who asks, or joins, is told: the list, or the count where that is the mode. `room` NULL:
 * nobody is present in the room of that name. */
int64_t presence_notice_all(enum spec_presence_mode mode, struct presence_text name,
                            const struct presence_room *room, struct text *out);

#endif
