/* From a study file to a list of addresses. Every cell is parsed here, before anything runs, so
 * that a mistake in the last one is found first; a roster is only made by whoever runs a cell. */
#include "cli/sweep.h"

#include "cli/print.h"
#include "cli/record.h"
#include "sim/base/check.h"
#include "sim/base/fingerprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sweep_place sweep_place_of(const struct sweep_work *work, int32_t index) {
    int32_t group = index / work->repeat;
    return (struct sweep_place){.cell = group / work->seeds_count,
                                .seed = group % work->seeds_count,
                                .replication = index % work->repeat};
}

static struct spec_values more_where(struct sweep_work *work) {
    const struct options *options = work->options;
    struct spec_values values = {
        .items = ARENA_NEW(&work->arena, (size_t)options->where_count, struct spec_value),
        .count = options->where_count};
    for (int32_t i = 0; i < options->where_count; i++)
        values.items[i] = (struct spec_value){
            .text = options->where[i], .shown = options->where[i], .place = {.file = "--where"}};
    return values;
}

static int read_study(struct sweep_work *work, struct diag *diag) {
    int code = -1;
    work->study_text = files_read_text(work->study_path, &code);
    if (work->study_text == NULL)
        return code;
    struct spec_values where = more_where(work);
    bool is_right =
        spec_parse_study(&work->study, work->study_text, work->study_path, &work->arena, diag) &&
        sweep_init(&work->sweep, &work->study, &where, &work->arena, diag);
    if (!is_right)
        return EXIT_INPUT;
    work->scenario_path = spec_beside(&work->arena, work->study_path, work->study.scenario);
    work->scenario_text = files_read_text(work->scenario_path, &code);
    return code;
}

/* --set first, then the cell: an axis is not to be overruled. */
bool sweep_scenario(const struct sweep_work *work, int32_t cell, int32_t seed,
                    struct scenario *scenario, struct diag *diag) {
    struct spec_setting settings[OPTIONS_SETTINGS_MAX + SWEEP_AXES_MAX];
    struct spec_setting_place places[OPTIONS_SETTINGS_MAX + SWEEP_AXES_MAX];
    int32_t own = work->options->settings_count;
    for (int32_t i = 0; i < own; i++) {
        settings[i] = work->options->settings[i];
        places[i] = (struct spec_setting_place){{.file = "--set"}, {.file = "--set"}};
    }
    sweep_settings(&work->sweep, cell, settings + own, places + own);
    struct spec_options parse = {.file = work->scenario_path,
                                 .reader = files_reader(),
                                 .settings = settings,
                                 .settings_places = places,
                                 .settings_count = own + work->sweep.axes_count};
    return files_scenario_parse(scenario, work->scenario_text, &parse,
                                work->seeds ? &work->seeds[seed] : NULL, diag);
}

/* The file's seeds, --seed, or (after the first cell is known) the scenario's own. */
static void choose_seeds(struct sweep_work *work) {
    const struct options *options = work->options;
    work->repeat = options->reps > 0 ? options->reps : (int32_t)work->study.repeat;
    work->seeds = options->has_seed             ? &options->seed
                  : work->study.seeds.count > 0 ? work->study.seeds.items
                                                : NULL;
    work->seeds_count = options->has_seed || work->seeds == NULL ? 1 : work->study.seeds.count;
}

static bool says_already(const struct diag *diag, const struct diag_item *item) {
    for (int32_t i = 0; i < diag->items_count; i++)
        if (diag->items[i].place.line == item->place.line &&
            diag->items[i].place.column == item->place.column &&
            strncmp(diag->items[i].message, item->message, strlen(item->message)) == 0)
            return true;
    return false;
}

/* What is wrong in one cell joins the list, unless another cell had it before. */
static void add_mistakes(struct sweep_work *work, int32_t cell, const struct diag *from,
                         struct diag *into) {
    struct text name;
    text_init(&name);
    sweep_write_cell(&work->sweep, cell, &name);
    for (int32_t i = 0; i < from->items_count; i++) {
        const struct diag_item *item = &from->items[i];
        if (says_already(into, item))
            continue;
        struct diag_place place = item->place;
        place.file = arena_new_text(&work->arena, place.file);
        place.line_text = place.line_text ? arena_new_text(&work->arena, place.line_text) : NULL;
        if (item->severity == DIAG_WARNING)
            diag_warning(into, place, "%s; in the cell %s", item->message, text_bytes(&name));
        else
            diag_error(into, place, "%s; in the cell %s", item->message, text_bytes(&name));
    }
    text_fini(&name);
}

static void check_cell(struct sweep_work *work, int32_t cell, struct diag *diag) {
    struct diag *own = malloc(sizeof *own);
    CHECK(own != NULL);
    for (int32_t seed = 0; seed < work->seeds_count; seed++) {
        struct scenario scenario;
        diag_init(own);
        bool is_right = sweep_scenario(work, cell, seed, &scenario, own);
        add_mistakes(work, cell, own, diag);
        if (is_right && work->seeds == NULL) {
            uint64_t *seeds = ARENA_NEW(&work->arena, 1, uint64_t);
            *seeds = scenario.spec.seed;
            work->seeds = seeds;
        }
        if (is_right && work->scenario_name == NULL)
            work->scenario_name = arena_new_text(&work->arena, scenario.spec.name);
        int32_t first = (cell * work->seeds_count + seed) * work->repeat;
        for (int32_t r = 0; r < work->repeat && is_right; r++)
            work->runs[first + r].scenario_hash = scenario.hash;
        files_scenario_fini(&scenario);
        diag_fini(own);
    }
    free(own);
}

static int check_cells(struct sweep_work *work, struct diag *diag) {
    int64_t runs = (int64_t)work->sweep.cells_count * work->seeds_count * work->repeat;
    if (runs > SWEEP_RUNS_MAX) {
        diag_error(diag, (struct diag_place){.file = work->study_path},
                   "%lld runs; at most %d are possible", (long long)runs, SWEEP_RUNS_MAX);
        return EXIT_INPUT;
    }
    work->runs_count = (int32_t)runs;
    work->runs = ARENA_NEW(&work->arena, (size_t)runs, struct sweep_run);
    for (int32_t cell = 0; cell < work->sweep.cells_count && diag->errors_count < DIAG_MAX; cell++)
        check_cell(work, cell, diag);
    return diag->errors_count > 0 ? EXIT_INPUT : -1;
}

double sweep_load_scale(const struct sweep_work *work) {
    return work->is_of_ceilings ? 0 : 1;
}

static void address_runs(struct sweep_work *work) {
    char digits[17];
    work->code_hash = files_code_hash();
    const char *code = record_code(work->code_hash, digits).text;
    work->stored_code_hash = fingerprint_of(code, strlen(code));
    for (int32_t i = 0; i < work->runs_count; i++) {
        struct sweep_place place = sweep_place_of(work, i);
        struct store_address address = {.code = work->stored_code_hash,
                                        .scenario = work->runs[i].scenario_hash,
                                        .profile = work->costs.hash,
                                        .seed = work->seeds[place.seed],
                                        .replication = place.replication,
                                        .load_scale = sweep_load_scale(work)};
        work->runs[i].address = store_address_of(&address);
    }
}

static int prepare(struct sweep_work *work, struct diag *diag) {
    int code = read_study(work, diag);
    if (code >= 0)
        return code;
    choose_seeds(work);
    code = check_cells(work, diag);
    if (code >= 0)
        return code;
    code = sweep_choose_shard(work->options, &work->shard);
    if (code >= 0)
        return code;
    work->main_db = work->options->db ? work->options->db : RECORD_DB_DEFAULT;
    work->own_db = work->shard.count > 1 ? sweep_shard_db(&work->arena, work->main_db, work->shard)
                                         : work->main_db;
    code = costs_choose(&work->costs, work->options);
    if (code >= 0)
        return code;
    work->means = profile_means(&work->costs.profile);
    work->is_of_ceilings = work->study.quantity == SPEC_CEILING;
    address_runs(work);
    return -1;
}

int sweep_prepare(struct sweep_work *work, const char *study_path, const struct options *options) {
    *work = (struct sweep_work){.options = options, .study_path = study_path};
    arena_init(&work->arena);
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    diag_init(diag);
    int code = prepare(work, diag);
    files_print_diag(diag);
    diag_fini(diag);
    free(diag);
    return code;
}

void sweep_fini(struct sweep_work *work) {
    costs_choice_fini(&work->costs);
    free(work->scenario_text);
    free(work->study_text);
    arena_fini(&work->arena);
}
