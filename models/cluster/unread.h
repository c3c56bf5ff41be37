/* Members who get a count now and then in place of the messages: whoever has a channel in a list
 * and not before its eyes. Rows: rooms.<group>.unread. Inside models/cluster only.
 *
 * They are the members of a room of their own beside the room that is counted. A message of that
 * one, where a worker has members of this one, starts a wait of `every`; those that come meanwhile
 * add to the count, and then it is written to each member as any message is. So a busy room costs
 * its passive members 1/every writes a second, whatever its rate. */
#ifndef HEADROOM_MODELS_CLUSTER_UNREAD_H
#define HEADROOM_MODELS_CLUSTER_UNREAD_H

#include "models/cluster/node.h"

/* Sets cluster->unread where a group of rooms is told of counts; after the workers. */
void unread_init(struct cluster *cluster);
/* The room whose members are told of `room`'s messages; -1: none. Of no cluster without. */
int32_t unread_room(const struct cluster *cluster, int32_t room);
/* The longest that any count waits. */
base_ns unread_every_max_ns(const struct spec_scenario *scenario);

/* A message of the room has come to the worker. */
void unread_note(struct node_worker *worker, const struct node_inbound *publish, base_ns now_ns);
/* The slot's members are to be told: what is written to them. *now_ns moves on by what making it
 * costs, as much as a publish. */
struct node_gathered unread_tell(struct node_worker *worker, int32_t slot, base_ns *now_ns);

void unread_report(const struct cluster *cluster, struct outcome *outcome);

#endif
