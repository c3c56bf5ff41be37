/* The ceiling by arithmetic: what a scenario and its costs come to when nothing is simulated.
 *
 * It stands beside the simulation, to be read where a simulated number is to be understood: each
 * cost is a term of its own, so it can be said which of them the time goes to and what halving one
 * would buy. It is a mean-value analysis: every turn gathers what came during a turn of mean
 * length. docs/models/closed-form.md has the equations, and what they leave out. */
#ifndef HEADROOM_MODELS_CLUSTER_CLOSED_FORM_H
#define HEADROOM_MODELS_CLUSTER_CLOSED_FORM_H

#include "models/cluster/layout.h"
#include "models/spec/profile.h"
#include "sim/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct closed_form_class { /* rooms that are alike, as one worker has them */
    double rooms;
    double members;     /* of each, on this worker */
    double heard_per_s; /* publishes into each that are delivered, of all publishers */
    double read_per_s;  /* publishes into each by clients of this worker, heard or not */
    double sent_per_s;  /* those of them that are heard */
    double senders;     /* clients of this worker that they come from */
    double elsewhere;   /* share of the room's members that are on other nodes */
    double scattered;
    double in_bytes, out_bytes; /* of a message, as it is read and as it is written */
};

struct closed_form_worker {
    const struct spec_node *node;
    struct closed_form_class *classes;
    int32_t classes_count;
    double working_set; /* sockets */
};

struct closed_form {
    struct closed_form_worker *workers;
    int32_t workers_count;
    double within_s, late_share; /* the objective */
    double links;                /* connections of a node to the backplane */
};

/* Borrows the layout; lives in `arena`. */
void closed_form_init(struct closed_form *form, const struct layout *layout, struct arena *arena);

enum closed_form_limit {
    CLOSED_FORM_NOTHING_ASKED, /* nothing is published */
    CLOSED_FORM_TOO_LARGE,     /* one burst into the largest room is late: no load holds */
    CLOSED_FORM_LATE,          /* turns, or the queue for them, have become too long */
    CLOSED_FORM_EVENTS,        /* likewise, and ready sockets wait for turns that are full */
    CLOSED_FORM_READ,          /* a turn takes no more bytes of one socket than turn.read */
};
/* One sentence. */
const char *closed_form_limit_text(enum closed_form_limit limit);

struct closed_form_ceiling {
    double scale; /* of every publish rate: the first worker is at its limit; 0: no load holds,
                     INFINITY: none is too much */
    enum closed_form_limit limit;
    int32_t worker;
    double turn_s;  /* mean length of a turn there; of a worker that writes at once: of a burst */
    double busy;    /* share of the worker's time that its costs take there */
    double wait_s;  /* for a place in a turn, beyond that */
    double late_at; /* a delivery is late after waiting and so many turns; NAN: at once */
    double share[COST_COUNT]; /* of that time: of each cost; their sum is 1 */
};
struct closed_form_ceiling closed_form_find_ceiling(const struct closed_form *form,
                                                    const struct profile_costs *costs);

/* Members of one room on one worker above which no sustained load holds, whatever is published:
 * within / (2 - sqrt(2 late)) / (what a write costs), and within / (what a write costs) where each
 * publish is written at once. INFINITY: writing is free. */
double closed_form_room_cap(const struct closed_form *form, const struct profile_costs *costs);

#endif
