/* The idle ceiling: how many connections fit when nobody says anything, and what runs out first,
 * second, third.
 *
 * A resource is a function of the number of connections that never falls, and a limit; the answer
 * per resource is exact to one connection, because descriptors are. */
#ifndef HEADROOM_STUDY_IDLE_H
#define HEADROOM_STUDY_IDLE_H

#include <stdint.h>

enum { STUDY_IDLE_RESOURCES_MAX = 96 };
#define STUDY_IDLE_CONNECTIONS_MAX ((int64_t)1 << 40) /* what is taken for "no limit" */

struct study_idle_resource {
    const char *name; /* borrowed; outlives the answer */
    const char *unit;
    double (*used)(void *context, int64_t connections); /* never falls */
    void *context;
    double limit;      /* used may be as much as this */
    const char *where; /* as name: the node whose it is; NULL: there is one only */
};

struct study_idle_row {
    const char *name, *where, *unit;
    int64_t connections; /* the most that fit: 0 when not even one does; CONNECTIONS_MAX: no limit
                            was found */
    double used, limit;  /* used: by the idle ceiling's connections */
};

struct study_idle {
    int64_t connections;                                  /* the idle ceiling */
    struct study_idle_row rows[STUDY_IDLE_RESOURCES_MAX]; /* what breaks first, second, ... */
    int32_t rows_count;
};

/* Ties are broken in the order given. At least one resource, at most STUDY_IDLE_RESOURCES_MAX. */
struct study_idle study_idle_ceiling(const struct study_idle_resource *resources, int32_t count);

#endif
