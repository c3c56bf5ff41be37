/* `headroom compare`: simulated against measured, from what both worlds wrote; or two runs by their
 * numbers. */
#include "cli/commands.h"
#include "cli/compare_moved.h"
#include "cli/compare_paired.h"
#include "cli/files.h"
#include "cli/print.h"
#include "cli/record.h"
#include "validation/compare/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const char *word) {
    return *word != '\0' && strspn(word, "0123456789") == strlen(word);
}

static int write_markdown(const struct comparison *comparison, const char *path) {
    struct text text;
    text_init(&text);
    compare_write(comparison, COMPARE_MARKDOWN, &text);
    bool is_written = files_write(path, text_bytes(&text));
    text_fini(&text);
    return is_written ? EXIT_HOLDS : EXIT_IO;
}

static int compare_all(struct store *store, const struct options *options, struct arena *arena,
                       struct text *out) {
    struct comparison comparison;
    struct compare_moved moved = {.store = store, .options = options, .arena = arena};
    struct compare_mover mover = compare_moved_mover(&moved);
    if (!compare_worlds(store, options->arguments, options->arguments_count,
                        options->is_moving ? &mover : NULL, arena, &comparison)) {
        fprintf(stderr, "headroom: %s\n", store->error);
        return EXIT_NO_INPUT;
    }
    compare_write(&comparison, options->is_json ? COMPARE_JSON : COMPARE_TEXT, out);
    return options->markdown ? write_markdown(&comparison, options->markdown) : EXIT_HOLDS;
}

/* Two replicated runs, pair by pair. */
static int compare_pairs(struct store *store, const struct options *options, int64_t a, int64_t b,
                         struct arena *arena) {
    struct paired *paired = ARENA_NEW(arena, 1, struct paired);
    if (!paired_runs(store, a, b, arena, paired)) {
        fprintf(stderr, "headroom: %s\n",
                *store->error ? store->error
                              : "the two runs have no two replications of one seed in common");
        return EXIT_NO_INPUT;
    }
    if (options->is_json) {
        cJSON *json = paired_json(paired);
        cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
        print_json(json);
    } else {
        paired_print(paired, options->arguments[0], options->arguments[1]);
    }
    return EXIT_HOLDS;
}

static int compare_two(struct store *store, const struct options *options, struct arena *arena,
                       struct text *out) {
    struct run_comparison comparison;
    int64_t a = strtoll(options->arguments[0], NULL, 10),
            b = strtoll(options->arguments[1], NULL, 10);
    if (paired_has_replications(store, a, arena) && paired_has_replications(store, b, arena))
        return compare_pairs(store, options, a, b, arena);
    if (!compare_runs(store, a, b, arena, &comparison)) {
        fprintf(stderr, "headroom: %s\n", store->error);
        return EXIT_NO_INPUT;
    }
    compare_runs_write(&comparison, options->is_json ? COMPARE_JSON : COMPARE_TEXT, out);
    return EXIT_HOLDS;
}

static int run(const struct options *options) {
    struct store store;
    if (!store_open(&store, options->db ? options->db : RECORD_DB_DEFAULT, STORE_READ)) {
        fprintf(stderr, "headroom: %s\n", store.error);
        return EXIT_NO_INPUT;
    }
    struct arena arena;
    struct text out;
    arena_init(&arena);
    text_init(&out);
    bool is_two_runs = options->arguments_count == 2 && is_number(options->arguments[0]) &&
                       is_number(options->arguments[1]);
    int code = options->baseline != NULL ? paired_against_baseline(&store, options, &arena)
               : is_two_runs             ? compare_two(&store, options, &arena, &out)
                                         : compare_all(&store, options, &arena, &out);
    fputs(text_bytes(&out), stdout);
    text_fini(&out);
    arena_fini(&arena);
    store_close(&store);
    return code;
}

const struct command command_compare = {
    .name = "compare",
    .arguments = "[NAME...|A B]",
    .summary = "simulated against measured, or run A against run B",
    .doc =
        "Without arguments, every scenario that the database knows. A case that went into a "
        "fit, or whose prediction was written after its measurement\n"
        "began, is refused; what is missing is printed as missing and averaged over by nobody. "
        "--moved predicts each active ceiling again with "
        "the costs at the speed that a bare send loop had beside the measurement, and prints both "
        "errors: a machine that is shared has no one speed.\n\n"
        "Two runs with replications (`headroom run --reps`) are paired by seed and replication, "
        "and each figure has a difference with an interval, or no detectable change. "
        "--baseline does so for all scenarios and studies that two files have in common: exit "
        "code 99 when a figure got detectably worse, by more than 1 %.\n\n"
        "  headroom compare 1 10\n"
        "  headroom compare --db branch.db --baseline main.db",
    .takes = "dkvBJjq",
    .arguments_min = 0,
    .arguments_max = OPTIONS_ARGUMENTS_MAX,
    .run = run,
};
