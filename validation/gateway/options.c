/* Options from rows: one table of (kind, offset, name), walked by the parser, by --help and by the
 * writer.
 *
 * Values are read by sim/base/units.h, like a scenario's, so "64KiB" means the same on this command
 * line as in the file, and a bare number is refused where a unit could be meant. */
#include "validation/gateway/options.h"

#include "models/workload/presence_replica.h"
#include "sim/base/check.h"
#include "sim/base/units.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 64 };

enum kind {
    COUNT,
    COUNT_OR_UNLIMITED,
    BYTES,
    BYTES_OR_UNLIMITED,
    TIME,
    TIME_OR_NEVER,
    WORD,
    SHARE,
    TEXT,
    LIST,
    FLAG
};

static const struct row {
    enum kind kind;
    size_t offset;
    const char *name, *argument;
    int64_t lowest, highest;
    const char *help;
} rows[] = {
#define OPTION(kind, member, name, argument, lowest, highest, help)                                \
    {kind, offsetof(struct gateway_options, member), name, argument, lowest, highest, help},
#include "validation/gateway/options.def"
#undef OPTION
};

enum { ROWS = COUNT_OF(rows), KEY_FIRST = 1000 };

static void *member_of(struct gateway_options *options, const struct row *row) {
    return (char *)options + row->offset;
}

void gateway_options_init(struct gateway_options *options) {
    *options = (struct gateway_options){
        .bind = "127.0.0.1",
        .workers = 1,
        .open_files = 1024,
        .fan_out = SPEC_COALESCE,
        .turn = {.events = 512,
                 .read = 16 << 10,
                 .flush_bytes = 256 << 10,
                 .flush_after = 20 * BASE_NS_PER_MS},
        .send_buffer = 64 << 10,
        .send_queue = {.policy = SPEC_CLOSE,
                       .limit = 1 << 20,
                       .messages = SPEC_UNLIMITED,
                       .soft_limit = SPEC_UNLIMITED,
                       .soft_for = BASE_NS_MAX,
                       .write_deadline = BASE_NS_MAX},
        .batch = {.messages = SPEC_UNLIMITED},
        .feed = {.above = SPEC_UNLIMITED, .share = 0.1, .every = BASE_NS_PER_S},
        .presence_mode = SPEC_PRESENCE_DELTAS,
        .presence_debounce = BASE_NS_PER_S,
        .presence_broadcast = 1500 * BASE_NS_PER_MS,
        .presence_silent = 10,
        .presence_down = 30 * BASE_NS_PER_S,
        .presence_permdown = 1200 * BASE_NS_PER_S,
        .idle_timeout = 60 * BASE_NS_PER_S,
        .handshake_timeout = 5 * BASE_NS_PER_S,
        .cpu = -1,
        .backplane = SPEC_NO_BACKPLANE,
        .backplane_channels = SPEC_PER_ROOM_CHANNELS,
        .backplane_buffer = 4 << 20,
        .backplane_deadline = BASE_NS_PER_S,
    };
}

void gateway_options_from_node(struct gateway_options *options, const struct spec_node *node) {
    options->workers = node->workers;
    options->open_files = node->open_files;
    options->fan_out = node->fan_out;
    options->turn = node->turn;
    options->send_buffer = node->send_buffer;
    options->session = node->session;
    options->send_queue = node->send_queue;
    options->batch = node->batch;
    options->feed = node->feed;
    options->idle_timeout = BASE_NS_MAX;
}

void gateway_options_from_presence(struct gateway_options *options,
                                   const struct spec_scenario *scenario) {
    options->presence = scenario->has_presence;
    if (!scenario->has_presence)
        return;
    const struct spec_presence *presence = &scenario->presence;
    options->presence_mode = presence->mode;
    options->presence_debounce = presence->debounce;
    options->presence_broadcast = presence->broadcast;
    options->presence_silent = presence->silent_periods;
    options->presence_down = presence->down == SPEC_AUTO
                                 ? presence_down_ns(presence->broadcast, presence->silent_periods)
                                 : presence->down;
    options->presence_permdown = presence->permdown;
}

static const struct row *row_named(const char *name) {
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static enum units_kind units_of(enum kind kind) {
    if (kind == BYTES || kind == BYTES_OR_UNLIMITED)
        return UNITS_BYTES;
    return kind == TIME || kind == TIME_OR_NEVER ? UNITS_TIME : UNITS_NONE;
}

/* The word that stands for the largest value, where there is one. */
static const char *no_bound_word(enum kind kind) {
    if (kind == TIME_OR_NEVER)
        return "never";
    return kind == BYTES_OR_UNLIMITED || kind == COUNT_OR_UNLIMITED ? "unlimited" : NULL;
}

static bool set_number(const struct row *row, const char *text, int64_t *value) {
    const char *word = no_bound_word(row->kind);
    if (word != NULL && strcmp(text, word) == 0) {
        *value = INT64_MAX;
        return true;
    }
    struct units_result result;
    if (!units_parse(units_of(row->kind), text, &result) || *result.rest != '\0' ||
        result.value < -1 || result.value > 9e18 || result.value != floor(result.value))
        return false;
    *value = (int64_t)result.value;
    return *value >= row->lowest && *value <= row->highest;
}

/* The list of words of the scenario language that an option takes one of. */
static const struct words {
    size_t offset;
    const char *tag;
    int count;
} words_of[] = {
    {offsetof(struct gateway_options, fan_out), "fan_out", SPEC_fan_out_COUNT},
    {offsetof(struct gateway_options, send_queue.policy), "policy", SPEC_policy_COUNT},
    {offsetof(struct gateway_options, presence_mode), "presence_mode", SPEC_presence_mode_COUNT},
    {offsetof(struct gateway_options, backplane), "backplane_kind", SPEC_backplane_kind_COUNT},
    {offsetof(struct gateway_options, backplane_channels), "channels", SPEC_channels_COUNT},
    {offsetof(struct gateway_options, feed.kind), "feed_kind", SPEC_feed_kind_COUNT},
};

static const struct words *find_words(const struct row *row) {
    const struct words *words = words_of;
    while (words->offset != row->offset)
        words++;
    return words;
}

static bool set_word(const struct row *row, const char *text, void *member) {
    const struct words *words = find_words(row);
    for (int i = 0; i < words->count; i++) {
        if (strcmp(spec_word(words->tag, i), text) != 0)
            continue;
        unsigned value = (unsigned)i;
        memcpy(member, &value, sizeof value); /* an enum of the scenario language: an unsigned */
        return true;
    }
    return false;
}

static bool set_share(const char *text, double *share) {
    char *end;
    *share = strtod(text, &end);
    return end != text && *end == '\0' && *share >= 0 && *share <= 1;
}

static bool set_list(const char *text, struct gateway_list *list) {
    if (list->count == GATEWAY_LIST_MAX)
        return false;
    list->items[list->count++] = text;
    return true;
}

static bool set_member(const struct row *row, const char *text, void *member, struct arena *arena) {
    switch (row->kind) {
    case COUNT:
    case COUNT_OR_UNLIMITED:
    case BYTES:
    case BYTES_OR_UNLIMITED:
    case TIME:
    case TIME_OR_NEVER:
        return set_number(row, text, member);
    case SHARE:
        return set_share(text, member);
    case WORD:
        return set_word(row, text, member);
    case TEXT:
        *(const char **)member = arena_new_text(arena, text);
        return true;
    case LIST:
        return set_list(arena_new_text(arena, text), member);
    case FLAG:
        *(bool *)member = true;
        return true;
    }
    return false;
}

static void add_bound(struct text *out, const struct row *row, const char *before, int64_t bound) {
    text_add(out, before);
    units_format(out, units_of(row->kind), (double)bound);
}

static const char *expected(const struct row *row, struct arena *arena) {
    if (row->kind == SHARE)
        return "expected a share from 0 to 1";
    if (row->kind == WORD || row->kind == LIST || row->kind == FLAG || row->kind == TEXT)
        return row->help;
    bool is_plain = units_of(row->kind) == UNITS_NONE;
    struct text out;
    text_init(&out);
    text_addf(&out, "expected a %s", is_plain ? "number" : "quantity");
    add_bound(&out, row, " from ", row->lowest);
    if (row->highest != INT64_MAX)
        add_bound(&out, row, " to ", row->highest);
    if (!is_plain)
        text_addf(&out, " in one of %s", units_names(units_of(row->kind)));
    if (no_bound_word(row->kind) != NULL)
        text_addf(&out, ", or \"%s\"", no_bound_word(row->kind));
    const char *kept = arena_new_text(arena, text_bytes(&out));
    text_fini(&out);
    return kept;
}

bool gateway_options_set(struct gateway_options *options, const char *name, const char *text,
                         struct arena *arena, const char **why) {
    const struct row *row = row_named(name);
    if (row == NULL) {
        *why = arena_new_format(arena, "unknown option --%s", name);
        return false;
    }
    if (set_member(row, text, member_of(options, row), arena))
        return true;
    *why = arena_new_format(arena, "--%s=%s: %s", name, text, expected(row, arena));
    return false;
}

static const char *number_text(const struct row *row, int64_t value, struct arena *arena) {
    if (value == INT64_MAX && no_bound_word(row->kind) != NULL)
        return no_bound_word(row->kind);
    switch (units_of(row->kind)) {
    case UNITS_BYTES:
        return arena_new_format(arena, "%lldB", (long long)value);
    case UNITS_TIME:
        return arena_new_format(arena, "%lldns", (long long)value);
    case UNITS_NONE:
    case UNITS_BITRATE:
    case UNITS_RATE:
        break;
    }
    return arena_new_format(arena, "%lld", (long long)value);
}

static char *written(const struct row *row, const char *value, struct arena *arena) {
    return arena_new_format(arena, "--%s%s%s", row->name, value ? "=" : "", value ? value : "");
}

static int32_t write_row(const struct row *row, const void *member, struct arena *arena,
                         char **words) {
    switch (row->kind) {
    case COUNT:
    case COUNT_OR_UNLIMITED:
    case BYTES:
    case BYTES_OR_UNLIMITED:
    case TIME:
    case TIME_OR_NEVER:
        words[0] = written(row, number_text(row, *(const int64_t *)member, arena), arena);
        return 1;
    case SHARE:
        words[0] = written(row, arena_new_format(arena, "%.17g", *(const double *)member), arena);
        return 1;
    case WORD:
        words[0] = written(row, spec_word(find_words(row)->tag, *(const int *)member), arena);
        return 1;
    case TEXT:
        if (*(const char *const *)member == NULL)
            return 0;
        words[0] = written(row, *(const char *const *)member, arena);
        return 1;
    case FLAG:
        if (*(const bool *)member)
            words[0] = written(row, NULL, arena);
        return *(const bool *)member ? 1 : 0;
    case LIST:
        break;
    }
    const struct gateway_list *list = member;
    for (int32_t i = 0; i < list->count; i++)
        words[i] = written(row, list->items[i], arena);
    return list->count;
}

int32_t gateway_options_write(const struct gateway_options *options, const char *program,
                              struct arena *arena, char *words[GATEWAY_WORDS_MAX]) {
    _Static_assert((int)ROWS < (int)GATEWAY_OPTIONS_MAX, "one more is the end");
    int32_t count = 0;
    words[count++] = arena_new_text(arena, program);
    for (size_t i = 0; i < ROWS; i++)
        count += write_row(&rows[i], (const char *)options + rows[i].offset, arena, &words[count]);
    words[count] = NULL;
    return count;
}

struct parsing {
    struct gateway_options *options;
    struct arena *arena;
};

static error_t parse_one(int key, char *argument, struct argp_state *state) {
    struct parsing *parsing = state->input;
    if (key < KEY_FIRST || key >= KEY_FIRST + (int)ROWS) {
        if (key == ARGP_KEY_ARG)
            argp_error(state, "unexpected argument \"%s\"", argument);
        return ARGP_ERR_UNKNOWN;
    }
    const char *why = "";
    if (!gateway_options_set(parsing->options, rows[key - KEY_FIRST].name, argument ? argument : "",
                             parsing->arena, &why))
        argp_error(state, "%s", why);
    return 0;
}

const char gateway_options_doc[] =
    "A WebSocket gateway that Headroom measures: rooms, coalesced fan-out, bounded queues. "
    "docs/protocol.md says what it speaks.";

void gateway_options_table(struct argp_option table[GATEWAY_OPTIONS_MAX]) {
    memset(table, 0, GATEWAY_OPTIONS_MAX * sizeof *table);
    for (size_t i = 0; i < ROWS; i++)
        table[i] = (struct argp_option){.name = rows[i].name,
                                        .key = KEY_FIRST + (int)i,
                                        .arg = rows[i].argument,
                                        .doc = rows[i].help};
}

void gateway_options_parse(struct gateway_options *options, int argc, char **argv,
                           struct arena *arena) {
    struct argp_option table[GATEWAY_OPTIONS_MAX];
    gateway_options_table(table);
    struct argp argp = {.options = table, .parser = parse_one, .doc = gateway_options_doc};
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &(struct parsing){options, arena});
}
