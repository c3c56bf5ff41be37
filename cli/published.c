/* Reads the built-in cases and has each figure worked out. */
#include "cli/published.h"

#include "cli/files.h"
#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const char published_cases[];         /* a JSON array of scenarios/published, built in */
extern const char costs_reference_profile[]; /* scenarios/profiles/reference.json, likewise */

double published_number(const cJSON *json, const char *key, double otherwise) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    CHECK(item == NULL || cJSON_IsNumber(item));
    return item ? item->valuedouble : otherwise;
}

static const char *text_of(struct published_table *table, const cJSON *json, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    CHECK(cJSON_IsString(item) && "a built-in case lacks a text");
    return arena_new_format(&table->arena, "%s", item->valuestring);
}

void published_add(struct published_table *table, struct published_case *to,
                   const struct published_row *row) {
    if (to->rows_count == to->rows_max) {
        int32_t max = to->rows_max * 2 + 16;
        struct published_row *rows = ARENA_NEW(&table->arena, (size_t)max, struct published_row);
        for (int32_t i = 0; i < to->rows_count; i++)
            rows[i] = to->rows[i];
        to->rows = rows;
        to->rows_max = max;
    }
    to->rows[to->rows_count++] = *row;
}

bool published_is_gated(const struct published_row *row) {
    return !isnan(row->within);
}

double published_error(const struct published_row *row) {
    return row->said / row->published - 1;
}

bool published_holds(const struct published_row *row) {
    static const double ROUNDING = 1e-9; /* of our own sums */
    double allowed = fmax(row->within * fabs(row->published), row->resolution / 2);
    return fabs(row->said - row->published) <= allowed + ROUNDING * fabs(row->published);
}

static bool is_asked_for(const char *name, const char *const *names, int32_t names_count) {
    for (int32_t i = 0; i < names_count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return names_count == 0;
}

static void add_case(struct published_table *table, const cJSON *json) {
    struct published_case *added = &table->cases[table->cases_count++];
    *added = (struct published_case){.name = text_of(table, json, "name"),
                                     .source = text_of(table, json, "source"),
                                     .about = text_of(table, json, "about")};
    const cJSON *figure;
    cJSON_ArrayForEach(figure, cJSON_GetObjectItemCaseSensitive(json, "figures"))
        published_work_out(table, added, json, figure);
}

static const char *first_unknown(const cJSON *cases, const char *const *names,
                                 int32_t names_count) {
    for (int32_t i = 0; i < names_count; i++) {
        bool is_known = false;
        const cJSON *json;
        cJSON_ArrayForEach(json, cases) {
            const cJSON *name = cJSON_GetObjectItemCaseSensitive(json, "name");
            is_known = is_known || strcmp(name->valuestring, names[i]) == 0;
        }
        if (!is_known)
            return names[i];
    }
    return NULL;
}

static void read_reference(struct published_table *table) {
    struct profile *profile = ARENA_NEW(&table->arena, 1, struct profile);
    int code =
        files_parse_profile(profile, costs_reference_profile, "reference profile", &table->arena);
    CHECK(code < 0);
    table->reference = profile_means(profile);
}

bool published_run(struct published_table *table, const char *const *names, int32_t names_count,
                   const char **unknown) {
    *table = (struct published_table){0};
    arena_init(&table->arena);
    cJSON *cases = cJSON_Parse(published_cases);
    CHECK(cJSON_IsArray(cases));
    *unknown = first_unknown(cases, names, names_count);
    if (*unknown == NULL) {
        read_reference(table);
        table->cases =
            ARENA_NEW(&table->arena, (size_t)cJSON_GetArraySize(cases), struct published_case);
        const cJSON *json;
        cJSON_ArrayForEach(
            json,
            cases) if (is_asked_for(cJSON_GetObjectItemCaseSensitive(json, "name")->valuestring,
                                    names, names_count)) add_case(table, json);
    }
    cJSON_Delete(cases);
    return *unknown == NULL;
}

void published_fini(struct published_table *table) {
    arena_fini(&table->arena);
}
