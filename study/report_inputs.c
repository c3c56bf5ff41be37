/* What the answers rest on: every field of the scenario and every cost, each with where it comes
 * from. */
#include "models/spec/inputs.h"
#include "models/spec/profile.h"
#include "sim/base/check.h"
#include "study/report_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static void add_scenario(struct report *report, const struct report_subject *subject) {
    struct report_part *part = report_add(report, "scenario", "Assumptions: the scenario");
    if (!subject->is_read) {
        part->missing = "The scenario's text in this file is not one that this program reads.";
        return;
    }
    struct report_table *table = &part->table;
    struct spec_input *inputs;
    int32_t count, written = 0;
    spec_list_inputs(&subject->spec, report->arena, &inputs, &count);
    report_add_column(table, "field", "field", "", false);
    report_add_column(table, "value", "value", "", false);
    report_add_column(table, "source", "source", "", false);
    report_add_column(table, "doc", "what it is", "", false);
    for (int32_t i = 0; i < count; i++) {
        written += !inputs[i].is_default;
        REPORT_ADD_ROW(table, report_words(inputs[i].path), report_words(inputs[i].value),
                       report_words(inputs[i].is_default ? "default" : "the scenario"),
                       report_words(inputs[i].doc));
    }
    part->says =
        arena_new_format(report->arena,
                         "%d of %d fields were set by whoever wrote the scenario; the others "
                         "stand at their defaults, and a default is an assumption too.",
                         (int)written, (int)count);
    part->command = arena_new_format(report->arena, "headroom db scenario %016" PRIx64 " --db %s",
                                     subject->scenario_hash,
                                     report_shell_word(report->arena, subject->store->path));
}

static void add_costs(struct report_table *table, const struct profile *profile,
                      int32_t by_source[3]) {
    report_add_column(table, "cost", "cost", "", false);
    report_add_column(table, "value", "value", "", true);
    report_add_column(table, "error", "standard error", "", true);
    report_add_column(table, "unit", "unit", "", false);
    report_add_column(table, "source", "source", "", false);
    report_add_column(table, "doc", "what it is", "", false);
    for (int i = 0; i < COST_COUNT; i++) {
        const struct profile_entry *entry = &profile->costs[i];
        const char *doc = profile_cost_doc((enum cost)i);
        by_source[entry->source]++;
        REPORT_ADD_ROW(
            table, report_words(profile_cost_name((enum cost)i)), report_number(entry->value),
            report_number(entry->standard_error), report_words(profile_cost_unit((enum cost)i)),
            report_words(profile_source_name(entry->source)),
            report_words(*entry->note ? arena_new_format(table->arena, "%s (%s)", doc, entry->note)
                                      : doc));
    }
}

static bool read_profile(struct profile *profile, const struct store_text *text,
                         struct arena *arena) {
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    diag_init(diag);
    bool is_read = profile_parse(profile, text->text, "the store", arena, diag);
    diag_fini(diag);
    free(diag);
    return is_read;
}

static bool add_profile(struct report *report, const struct report_subject *subject) {
    struct report_part *part = report_add(report, "costs", "Assumptions: what things cost");
    const struct store_run *run = subject->ceiling.id ? &subject->ceiling : &subject->run;
    struct store_text text;
    enum store_found found =
        run->id == 0 ? STORE_MISSING
                     : store_profile_text(subject->store, run->profile_hash, report->arena, &text);
    struct profile *profile = ARENA_NEW(report->arena, 1, struct profile);
    if (found != STORE_FOUND || !read_profile(profile, &text, report->arena)) {
        part->missing = found == STORE_FOUND
                            ? "The profile in this file is not one that this program reads."
                            : "Nothing was simulated in this file, so no costs were used.";
        return found != STORE_FAILED;
    }
    int32_t by_source[3] = {0};
    add_costs(&part->table, profile, by_source);
    part->says = arena_new_format(
        report->arena, "Profile %s, made %s: %d costs measured, %d published, %d assumed.",
        profile->name, profile->made_at, (int)by_source[PROFILE_MEASURED],
        (int)by_source[PROFILE_PUBLISHED], (int)by_source[PROFILE_ASSUMED]);
    part->command =
        arena_new_format(report->arena, "headroom db profile %016" PRIx64 " --db %s",
                         run->profile_hash, report_shell_word(report->arena, subject->store->path));
    return true;
}

bool report_part_inputs(struct report *report, const struct report_subject *subject) {
    add_scenario(report, subject);
    return add_profile(report, subject);
}
