/* The scenario's canonical text has every field written out, so its leaves are all the fields that
 * there are, and a changed one is that text with a setting over it. */
#include "cli/vary.h"

#include "sim/base/check.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double scale_range = 1e4; /* either way from what the scenario has */
static const double edge_tolerance = 0.001;

/* --- the fields that there are --- */

struct leaves {
    struct vary_field *items;
    int32_t count, max;
    struct arena *arena;
};

static void add_leaf(struct leaves *leaves, const char *path, const cJSON *json) {
    const char *text = NULL;
    if (cJSON_IsNumber(json)) {
        char *digits = cJSON_PrintUnformatted(json);
        CHECK(digits != NULL);
        text = arena_new_text(leaves->arena, digits);
        cJSON_free(digits);
    } else if (cJSON_IsString(json)) {
        text = arena_new_text(leaves->arena, json->valuestring);
    }
    if (text == NULL || leaves->count == leaves->max)
        return;
    struct sweep_quantity quantity = sweep_quantity_of(text);
    if (quantity.is_word || quantity.is_endless || !(quantity.number > 0))
        return;
    leaves->items[leaves->count++] =
        (struct vary_field){arena_new_text(leaves->arena, path), quantity};
}

static void walk(struct leaves *leaves, const char *path, const cJSON *json) {
    if (!cJSON_IsObject(json)) {
        add_leaf(leaves, path, json);
        return;
    }
    for (const cJSON *child = json->child; child != NULL; child = child->next)
        walk(leaves,
             *path ? arena_new_format(leaves->arena, "%s.%s", path, child->string) : child->string,
             child);
}

/* Not what the service is: how it is looked at. */
static bool is_about_looking(const char *path) {
    static const char *const tables[] = {"seed", "window.", "machine."};
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        if (strncmp(path, tables[i], strlen(tables[i])) == 0)
            return true;
    return false;
}

int32_t vary_fields(const struct scenario *scenario, struct vary_field *fields, int32_t max,
                    struct arena *arena) {
    struct leaves leaves = {fields, 0, max, arena};
    cJSON *json = cJSON_Parse(text_bytes(&scenario->canonical));
    CHECK(json != NULL);
    walk(&leaves, "", json);
    cJSON_Delete(json);
    int32_t kept = 0;
    for (int32_t i = 0; i < leaves.count; i++)
        if (!is_about_looking(fields[i].path))
            fields[kept++] = fields[i];
    return kept;
}

/* --- which one is meant --- */

static const char *next_word(const char *path) {
    const char *dot = strchr(path, '.');
    return dot ? dot + 1 : path + strlen(path);
}

static size_t word_length(const char *path) {
    const char *dot = strchr(path, '.');
    return dot ? (size_t)(dot - path) : strlen(path);
}

static bool same_word(const char *pattern, const char *path) {
    size_t length = word_length(pattern);
    return (length == 1 && *pattern == '*') ||
           (length == word_length(path) && strncmp(pattern, path, length) == 0);
}

/* The words of `pattern` in their order among those of `path`. */
static bool matches(const char *pattern, const char *path) {
    while (*pattern && *path) {
        if (same_word(pattern, path))
            pattern = next_word(pattern);
        path = next_word(path);
    }
    return *pattern == '\0';
}

static int unknown(const char *name, const struct vary_field *fields, int32_t count) {
    const char *paths[VARY_LEAVES_MAX];
    for (int32_t i = 0; i < count; i++)
        paths[i] = fields[i].path;
    const char *nearest = text_nearest(name, paths, (size_t)count);
    fprintf(stderr, "headroom: \"%s\" is no field of this scenario with a number above 0", name);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean \"%s\"?\n", nearest);
    else
        fprintf(stderr, "; for example %s (docs/reference/scenario.md)\n", paths[0]);
    return EXIT_USAGE;
}

static int ambiguous(const char *name, const struct vary *vary) {
    fprintf(stderr, "headroom: \"%s\" may be", name);
    for (int32_t i = 0; i < vary->fields_count; i++)
        fprintf(stderr, "%s %s",
                i == 0                       ? ""
                : i + 1 < vary->fields_count ? ","
                                             : " or",
                vary->fields[i].path);
    fprintf(stderr, "; with * for a name all of them are scaled together\n");
    return EXIT_USAGE;
}

/* An exact path, else everything that the words fit. */
static int choose(struct vary *vary, const char *name, const struct vary_field *fields,
                  int32_t count) {
    bool is_pattern = strchr(name, '*') != NULL;
    for (int32_t i = 0; i < count; i++) {
        bool is_exact = strcmp(fields[i].path, name) == 0;
        if (is_exact)
            vary->fields_count = 0;
        if ((is_exact || matches(name, fields[i].path)) && vary->fields_count < VARY_FIELDS_MAX)
            vary->fields[vary->fields_count++] = fields[i];
        if (is_exact)
            break;
    }
    if (vary->fields_count == 0)
        return unknown(name, fields, count);
    return vary->fields_count > 1 && !is_pattern ? ambiguous(name, vary) : -1;
}

/* --- values --- */

void vary_write(const struct vary *vary, double value, struct text *out) {
    struct text quoted;
    text_init(&quoted);
    sweep_quantity_write(&vary->fields[0].now, value, &quoted);
    const char *bytes = text_bytes(&quoted);
    size_t quotes = *bytes == '"';
    text_add_n(out, bytes + quotes, strlen(bytes) - 2 * quotes);
    text_fini(&quoted);
}

bool vary_is_counted(const struct vary_field *field) {
    return field->now.units == UNITS_NONE && field->now.number > 1 &&
           strpbrk(field->now.text, ".eE") == NULL;
}

/* Six digits where the language takes fractions; whole where it does not. */
static double rounded(const struct vary *vary, const struct vary_field *field, double number) {
    char digits[32];
    bool is_counted = field->now.units == UNITS_TIME || field->now.units == UNITS_BYTES;
    if (vary->is_whole || is_counted || (vary->fields_count > 1 && vary_is_counted(field)))
        return fmax(round(number), 1);
    (void)snprintf(digits, sizeof digits, "%.6g", number);
    return strtod(digits, NULL);
}

static bool parse(const struct vary *vary, double value, struct scenario *scenario, char *why) {
    struct spec_setting settings[VARY_FIELDS_MAX];
    struct text texts[VARY_FIELDS_MAX];
    double factor = value / vary->now;
    for (int32_t i = 0; i < vary->fields_count; i++) {
        const struct vary_field *field = &vary->fields[i];
        text_init(&texts[i]);
        sweep_quantity_write(&field->now, rounded(vary, field, field->now.number * factor),
                             &texts[i]);
        settings[i] = (struct spec_setting){field->path, text_bytes(&texts[i])};
    }
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    diag_init(diag);
    struct spec_options options = {.file = vary->scenario->path,
                                   .reader = files_reader(),
                                   .settings = settings,
                                   .settings_count = vary->fields_count};
    bool is_right = files_scenario_parse(scenario, text_bytes(&vary->scenario->canonical), &options,
                                         &vary->scenario->spec.seed, diag);
    for (int32_t i = 0; i < diag->items_count && !is_right && why != NULL; i++)
        if (diag->items[i].severity == DIAG_ERROR) {
            (void)snprintf(why, VARY_WHY_BYTES, "%s", diag->items[i].message);
            break;
        }
    diag_fini(diag);
    free(diag);
    for (int32_t i = 0; i < vary->fields_count; i++)
        text_fini(&texts[i]);
    return is_right;
}

bool vary_scenario(const struct vary *vary, double value, struct scenario *scenario, char *why) {
    if (!parse(vary, value, scenario, why))
        return false;
    roster_init(&scenario->roster, &scenario->spec, scenario->spec.seed, &scenario->arena);
    return true;
}

static bool is_allowed(const struct vary *vary, double value, char *why) {
    struct scenario scenario;
    bool is_right = parse(vary, value, &scenario, why);
    files_scenario_fini(&scenario);
    return is_right;
}

/* --- the ends of the range --- */

/* Between a value that is allowed and one that is not. */
static double edge_between(const struct vary *vary, double good, double bad, char *why) {
    for (;;) {
        double middle = vary->is_whole ? floor((good + bad) / 2) : sqrt(good * bad);
        if (vary->is_whole ? fabs(good - bad) <= 1 : fabs(log(good / bad)) < edge_tolerance)
            return good;
        if (is_allowed(vary, middle, why))
            good = middle;
        else
            bad = middle;
    }
}

static double edge(const struct vary *vary, double factor, char *why) {
    double last = vary->now * (factor > 1 ? scale_range : 1 / scale_range), good = vary->now;
    while (good != last) {
        double next = factor > 1 ? fmin(good * factor, last) : fmax(good * factor, last);
        if (vary->is_whole) {
            next = factor > 1 ? floor(next) : fmax(floor(next), 1);
            last = factor > 1 ? floor(last) : fmax(floor(last), 1);
        }
        if (!is_allowed(vary, next, why))
            return edge_between(vary, good, next, why);
        good = next;
    }
    return good;
}

/* A field that takes now + 1 (or - 1) and not now + 1/2 is counted. */
static bool takes_whole_only(struct vary *vary) {
    const struct sweep_quantity *now = &vary->fields[0].now;
    if (vary->fields_count > 1 || now->units != UNITS_NONE || now->number != floor(now->number))
        return false;
    bool takes_steps =
        is_allowed(vary, now->number + 1, NULL) || is_allowed(vary, now->number - 1, NULL);
    bool takes_halves =
        is_allowed(vary, now->number + 0.5, NULL) || is_allowed(vary, now->number - 0.5, NULL);
    return takes_steps && !takes_halves;
}

/* A size of rooms may be written with a fraction, but rooms have whole members. */
static bool is_size(const char *path) {
    return strncmp(path, "rooms.", 6) == 0 && strstr(path, ".size.constant") != NULL;
}

int vary_init(struct vary *vary, const char *name, const struct scenario *scenario,
              struct arena *arena) {
    struct vary_field fields[VARY_LEAVES_MAX];
    *vary = (struct vary){.scenario = scenario, .name = name};
    int32_t count = vary_fields(scenario, fields, VARY_LEAVES_MAX, arena);
    int code = choose(vary, name, fields, count);
    if (code >= 0)
        return code;
    for (int32_t i = 0; i < vary->fields_count; i++)
        vary->sum += vary->fields[i].now.number;
    if (vary->fields_count == 1)
        vary->name = vary->fields[0].path;
    vary->now = vary->fields[0].now.number;
    vary->is_whole =
        takes_whole_only(vary) || (vary->fields_count == 1 && is_size(vary->fields[0].path));
    vary->lowest = edge(vary, 0.5, NULL);
    vary->highest = edge(vary, 2, vary->why_highest);
    return -1;
}

const char *vary_text(const struct vary *vary, double value) {
    static struct text ring[4];
    static int next;
    struct text *out = &ring[next++ % 4];
    text_clear(out);
    if (isnan(value))
        return "-";
    double digit = vary->is_whole || value >= 1000 ? 1 : pow(10, floor(log10(value)) - 3);
    vary_write(vary, round(value / digit) * digit, out);
    return text_bytes(out);
}
