/* The reference pages in Markdown, from the rows: a page that is written by hand is wrong by the
 * second field. */
#include "models/spec/profile.h"
#include "models/spec/table.h"
#include "models/spec/value.h"

#include <string.h>

/* What a type is called in a table cell, and how one writes it. */
static const struct {
    const char *word, *written;
} types[TABLE_TYPES_COUNT] = {
    [TABLE_COUNT] = {"count", "a whole number: `4000`"},
    [TABLE_COUNT_OR_AUTO] = {"count or auto", "a whole number, or `\"auto\"`"},
    [TABLE_COUNT_OR_UNLIMITED] = {"count or unlimited", "a whole number, or `\"unlimited\"`"},
    [TABLE_BYTES] = {"bytes", "a number with a unit: `\"64KiB\"`"},
    [TABLE_BYTES_OR_UNLIMITED] = {"bytes or unlimited", "as bytes, or `\"unlimited\"`"},
    [TABLE_TIME] = {"time", "a number with a unit: `\"10ms\"`, `\"1h30min\"`"},
    [TABLE_TIME_OR_AUTO] = {"time or auto", "as time, or `\"auto\"`"},
    [TABLE_TIME_OR_NEVER] = {"time or never", "as time, or `\"never\"`"},
    [TABLE_BITRATE_OR_UNLIMITED] =
        {"bit rate or unlimited",
         "a number with a unit: `\"1Mbit/s\"`, `\"200kB/s\"`, or `\"unlimited\"`"},
    [TABLE_SHARE] = {"share", "a number from 0 to 1: `0.99`"},
    [TABLE_PRICE] = {"price", "a number: `0.17`"},
    [TABLE_SEED] = {"seed", "a whole number below 2^64, in quotes or not; all digits count"},
    [TABLE_NAME] = {"name", "1 to 64 letters, digits, `_`, `-` or `.`, in quotes"},
    [TABLE_TEXT] = {"text", "anything in quotes"},
    [TABLE_NAMES] = {"names", "a list of names: `[\"players\", \"bad_wifi\"]`"},
    [TABLE_SIZES] = {"sizes", "a distribution, see below"},
    [TABLE_LENGTHS] = {"lengths",
                       "a distribution, see below; its values may have a unit: `\"2KiB\"`"},
    [TABLE_DELAYS] = {"delays",
                      "a time, `\"200us\"`, or a distribution of times, see below; no zipf"},
    [TABLE_PACE] = {"pace", "how often, see below"},
    [TABLE_VALUE] = {"value", "a number, or text: `3`, `\"10ms\"`, `\"2/s per room\"`"},
    [TABLE_VALUES] = {"values", "a list of anything that a field may hold: `[10, 100]`, "
                                "`[\"64KiB\", \"unlimited\"]`"},
    [TABLE_TEXTS] = {"texts", "text in quotes, or a list of them"},
    [TABLE_SEEDS] = {"seeds", "a list of seeds: `[1, 2, 3]`"},
};

/* A cell ends at a bar and a row at a newline. */
static void add_cell(struct text *out, const char *content) {
    text_add(out, " ");
    for (const char *at = content; *at;) {
        size_t plain = strcspn(at, "|\n");
        text_add_n(out, at, plain);
        at += plain;
        if (*at)
            text_add(out, *at++ == '|' ? "\\|" : " ");
    }
    text_add(out, " |");
}

static void add_code_cell(struct text *out, const char *content) {
    text_add(out, content[0] ? " `" : " ");
    text_add(out, content);
    text_add(out, content[0] ? "` |" : "|");
}

static void add_type_cell(const struct table_row *row, struct text *out) {
    struct text cell;
    text_init(&cell);
    switch (row->kind) {
    case TABLE_FIELD:
        text_add(&cell, types[row->type].word);
        break;
    case TABLE_CHOICE:
        text_addf(&cell, "a word of [%s](#words-of-%s)", row->choices->tag, row->choices->tag);
        break;
    case TABLE_OBJECT:
        text_addf(&cell, "[%s](#%s)", row->table->title, row->table->tag);
        break;
    case TABLE_OPTIONAL:
        text_addf(&cell, "[%s](#%s), or nothing", row->table->title, row->table->tag);
        break;
    case TABLE_MAP:
        text_addf(&cell, "named entries, at most %d, each [%s](#%s)", row->entries_max,
                  row->table->title, row->table->tag);
        break;
    }
    add_cell(out, text_bytes(&cell));
    text_fini(&cell);
}

static void add_default_cell(const struct table_row *row, struct text *out) {
    if (!row->standard)
        add_cell(out, "**required**");
    else if (row->standard[0])
        add_code_cell(out, row->standard);
    else
        add_cell(out, "empty");
}

static void add_range_cell(const struct table_row *row, struct text *out) {
    if (!row->lowest[0]) {
        text_add(out, " |");
        return;
    }
    if (strcmp(row->lowest, row->highest) == 0)
        text_addf(out, " %s |", row->lowest);
    else
        text_addf(out, " %s to %s |", row->lowest, row->highest);
}

static void add_row(const struct table_row *row, bool has_worlds, struct text *out) {
    static const char *const audience[] = {[SPEC_BOTH] = "both",
                                           [SPEC_SIM] = "simulator",
                                           [SPEC_REAL] = "real pair",
                                           [SPEC_PLAN] = "plan, gate"};
    bool is_value = row->kind == TABLE_FIELD || row->kind == TABLE_CHOICE;
    text_add(out, "|");
    add_code_cell(out, table_key(row));
    add_type_cell(row, out);
    if (is_value) {
        add_cell(out, row->unit);
        add_default_cell(row, out);
        add_range_cell(row, out);
    } else {
        text_add(out, " | | |");
    }
    if (has_worlds && is_value)
        add_cell(out, audience[row->used_by]);
    else if (has_worlds)
        text_add(out, " |");
    add_cell(out, row->doc);
    text_add(out, "\n");
}

/* `has_worlds`: a column says which world honours a field. */
static void add_table(const struct table *table, bool has_worlds, struct text *out) {
    text_addf(out, "<a id=\"%s\"></a>\n\n## %c%s\n\n", table->tag, table->title[0] - 'a' + 'A',
              table->title + 1);
    text_addf(
        out,
        "| field | type | unit | default | range |%s what it is |\n|---|---|---|---|---|%s---|"
        "\n",
        has_worlds ? " used by |" : "", has_worlds ? "---|" : "");
    for (int32_t i = 0; i < table->count; i++)
        add_row(&table->rows[i], has_worlds, out);
    text_add(out, "\n");
}

/* A language: the tables that one page describes. */
struct language {
    const struct table *const *tables;
    int32_t count;
    bool has_worlds; /* a scenario's: some fields are of one world only */
};

static bool has_type(const struct language *language, enum table_type type) {
    for (int32_t t = 0; t < language->count; t++)
        for (int32_t i = 0; i < language->tables[t]->count; i++) {
            const struct table_row *row = &language->tables[t]->rows[i];
            if (row->kind == TABLE_FIELD && row->type == type)
                return true;
        }
    return false;
}

static bool has_choices(const struct language *language, const struct table_choices *choices) {
    for (int32_t t = 0; t < language->count; t++)
        for (int32_t i = 0; i < language->tables[t]->count; i++)
            if (language->tables[t]->rows[i].choices == choices)
                return true;
    return false;
}

static void add_types(const struct language *language, struct text *out) {
    text_add(out,
             "## Types\n\nA quantity has its unit written out; a bare number where a unit could be "
             "meant is an error.\n\n| type | written as |\n|---|---|\n");
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (has_type(language, (enum table_type)i))
            text_addf(out, "| %s | %s |\n", types[i].word, types[i].written);
}

static void add_drawn_types(struct text *out) {
    text_add(
        out,
        "\nA **distribution** is drawn from, rounded to whole numbers and kept within `lowest` and "
        "`highest` (unless given, the range of the field):\n\n"
        "| distribution | means |\n|---|---|\n"
        "| `{\"constant\": 100}` | always this |\n"
        "| `{\"log_normal\": {\"mean\": 150, \"sigma\": 1.2}}` | `mean` is the mean itself, "
        "`sigma` the "
        "standard deviation of the logarithm |\n"
        "| `{\"zipf\": {\"exponent\": 1.1, \"lowest\": 2, \"highest\": 10000}}` | value v has the "
        "weight "
        "v^-exponent |\n"
        "| `{\"empirical\": [[100, 3], [2000, 1]]}` | pairs of value and weight |\n\n"
        "A **pace** is `constant` (equally spaced) or `poisson`, at a rate per room, per user or "
        "in all: "
        "`{\"poisson\": \"2/s per room\"}`, `{\"constant\": \"90/min per user\"}`, "
        "`{\"poisson\": \"2000/s in all\"}`. A list of stages is run through one after the other, "
        "the "
        "last one for ever: `{\"poisson\": [{\"for\": \"10s\", \"rate\": \"1/s per room\"}, "
        "{\"rate\": \"5/s per room\"}]}`. Or they are replayed from a file beside this one: "
        "`{\"poisson\": {\"csv\": \"day.csv\", \"scope\": \"in all\"}}`, with the header "
        "`time_s,rate_per_s` and lines such as `60,135.5`: a rate holds from its line's time to "
        "the "
        "next line's, the last one for ever, and times count from the first line's. 2,000 lines, "
        "or "
        "stages, at most.\n\n");
}

static void add_choices(const struct table_choices *choices, struct text *out) {
    text_addf(out,
              "<a id=\"words-of-%s\"></a>\n\n## Words of `%s`\n\n| word | means |\n|---|---|\n",
              choices->tag, choices->tag);
    for (int32_t i = 0; i < choices->count; i++) {
        text_add(out, "|");
        add_code_cell(out, choices->items[i].word);
        add_cell(out, choices->items[i].doc);
        text_add(out, "\n");
    }
    text_add(out, "\n");
}

static void add_all_choices(const struct language *language, struct text *out) {
    static const char *const choice_tags[] = {
#define CHOICES(tag) #tag,
#define ITEM(tag, enumerator, word, doc)
#define CHOICES_END(tag)
#include "models/spec/rows/choices.def"
#undef CHOICES
#undef ITEM
#undef CHOICES_END
    };
    for (size_t i = 0; i < COUNT_OF(choice_tags); i++)
        if (has_choices(language, table_choices_of(choice_tags[i])))
            add_choices(table_choices_of(choice_tags[i]), out);
}

static void add_language(const struct language *language, struct text *out) {
    for (int32_t i = language->count - 1; i >= 0; i--)
        add_table(language->tables[i], language->has_worlds, out);
    add_all_choices(language, out);
    add_types(language, out);
}

void spec_write_study_reference(struct text *out) {
    const struct language study = {table_study_all, table_study_all_count, false};
    text_add(out, "# The study file\n\n"
                  "Written from `models/spec/rows/` by `headroom-docs`; not to be edited.\n\n"
                  "What `headroom sweep` reads: a scenario and what varies in it. JSON with `//` "
                  "and block comments, read like a scenario: all mistakes at once, each with its "
                  "place (`study.schema.json` lies beside this page for editors). How to use it: "
                  "docs/sweeps.md.\n\n");
    add_language(&study, out);
}

void spec_write_reference(struct text *out) {
    const struct language scenario = {table_all, table_all_count, true};
    text_add(out, "# The scenario language\n\n"
                  "Written from `models/spec/rows/` by `headroom-docs`; not to be edited.\n\n"
                  "A scenario is a JSON file, with `//` and block comments. Unknown keys, keys "
                  "given twice and values "
                  "out of range are errors, all reported at once with their places. `\"$schema\"` "
                  "at the top is for "
                  "editors (`scenario.schema.json` lies beside this page).\n\n"
                  "`\"extends\": \"other.json\"` starts from another scenario, whose path counts "
                  "from this file's folder; "
                  "what is written here goes before it, and `null` takes an entry away. `--set "
                  "path=value` on the command "
                  "line goes before both: `--set nodes.gateway.workers=2`. Precedence: default, "
                  "`extends`, file, "
                  "`--set`.\n\n"
                  "*Used by*: both worlds honour the field; or the simulator alone, and the real "
                  "pair refuses a scenario "
                  "that sets it; or the real pair alone (ports and pinning); or `plan` and `gate`, "
                  "and no run knows of it.\n\n");
    add_language(&scenario, out);
    add_drawn_types(out);
}

static void add_assumed_cell(const struct profile_entry *entry, struct text *out) {
    struct text cell;
    text_init(&cell);
    if (entry)
        text_addf(&cell, "%g, %s: %s", entry->value, profile_source_name(entry->source),
                  entry->note);
    add_cell(out, text_bytes(&cell));
    text_fini(&cell);
}

void profile_write_reference(struct text *out) {
    text_add(
        out,
        "# A profile\n\n"
        "Written from `models/spec/rows/cost.def` by `headroom-docs`; not to be edited.\n\n"
        "A profile says what things cost on one machine, how sure we are, and where each figure "
        "came from. "
        "`headroom calibrate` writes it and the simulator reads it; nobody types it in. The file "
        "is JSON:\n\n"
        "| key | holds |\n|---|---|\n"
        "| `schema_version` | 1 |\n"
        "| `name`, `made_at`, `mode` | what it is called, when it was made (UTC), how thoroughly "
        "|\n"
        "| `machine`, `pinned` | texts by name: what the machine is, and what was held fixed on it "
        "|\n"
        "| `yardsticks` | by name: `value` (of `send` the lower quartile, else the median), "
        "`spread` ((p95 - p5) / 2 as a share of it), "
        "`unit` |\n"
        "| `costs` | every row of the table below (those that are assumed or published there may "
        "be "
        "left out): `value`, `stderr`, `unit`, `source` "
        "(`measured`, `published` "
        "or `assumed`), `note`, and where known `elasticity` with its `elasticity_stderr`: it goes "
        "with the yardstick `send` to this power |\n"
        "| `correlation` | `[[\"write\", \"byte\", -0.3], ...]`; pairs not listed are uncorrelated "
        "|\n"
        "| `fit` | `windows`, `blocks`, `condition_number`, `lack_of_fit_p`, "
        "`cpu_accounted_share`, `turn_error` (half of the 95 % interval of a typical turn), as far "
        "as "
        "known |\n\n"
        "A replication draws its costs from the normal distribution with these values, errors and "
        "correlations, and clamps each to its range. Correlations that no distribution has are "
        "shrunk "
        "towards zero until one has them.\n\n"
        "## Costs\n\nOf the gateway's worker, unless the name begins with `load` or with the "
        "system whose they are.\n\n"
        "| cost | unit | range | what it is | unless the profile has its own |\n"
        "|---|---|---|---|---|\n");
    for (int32_t i = 0; i < COST_COUNT; i++) {
        enum cost cost = (enum cost)i;
        text_add(out, "|");
        add_code_cell(out, profile_cost_name(cost));
        text_addf(out, " %s | %g to %g |", profile_cost_unit(cost), profile_cost_lowest(cost),
                  profile_cost_highest(cost));
        add_cell(out, profile_cost_doc(cost));
        add_assumed_cell(profile_assumed(cost), out);
        text_add(out, "\n");
    }
}
