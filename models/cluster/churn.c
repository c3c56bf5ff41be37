/* One state machine per client. Whatever happens to a client cancels what it was waiting for, so
 * that a state has one timer and an event that fires finds the state that it was meant for. */
#include "models/cluster/churn.h"

#include "models/cluster/attendance.h"
#include "models/cluster/memory.h"
#include "models/workload/draws.h"

#include <math.h>
#include <stdlib.h>

static const struct spec_population *population_of(const struct churn *churn, int32_t client) {
    const struct roster *roster = churn->cluster->layout->roster;
    return &roster->scenario->populations[roster->population[client]];
}

static struct rng next_draw(struct churn *churn, int32_t client) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){
                       .seed = churn->cluster->plan.seed,
                       .entity = roster_client_entity(churn->cluster->layout->roster, client),
                       .purpose = DRAWS_RECONNECT,
                       .index = churn->clients[client].draws_count++});
    return rng;
}

static void set_timer(struct churn *churn, int32_t client, base_ns after_ns, calendar_fn fn) {
    struct churn_client *c = &churn->clients[client];
    run_cancel(churn->cluster->run, c->timer);
    c->timer = run_after(churn->cluster->run, after_ns, fn, churn, (uint64_t)client);
}

static void stop_timer(struct churn *churn, int32_t client) {
    run_cancel(churn->cluster->run, churn->clients[client].timer);
    churn->clients[client].timer = 0;
}

/* --- attempts --- */

/* To the balancer it is on no node any more. */
static void release(struct churn *churn, int32_t client) {
    struct churn_client *c = &churn->clients[client];
    if (c->is_dealt)
        balancer_hold(churn->balancer, c->node, -1);
    c->is_dealt = false;
}

static void timed_out(void *target, uint64_t client, base_ns now_ns) {
    (void)now_ns;
    struct churn *churn = target;
    churn->clients[client].timer = 0;
    churn->counts.timeouts++;
    churn_retry(churn, (int32_t)client);
}

static void try(struct churn *churn, int32_t client, base_ns now_ns) {
    struct churn_client *c = &churn->clients[client];
    c->state = CHURN_TRYING;
    c->attempts_count++;
    c->knocks = 0;
    set_timer(churn, client, population_of(churn, client)->reconnect.handshake_timeout, timed_out);
    int32_t node = balancer_pick(churn->balancer, client, c->attempts_count, c->node);
    if (node < 0)
        return; /* nobody answers */
    c->node = node;
    c->is_dealt = true;
    handshake_knock(churn, client, now_ns);
}

static void try_again(void *target, uint64_t client, base_ns now_ns) {
    struct churn *churn = target;
    churn->clients[client].timer = 0;
    try(churn, (int32_t)client, now_ns);
}

void churn_retry(struct churn *churn, int32_t client) {
    struct churn_client *c = &churn->clients[client];
    struct rng rng = next_draw(churn, client);
    release(churn, client);
    base_ns wait_ns = reconnect_wait(&population_of(churn, client)->reconnect, &c->reconnect, &rng);
    c->state = CHURN_WAITING;
    if (wait_ns < BASE_NS_MAX) {
        set_timer(churn, client, wait_ns, try_again);
        return;
    }
    stop_timer(churn, client);
    c->state = CHURN_GAVE_UP;
    churn->counts.gave_up++;
}

/* --- connected --- */

/* One connection more on the node, or one less. */
static void hold(struct churn *churn, int32_t client, int32_t node, int64_t by) {
    struct layout *layout = &churn->membership.layout;
    struct layout_node *place = &layout->nodes[node];
    struct node *n = &churn->cluster->nodes[node];
    churn_account(churn, churn->cluster->run->now_ns);
    place->connections_count += by;
    place->subscription_bytes +=
        (double)by * memory_subscriptions(layout->roster, place->spec, client);
    layout->connections_count += by;
    churn->counts.connected += by;
    n->memory_fixed_bytes += by * llround(memory_connection(layout->roster, place->spec,
                                                            &churn->cluster->raw_costs, client));
}

/* The worker's side of the connection. */
static void stop_hearing(struct churn *churn, int32_t client, base_ns now_ns,
                         enum membership_cause cause) {
    struct cluster *cluster = churn->cluster;
    int32_t consumer = cluster->layout->consumer_of[client];
    membership_leave(&churn->membership, client, now_ns, cause);
    attendance_reach(cluster, client, false, now_ns);
    if (consumer >= 0)
        slow_disconnect(&cluster->workers[cluster->layout->worker_of[client]], consumer, now_ns,
                        cause);
}

static void detach(struct churn *churn, int32_t client, base_ns now_ns,
                   enum membership_cause cause) {
    struct cluster *cluster = churn->cluster;
    struct churn_client *c = &churn->clients[client];
    struct layout *layout = &churn->membership.layout;
    if (!c->is_deaf)
        stop_hearing(churn, client, now_ns, cause);
    attendance_left(cluster, client, now_ns);
    worker_forget(cluster, client);
    cluster->is_ready[client] = false;
    run_cancel(cluster->run, c->breaks);
    c->breaks = 0;
    c->is_closing = c->is_leaving = false;
    release(churn, client);
    hold(churn, client, layout->node_of[client], -1);
    layout->worker_of[client] = layout->node_of[client] = -1;
}

/* Ends the connection on both sides. */
static void disconnect(struct churn *churn, int32_t client, base_ns now_ns,
                       enum membership_cause cause) {
    if (churn->cluster->layout->worker_of[client] >= 0)
        detach(churn, client, now_ns, cause);
    churn->clients[client].is_deaf = false;
}

static void push_away(struct churn *churn, int32_t client) {
    struct churn_away *away = &churn->away[churn->cluster->layout->roster->population[client]];
    away->clients[(away->first + away->count++) % away->max] = client;
}

static void end_session(struct churn *churn, int32_t client, base_ns now_ns) {
    struct churn_client *c = &churn->clients[client];
    stop_timer(churn, client);
    release(churn, client);
    if (c->state == CHURN_CONNECTED)
        disconnect(churn, client, now_ns, MEMBERSHIP_LEFT);
    churn_set_unreachable(churn, client, false, now_ns);
    churn->counts.wanting--;
    c->state = CHURN_AWAY;
    push_away(churn, client);
}

/* False: it was leaving anyway, and is away. */
static bool drop(struct churn *churn, int32_t client, base_ns now_ns, enum membership_cause cause) {
    if (churn->clients[client].is_leaving) {
        end_session(churn, client, now_ns);
        return false;
    }
    stop_timer(churn, client);
    disconnect(churn, client, now_ns, cause);
    churn_set_unreachable(churn, client, true, now_ns);
    return true;
}

void churn_lose(struct churn *churn, int32_t client, base_ns now_ns, enum membership_cause cause) {
    if (drop(churn, client, now_ns, cause))
        churn_retry(churn, client);
}

static void broke(void *target, uint64_t client, base_ns now_ns) {
    struct churn *churn = target;
    struct churn_client *c = &churn->clients[client];
    c->breaks = 0;
    if (!drop(churn, (int32_t)client, now_ns, MEMBERSHIP_CONNECTION))
        return;
    c->state = CHURN_WAITING; /* for its network, and only then as its policy says */
    set_timer(churn, (int32_t)client, population_of(churn, (int32_t)client)->flap.for_, try_again);
}

static void expect_break(struct churn *churn, int32_t client, bool is_first) {
    const struct layout *layout = churn->cluster->layout;
    base_ns after_ns = sessions_breaks_after(layout->roster, layout->seed, client, is_first);
    if (after_ns == BASE_NS_MAX)
        return;
    churn->clients[client].breaks =
        run_after(churn->cluster->run, after_ns, broke, churn, (uint64_t)client);
    churn->cluster->consumers[layout->consumer_of[client]].breaks_ns =
        churn->cluster->run->now_ns + after_ns;
}

static void detected(void *target, uint64_t client, base_ns now_ns) {
    struct churn *churn = target;
    churn->clients[client].timer = 0;
    churn_lose(churn, (int32_t)client, now_ns, MEMBERSHIP_NODE);
}

void churn_deafen(struct churn *churn, int32_t client, base_ns now_ns, bool is_node_gone) {
    struct churn_client *c = &churn->clients[client];
    if (c->is_leaving) { /* it waits for no answer */
        end_session(churn, client, now_ns);
        return;
    }
    if (!c->is_deaf) {
        struct rng rng = next_draw(churn, client);
        stop_hearing(churn, client, now_ns, MEMBERSHIP_NODE);
        c->is_deaf = true;
        churn_set_unreachable(churn, client, true, now_ns);
        set_timer(churn, client,
                  reconnect_detection(&population_of(churn, client)->reconnect, &rng), detected);
    }
    if (is_node_gone)
        detach(churn, client, now_ns, MEMBERSHIP_NODE);
}

static void start_hearing(struct churn *churn, int32_t client, base_ns now_ns) {
    const struct layout *layout = churn->cluster->layout;
    int32_t consumer = layout->consumer_of[client];
    if (consumer >= 0)
        consumer_open(&churn->cluster->consumers[consumer]);
    membership_join(&churn->membership, client, layout->worker_of[client], now_ns);
    attendance_reach(churn->cluster, client, true, now_ns);
    churn_set_unreachable(churn, client, false, now_ns);
}

void churn_hears_again(struct churn *churn, int32_t client, base_ns now_ns) {
    churn->clients[client].is_deaf = false;
    stop_timer(churn, client);
    start_hearing(churn, client, now_ns);
}

void churn_connect(struct churn *churn, int32_t client, int32_t worker, base_ns now_ns) {
    struct churn_client *c = &churn->clients[client];
    struct layout *layout = &churn->membership.layout;
    stop_timer(churn, client);
    c->state = CHURN_CONNECTED;
    c->reconnect = (struct reconnect){0};
    layout->worker_of[client] = worker;
    layout->node_of[client] = layout->worker_node[worker];
    hold(churn, client, layout->node_of[client], 1);
    start_hearing(churn, client, now_ns);
    attendance_came(churn->cluster, client);
    expect_break(churn, client, false);
    if (churn->nodes[layout->node_of[client]].is_silent)
        churn_deafen(churn, client, now_ns, false);
    slow_check_memory(&churn->cluster->workers[worker]);
}

/* --- sessions --- */

/* Who is connected says goodbye; who is not just goes. */
static void session_over(void *target, uint64_t client, base_ns now_ns) {
    struct churn *churn = target;
    struct churn_client *c = &churn->clients[client];
    c->leaves = 0;
    if (c->state != CHURN_CONNECTED || c->is_deaf) {
        end_session(churn, (int32_t)client, now_ns);
        return;
    }
    c->is_leaving = true;
    churn_close(churn, (int32_t)client);
}

static void start_session(struct churn *churn, int32_t client) {
    struct churn_client *c = &churn->clients[client];
    base_ns length_ns = sessions_length(churn->cluster->layout->roster, churn->cluster->plan.seed,
                                        client, c->sessions_count++);
    churn_account(churn, churn->cluster->run->now_ns);
    churn->counts.wanting++;
    c->reconnect = (struct reconnect){0};
    c->leaves = run_after(churn->cluster->run, length_ns, session_over, churn, (uint64_t)client);
}

static void arrived(void *target, uint64_t population, base_ns now_ns);

static void expect_arrival(struct churn *churn, int32_t population) {
    const struct spec_scenario *scenario = churn->cluster->layout->scenario;
    run_at(churn->cluster->run,
           sessions_next_arrival(&scenario->populations[population], &churn->arrivals[population]),
           arrived, churn, (uint64_t)population);
}

static void arrived(void *target, uint64_t population, base_ns now_ns) {
    struct churn *churn = target;
    struct churn_away *away = &churn->away[population];
    expect_arrival(churn, (int32_t)population);
    if (away->count == 0) {
        churn->counts.turned_away++;
        return;
    }
    int32_t client = away->clients[away->first];
    away->first = (away->first + 1) % away->max;
    away->count--;
    start_session(churn, client);
    churn_set_unreachable(churn, client, true, now_ns);
    try(churn, client, now_ns);
}

/* --- closing --- */

void churn_close(struct churn *churn, int32_t client) {
    struct churn_client *c = &churn->clients[client];
    if (c->is_closing)
        return;
    c->is_closing = true;
    worker_make_ready(&churn->cluster->workers[churn->cluster->layout->worker_of[client]],
                      (struct node_ready){NODE_READY_CLOSE, client});
}

static void closed(void *target, uint64_t client, base_ns now_ns) {
    struct churn *churn = target;
    const struct churn_client *c = &churn->clients[client];
    int32_t consumer = churn->cluster->layout->consumer_of[client];
    if (c->state == CHURN_CONNECTED && churn->cluster->consumers[consumer].is_closed)
        churn_lose(churn, (int32_t)client, now_ns, MEMBERSHIP_CONNECTION);
}

void churn_closed(struct churn *churn, int32_t client, base_ns now_ns) {
    run_at(churn->cluster->run, now_ns, closed, churn, (uint64_t)client);
}

/* --- set-up --- */

static void init_away(struct churn *churn, struct arena *arena) {
    const struct spec_scenario *scenario = churn->cluster->layout->scenario;
    size_t count = (size_t)scenario->populations_count;
    churn->away = ARENA_NEW(arena, count, struct churn_away);
    churn->arrivals = ARENA_NEW(arena, count, struct sessions_arrivals);
    for (int32_t i = 0; i < scenario->populations_count; i++) {
        int32_t max = (int32_t)scenario->populations[i].connections;
        churn->away[i] =
            (struct churn_away){.clients = ARENA_NEW(arena, (size_t)max, int32_t), .max = max};
    }
}

bool churn_init(struct cluster *cluster) {
    const struct layout *layout = cluster->layout;
    struct arena *arena = &cluster->run->arena;
    cluster->churn = NULL;
    if (!sessions_are_needed(layout->scenario))
        return true;
    struct churn *churn = ARENA_NEW(arena, 1, struct churn);
    *churn = (struct churn){.cluster = cluster, .handshakes_free = -1, .recovered_ns = -1};
    if (!membership_init(&churn->membership, layout, arena))
        return false;
    cluster->churn = churn;
    cluster->layout = layout = &churn->membership.layout;
    cluster->joined_ns = churn->membership.joined_ns;
    churn->balancer = balancer_new(layout->roster, layout->seed, arena);
    faults_init(&churn->faults, layout->scenario, arena);
    size_t clients_count = (size_t)layout->roster->clients_count;
    churn->clients = ARENA_NEW(arena, clients_count, struct churn_client);
    churn->nodes = ARENA_NEW(arena, (size_t)layout->nodes_count, struct churn_node);
    churn->ended = ARENA_NEW(arena, (size_t)layout->workers_count, struct churn_list);
    churn->unreachable_of = ARENA_NEW(arena, (size_t)layout->roster->rooms_count, int32_t);
    init_away(churn, arena);
    return true;
}

void churn_fini(struct cluster *cluster) {
    struct churn *churn = cluster->churn;
    if (!churn)
        return;
    for (int32_t i = 0; i < cluster->layout->workers_count; i++)
        free(churn->ended[i].items);
    free(churn->handshakes);
    membership_fini(&churn->membership);
}

/* Dealt again as the layout was, so that the balancer goes on from there. */
static void start_client(struct churn *churn, int32_t client) {
    struct churn_client *c = &churn->clients[client];
    const struct layout *layout = churn->cluster->layout;
    c->node = -1;
    if (!sessions_is_present(layout->roster, client)) {
        push_away(churn, client);
        return;
    }
    c->node = balancer_pick(churn->balancer, client, 0, -1);
    c->is_dealt = c->node >= 0;
    start_session(churn, client);
    if (layout->worker_of[client] >= 0) {
        c->state = CHURN_CONNECTED;
        churn->counts.connected++;
        expect_break(churn, client, true);
        return;
    }
    churn_set_unreachable(churn, client, true, 0);
    churn_retry(churn, client);
}

void churn_start(struct churn *churn) {
    for (int32_t client = 0; client < churn->cluster->layout->roster->clients_count; client++)
        start_client(churn, client);
    for (int32_t i = 0; i < churn->cluster->layout->scenario->populations_count; i++) {
        sessions_arrivals_init(&churn->arrivals[i], churn->cluster->plan.seed, i);
        expect_arrival(churn, i);
    }
    outage_start(churn);
    churn_draw_timeline(churn);
}
