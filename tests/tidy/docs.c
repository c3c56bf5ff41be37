/* headroom-docs: the reference in docs/reference, written from the rows or compared with them.
 *
 *   headroom-docs FOLDER           writes every page
 *   headroom-docs --check FOLDER   says which pages are out of date; exit code 1 when one is
 *
 * It stands with the tests because the pages are kept true by one. */
#include "models/spec/profile.h"
#include "models/spec/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_OUT_OF_DATE = 1, EXIT_USAGE = 64, EXIT_IO = 74 };

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

int main(int count, char **arguments) {
    bool is_check = count == 3 && strcmp(arguments[1], "--check") == 0;
    if (count != 2 && !is_check) {
        fprintf(stderr, "usage: headroom-docs [--check] FOLDER\n");
        return EXIT_USAGE;
    }
    int worst = EXIT_SUCCESS;
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        int code = do_page(&pages[i], arguments[count - 1], is_check);
        worst = code > worst ? code : worst;
    }
    return worst;
}
