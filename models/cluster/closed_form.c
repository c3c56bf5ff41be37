/* Written once per turn, all that a turn holds depends on one number: y, the seconds' worth of
 * load that it gathers. Turns follow each other at the ceiling, so the turn that gathers y lasts
 * F(y), and the load is y / F(y). F rises with y, and a delivery takes a turn on average, spread
 * triangularly over two (docs/models/worker-and-fan-out.md), so the ceiling is where F(y) is the
 * longest turn that the objective allows: one bisection per worker.
 *
 * Written at once, publishes queue for a worker: a batch queue whose waiting time is taken to have
 * an exponential tail. */
#include "models/cluster/closed_form.h"

#include "models/cluster/steal.h"
#include "models/workload/plan.h"
#include "models/workload/protocol.h"
#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BISECTIONS = 100 };

const char *closed_form_limit_text(enum closed_form_limit limit) {
    static const char *const texts[] = {
        [CLOSED_FORM_NOTHING_ASKED] = "nothing is published",
        [CLOSED_FORM_TOO_LARGE] = "one burst into the largest room takes longer than the objective",
        [CLOSED_FORM_LATE] = "deliveries become late",
        [CLOSED_FORM_EVENTS] = "sockets wait because a turn takes no more of them (turn.events)",
        [CLOSED_FORM_READ] = "a publisher sends more than is read of it in a turn (turn.read)"};
    return texts[limit];
}

/* --- the scenario in classes of rooms --- */

static struct closed_form_class class_of(const struct layout *layout,
                                         const struct layout_room *view,
                                         const struct plan_rate *rate, int32_t worker) {
    double all = layout->roster->rooms[view->room].members_count;
    double here = view->members_count / all;
    int64_t bytes = llround(rate->bytes);
    int64_t elsewhere = layout_members_elsewhere(layout, layout->worker_node[worker], view->room);
    return (struct closed_form_class){.rooms = 1,
                                      .members = view->members_count,
                                      .heard_per_s = rate->heard_per_s,
                                      .read_per_s = rate->publishes_per_s * here,
                                      .sent_per_s = rate->heard_per_s * here,
                                      .senders = fmax(rate->senders * here, 1),
                                      .elsewhere = (double)elsewhere / all,
                                      .scattered = view->scattered,
                                      .in_bytes = (double)protocol_inbound_bytes(bytes),
                                      .out_bytes = (double)protocol_outbound_bytes(bytes)};
}

/* By everything but how many there are, which stands first. */
static int by_likeness(const void *a, const void *b) {
    const struct closed_form_class *x = a, *y = b;
    const double p[] = {x->members,   x->heard_per_s, x->read_per_s, x->sent_per_s, x->senders,
                        x->elsewhere, x->scattered,   x->in_bytes,   x->out_bytes};
    const double q[] = {y->members,   y->heard_per_s, y->read_per_s, y->sent_per_s, y->senders,
                        y->elsewhere, y->scattered,   y->in_bytes,   y->out_bytes};
    for (size_t i = 0; i < COUNT_OF(p); i++)
        if (p[i] != q[i])
            return p[i] < q[i] ? -1 : 1;
    return 0;
}

static void init_worker(struct closed_form_worker *worker, const struct layout *layout,
                        int32_t index, const struct plan_rate *rates, struct arena *arena) {
    int32_t slots = layout_slots_count(layout, index);
    *worker = (struct closed_form_worker){
        .node = layout->nodes[layout->worker_node[index]].spec,
        .classes = ARENA_NEW(arena, (size_t)slots, struct closed_form_class),
        .working_set = layout->working_set[index]};
    for (int32_t slot = 0; slot < slots; slot++) {
        const struct layout_room *view = layout_room(layout, index, slot);
        worker->classes[slot] = class_of(layout, view, &rates[view->room], index);
    }
    qsort(worker->classes, (size_t)slots, sizeof worker->classes[0], by_likeness);
    for (int32_t slot = 0; slot < slots; slot++) {
        struct closed_form_class *last = &worker->classes[worker->classes_count - 1];
        if (worker->classes_count > 0 && by_likeness(last, &worker->classes[slot]) == 0)
            last->rooms++;
        else
            worker->classes[worker->classes_count++] = worker->classes[slot];
    }
}

static double links_of(const struct layout *layout) {
    const struct spec_backplane *backplane = &layout->scenario->backplane;
    switch (backplane->kind) {
    case SPEC_NO_BACKPLANE:
    case SPEC_backplane_kind_COUNT:
        return 0;
    case SPEC_BROADCAST:
    case SPEC_REGISTRY:
        return layout->nodes_count - 1;
    case SPEC_REDIS:
    case SPEC_REDIS_CLUSTER:
    case SPEC_NATS:
        return 1;
    case SPEC_REDIS_SHARDED:
    case SPEC_KAFKA:
        return (double)backplane->instances;
    }
    return 0;
}

void closed_form_init(struct closed_form *form, const struct layout *layout, struct arena *arena) {
    const struct spec_delivery *delivery = &layout->scenario->objectives.delivery;
    struct plan_rate *rates =
        ARENA_NEW(arena, (size_t)layout->roster->rooms_count, struct plan_rate);
    plan_rates(layout->roster, rates);
    *form = (struct closed_form){
        .workers = ARENA_NEW(arena, (size_t)layout->workers_count, struct closed_form_worker),
        .workers_count = layout->workers_count,
        .within_s = base_seconds(delivery->within),
        .late_share = 1 - delivery->share,
        .links = links_of(layout)};
    for (int32_t i = 0; i < layout->workers_count; i++)
        init_worker(&form->workers[i], layout, i, rates, arena);
}

/* --- what a turn holds --- */

/* How often each cost is paid: a dot product with the costs is time. */
struct counts {
    double of[COST_COUNT];
    double ready; /* sockets that the turn finds ready */
};

static double time_of(const struct counts *counts, const struct profile_costs *costs) {
    double ns = 0;
    for (int i = 0; i < COST_COUNT; i++)
        ns += counts->of[i] * costs->value[i];
    return ns * 1e-9;
}

static void add_reads(struct counts *counts, double reads, double bytes, double working_set) {
    counts->of[COST_read] += reads;
    counts->of[COST_read_cold] += reads * profile_evicted(working_set);
    counts->of[COST_read_byte] += bytes;
}

static void add_writes(struct counts *counts, double writes, double frames, double bytes,
                       double working_set, double scattered) {
    counts->of[COST_write] += writes;
    counts->of[COST_write_cold] += writes * profile_evicted(working_set);
    counts->of[COST_write_scatter] += writes * profile_evicted(working_set) * scattered;
    counts->of[COST_frame] += frames;
    counts->of[COST_byte] += bytes;
}

/* Of `count` equal sources that send `each` messages on average, how many send any. */
static double any_of(double count, double each) {
    return count * -expm1(-each);
}

/* Flushes of one room in a turn that gathers `heard` messages for it and is flushed `flushes`
 * times: none where nothing came, and one for every flush_bytes. */
static double visits_of(const struct closed_form_worker *worker,
                        const struct closed_form_class *class, double heard, double flushes) {
    double by_bytes = heard * class->out_bytes / (double)worker->node->turn.flush_bytes;
    return fmax(any_of(flushes, heard / flushes), by_bytes);
}

/* Sockets written between two visits to one of the class. */
static double working_set_of(const struct closed_form_worker *worker, double written_per_turn,
                             double visits) {
    return visits > 0 ? fmin(worker->working_set, written_per_turn / visits) : worker->working_set;
}

static double written_in(const struct closed_form_worker *worker, double y, double flushes) {
    double sockets = 0;
    for (int32_t i = 0; i < worker->classes_count; i++) {
        const struct closed_form_class *class = &worker->classes[i];
        sockets += class->rooms * class->members *
                   visits_of(worker, class, y * class->heard_per_s, flushes);
    }
    return sockets;
}

/* Reading and routing, before anything is written. */
static void count_reading(const struct closed_form *form, const struct closed_form_worker *worker,
                          double y, double written, struct counts *counts) {
    double remote = 0, remote_bytes = 0;
    for (int32_t i = 0; i < worker->classes_count; i++) {
        const struct closed_form_class *class = &worker->classes[i];
        double came = y * class->read_per_s, heard = y * class->heard_per_s;
        double reads = fmax(any_of(class->senders, came / class->senders),
                            came * class->in_bytes / (double)worker->node->turn.read);
        double visits = -expm1(-heard);
        add_reads(counts, class->rooms * reads, class->rooms * came * class->in_bytes,
                  working_set_of(worker, written, visits));
        counts->ready += class->rooms * reads;
        counts->of[COST_publish] += class->rooms * (came + heard - y * class->sent_per_s);
        remote += class->rooms * heard * class->elsewhere;
        remote_bytes += class->rooms * heard * class->elsewhere * class->out_bytes;
    }
    if (form->links > 0) {
        add_reads(counts, -expm1(-remote), remote_bytes, 0);
        counts->ready += -expm1(-remote);
    }
}

/* What is sent to the backplane: a write per connection and flush, or per message. */
static void count_sending(const struct closed_form *form, const struct closed_form_worker *worker,
                          double y, double flushes, bool at_once, struct counts *counts) {
    double frames = 0, bytes = 0;
    for (int32_t i = 0; i < worker->classes_count && form->links > 0; i++) {
        const struct closed_form_class *class = &worker->classes[i];
        double sent = class->rooms * y * class->sent_per_s;
        frames += sent;
        bytes += sent * class->out_bytes;
    }
    if (frames > 0)
        add_writes(counts, at_once ? frames : any_of(form->links * flushes, frames / flushes),
                   frames, bytes, 0, 0);
}

static struct counts counts_of_turn(const struct closed_form *form,
                                    const struct closed_form_worker *worker,
                                    const struct profile_costs *costs, double y) {
    struct counts reading = {.ready = 0};
    double once = written_in(worker, y, 1);
    count_reading(form, worker, y, once, &reading);
    double flush_after_s = fmax(base_seconds(worker->node->turn.flush_after), 1e-9);
    double flushes = fmax(time_of(&reading, costs) / flush_after_s, 1);
    double written = written_in(worker, y, flushes);
    struct counts counts = reading;
    counts.of[COST_turn] = 1;
    counts.of[COST_turn_cold] = profile_evicted(written);
    for (int32_t i = 0; i < worker->classes_count; i++) {
        const struct closed_form_class *class = &worker->classes[i];
        double heard = y * class->heard_per_s;
        double visits = visits_of(worker, class, heard, flushes);
        double sockets = class->rooms * class->members;
        add_writes(&counts, sockets * visits, sockets * heard, sockets * heard * class->out_bytes,
                   working_set_of(worker, written, visits), class->scattered);
    }
    count_sending(form, worker, y, flushes, false, &counts);
    return counts;
}

/* --- the ceiling of a worker --- */

/* A delivery takes from 0 to 2 turns, triangularly: late after so many of them. */
static double late_at(double late_share) {
    return 2 - sqrt(2 * fmin(late_share, 0.5));
}

/* A socket that sends more than is read of it in a turn falls behind for ever. */
static double most_gathered(const struct closed_form_worker *worker) {
    double most = INFINITY;
    for (int32_t i = 0; i < worker->classes_count; i++) {
        const struct closed_form_class *class = &worker->classes[i];
        double bytes_per_s = class->read_per_s / class->senders * class->in_bytes;
        most = fmin(most, (double)worker->node->turn.read / bytes_per_s);
    }
    return most;
}

/* A turn that gathers y, and what a delivery waits for it. */
struct turn_at {
    struct counts counts;
    double turn_s;
    double wait_s; /* of a ready socket for its place in a turn, beyond the turn that it met */
};

/* Where more sockets are ready than a turn takes they queue, and each has more to read when it is
 * its turn: k = 1 + rate of a sender x (its wait + half a turn), which the load fixes. */
static void queue_for_turns(const struct closed_form_worker *worker, double y,
                            struct turn_at *turn) {
    double came = 0, senders = 0, events = (double)worker->node->turn.events;
    for (int32_t i = 0; i < worker->classes_count; i++) {
        const struct closed_form_class *class = &worker->classes[i];
        came += class->rooms * y * class->read_per_s;
        senders += class->read_per_s > 0 ? class->rooms * class->senders : 0;
    }
    double sender_per_s = came / turn->turn_s / senders;
    turn->wait_s = fmax((came / events - 1) / sender_per_s - turn->turn_s / 2, 0);
}

static struct turn_at turn_of(const struct closed_form *form,
                              const struct closed_form_worker *worker,
                              const struct profile_costs *costs, double y) {
    struct turn_at turn = {.counts = counts_of_turn(form, worker, costs, y)};
    double taken = (double)worker->node->turn.events / turn.counts.ready;
    if (taken < 1) {
        turn.counts.of[COST_read] *= taken;
        turn.counts.of[COST_read_cold] *= taken;
    }
    turn.turn_s = time_of(&turn.counts, costs) / steal_speed_left(costs);
    if (taken < 1 && turn.turn_s > 0)
        queue_for_turns(worker, y, &turn);
    return turn;
}

static bool is_asked(const struct closed_form_worker *worker) {
    for (int32_t i = 0; i < worker->classes_count; i++)
        if (worker->classes[i].read_per_s > 0 || worker->classes[i].heard_per_s > 0)
            return true;
    return false;
}

/* Share of the deliveries into rooms whose burst alone, with its last write, takes longer than the
 * objective, were there nothing else. */
static double late_alone(const struct closed_form *form, const struct closed_form_worker *worker,
                         const struct profile_costs *costs) {
    double late = 0, all = 0;
    for (int32_t i = 0; i < worker->classes_count; i++) {
        const struct closed_form_class *class = &worker->classes[i];
        struct counts counts = {.ready = 0};
        add_writes(&counts, class->members, class->members, class->members * class->out_bytes,
                   worker->working_set, class->scattered);
        double burst_s = time_of(&counts, costs) / steal_speed_left(costs);
        double deliveries = class->rooms * class->members * class->heard_per_s;
        late += deliveries * fmax(1 - form->within_s / fmax(burst_s, 1e-12), 0);
        all += deliveries;
    }
    return all > 0 ? late / all : 0;
}

static void fill(struct closed_form_ceiling *ceiling, const struct counts *counts,
                 const struct profile_costs *costs) {
    double all = time_of(counts, costs);
    for (int i = 0; i < COST_COUNT; i++)
        ceiling->share[i] = all > 0 ? counts->of[i] * costs->value[i] * 1e-9 / all : 0;
}

static bool is_late(const struct closed_form *form, const struct turn_at *turn) {
    return turn->wait_s + late_at(form->late_share) * turn->turn_s >= form->within_s;
}

static struct closed_form_ceiling ceiling_coalesced(const struct closed_form *form,
                                                    const struct closed_form_worker *worker,
                                                    const struct profile_costs *costs) {
    const double longest_y = 1e12;
    double most = fmin(most_gathered(worker), longest_y), low = 0, high = 1e-9;
    struct turn_at turn = turn_of(form, worker, costs, high);
    while (high < most && !is_late(form, &turn)) {
        low = high;
        high = fmin(2 * high, most);
        turn = turn_of(form, worker, costs, high);
    }
    bool is_by_read = !is_late(form, &turn);
    for (int i = 0; i < BISECTIONS && !is_by_read; i++) {
        double middle = (low + high) / 2;
        turn = turn_of(form, worker, costs, middle);
        if (is_late(form, &turn))
            high = middle;
        else
            low = middle;
    }
    struct closed_form_ceiling ceiling = {
        .limit = is_by_read                                              ? CLOSED_FORM_READ
                 : turn.counts.ready > (double)worker->node->turn.events ? CLOSED_FORM_EVENTS
                                                                         : CLOSED_FORM_LATE,
        .busy = 1,
        .scale = turn.turn_s > 0 ? high / turn.turn_s : INFINITY,
        .turn_s = turn.turn_s,
        .wait_s = turn.wait_s,
        .late_at = late_at(form->late_share)};
    fill(&ceiling, &turn.counts, costs);
    return ceiling;
}

/* A burst for each publish; what a turn costs falls into the time that the worker has to spare. */
static struct counts counts_of_class(const struct closed_form *form,
                                     const struct closed_form_worker *worker,
                                     const struct closed_form_class *class, double y) {
    struct closed_form_worker alone = *worker;
    struct closed_form_class one = *class;
    struct counts counts = {.ready = 0};
    alone.classes = &one;
    alone.classes_count = 1;
    count_reading(form, &alone, y, worker->working_set, &counts);
    double sockets = class->rooms * class->members, heard = y * class->heard_per_s;
    add_writes(&counts, sockets * heard, sockets * heard, sockets * heard * class->out_bytes,
               worker->working_set, class->scattered);
    count_sending(form, &alone, y, 1, true, &counts);
    return counts;
}

/* What a queue of bursts comes to at scale 1, per second. */
struct queue {
    double busy;    /* seconds of work */
    double squares; /* sum of rate x burst^2 */
    struct counts counts;
};

/* So little load that no two publishes share a read. */
static const double sparse_s = 1e-6;

static struct queue queue_of(const struct closed_form *form,
                             const struct closed_form_worker *worker,
                             const struct profile_costs *costs) {
    struct queue queue = {.busy = 0};
    for (int32_t i = 0; i < worker->classes_count; i++) {
        const struct closed_form_class *class = &worker->classes[i];
        struct counts counts = counts_of_class(form, worker, class, sparse_s);
        for (int c = 0; c < COST_COUNT; c++)
            queue.counts.of[c] += counts.of[c] / sparse_s;
        double busy = time_of(&counts, costs) / sparse_s / steal_speed_left(costs);
        double bursts = class->rooms * (class->heard_per_s + class->read_per_s - class->sent_per_s);
        queue.busy += busy;
        queue.squares += bursts > 0 ? busy * busy / bursts : 0;
    }
    return queue;
}

/* P(W > t) = busy exp(-t busy / mean wait), averaged over the places in a burst of `burst_s`. */
static double late_in_burst(double within_s, double burst_s, double busy, double wait_s) {
    double decay = busy / wait_s, from = within_s - burst_s;
    if (from >= 0)
        return busy * exp(-from * decay) * -expm1(-burst_s * decay) / (burst_s * decay);
    return (-from + busy * -expm1(-within_s * decay) / decay) / burst_s;
}

static double late_at_once(const struct closed_form *form, const struct closed_form_worker *worker,
                           const struct queue *queue, const struct profile_costs *costs, double x) {
    double busy = x * queue->busy, late = 0, all = 0;
    if (busy >= 1)
        return 1;
    double wait_s = x * queue->squares / (2 * (1 - busy));
    for (int32_t i = 0; i < worker->classes_count; i++) {
        const struct closed_form_class *class = &worker->classes[i];
        double deliveries = class->rooms * class->members * class->heard_per_s;
        if (deliveries <= 0)
            continue;
        struct counts counts = counts_of_class(form, worker, class, sparse_s);
        double bursts = class->rooms * class->heard_per_s * sparse_s;
        double burst_s = time_of(&counts, costs) / bursts / steal_speed_left(costs);
        late +=
            deliveries * (burst_s > 0 ? late_in_burst(form->within_s, burst_s, busy, wait_s) : 0);
        all += deliveries;
    }
    return all > 0 ? late / all : 0;
}

static struct closed_form_ceiling ceiling_at_once(const struct closed_form *form,
                                                  const struct closed_form_worker *worker,
                                                  const struct profile_costs *costs) {
    struct closed_form_ceiling ceiling = {.limit = CLOSED_FORM_LATE, .late_at = NAN};
    struct queue queue = queue_of(form, worker, costs);
    if (!(queue.busy > 0)) {
        ceiling.scale = INFINITY;
        return ceiling;
    }
    double low = 0, high = 1 / queue.busy;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;
        if (late_at_once(form, worker, &queue, costs, middle) > form->late_share)
            high = middle;
        else
            low = middle;
    }
    ceiling.scale = low;
    ceiling.busy = low * queue.busy;
    ceiling.turn_s = queue.squares / queue.busy; /* the burst that a delivery is in */
    fill(&ceiling, &queue.counts, costs);
    return ceiling;
}

static struct closed_form_ceiling ceiling_of(const struct closed_form *form,
                                             const struct closed_form_worker *worker,
                                             const struct profile_costs *costs) {
    if (!is_asked(worker))
        return (struct closed_form_ceiling){
            .scale = INFINITY, .limit = CLOSED_FORM_NOTHING_ASKED, .late_at = NAN};
    if (late_alone(form, worker, costs) > form->late_share)
        return (struct closed_form_ceiling){.limit = CLOSED_FORM_TOO_LARGE, .late_at = NAN};
    return worker->node->fan_out == SPEC_WRITE_AT_ONCE ? ceiling_at_once(form, worker, costs)
                                                       : ceiling_coalesced(form, worker, costs);
}

struct closed_form_ceiling closed_form_find_ceiling(const struct closed_form *form,
                                                    const struct profile_costs *costs) {
    struct closed_form_ceiling lowest = {.scale = INFINITY, .late_at = NAN};
    for (int32_t i = 0; i < form->workers_count; i++) {
        struct closed_form_ceiling ceiling = ceiling_of(form, &form->workers[i], costs);
        ceiling.worker = i;
        if (i == 0 || ceiling.scale < lowest.scale)
            lowest = ceiling;
    }
    return lowest;
}

double closed_form_room_cap(const struct closed_form *form, const struct profile_costs *costs) {
    double cap = INFINITY;
    for (int32_t i = 0; i < form->workers_count; i++) {
        const struct closed_form_worker *worker = &form->workers[i];
        bool at_once = worker->node->fan_out == SPEC_WRITE_AT_ONCE;
        struct counts write = {.ready = 0};
        /* A room that large is all that there is between two visits to a socket. */
        add_writes(&write, 1, 0, 0, INFINITY, 0);
        double write_s = time_of(&write, costs) / steal_speed_left(costs);
        double turns = at_once ? 1 : late_at(form->late_share);
        cap = fmin(cap, write_s > 0 ? form->within_s / turns / write_s : INFINITY);
    }
    return cap;
}
