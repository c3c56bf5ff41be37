/* One argp table per command, cut from one list of rows: an option is described once and means the
 * same everywhere. */
#include "cli/options.h"

#include "sim/base/check.h"
#include "sim/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_DB = 256,
    KEY_PROFILE,
    KEY_OUT,
    KEY_MODE,
    KEY_REFIT,
    KEY_TODAY,
    KEY_MOVED,
    KEY_MARKDOWN,
    KEY_SET,
    KEY_SEED,
    KEY_JOBS,
    KEY_REPS,
    KEY_PRECISION,
    KEY_MAX_REPS,
    KEY_METRIC,
    KEY_SCALE,
    KEY_VARY,
    KEY_BASELINE,
    KEY_JSON,
    KEY_CEILING,
    KEY_SECONDS,
    KEY_SIMULATED,
    KEY_MEASURED,
    KEY_REPEATS,
    KEY_SUBSET,
    KEY_CALIBRATE,
    KEY_GATE,
    KEY_WHERE,
    KEY_SHARD,
    KEY_TASKS,
    KEY_WAIT,
    KEY_PROMETHEUS,
    KEY_JUNIT,
    KEY_TUNING,
    KEY_PROC,
    KEY_CURVE
};

/* `letter` is how a command's `takes` names the row. */
static const struct {
    char letter;
    struct argp_option option;
} rows[] = {
    {'s',
     {"set", KEY_SET, "PATH=VALUE", 0,
      "set a field of the scenario, for example nodes.gateway.workers=2; may be repeated", 0}},
    {'e', {"seed", KEY_SEED, "N", 0, "root of every random draw (default: the scenario's)", 0}},
    {'j',
     {"jobs", KEY_JOBS, "N", 0,
      "threads to simulate on (default: one per processor); changes no result", 0}},
    {'d', {"db", KEY_DB, "FILE", 0, "the SQLite file that results are kept in and read from", 0}},
    {'p',
     {"profile", KEY_PROFILE, "FILE", 0,
      "what things cost, from `headroom calibrate` (default: the newest in --db)", 0}},
    {'o', {"out", KEY_OUT, "FILE", 0, "also write the profile, or the table, to FILE", 0}},
    {'m',
     {"mode", KEY_MODE, "quick|full", 0,
      "quick, about a minute and a half (default), or full, about ten", 0}},
    {'f',
     {"refit", KEY_REFIT, "RUN", OPTION_ARG_OPTIONAL,
      "measure nothing: fit the windows of the newest calibration in --db again, or of run RUN",
      0}},
    {'y',
     {"today", KEY_TODAY, NULL, 0,
      "look at this machine's speed first, and move the costs there: for a prediction that is to "
      "be "
      "measured next",
      0}},
    {'v',
     {"moved", KEY_MOVED, NULL, 0,
      "predict again at the speed that the machine had while it was measured, and print both", 0}},
    {'C',
     {"curve", KEY_CURVE, NULL, 0,
      "run loads around the ceiling too, and keep them for `headroom report`", 0}},
    {'r', {"reps", KEY_REPS, "N", 0, "replications", 0}},
    {'P',
     {"precision", KEY_PRECISION, "SHARE", 0,
      "replicate until the figure's half-width is at most this share of it, for example 0.05", 0}},
    {'N', {"max-reps", KEY_MAX_REPS, "N", 0, "replications at which --precision gives up", 0}},
    {'F',
     {"metric", KEY_METRIC, "METRIC", 0,
      "the figure that is meant, as --json names it (default: latency_p99_ms)", 0}},
    {'x', {"scale", KEY_SCALE, "FACTOR", 0, "multiply every publish rate (default 1)", 0}},
    {'B',
     {"baseline", KEY_BASELINE, "FILE", 0,
      "hold the runs in --db against those in FILE, pair by pair; exit code 99 when a figure got "
      "worse",
      0}},
    {'V',
     {"vary", KEY_VARY, "FIELD", 0,
      "scale this field instead of every publish rate, for example rooms.size or "
      "populations.*.connections",
      0}},
    {'c',
     {"ceiling", KEY_CEILING, NULL, 0, "search for the ceiling instead of measuring one load", 0}},
    {'t', {"seconds", KEY_SECONDS, "S", 0, "length of one measured window", 0}},
    {'R', {"repeats", KEY_REPEATS, "N", 0, "measurements of each figure (default 5)", 0}},
    {'u', {"subset", KEY_SUBSET, "quick", 0, "quick: the ten-minute subset of the cases", 0}},
    {'a', {"calibrate", KEY_CALIBRATE, NULL, 0, "calibrate first when --db has no profile yet", 0}},
    {'g',
     {"gate", KEY_GATE, "FACTOR", 0,
      "exit code 99 when predicted and measured differ by more than this factor at the median", 0}},
    {'k', {"markdown", KEY_MARKDOWN, "FILE", 0, "also write the table as Markdown", 0}},
    {'S',
     {"simulated", KEY_SIMULATED, "FILE", 0,
      "the simulated turns: kept there, or read from there without a SCENARIO", 0}},
    {'M', {"measured", KEY_MEASURED, "FILE", 0, "the measured turns, likewise", 0}},
    {'w',
     {"where", KEY_WHERE, "CONSTRAINT", 0,
      "only cells for which it holds, for example \"size <= 100\"; may be repeated", 0}},
    {'h',
     {"shard", KEY_SHARD, "K/N", 0,
      "run the K-th of N shares, into a database of its own (default: from Slurm's environment)",
      0}},
    {'n',
     {"tasks", KEY_TASKS, "N", 0,
      "submit: tasks of the job array (default: so many that each has a minute of work)", 0}},
    {'W', {"wait", KEY_WAIT, NULL, 0, "submit: wait for the job, merge, and print", 0}},
    {'K',
     {"prometheus", KEY_PROMETHEUS, "FILE", 0,
      "also write recording and alert rules from the plan, and their tests beside them", 0}},
    {'U', {"junit", KEY_JUNIT, "FILE", 0, "also write the lines as JUnit XML, for CI", 0}},
    {'T',
     {"tuning", KEY_TUNING, "FILE", 0,
      "also write the host's limits and what is needed, as a file for /etc/sysctl.d", 0}},
    {'H',
     {"proc", KEY_PROC, "FOLDER", 0,
      "where the kernel's limits are read: /proc, or a copy of another host's", 0}},
    {'J', {"json", KEY_JSON, NULL, 0, "answer in JSON on standard output", 0}},
    {'q', {"quiet", 'q', NULL, 0, "no narration on standard error", 0}},
};

struct parsing {
    struct options *options;
    const struct command *command;
};

static bool parse_number(const char *text, double low, double high, double *value) {
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && errno == 0 && *value >= low && *value <= high;
}

static void set_number(struct argp_state *state, const char *name, const char *text, double low,
                       double high, double *value) {
    if (!parse_number(text, low, high, value))
        argp_error(state, "--%s: \"%s\" is not a number from %g to %g", name, text, low, high);
}

static void set_seed(struct argp_state *state, const char *text, struct options *options) {
    char *end;
    errno = 0;
    options->seed = strtoull(text, &end, 10);
    options->has_seed = true;
    if (end == text || *end != '\0' || errno != 0 || text[0] == '-')
        argp_error(state, "--seed: \"%s\" is not a whole number from 0 to 18446744073709551615",
                   text);
}

static void add_setting(struct argp_state *state, char *text, struct options *options) {
    char *equals = strchr(text, '=');
    if (equals == NULL || equals == text)
        argp_error(state, "--set: \"%s\" is not PATH=VALUE, for example nodes.gateway.workers=2",
                   text);
    if (options->settings_count == OPTIONS_SETTINGS_MAX)
        argp_error(state, "--set: more than %d of them", OPTIONS_SETTINGS_MAX);
    if (equals == NULL)
        return;
    *equals = '\0';
    options->settings[options->settings_count++] = (struct spec_setting){text, equals + 1};
}

static void set_shard(struct argp_state *state, const char *text, struct options *options) {
    int32_t shard = 0, count = 0;
    char after;
    if (sscanf(text, "%" SCNd32 "/%" SCNd32 "%c", &shard, &count, &after) != 2 || shard < 1 ||
        shard > count)
        argp_error(state, "--shard: \"%s\" is not K/N with K from 1 to N, for example 2/8", text);
    options->shard = shard;
    options->shards_count = count;
}

static void add_where(struct argp_state *state, const char *text, struct options *options) {
    if (options->where_count == OPTIONS_WHERE_MAX)
        argp_error(state, "--where: more than %d of them", OPTIONS_WHERE_MAX);
    else
        options->where[options->where_count++] = text;
}

void options_split(struct options_words *words, const char *text) {
    words->count = 0;
    CHECK(strlen(text) < sizeof words->bytes);
    strcpy(words->bytes, text);
    char *rest = words->bytes;
    for (char *word; (word = strsep(&rest, "|")) != NULL;) {
        CHECK(words->count < OPTIONS_WORDS_MAX);
        words->items[words->count++] = word;
    }
}

static bool is_one_of(const struct options_words *words, const char *word) {
    for (int32_t i = 0; i < words->count; i++)
        if (strcmp(words->items[i], word) == 0)
            return true;
    return false;
}

/* Of an option whose `arg` is the words that it takes. */
static void check_word(struct argp_state *state, int key, const char *text) {
    size_t row = 0;
    while (rows[row].option.key != key)
        row++;
    struct options_words words;
    options_split(&words, rows[row].option.arg);
    if (!is_one_of(&words, text))
        argp_error(state, "--%s: \"%s\" is not known; expected %s", rows[row].option.name, text,
                   rows[row].option.arg);
}

static void check_verb(struct argp_state *state, const struct command *command, const char *text) {
    struct options_words verbs;
    options_split(&verbs, command->verbs);
    if (is_one_of(&verbs, text))
        return;
    const char *nearest = text_nearest(text, verbs.items, (size_t)verbs.count);
    argp_error(state, "\"%s\" is nothing that %s does; %s \"%s\"%s", text, command->name,
               nearest ? "did you mean" : "expected one of", nearest ? nearest : command->verbs,
               nearest ? "?" : "");
}

static error_t parse_one(int key, char *argument, struct argp_state *state) {
    struct parsing *parsing = state->input;
    struct options *options = parsing->options;
    double number = 0;
    switch (key) {
    case KEY_SET:
        add_setting(state, argument, options);
        break;
    case KEY_SEED:
        set_seed(state, argument, options);
        break;
    case KEY_JOBS:
        set_number(state, "jobs", argument, 1, 1024, &number);
        options->jobs = (int32_t)number;
        break;
    case KEY_REPS:
        set_number(state, "reps", argument, 1, 10000, &number);
        options->reps = (int32_t)number;
        break;
    case KEY_PRECISION:
        set_number(state, "precision", argument, 1e-4, 1, &options->precision);
        break;
    case KEY_MAX_REPS:
        set_number(state, "max-reps", argument, 4, 10000, &number);
        options->max_reps = (int32_t)number;
        break;
    case KEY_METRIC:
        options->metric = argument;
        break;
    case KEY_SCALE:
        set_number(state, "scale", argument, 1e-6, 1e9, &options->scale);
        break;
    case KEY_BASELINE:
        options->baseline = argument;
        break;
    case KEY_VARY:
        options->vary = argument;
        break;
    case KEY_SECONDS:
        set_number(state, "seconds", argument, 0.1, 3600, &options->seconds);
        break;
    case KEY_REPEATS:
        set_number(state, "repeats", argument, 0, 64, &number);
        options->repeats = (int32_t)number;
        break;
    case KEY_SUBSET:
        options->subset = argument;
        check_word(state, key, argument);
        break;
    case KEY_CALIBRATE:
        options->is_calibrating = true;
        break;
    case KEY_GATE:
        set_number(state, "gate", argument, 1, 100, &options->gate);
        break;
    case KEY_WHERE:
        add_where(state, argument, options);
        break;
    case KEY_SHARD:
        set_shard(state, argument, options);
        break;
    case KEY_TASKS:
        set_number(state, "tasks", argument, 1, 10000, &number);
        options->tasks = (int32_t)number;
        break;
    case KEY_CURVE:
        options->is_curve = true;
        break;
    case KEY_WAIT:
        options->is_waiting = true;
        break;
    case KEY_DB:
        options->db = argument;
        break;
    case KEY_PROFILE:
        options->profile = argument;
        break;
    case KEY_OUT:
        options->out = argument;
        break;
    case KEY_MODE:
        options->mode = argument;
        check_word(state, key, argument);
        break;
    case KEY_REFIT:
        options->is_refit = true;
        if (argument != NULL)
            set_number(state, "refit", argument, 1, 1e15, &number);
        options->refit_run = (int64_t)number;
        break;
    case KEY_MOVED:
        options->is_moving = true;
        break;
    case KEY_TODAY:
        options->is_today = true;
        break;
    case KEY_SIMULATED:
        options->simulated = argument;
        break;
    case KEY_MEASURED:
        options->measured = argument;
        break;
    case KEY_MARKDOWN:
        options->markdown = argument;
        break;
    case KEY_JUNIT:
        options->junit = argument;
        break;
    case KEY_TUNING:
        options->tuning = argument;
        break;
    case KEY_PROC:
        options->proc = argument;
        break;
    case KEY_PROMETHEUS:
        options->prometheus = argument;
        break;
    case KEY_CEILING:
        options->is_ceiling = true;
        break;
    case KEY_JSON:
        options->is_json = true;
        break;
    case 'q':
        options->is_quiet = true;
        break;
    case ARGP_KEY_ARG:
        if (options->arguments_count == parsing->command->arguments_max ||
            options->arguments_count == OPTIONS_ARGUMENTS_MAX)
            argp_error(state, "\"%s\" is one word too many", argument);
        if (options->arguments_count == 0 && parsing->command->verbs != NULL)
            check_verb(state, parsing->command, argument);
        options->arguments[options->arguments_count++] = argument;
        break;
    case ARGP_KEY_END:
        if (options->arguments_count < parsing->command->arguments_min)
            argp_error(state, "%s is missing", parsing->command->arguments);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

int32_t options_of(const struct command *command, struct argp_option table[OPTIONS_ROWS_MAX]) {
    _Static_assert(COUNT_OF(rows) < OPTIONS_ROWS_MAX, "one more is the end");
    memset(table, 0, OPTIONS_ROWS_MAX * sizeof *table);
    int32_t count = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strchr(command->takes, rows[i].letter))
            table[count++] = rows[i].option;
    return count;
}

int options_parse(const struct command *command, int argc, char **argv, struct options *options) {
    struct argp_option table[OPTIONS_ROWS_MAX];
    options_of(command, table);
    struct text doc;
    text_init(&doc);
    text_addf(&doc, "%s\v%s", command->summary, command->doc);
    struct argp argp = {.options = table,
                        .parser = parse_one,
                        .args_doc = command->arguments,
                        .doc = text_bytes(&doc)};
    char name[64];
    snprintf(name, sizeof name, "headroom %s", command->name);
    argv[0] = name;
    *options = (struct options){.scale = 1, .mode = "quick", .repeats = 5};
    struct parsing parsing = {options, command};
    argp_err_exit_status = EXIT_USAGE;
    error_t error = argp_parse(&argp, argc, argv, 0, NULL, &parsing);
    text_fini(&doc);
    return error ? EXIT_USAGE : -1;
}
