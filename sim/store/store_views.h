/* The store for people who ask in SQL: a few views that join what they would have to join, and a
 * statement that can only read. */
#ifndef HEADROOM_SIM_STORE_STORE_VIEWS_H
#define HEADROOM_SIM_STORE_STORE_VIEWS_H

#include "sim/base/text.h"
#include "sim/store/store.h"

struct store_view {
    const char *name;
    const char *doc;    /* one line */
    const char *select; /* what it is */
};
extern const struct store_view store_views[];
extern const int32_t store_views_count;

/* CREATE TEMP VIEW statements, for this connection or anybody's. Temporary, so that they need no
 * place in a file that an older program wrote, and no version of their own. */
void store_write_views(struct text *out);

struct store_listener {
    /* `values` of one row, NULL for a NULL; both end with the call. */
    void (*head)(void *context, const char *const *names, int32_t count);
    void (*row)(void *context, const char *const *values, const bool *are_numbers, int32_t count);
    void *context;
};

enum { STORE_QUERY_COLUMNS_MAX = 256 };

/* One statement, with the views at hand. False, with store->error: it is wrong, it is more than
 * one, or it would write. `store` is open for reading. */
bool store_query(struct store *store, const char *sql,
                 const struct store_listener *listener) MUST_USE;

#endif
