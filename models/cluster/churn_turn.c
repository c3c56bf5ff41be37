/* What a worker's turn accepted and closed, carried out when the turn is over: that is when the
 * gateway's own flush writes the answers, and within a turn membership stands still. */
#include "models/cluster/churn.h"

#include "models/cluster/limits.h"
#include "sim/base/check.h"

#include <stdlib.h>

void churn_at_turn_end(struct node_worker *worker, struct churn_ended ended) {
    struct churn_list *list = &worker->cluster->churn->ended[worker->index];
    if (list->count == list->max) {
        list->max = list->max ? 2 * list->max : 64;
        list->items = realloc(list->items, (size_t)list->max * sizeof *list->items);
        CHECK(list->items != NULL && list->max > 0);
    }
    list->items[list->count++] = ended;
}

/* A close frame each way: who sends the first one makes no difference. */
void churn_say_goodbye(struct node_worker *worker, int32_t client, base_ns *now_ns) {
    enum { CLOSE_BYTES = 8, ANSWER_BYTES = 4 }; /* RFC 6455: masked, with a status; not masked */
    double coldest = worker->cluster->layout->working_set[worker->index];
    struct costs_write answer = {
        .frames = 1, .bytes = ANSWER_BYTES, .working_set = coldest, .scattered = 1};
    *now_ns += costs_read(&worker->costs, CLOSE_BYTES, coldest);
    *now_ns += costs_write(&worker->costs, &answer);
    churn_at_turn_end(worker, (struct churn_ended){.client = client});
}

static void shake_hands(struct churn *churn, struct node_worker *worker, struct churn_ended ended,
                        base_ns now_ns) {
    const struct churn_client *c = &churn->clients[ended.client];
    const struct layout_node *place = worker->node->place;
    churn->counts.handshakes++;
    if (c->state != CHURN_TRYING || c->attempts_count != ended.attempt) {
        churn->counts.wasted++;
        return;
    }
    int32_t node = churn->cluster->layout->worker_node[worker->index];
    int64_t held = churn->membership.layout.nodes[node].connections_count;
    if (held >= limits_connections_max(churn->cluster->layout->scenario, place->spec)) {
        churn->counts.refused++;
        churn_retry(churn, ended.client);
        return;
    }
    churn_connect(churn, ended.client, worker->index, now_ns);
}

static void close_now(struct churn *churn, const struct node_worker *worker, int32_t client,
                      base_ns now_ns) {
    const struct churn_client *c = &churn->clients[client];
    if (!c->is_closing || churn->cluster->layout->worker_of[client] != worker->index)
        return; /* it was gone before */
    churn_lose(churn, client, now_ns, MEMBERSHIP_CONNECTION);
}

void churn_turn_over(struct node_worker *worker, base_ns now_ns) {
    struct churn *churn = worker->cluster->churn;
    struct churn_list *list = &churn->ended[worker->index];
    for (int32_t i = 0; i < list->count && !worker->node->is_dead; i++)
        if (list->items[i].is_handshake)
            shake_hands(churn, worker, list->items[i], now_ns);
        else
            close_now(churn, worker, list->items[i].client, now_ns);
    list->count = 0;
}
