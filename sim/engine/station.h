/* A queueing station: `servers` alike, one queue, first come, first served, room for so many jobs
 * in all.
 *
 * An arriving job brings its own service time, so the station draws nothing and knows no
 * distribution. What it counts is what the closed forms of queueing theory speak about: jobs lost,
 * waits, sojourns, the mean number in the system. */
#ifndef HEADROOM_SIM_ENGINE_STATION_H
#define HEADROOM_SIM_ENGINE_STATION_H

#include "sim/base/attributes.h"
#include "sim/base/hist.h"
#include "sim/base/stats.h"
#include "sim/engine/run.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    STATION_SERVERS_MAX = 1 << 16,
    STATION_CAPACITY_MAX =
        1 << 26, /* what "unlimited" ends at: beyond it jobs are lost, and counted */
};

/* One job's way through, for the completion callback. */
struct station_visit {
    uint64_t tag; /* the caller's own */
    base_ns arrived_ns, started_ns, done_ns;
};

/* Called when a job has left the station, which then has room again. */
typedef void (*station_done_fn)(void *target, const struct station_visit *visit);

struct station_options {
    int32_t servers;  /* 1 to STATION_SERVERS_MAX */
    int32_t capacity; /* jobs in service and waiting, at least `servers`; 0: STATION_CAPACITY_MAX */
    station_done_fn done; /* NULL: nobody asks */
    void *target;         /* borrowed; outlives the station */
};

struct station_job;

struct station {
    struct run *run; /* borrowed; outlives the station */
    struct station_options options;
    struct station_job
        *waiting; /* ring; waiting_mask + 1 places, a power of two; in the run's arena */
    uint32_t waiting_mask, waiting_first, waiting_count;
    struct station_job *serving; /* [servers] */
    int32_t *free_servers;       /* stack of free_count */
    int32_t free_count;

    /* Since the last restart. */
    base_ns window_start_ns;
    uint64_t arrived_count, lost_count, done_count; /* lost ones are among the arrived */
    struct stats_time_weighted in_system, busy;     /* jobs; servers */
    struct hist wait_ns, sojourn_ns;                /* of jobs that started; that were done */
    double residence_ns; /* the time that jobs done in the window spent here within it */
};

void station_init(struct station *station, struct run *run, const struct station_options *options);
void station_fini(struct station *station);

/* False when there is no room: the job is lost. `service_ns` >= 0. */
bool station_arrive(struct station *station, base_ns service_ns, uint64_t tag);

int32_t station_in_system(const struct station *station);

/* Forgets what was counted, keeps the jobs: the end of a warm-up. */
void station_restart(struct station *station);

double station_mean_in_system(const struct station *station);
double station_utilisation(const struct station *station); /* share of the servers that is busy */
double station_loss_share(const struct station *station);

/* Little's law as bookkeeping: the integral of the number in the system over the window is the time
 * that all jobs, done or still here, spent in it. Returns the relative difference of the two, which
 * come from different books: 0 but for rounding. */
double station_little_gap(const struct station *station);

#endif
