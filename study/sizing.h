/* What of a plan is arithmetic: from the nodes that a load needs to the nodes that one must have,
 * so that it still holds when some of them are lost; which plans are worth looking at; and which
 * input moves the answer most. docs/plan.md has the equations. */
#ifndef HEADROOM_STUDY_SIZING_H
#define HEADROOM_STUDY_SIZING_H

#include <stdbool.h>
#include <stdint.h>

/* Which nodes go at once. */
enum sizing_case {
    SIZING_ALL_THERE,
    SIZING_ONE_LOST,
    SIZING_ZONE_LOST,
    SIZING_DRAIN, /* one after the other, each for good reason */
    SIZING_STORM, /* no node is lost, but every client: all come back */
    SIZING_CASES
};
const char *sizing_case_name(enum sizing_case which); /* "N", "N-1", "zone lost", ... */

struct sizing_demand {
    int64_t needed; /* nodes that hold the load, found by simulation */
    double busy;    /* nodes' worth of processor time that the load takes there */
    double accept;  /* nodes' worth of it that letting every client in again takes, if it is to be
                       done within the time allowed */
    int64_t zones;  /* that nodes are spread over evenly */
};

/* The smallest number of nodes whose survivors are still enough: at least `needed`, and with the
 * time to let in those who were on the lost ones, busy + accept * (their share of all clients).
 * 0: no number is, as where the only zone is lost. */
int64_t sizing_nodes(const struct sizing_demand *demand, enum sizing_case which);
/* How many of `nodes` go. */
int64_t sizing_lost(int64_t nodes, int64_t zones, enum sizing_case which);
/* As a share of the time allowed, how long `nodes` take to let in whom they must in this case;
 * INFINITY: the survivors have no time to spare. */
double sizing_recovery(const struct sizing_demand *demand, enum sizing_case which, int64_t nodes);

/* Plans that no other plan beats in cost and latency both. NAN latency: never on it. */
struct sizing_point {
    double cost, latency_ms;
    bool is_on_front;
};
void sizing_mark_front(struct sizing_point *points, int32_t count);

/* A bar of a tornado: the nodes' worth of load (a fraction of nodes) with one input at its lower
 * and at its upper end, all else as planned. */
struct sizing_bar {
    const char *name; /* borrowed */
    int32_t index;    /* the caller's own */
    double at_low, at_high;
};
/* |log(at_high / at_low)|: 0 where either is not known. */
double sizing_swing(const struct sizing_bar *bar);
/* Widest swing first; ties in the order given. */
void sizing_sort_bars(struct sizing_bar *bars, int32_t count);

#endif
