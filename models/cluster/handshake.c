/* The accept queue of a node: a place to wait until a turn has time, or until the node's own limit
 * lets the next one in.
 *
 * A request that finds the queue full is not answered, as Linux does it, and repeated by the
 * client's kernel. One that waits is done whoever still wants it: a server cannot tell that a
 * client has given up before it has accepted and answered. */
#include "models/cluster/churn.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>

/* Assumed: a round trip. Without it a client that waits for nothing would be refused without end at
 * one instant. */
static const base_ns REFUSAL_NS = BASE_NS_PER_MS;

static int32_t new_handshake(struct churn *churn, struct churn_handshake handshake) {
    int32_t index = churn->handshakes_free;
    if (index >= 0) {
        churn->handshakes_free = churn->handshakes[index].next;
    } else {
        if (churn->handshakes_count == churn->handshakes_max) {
            churn->handshakes_max = churn->handshakes_max ? 2 * churn->handshakes_max : 256;
            CHECK(churn->handshakes_max > 0);
            churn->handshakes = realloc(churn->handshakes,
                                        (size_t)churn->handshakes_max * sizeof *churn->handshakes);
            CHECK(churn->handshakes != NULL);
        }
        index = churn->handshakes_count++;
    }
    churn->handshakes[index] = handshake;
    return index;
}

void handshake_forget(struct churn *churn, int32_t index) {
    struct churn_handshake *handshake = &churn->handshakes[index];
    struct churn_node *node = &churn->nodes[handshake->node];
    churn_account(churn, churn->cluster->run->now_ns);
    if (handshake->life == node->life)
        node->waiting--;
    churn->counts.backlog--;
    handshake->next = churn->handshakes_free;
    churn->handshakes_free = index;
}

/* --- knocking --- */

static uint64_t attempt_of(const struct churn *churn, int32_t client) {
    return (uint64_t)client << 32 | churn->clients[client].attempts_count;
}

/* Whether the client is still at this attempt. */
static bool is_at(const struct churn *churn, uint64_t attempt) {
    const struct churn_client *c = &churn->clients[attempt >> 32];
    return c->state == CHURN_TRYING && c->attempts_count == (uint32_t)attempt;
}

static void knock_again(void *target, uint64_t attempt, base_ns now_ns) {
    if (is_at(target, attempt))
        handshake_knock(target, (int32_t)(attempt >> 32), now_ns);
}

static void hears_refusal(void *target, uint64_t attempt, base_ns now_ns) {
    (void)now_ns;
    if (is_at(target, attempt))
        churn_retry(target, (int32_t)(attempt >> 32));
}

static void stay_unanswered(struct churn *churn, int32_t client) {
    struct churn_client *c = &churn->clients[client];
    churn->counts.unanswered++;
    (void)run_after(churn->cluster->run, reconnect_knock(c->knocks++), knock_again, churn,
                    attempt_of(churn, client));
}

static void let_in(void *target, uint64_t index, base_ns now_ns) {
    (void)now_ns;
    struct churn *churn = target;
    const struct churn_handshake *handshake = &churn->handshakes[index];
    struct churn_node *node = &churn->nodes[handshake->node];
    const struct layout_node *place = &churn->cluster->layout->nodes[handshake->node];
    if (handshake->life != node->life) { /* the queue went with the node */
        handshake_forget(churn, (int32_t)index);
        return;
    }
    int32_t worker = place->workers_first + node->workers_dealt++ % place->workers_count;
    worker_make_ready(&churn->cluster->workers[worker],
                      (struct node_ready){NODE_READY_ACCEPT, (int32_t)index});
}

/* When the node's limit lets the next one in. */
static base_ns turn_of(const struct spec_node *spec, struct churn_node *node, base_ns now_ns) {
    if (spec->handshakes == SPEC_UNLIMITED)
        return now_ns;
    base_ns at_ns = node->next_ns > now_ns ? node->next_ns : now_ns;
    node->next_ns = at_ns + llround((double)BASE_NS_PER_S / (double)spec->handshakes);
    return at_ns;
}

void handshake_knock(struct churn *churn, int32_t client, base_ns now_ns) {
    struct churn_client *c = &churn->clients[client];
    struct churn_node *node = &churn->nodes[c->node];
    const struct spec_node *spec = churn->cluster->layout->nodes[c->node].spec;
    if (node->is_gone) {
        if (node->is_answering) /* else it hears nothing until its time is up */
            (void)run_after(churn->cluster->run, REFUSAL_NS, hears_refusal, churn,
                            attempt_of(churn, client));
        return;
    }
    if (node->waiting >= spec->accept_queue) {
        stay_unanswered(churn, client);
        return;
    }
    churn_account(churn, now_ns);
    node->waiting++;
    if (++churn->counts.backlog > churn->counts.backlog_max)
        churn->counts.backlog_max = churn->counts.backlog;
    int32_t index = new_handshake(churn, (struct churn_handshake){.knocked_ns = now_ns,
                                                                  .client = client,
                                                                  .node = c->node,
                                                                  .attempt = c->attempts_count,
                                                                  .life = node->life});
    base_ns at_ns = turn_of(spec, node, now_ns);
    if (at_ns > now_ns)
        run_at(churn->cluster->run, at_ns, let_in, churn, (uint64_t)index);
    else
        let_in(churn, (uint64_t)index, now_ns);
}

/* --- in a turn --- */

void handshake_accept(struct node_worker *worker, int32_t index, base_ns *now_ns) {
    struct churn *churn = worker->cluster->churn;
    struct churn_handshake handshake = churn->handshakes[index];
    churn->counts.waited_ns += churn->cluster->run->now_ns - handshake.knocked_ns;
    handshake_forget(churn, index);
    *now_ns += costs_accept(&worker->costs, worker->node->spec->tls);
    churn_at_turn_end(
        worker, (struct churn_ended){handshake.client, handshake.attempt, .is_handshake = true});
}
