/* `headroom report DB [SCENARIO]`: what the store knows about a scenario, as one HTML file. */
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/page.h"
#include "cli/print.h"
#include "cli/report_worlds.h"
#include "study/report.h"

#include <stdio.h>
#include <stdlib.h>

#define OUT_DEFAULT "report.html"

/* --- JSON: the same parts --- */

static cJSON *part_json(const struct report_part *part) {
    cJSON *json = cJSON_CreateObject();
    struct text text;
    cJSON_AddStringToObject(json, "id", part->id);
    cJSON_AddStringToObject(json, "title", part->title);
    if (part->missing) {
        cJSON_AddStringToObject(json, "missing", part->missing);
        return json;
    }
    cJSON_AddStringToObject(json, "says", part->says);
    cJSON_AddStringToObject(json, "command", part->command);
    text_init(&text);
    report_write_rows(&part->table, &text);
    cJSON_AddRawToObject(json, "rows", text_bytes(&text));
    if (part->chart) {
        text_clear(&text);
        report_write_chart(part, &text);
        cJSON_AddRawToObject(json, "vega_lite", text_bytes(&text));
    }
    text_fini(&text);
    return json;
}

static void print_as_json(const struct report *report) {
    static const char *const answers[] = {[REPORT_GOOD] = "holds",
                                          [REPORT_BAD] = "fails",
                                          [REPORT_UNSURE] = "cannot_tell",
                                          [REPORT_UNASKED] = "not_asked"};
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    cJSON_AddStringToObject(json, "scenario", report->scenario);
    cJSON_AddStringToObject(json, "verdict", answers[report->answer]);
    cJSON_AddStringToObject(json, "headline", report->verdict);
    cJSON_AddStringToObject(json, "sentence", report->sentence);
    cJSON_AddStringToObject(json, "facts", report->facts);
    cJSON *parts = cJSON_AddArrayToObject(json, "parts");
    for (int32_t i = 0; i < report->parts_count; i++)
        cJSON_AddItemToArray(parts, part_json(&report->parts[i]));
    print_json(json);
}

/* --- the file --- */

static int write_page(const struct report *report, const struct options *options) {
    const char *path = options->out ? options->out : OUT_DEFAULT;
    char *page = page_read();
    if (page == NULL)
        return EXIT_UNAVAILABLE;
    struct text text;
    text_init(&text);
    int code = EXIT_HOLDS;
    if (!page_write(report, page, &text)) {
        fprintf(stderr,
                "headroom: the page beside this program is not one that it knows; build again\n");
        code = EXIT_UNAVAILABLE;
    } else if (!files_write(path, text_bytes(&text))) {
        code = EXIT_IO;
    } else {
        print_say(options, "%s: %zu KiB, opens in any browser without a network", path,
                  (text.length + 1023) / 1024);
    }
    text_fini(&text);
    free(page);
    return code;
}

static int no_scenario(const struct store *store, const char *name) {
    if (name)
        fprintf(stderr, "headroom: %s: no run of a scenario \"%s\" has ended\n", store->path, name);
    else
        fprintf(stderr, "headroom: %s: no run of a scenario has ended\n", store->path);
    return EXIT_NO_INPUT;
}

static int answer(struct store *store, const struct options *options, struct arena *arena) {
    struct report report;
    const char *name = options->arguments_count > 1 ? options->arguments[1] : NULL;
    enum store_found found = report_begin(&report, store, name, arena);
    if (found == STORE_MISSING)
        return no_scenario(store, name);
    if (found == STORE_FAILED || !report_compose(&report, store) ||
        !report_worlds(&report, store) || !report_compose_inputs(&report, store)) {
        fprintf(stderr, "headroom: %s\n", store->error);
        return EXIT_IO;
    }
    if (!options->is_json)
        return write_page(&report, options);
    print_as_json(&report);
    return EXIT_HOLDS;
}

static int run(const struct options *options) {
    struct store store;
    if (!store_open(&store, options->arguments[0], STORE_READ)) {
        fprintf(stderr, "headroom: %s\n", store.error);
        return EXIT_NO_INPUT;
    }
    struct arena arena;
    arena_init(&arena);
    int code = answer(&store, options, &arena);
    arena_fini(&arena);
    store_close(&store);
    return code;
}

const struct command command_report = {
    .name = "report",
    .arguments = "DB [NAME]",
    .summary = "one HTML file: verdict, charts with their numbers, every assumption",
    .doc =
        "Reads the store and runs nothing. NAME is a scenario's; by default the one whose ceiling "
        "(or "
        "run) is the newest. The file (--out, default " OUT_DEFAULT ")\n"
        "opens without a network. A part that DB has nothing for says which command fills it:\n\n"
        "  headroom ceiling scenarios/lobby.json --curve\n"
        "  headroom run scenarios/lobby.json\n"
        "  headroom sweep run scenarios/studies/room-caps.json\n"
        "  headroom report headroom.db --out lobby.html\n\n"
        "--json prints the parts, with their rows and Vega-Lite charts, instead.",
    .takes = "oJq",
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run,
};
