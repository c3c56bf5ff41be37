/* The cells of a study, as a map over two of its axes.
 *
 * The store keeps no study, only runs, and needs none: an axis is a field in which the cells'
 * scenarios differ. So cells of several studies over one scenario come together, and a study file
 * that was edited meanwhile cannot make the map say something else. A field that is a function of
 * another (axes joined by `with`) is no axis of its own; where more than two are left, the map
 * shows the cells at one value of the others and says so. */
#include "models/spec/inputs.h"
#include "models/spec/json.h"
#include "sim/base/check.h"
#include "study/report_parts.h"
#include "study/sweep_quantity.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AXES_MAX = 16, LEVELS_MAX = 64 };

struct cell {
    uint64_t hash;
    const struct spec_input *inputs;
    int32_t inputs_count;
    double p99_sum;
    int32_t runs, holds;
    int32_t level[AXES_MAX]; /* of each axis */
    int32_t across, down;    /* its place in the map */
};

struct axis {
    const char *path;
    const char *levels[LEVELS_MAX]; /* as a file has them, in ascending order */
    int32_t levels_count;
    int32_t follows; /* the axis that it is a function of; -1: none */
};

struct cells {
    const struct report_subject *subject;
    struct cell *items; /* one per scenario */
    int32_t count;
    struct axis axes[AXES_MAX];
    int32_t axes_count;
    struct store_run newest;
    int32_t x, y; /* of the map; y -1: there is one axis */
};

/* --- reading --- */

static struct cell *cell_of(struct cells *cells, uint64_t hash) {
    for (int32_t i = cells->count; i-- > 0;)
        if (cells->items[i].hash == hash)
            return &cells->items[i];
    return NULL;
}

/* False: the store failed. A text that cannot be read any more has no inputs, and no place. */
static bool read_inputs(struct cells *cells, struct cell *cell) {
    struct arena *arena = cells->subject->arena;
    struct store_text text;
    enum store_found found = store_scenario_text(cells->subject->store, cell->hash, arena, &text);
    if (found != STORE_FOUND)
        return found != STORE_FAILED;
    struct diag *diag = malloc(sizeof *diag);
    struct spec_scenario spec;
    CHECK(diag != NULL);
    diag_init(diag);
    struct spec_options options = {.file = "the store"};
    if (spec_parse(&spec, text.text, &options, arena, diag)) {
        struct spec_input *inputs;
        spec_list_inputs(&spec, arena, &inputs, &cell->inputs_count);
        cell->inputs = inputs;
    }
    diag_fini(diag);
    free(diag);
    return true;
}

static bool add_run(struct cells *cells, const struct store_run *run) {
    struct store_metric p99, verdict;
    struct cell *cell = cell_of(cells, run->scenario_hash);
    if (cell == NULL) {
        cell = &cells->items[cells->count++];
        *cell = (struct cell){.hash = run->scenario_hash};
        if (!read_inputs(cells, cell))
            return false;
    }
    if (!report_metric(cells->subject, run->id, "latency_p99_ms", &p99) ||
        !report_metric(cells->subject, run->id, "verdict", &verdict))
        return false;
    cell->p99_sum += p99.value;
    cell->holds += verdict.text && strcmp(verdict.text, "holds") == 0;
    cell->runs++;
    return true;
}

/* All that the newest cell's code and profile made. */
static bool read_cells(struct cells *cells, const char *scenario) {
    struct store_run *runs;
    int32_t count;
    struct arena *arena = cells->subject->arena;
    struct store_filter filter = {
        .scenario_name = scenario, .command = "cell", .state = store_state_name(STORE_DONE)};
    if (!store_runs(cells->subject->store, &filter, arena, &runs, &count))
        return false;
    cells->items = ARENA_NEW(arena, (size_t)count + 1, struct cell);
    if (count > 0)
        cells->newest = runs[count - 1];
    for (int32_t i = 0; i < count; i++)
        if (runs[i].code_hash == cells->newest.code_hash &&
            runs[i].profile_hash == cells->newest.profile_hash && !add_run(cells, &runs[i]))
            return false;
    return true;
}

/* --- axes --- */

static const char *value_at(const struct cell *cell, const char *path, int32_t hint) {
    if (hint < cell->inputs_count && strcmp(cell->inputs[hint].path, path) == 0)
        return cell->inputs[hint].value;
    for (int32_t i = 0; i < cell->inputs_count; i++)
        if (strcmp(cell->inputs[i].path, path) == 0)
            return cell->inputs[i].value;
    return "";
}

/* "2/s per room" of {"poisson": "2/s per room"}: what a reader looks for in a value. */
static const char *shown(struct arena *arena, const char *value) {
    const char *colon = strrchr(value, ':');
    if (*value != '{' || colon == NULL)
        return value;
    char *text = arena_new_text(arena, colon + 1 + strspn(colon + 1, " \""));
    text[strcspn(text, "\"}")] = '\0';
    return text;
}

static int by_size(struct arena *arena, const char *a, const char *b) {
    struct sweep_quantity x = sweep_quantity_of(shown(arena, a)),
                          y = sweep_quantity_of(shown(arena, b));
    if (!x.is_word && !y.is_word && x.number != y.number)
        return x.number > y.number ? 1 : -1;
    return strcmp(a, b);
}

/* Into its place; false: there are more than a map can show. */
static bool add_level(struct arena *arena, struct axis *axis, const char *value) {
    int32_t place = axis->levels_count;
    for (int32_t i = 0; i < axis->levels_count; i++)
        if (strcmp(axis->levels[i], value) == 0)
            return true;
    if (axis->levels_count == LEVELS_MAX)
        return false;
    for (; place > 0 && by_size(arena, value, axis->levels[place - 1]) < 0; place--)
        axis->levels[place] = axis->levels[place - 1];
    axis->levels[place] = value;
    axis->levels_count++;
    return true;
}

static int32_t level_of(const struct axis *axis, const char *value) {
    int32_t level = 0;
    while (level < axis->levels_count && strcmp(axis->levels[level], value) != 0)
        level++;
    return level;
}

static void add_axis(struct cells *cells, int32_t input) {
    struct axis *axis = &cells->axes[cells->axes_count];
    *axis = (struct axis){.path = cells->items[0].inputs[input].path, .follows = -1};
    for (int32_t i = 0; i < cells->count; i++)
        if (!add_level(cells->subject->arena, axis, value_at(&cells->items[i], axis->path, input)))
            return;
    if (axis->levels_count < 2)
        return;
    for (int32_t i = 0; i < cells->count; i++)
        cells->items[i].level[cells->axes_count] =
            level_of(axis, value_at(&cells->items[i], axis->path, input));
    cells->axes_count++;
}

/* Every value of `a` comes with one of `b` only. */
static bool decides(const struct cells *cells, int32_t a, int32_t b) {
    int32_t with[LEVELS_MAX];
    for (int32_t i = 0; i < LEVELS_MAX; i++)
        with[i] = -1;
    for (int32_t i = 0; i < cells->count; i++) {
        int32_t *seen = &with[cells->items[i].level[a]], level = cells->items[i].level[b];
        if (*seen >= 0 && *seen != level)
            return false;
        *seen = level;
    }
    return true;
}

static void find_axes(struct cells *cells) {
    for (int32_t i = 0; i < cells->items[0].inputs_count && cells->axes_count < AXES_MAX; i++)
        if (strcmp(cells->items[0].inputs[i].path, "seed") != 0 &&
            strcmp(cells->items[0].inputs[i].path, "name") != 0)
            add_axis(cells, i);
    for (int32_t b = 0; b < cells->axes_count; b++)
        for (int32_t a = 0; a < cells->axes_count && cells->axes[b].follows < 0; a++)
            if (a != b && cells->axes[a].follows < 0 && decides(cells, a, b) &&
                (a < b || !decides(cells, b, a))) /* of two that go together the first */
                cells->axes[b].follows = a;
}

/* The two with the most values; the first of them is across. */
static void choose_axes(struct cells *cells) {
    cells->x = cells->y = -1;
    for (int32_t i = 0; i < cells->axes_count; i++) {
        if (cells->axes[i].follows >= 0)
            continue;
        if (cells->x < 0 || cells->axes[i].levels_count > cells->axes[cells->x].levels_count) {
            cells->y = cells->x;
            cells->x = i;
        } else if (cells->y < 0 || cells->axes[i].levels_count > cells->axes[cells->y].levels_count)
            cells->y = i;
    }
}

/* Whether a cell is at the last one's value of every axis that the map does not have. */
static bool is_shown(const struct cells *cells, const struct cell *cell) {
    const struct cell *last = &cells->items[cells->count - 1];
    for (int32_t i = 0; i < cells->axes_count; i++)
        if (i != cells->x && i != cells->y && cells->axes[i].follows < 0 &&
            cell->level[i] != last->level[i])
            return false;
    return true;
}

/* --- the part --- */

static void add_levels(struct text *out, const struct cells *cells, int32_t axis, bool is_raw) {
    struct arena *arena = cells->subject->arena;
    text_add(out, "[");
    for (int32_t i = 0; i < cells->axes[axis].levels_count; i++) {
        const char *value = cells->axes[axis].levels[i];
        text_add(out, i > 0 ? ", " : "");
        if (!is_raw)
            text_add_json_string(out, shown(arena, value));
        else if (*value == '{' || *value == '[' || json_is_number(value))
            text_add(out, value);
        else
            text_add_json_string(out, value);
    }
    text_add(out, "]");
}

static const char *map_chart(const struct cells *cells) {
    struct text text;
    text_init(&text);
    text_addf(&text,
              "{\"width\":\"container\",\"height\":%d,\"encoding\":{\"x\":{\"field\":"
              "\"x\",\"type\":\"ordinal\",\"title\":\"%s\",\"axis\":{\"labelAngle\":0},\"sort\":",
              (int)(34 * cells->axes[cells->y].levels_count), cells->axes[cells->x].path);
    add_levels(&text, cells, cells->x, false);
    text_addf(&text, "},\"y\":{\"field\":\"y\",\"type\":\"ordinal\",\"title\":\"%s\",\"sort\":",
              cells->axes[cells->y].path);
    add_levels(&text, cells, cells->y, false);
    text_add(
        &text,
        "}},\"layer\":[{\"mark\":{\"type\":\"rect\"},\"encoding\":{\"color\":{\"field\":\"p99\","
        "\"type\":\"quantitative\",\"scale\":{\"type\":\"log\",\"interpolate\":\"rgb\"},\"legend\":"
        "{\"title\":\"p99, ms\","
        "\"gradientLength\":160,\"format\":\"~s\"}},\"tooltip\":[{\"field\":\"x\"},{\"field\":"
        "\"y\"},"
        "{\"field\":\"p99\",\"format\":\",.3~g\"},{\"field\":\"holds\"},{\"field\":\"runs\"}]}},"
        "{\"transform\":[{\"filter\":\"datum.holds < datum.runs\"}],\"mark\":{\"type\":\"text\","
        "\"style\":\"label\",\"fontSize\":15,\"text\":\"\xc3\x97\"}}]}");
    const char *copy = arena_new_text(cells->subject->arena, text_bytes(&text));
    text_fini(&text);
    return copy;
}

static const char *line_chart(const struct cells *cells) {
    struct text text;
    text_init(&text);
    text_addf(&text,
              "{\"width\":\"container\",\"height\":260,\"encoding\":{\"x\":{\"field\":\"x\","
              "\"type\":\"ordinal\",\"title\":\"%s\",\"axis\":{\"labelAngle\":0},\"sort\":",
              cells->axes[cells->x].path);
    add_levels(&text, cells, cells->x, false);
    text_add(&text,
             "},\"y\":{\"field\":\"p99\",\"type\":\"quantitative\",\"scale\":{\"type\":\"log\"},"
             "\"title\":\"p99, ms\"}},\"layer\":[{\"mark\":{\"type\":\"line\",\"point\":true}}]}");
    const char *copy = arena_new_text(cells->subject->arena, text_bytes(&text));
    text_fini(&text);
    return copy;
}

static int by_place(const void *a, const void *b) {
    const struct cell *x = *(const struct cell *const *)a, *y = *(const struct cell *const *)b;
    return x->down != y->down ? x->down - y->down : x->across - y->across;
}

/* Rows in the map's order: down, then across. Returns how many of them hold in every run. */
static int32_t fill(const struct cells *cells, struct report_table *table) {
    struct arena *arena = table->arena;
    const struct cell **order = ARENA_NEW(arena, (size_t)cells->count, const struct cell *);
    int32_t count = 0, holding = 0;
    for (int32_t i = 0; i < cells->count; i++) {
        struct cell *cell = &cells->items[i];
        if (!is_shown(cells, cell))
            continue;
        cell->down = cells->y >= 0 ? cell->level[cells->y] : 0;
        cell->across = cell->level[cells->x];
        order[count++] = cell;
    }
    qsort(order, (size_t)count, sizeof order[0], by_place);
    report_add_column(table, "x", cells->axes[cells->x].path, "", false);
    if (cells->y >= 0)
        report_add_column(table, "y", cells->axes[cells->y].path, "", false);
    report_add_column(table, "p99", "p99", "ms", true);
    report_add_column(table, "holds", "hold", "runs", true);
    report_add_column(table, "runs", "of", "", true);
    for (int32_t i = 0; i < count; i++) {
        struct report_value row[5];
        int32_t at = 0;
        row[at++] =
            report_words(shown(arena, cells->axes[cells->x].levels[order[i]->level[cells->x]]));
        if (cells->y >= 0)
            row[at++] =
                report_words(shown(arena, cells->axes[cells->y].levels[order[i]->level[cells->y]]));
        row[at++] = report_number(order[i]->p99_sum / order[i]->runs);
        row[at++] = report_number(order[i]->holds);
        row[at++] = report_number(order[i]->runs);
        report_add_row(table, row);
        holding += order[i]->holds == order[i]->runs;
    }
    return holding;
}

/* The study that would make these cells, out of what they differ in. */
static const char *study_of(const struct cells *cells) {
    struct text text;
    const struct store_run *run = &cells->newest;
    int32_t repeat = 1, axes = 0;
    for (int32_t i = 0; i < cells->count; i++)
        repeat = cells->items[i].runs > repeat ? cells->items[i].runs : repeat;
    text_init(&text);
    text_addf(&text, "{ \"name\": \"%s\", \"scenario\": \"%s.json\", \"repeat\": %d, \"axes\": {",
              run->scenario_name, run->scenario_name, (int)repeat);
    for (int32_t i = 0; i < cells->axes_count; i++) {
        const struct axis *axis = &cells->axes[i];
        text_addf(&text, "%s\n  \"a%d\": { \"field\": \"%s\", \"values\": ", axes++ > 0 ? "," : "",
                  (int)i, axis->path);
        add_levels(&text, cells, i, true);
        if (axis->follows >= 0 && cells->axes[axis->follows].levels_count == axis->levels_count)
            text_addf(&text, ", \"with\": \"a%d\"", (int)axis->follows);
        text_add(&text, " }");
    }
    text_add(&text, " } }");
    const char *copy = arena_new_text(cells->subject->arena, text_bytes(&text));
    text_fini(&text);
    return copy;
}

static const char *command_of(const struct cells *cells) {
    struct arena *arena = cells->subject->arena;
    const struct store_run *run = &cells->newest;
    const char *db = report_shell_word(arena, cells->subject->store->path);
    const char *name = run->scenario_name;
    return arena_new_format(arena,
                            "headroom db scenario %016" PRIx64 " --db %s > %s.json\n"
                            "headroom db profile %016" PRIx64 " --db %s > %s.profile.json\n"
                            "cat > %s.study.json <<'END'\n%s\nEND\n"
                            "headroom sweep run %s.study.json --profile %s.profile.json",
                            run->scenario_hash, db, name, run->profile_hash, db, name, name,
                            study_of(cells), name, name);
}

static void say_map(const struct cells *cells, struct report_part *part, int32_t holding) {
    struct arena *arena = cells->subject->arena;
    part->says = arena_new_format(arena, "%d of %d cells hold in every run%s.", (int)holding,
                                  (int)part->table.rows_count,
                                  cells->y >= 0 ? "; a cross marks those that do not" : "");
    struct text others;
    text_init(&others);
    for (int32_t i = 0; i < cells->axes_count; i++)
        if (i != cells->x && i != cells->y && cells->axes[i].follows < 0)
            text_addf(&others, "%s%s = %s", others.length > 0 ? ", " : "", cells->axes[i].path,
                      shown(arena, cells->axes[i].levels[cells->items[cells->count - 1].level[i]]));
    if (others.length > 0)
        part->note = arena_new_format(
            arena, "The study has more axes: these are its cells with %s.", text_bytes(&others));
    text_fini(&others);
}

bool report_part_sweep(struct report *report, const struct report_subject *subject) {
    struct report_part *part = report_add(report, "sweep", "What a sweep found");
    struct cells *cells = ARENA_NEW(report->arena, 1, struct cells);
    cells->subject = subject;
    if (!read_cells(cells, report->scenario))
        return false;
    if (cells->count > 0)
        find_axes(cells);
    choose_axes(cells);
    if (cells->x < 0) {
        part->missing = "No study over this scenario is in this file. `headroom sweep run STUDY` "
                        "runs one (docs/sweeps.md).";
        return true;
    }
    int32_t holding = fill(cells, &part->table);
    part->chart = cells->y >= 0 ? map_chart(cells) : line_chart(cells);
    say_map(cells, part, holding);
    part->command = command_of(cells);
    return true;
}
