/* The scenario language: its structs, expanded from rows (rows/ *.def), and what reads and
 * describes them.
 *
 * A field is one row. Struct member, parser, unit, default (which goes through the field's own
 * parser), range check, nearest name, JSON Schema, reference page and `--set` path all come from
 * it; nothing about a field is written twice. Row kinds:
 *
 *   FIELD(type, name, unit, default | REQUIRED, lowest, highest, used by, doc)     a value
 *   CHOICE(tag, name, default, used by, doc)                                       a word of
 * rows/choices.def OBJECT(tag, name, doc)      a nested table, there whether written or not
 *   OPTIONAL(tag, name, doc)    a nested table that may be absent: has_<name> says
 *   MAP(tag, name, max, doc)    named entries: <name>, <name>_count; each entry's own `name` first
 *
 * A trailing underscore is not part of a key: `for_` is "for", which C keeps for itself. USED BY
 * keeps the two worlds honest: BOTH worlds honour it; SIM: the real pair refuses a scenario that
 * sets it; REAL: ports and pinning; PLAN: prices and margins, of which no run knows. */
#ifndef HEADROOM_MODELS_SPEC_SPEC_H
#define HEADROOM_MODELS_SPEC_SPEC_H

#include "sim/base/attributes.h"
#include "sim/base/arena.h"
#include "sim/base/diag.h"
#include "sim/base/time.h"
#include "sim/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum spec_used_by { SPEC_BOTH, SPEC_SIM, SPEC_REAL, SPEC_PLAN };

#define SPEC_AUTO (-1) /* "auto" of COUNT_OR_AUTO and TIME_OR_AUTO */
#define SPEC_UNLIMITED                                                                             \
    INT64_MAX /* "unlimited" of BYTES_ and COUNT_OR_UNLIMITED; a bit rate is INFINITY */
/* "never" of TIME_OR_NEVER is BASE_NS_MAX. */

#define CHOICES(tag) enum spec_##tag {
#define ITEM(tag, enumerator, word, doc) SPEC_##enumerator,
#define CHOICES_END(tag)                                                                           \
    SPEC_##tag##_COUNT                                                                             \
    }                                                                                              \
    ;
#include "models/spec/rows/choices.def"
#undef CHOICES
#undef ITEM
#undef CHOICES_END

struct spec_names {
    const char **items;
    int32_t count;
};

/* A distribution of room sizes, message lengths or delays: {"constant": 100}, {"log_normal":
 * {"mean": 150, "sigma": 1.2}},
 * {"zipf": {"exponent": 1.1, "lowest": 2, "highest": 10000}}, {"empirical": [[value, weight],
 * ...]}. `mean` of a log-normal is the mean itself, `sigma` the standard deviation of the
 * logarithm; draws are rounded to whole numbers and kept within [lowest, highest] (defaults: the
 * row's). A zipf gives value v a weight of v^-exponent. */
enum spec_dist_kind {
    SPEC_DIST_CONSTANT,
    SPEC_DIST_LOG_NORMAL,
    SPEC_DIST_ZIPF,
    SPEC_DIST_EMPIRICAL
};
struct spec_dist {
    enum spec_dist_kind kind;
    double constant, mean, sigma, exponent, lowest, highest;
    double *values, *weights; /* empirical, [points_count] */
    int32_t points_count;
};

/* How often: {"poisson": "2/s per room"}, {"constant": "90/min per user"}, {"poisson": "2000/s in
 * all"}, or stages, one after the other, the last one for ever: {"poisson": [{"for": "10s", "rate":
 * "1/s per room"}, {"rate": "5/s per room"}]}, which may come from a file: {"poisson": {"csv":
 * "day.csv", "scope": "in all"}}. */
enum spec_pace_kind { SPEC_PACE_CONSTANT, SPEC_PACE_POISSON };
enum spec_pace_per { SPEC_PER_ROOM, SPEC_PER_USER, SPEC_IN_ALL };
struct spec_stage {
    base_ns for_ns; /* BASE_NS_MAX: for ever */
    double rate_per_s;
};
struct spec_pace {
    enum spec_pace_kind kind;
    enum spec_pace_per per; /* one for all stages */
    struct spec_stage *stages;
    int32_t stages_count;
};

/* A value of a study's axis: what `--set` takes, and how a person reads it. */
struct spec_value {
    const char *text;        /* as spec_setting's value */
    const char *shown;       /* without the quotes of a string */
    struct diag_place place; /* in the study's file */
};
struct spec_values {
    struct spec_value *items;
    int32_t count;
};
struct spec_seeds {
    uint64_t *items;
    int32_t count;
};

/* The C type of each FIELD type. */
typedef int64_t spec_type_COUNT;
typedef int64_t spec_type_COUNT_OR_AUTO;
typedef int64_t spec_type_COUNT_OR_UNLIMITED;
typedef int64_t spec_type_BYTES;
typedef int64_t spec_type_BYTES_OR_UNLIMITED;
typedef base_ns spec_type_TIME;
typedef base_ns spec_type_TIME_OR_AUTO;
typedef base_ns spec_type_TIME_OR_NEVER;
typedef double spec_type_BITRATE_OR_UNLIMITED; /* bits per second */
typedef double spec_type_SHARE;
typedef double spec_type_PRICE; /* in prices.currency */
typedef uint64_t spec_type_SEED;
typedef const char *spec_type_NAME; /* letters, digits, '_', '-', '.'; at most 64 bytes */
typedef const char *spec_type_TEXT;
typedef struct spec_names spec_type_NAMES;
typedef struct spec_dist spec_type_SIZES;
typedef struct spec_dist spec_type_LENGTHS;
typedef struct spec_dist spec_type_DELAYS; /* nanoseconds; never a zipf */
typedef struct spec_pace spec_type_PACE;
typedef struct spec_value spec_type_VALUE;   /* text "": none */
typedef struct spec_values spec_type_VALUES; /* of any JSON */
typedef struct spec_values spec_type_TEXTS;  /* one text or a list of them; `text` as written */
typedef struct spec_seeds spec_type_SEEDS;

#define FIELD(type, name, unit, standard, lowest, highest, used_by, doc) spec_type_##type name;
#define CHOICE(tag, name, standard, used_by, doc) enum spec_##tag name;
#define OBJECT(tag, name, doc) struct spec_##tag name;
#define OPTIONAL(tag, name, doc)                                                                   \
    bool has_##name;                                                                               \
    struct spec_##tag name;
#define MAP(tag, name, max, doc)                                                                   \
    struct spec_##tag *name;                                                                       \
    int32_t name##_count;

struct spec_stall {
#include "models/spec/rows/stall.def"
};
struct spec_receive {
#include "models/spec/rows/receive.def"
};
struct spec_arrival {
#include "models/spec/rows/arrival.def"
};
struct spec_session {
#include "models/spec/rows/session.def"
};
struct spec_flap {
#include "models/spec/rows/flap.def"
};
struct spec_reconnect {
#include "models/spec/rows/reconnect.def"
};
struct spec_population {
    const char *name;
#include "models/spec/rows/population.def"
};
struct spec_unread {
#include "models/spec/rows/unread.def"
};
struct spec_room_group {
    const char *name;
#include "models/spec/rows/room_group.def"
};
struct spec_ephemeral {
#include "models/spec/rows/ephemeral.def"
};
struct spec_traffic {
    const char *name;
#include "models/spec/rows/traffic.def"
};
struct spec_turn {
#include "models/spec/rows/turn.def"
};
struct spec_send_queue {
#include "models/spec/rows/send_queue.def"
};
struct spec_deflate {
#include "models/spec/rows/deflate.def"
};
struct spec_kernel {
#include "models/spec/rows/kernel.def"
};
struct spec_batch {
#include "models/spec/rows/batch.def"
};
struct spec_feed {
#include "models/spec/rows/feed.def"
};
struct spec_node {
    const char *name;
#include "models/spec/rows/node.def"
};
struct spec_balancer {
#include "models/spec/rows/balancer.def"
};
struct spec_backplane {
#include "models/spec/rows/backplane.def"
};
struct spec_fault {
    const char *name;
#include "models/spec/rows/fault.def"
};
struct spec_delivery {
#include "models/spec/rows/delivery.def"
};
struct spec_objectives {
#include "models/spec/rows/objectives.def"
};
struct spec_presence_churn {
#include "models/spec/rows/presence_churn.def"
};
struct spec_presence {
#include "models/spec/rows/presence.def"
};
struct spec_window {
#include "models/spec/rows/window.def"
};
struct spec_prices {
#include "models/spec/rows/prices.def"
};
struct spec_uncertain {
    const char *name;
#include "models/spec/rows/uncertain.def"
};
struct spec_plan {
#include "models/spec/rows/plan.def"
};
struct spec_machine {
#include "models/spec/rows/machine.def"
};
struct spec_scenario {
#include "models/spec/rows/scenario.def"
};
struct spec_axis {
    const char *name;
#include "models/spec/rows/axis.def"
};
struct spec_study {
#include "models/spec/rows/study.def"
};

#undef FIELD
#undef CHOICE
#undef OBJECT
#undef OPTIONAL
#undef MAP

/* One `--set path=value`: "nodes.gateway.workers=2". The value is JSON, or a bare word or quantity
 * that is taken as a string. */
struct spec_setting {
    const char *path;
    const char *value;
};

/* Where a setting was written, if not on the command line: for messages. */
struct spec_setting_place {
    struct diag_place path, value;
};

/* Reads what a path in "extends" or "csv" names: returns malloc'ed text (the caller frees it) or
 * NULL. Files come in through this, so that the parser opens none. */
struct spec_reader {
    char *(*read)(void *context, const char *path);
    void *context;
};

struct spec_options {
    const char *file; /* for messages, and the folder that a relative "extends" starts from */
    struct spec_reader reader;
    const struct spec_setting *settings;
    const struct spec_setting_place *settings_places; /* [settings_count]; NULL: the command line */
    int32_t settings_count;
};

/* Parses, merges (default < extends < file < settings), checks ranges and cross-references (unknown
 * populations, a room larger than the clients there are, a stall longer than its period ...). All
 * mistakes are added to `diag` at once; false when there was an error. `scenario` and everything in
 * it lives in `arena`. Strictly JSON plus // and block comments; "$schema" is accepted and ignored
 * at the top. */
bool spec_parse(struct spec_scenario *scenario, const char *text,
                const struct spec_options *options, struct arena *arena,
                struct diag *diag) MUST_USE;

/* A parser's text ends at its first NUL, so whoever read a file asks this first: false, with an
 * error, when one of its `length` bytes is NUL. For profiles too. */
bool spec_check_text(const char *bytes, size_t length, const char *file,
                     struct diag *diag) MUST_USE;

/* The scenario as canonical JSON: every field written out, in row order, "extends" and settings
 * resolved. Parses back to the same; what the store keeps and hashes. */
void spec_write(const struct spec_scenario *scenario, struct text *out);

/* A study file (rows/study.def): the same reader, the same messages. What only axes together can
 * tell (a range's ends, `with`, `where`) is for study/sweep.h. Everything lives in `arena`. */
bool spec_parse_study(struct spec_study *study, const char *text, const char *file,
                      struct arena *arena, struct diag *diag) MUST_USE;
/* `path` as it counts from the folder of `file`, without "./". */
const char *spec_beside(struct arena *arena, const char *file, const char *path) MUST_USE;

/* Which node of its kind `name` means, from 0 on; -1: none of it. */
int64_t spec_node_index(const struct spec_node *kind, const char *name);

/* Adds an error for each SIM field that differs from its default: the real pair cannot honour it.
 * False when there was one. */
bool spec_check_real(const struct spec_scenario *scenario, const char *file,
                     struct diag *diag) MUST_USE;

/* docs/reference/scenario.schema.json and docs/reference/scenario.md. */
void spec_write_schema(struct text *out);
void spec_write_reference(struct text *out);
/* study.schema.json and study.md there. */
void spec_write_study_schema(struct text *out);
void spec_write_study_reference(struct text *out);

const char *spec_word(const char *choice_tag,
                      int value); /* spec_word("policy", SPEC_CLOSE) -> "close" */

/* Of all kinds. */
static inline int64_t spec_nodes_count(const struct spec_scenario *scenario) {
    int64_t count = 0;
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++)
        count += scenario->nodes[kind].count;
    return count;
}

/* Of a distribution, after rounding and clamping: its mean and mean square (Zipf and log-normal
 * numerically). */
double spec_dist_mean(const struct spec_dist *dist);
double spec_dist_mean_square(const struct spec_dist *dist);
/* The largest value that can be drawn: no mean is above it, and to find a mean takes a sum of many
 * terms. */
double spec_dist_highest(const struct spec_dist *dist);

#endif
