/* headroom-docs: what is written from tables, written or compared with them.
 *
 *   headroom-docs FOLDER           writes every page of docs/reference
 *   headroom-docs --check FOLDER   says which pages are out of date; exit code 1 when one is
 *   headroom-docs --share FOLDER   writes manual pages and completion into man/man1 and
 *                                  bash-completion/completions, which are there
 *
 * The pages are committed, for people who read; what is installed is made with each build. */
#include "cli/manual/manual.h"

#include "cli/commands.h"
#include "models/spec/profile.h"
#include "models/spec/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_OUT_OF_DATE = 1 };

struct row {
    const char *name, *unit, *doc;
};

static void write_rows(struct text *out, const char *heading, const struct row *rows,
                       size_t count) {
    text_addf(out, "| %s | unit | what it is |\n|---|---|---|\n", heading);
    for (size_t i = 0; i < count; i++)
        text_addf(out, "| `%s` | %s | %s |\n", rows[i].name, rows[i].unit, rows[i].doc);
}

static void write_metrics(struct text *out) {
    static const struct row rows[] = {
#define METRIC(name, unit, doc) {#name, unit, doc},
#include "models/workload/metrics.def"
#undef METRIC
    };
    text_add(out,
             "# Metrics\n\n"
             "Written from `models/workload/metrics.def` by `headroom-docs`; not to be edited.\n\n"
             "What a run reports, in either world. A figure that this world or this run does not "
             "have is left "
             "out. Latencies are per delivery and count from the instant at which the publish was "
             "intended.\n\n");
    write_rows(out, "metric", rows, COUNT_OF(rows));
}

static void write_turns(struct text *out) {
    static const struct row rows[] = {
#define COLUMN(name, unit, doc) {#name, unit, doc},
#include "models/workload/turn.def"
#undef COLUMN
    };
    text_add(out,
             "# Turns\n\n"
             "Written from `models/workload/turn.def` by `headroom-docs`; not to be edited.\n\n"
             "A record of the flight recorder (docs/models/flight-recorder.md), in either "
             "world: signed 64-bit integers, in this order.\n\n");
    write_rows(out, "column", rows, COUNT_OF(rows));
}

static const struct page {
    const char *file;
    void (*write)(struct text *out);
} pages[] = {
    {"scenario.schema.json", spec_write_schema},
    {"scenario.md", spec_write_reference},
    {"study.schema.json", spec_write_study_schema},
    {"study.md", spec_write_study_reference},
    {"profile.md", profile_write_reference},
    {"metrics.md", write_metrics},
    {"turns.md", write_turns},
#ifdef HEADROOM_HAS_VALIDATION /* without it, commands are missing that the page has */
    {"commands.md", manual_write_markdown},
#endif
};

static bool write_page(const char *path, const struct text *content) {
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    bool is_written = fwrite(content->bytes, 1, content->length, file) == content->length;
    return fclose(file) == 0 && is_written;
}

static bool is_same(const char *path, const struct text *content) {
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    bool same = true;
    for (size_t i = 0; same && i < content->length; i++)
        same = fgetc(file) == (unsigned char)content->bytes[i];
    same = same && fgetc(file) == EOF;
    (void)fclose(file);
    return same;
}

static int do_page(const struct page *page, const char *folder, bool is_check) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, page->file) >= (int)sizeof path)
        return EXIT_IO;
    struct text content;
    text_init(&content);
    page->write(&content);
    int code = EXIT_SUCCESS;
    if (is_check && !is_same(path, &content)) {
        fprintf(stderr, "%s is out of date; build the target `docs` and commit it\n", path);
        code = EXIT_OUT_OF_DATE;
    } else if (!is_check && !write_page(path, &content)) {
        perror(path);
        code = EXIT_IO;
    }
    text_fini(&content);
    return code;
}

static int do_pages(const char *folder, bool is_check) {
    int worst = EXIT_SUCCESS;
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        int code = do_page(&pages[i], folder, is_check);
        worst = code > worst ? code : worst;
    }
    return worst;
}

/* --- what is installed --- */

static int share_file(const char *folder, const char *name, const char *ending,
                      const struct text *content) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s%s", folder, name, ending) < (int)sizeof path &&
        write_page(path, content))
        return EXIT_SUCCESS;
    perror(path);
    return EXIT_IO;
}

static int share_manuals(const char *folder, const struct manual *manuals, int32_t count) {
    struct text page;
    text_init(&page);
    manual_write_roff_overview(&page);
    int code = share_file(folder, "man/man1/headroom", ".1", &page);
    for (int32_t i = 0; code == EXIT_SUCCESS && i < count; i++) {
        char name[64], path[80];
        manual_name(&manuals[i], name, sizeof name);
        snprintf(path, sizeof path, "man/man1/%s", name);
        text_clear(&page);
        manual_write_roff(&manuals[i], &page);
        code = share_file(folder, path, ".1", &page);
    }
    text_fini(&page);
    return code;
}

/* bash-completion looks for a file of the program's name. */
static int share_completion(const char *folder, const struct manual *programs, int32_t count) {
    struct text script;
    text_init(&script);
    completion_write_bash(&script);
    int code = share_file(folder, "bash-completion/completions/", "headroom", &script);
    for (int32_t i = 0; code == EXIT_SUCCESS && i < count; i++)
        code = share_file(folder, "bash-completion/completions/", programs[i].words, &script);
    text_fini(&script);
    return code;
}

static int share(const char *folder) {
    struct manual manuals[MANUALS_MAX];
    int32_t count = manual_all(manuals);
    int code = share_manuals(folder, manuals, count);
    if (code != EXIT_SUCCESS)
        return code;
    return share_completion(folder, manuals + commands_count, count - commands_count);
}

int main(int count, char **arguments) {
    bool is_check = count == 3 && strcmp(arguments[1], "--check") == 0;
    bool is_share = count == 3 && strcmp(arguments[1], "--share") == 0;
    if (count != 2 && !is_check && !is_share) {
        fprintf(stderr, "usage: headroom-docs [--check|--share] FOLDER\n");
        return EXIT_USAGE;
    }
    const char *folder = arguments[count - 1];
    return is_share ? share(folder) : do_pages(folder, is_check);
}
