/* PACE: {"poisson": "2/s per room"}, or a list of stages, the last one for ever.
 *
 * One scope ("per room", "per user", "in all") for all stages: a rate that changes what it counts
 * would be two traffics. What a CSV file replays becomes stages as well, and is written as such: so
 * the file's content is in a run's address, and nobody below knows of files. */
#include "models/spec/value.h"

#include "models/spec/replayed.h"

#include "sim/base/check.h"

#include <string.h>

static const char *const kind_names[] = {
    [SPEC_PACE_CONSTANT] = "constant", [SPEC_PACE_POISSON] = "poisson"};
static const char *const scope_names[] = {
    [SPEC_PER_ROOM] = "per room", [SPEC_PER_USER] = "per user", [SPEC_IN_ALL] = "in all"};

static const char example[] = "\"2/s per room\", \"2/s per user\" or \"2/s in all\"";

static bool scope_of(const char *words, enum spec_pace_per *scope) {
    for (size_t i = 0; i < COUNT_OF(scope_names); i++) {
        if (strcmp(words, scope_names[i]) == 0) {
            *scope = (enum spec_pace_per)i;
            return true;
        }
    }
    return false;
}

static bool scope_error(struct reading *reading, const struct json *json, const char *words) {
    if (*words == '\0') {
        reading_error(reading, json, "%s does not say of what; expected %s",
                      reading_found(json).text, example);
        return false;
    }
    const char *nearest = text_nearest(words, scope_names, COUNT_OF(scope_names));
    if (nearest)
        reading_error(reading, json, "%s after the rate is not a scope; did you mean \"%s\"?",
                      reading_quoted(words).text, nearest);
    else
        reading_error(reading, json,
                      "%s after the rate is not a scope; expected per room, per user or in all",
                      reading_quoted(words).text);
    return false;
}

static bool rate_parse(struct reading *reading, const struct table_row *row,
                       const struct json *json, struct spec_stage *stage,
                       enum spec_pace_per *scope) {
    struct units_result result;
    if (json->kind == JSON_NUMBER) {
        reading_error(reading, json, "%s has no unit; expected %s", reading_found(json).text,
                      example);
        return false;
    }
    if (json->kind != JSON_STRING || !units_parse(UNITS_RATE, json->text, &result)) {
        reading_error(reading, json, "%s is not a rate; expected %s; the units are %s",
                      reading_found(json).text, example, units_names(UNITS_RATE));
        return false;
    }
    if (!scope_of(result.rest, scope))
        return scope_error(reading, json, result.rest);
    if (!replayed_is_inside(row, result.value)) {
        reading_error(reading, json, "%s is out of range; expected %s to %s",
                      reading_found(json).text, row->lowest, row->highest);
        return false;
    }
    stage->rate_per_s = result.value;
    return true;
}

/* "for" of a stage is a TIME like any other: the row that no rows/ file has. */
static bool for_parse(struct reading *reading, const struct json *json, base_ns *for_ns) {
    static const struct table_row row = {.kind = TABLE_FIELD,
                                         .type = TABLE_TIME,
                                         .name = "for",
                                         .lowest = replayed_for_lowest,
                                         .highest = replayed_for_highest};
    int32_t path = reading_enter(reading, "for");
    bool is_good = value_parse(reading, &row, json, for_ns);
    reading_leave(reading, path);
    return is_good;
}

static bool unknown_members(struct reading *reading, const struct json *json,
                            const char *const names[2]) {
    bool is_any = false;
    for (const struct json *member = json->first; member; member = member->next) {
        if (strcmp(member->key, names[0]) == 0 || strcmp(member->key, names[1]) == 0)
            continue;
        reading_error_at_key(reading, member, "%s is not a field here%s",
                             reading_quoted(member->key).text,
                             reading_hint(member->key, names, 2, "expected ").text);
        is_any = true;
    }
    return is_any;
}

static bool stage_parse(struct reading *reading, const struct table_row *row,
                        const struct json *json, struct spec_stage *stage,
                        enum spec_pace_per *scope) {
    static const char *const names[] = {"for", "rate"};
    if (json->kind != JSON_OBJECT) {
        reading_error(reading, json,
                      "%s is not a stage; expected {\"for\": \"10s\", \"rate\": \"2/s per room\"}",
                      reading_found(json).text);
        return false;
    }
    const struct json *rate = json_member(json, "rate"), *length = json_member(json, "for");
    bool is_good = !unknown_members(reading, json, names), is_last = json->next == NULL;
    if (!rate) {
        reading_error(reading, json, "\"rate\" is missing; expected %s", example);
        is_good = false;
    } else {
        int32_t path = reading_enter(reading, "rate");
        is_good &= rate_parse(reading, row, rate, stage, scope);
        reading_leave(reading, path);
    }
    stage->for_ns = BASE_NS_MAX;
    if (length && is_last) {
        reading_error_at_key(reading, length,
                             "the last stage lasts for ever; leave \"for\" out, or "
                             "add a stage after it");
        return false;
    }
    if (!length && !is_last) {
        reading_error(reading, json, "\"for\" is missing; only the last stage lasts for ever");
        return false;
    }
    return (!length || for_parse(reading, length, &stage->for_ns)) && is_good;
}

static bool stages_parse(struct reading *reading, const struct table_row *row,
                         const struct json *json, struct spec_pace *pace) {
    if (json->count < 1 || json->count > REPLAYED_STAGES_MAX) {
        reading_error(reading, json, "a list of %d stages; expected 1 to %d", json->count,
                      REPLAYED_STAGES_MAX);
        return false;
    }
    pace->stages = ARENA_NEW(reading->arena, (size_t)json->count, struct spec_stage);
    bool is_good = true;
    for (const struct json *item = json->first; item; item = item->next) {
        enum spec_pace_per scope = SPEC_PER_ROOM;
        int32_t path = reading_enter_index(reading, pace->stages_count);
        bool is_stage = stage_parse(reading, row, item, &pace->stages[pace->stages_count], &scope);
        if (pace->stages_count == 0)
            pace->per = scope;
        if (is_good && is_stage && scope != pace->per) {
            reading_error(reading, item, "a rate %s after one %s; all stages need one scope",
                          scope_names[scope], scope_names[pace->per]);
            is_stage = false;
        }
        is_good &= is_stage;
        pace->stages_count++;
        reading_leave(reading, path);
    }
    return is_good;
}

/* {"csv": "day.csv", "scope": "in all"} */
static bool replayed_parse(struct reading *reading, const struct table_row *row,
                           const struct json *json, struct spec_pace *pace) {
    static const char *const names[] = {"csv", "scope"};
    const struct json *csv = json_member(json, "csv"), *scope = json_member(json, "scope");
    bool is_good = !unknown_members(reading, json, names);
    if (!csv || !scope) {
        reading_error(reading, json,
                      "\"%s\" is missing; expected {\"csv\": \"rates.csv\", \"scope\": \"in all\"}",
                      names[csv != NULL]);
        return false;
    }
    int32_t path = reading_enter(reading, "scope");
    if (scope->kind != JSON_STRING || !scope_of(scope->text, &pace->per)) {
        reading_error(reading, scope, "%s is not a scope; expected per room, per user or in all",
                      reading_found(scope).text);
        is_good = false;
    }
    reading_leave(reading, path);
    path = reading_enter(reading, "csv");
    is_good &= replayed_read(reading, row, csv, pace);
    reading_leave(reading, path);
    return is_good;
}

static bool body_parse(struct reading *reading, const struct table_row *row,
                       const struct json *json, struct spec_pace *pace) {
    if (json->kind == JSON_ARRAY)
        return stages_parse(reading, row, json, pace);
    if (json->kind == JSON_OBJECT)
        return replayed_parse(reading, row, json, pace);
    pace->stages = ARENA_NEW(reading->arena, 1, struct spec_stage);
    pace->stages_count = 1;
    pace->stages[0].for_ns = BASE_NS_MAX;
    return rate_parse(reading, row, json, &pace->stages[0], &pace->per);
}

static bool kind_of(struct reading *reading, const struct json *member, struct spec_pace *pace) {
    for (size_t i = 0; i < COUNT_OF(kind_names); i++) {
        if (strcmp(member->key, kind_names[i]) == 0) {
            pace->kind = (enum spec_pace_kind)i;
            return true;
        }
    }
    reading_error_at_key(
        reading, member, "%s is not a kind of pace%s", reading_quoted(member->key).text,
        reading_hint(member->key, kind_names, COUNT_OF(kind_names), "expected ").text);
    return false;
}

static bool pace_parse(struct reading *reading, const struct table_row *row,
                       const struct json *json, void *out) {
    if (json->kind != JSON_OBJECT || json->count != 1) {
        reading_error(reading, json,
                      "%s is not a pace; expected {\"poisson\": \"2/s per room\"} or "
                      "{\"constant\": ...}",
                      json->kind != JSON_OBJECT ? reading_found(json).text
                      : json->count == 0        ? "an empty object"
                                                : "an object of several kinds");
        return false;
    }
    struct spec_pace pace = {0};
    if (!kind_of(reading, json->first, &pace))
        return false;
    int32_t path = reading_enter(reading, json->first->key);
    bool is_good = body_parse(reading, row, json->first, &pace);
    reading_leave(reading, path);
    if (is_good)
        memcpy(out, &pace, sizeof pace);
    return is_good;
}

static void rate_write(const struct spec_pace *pace, int32_t index, struct text *out) {
    text_add(out, "\"");
    value_write_quantity(UNITS_RATE, pace->stages[index].rate_per_s, out);
    text_addf(out, " %s\"", scope_names[pace->per]);
}

static void stages_write(const struct spec_pace *pace, struct text *out) {
    text_add(out, "[");
    for (int32_t i = 0; i < pace->stages_count; i++) {
        text_add(out, i ? ", {" : "{");
        if (pace->stages[i].for_ns != BASE_NS_MAX) {
            text_add(out, "\"for\": \"");
            value_write_quantity(UNITS_TIME, (double)pace->stages[i].for_ns, out);
            text_add(out, "\", ");
        }
        text_add(out, "\"rate\": ");
        rate_write(pace, i, out);
        text_add(out, "}");
    }
    text_add(out, "]");
}

static void pace_write(const struct table_row *row, const void *value, struct text *out) {
    (void)row;
    struct spec_pace pace;
    memcpy(&pace, value, sizeof pace);
    text_addf(out, "{\"%s\": ", kind_names[pace.kind]);
    if (pace.stages_count == 1)
        rate_write(&pace, 0, out);
    else
        stages_write(&pace, out);
    text_add(out, "}");
}

static void pattern_schema(struct text *out, enum units_kind kind, const char *behind) {
    struct text pattern;
    text_init(&pattern);
    text_add(&pattern, "^");
    value_unit_pattern(kind, &pattern);
    text_addf(&pattern, "%s$", behind);
    text_add(out, "{\"type\": \"string\", \"pattern\": ");
    text_add_json_string(out, text_bytes(&pattern));
    text_add(out, "}");
    text_fini(&pattern);
}

static void rate_schema(struct text *out) {
    pattern_schema(out, UNITS_RATE, " +(per room|per user|in all)");
}

static void pace_schema(const struct table_row *row, struct text *out) {
    (void)row;
    text_add(out,
             "\"type\": \"object\", \"minProperties\": 1, \"maxProperties\": 1, "
             "\"additionalProperties\": false, \"patternProperties\": {\"^(constant|poisson)$\": "
             "{\"anyOf\": [");
    rate_schema(out);
    text_addf(out,
              ", {\"type\": \"array\", \"minItems\": 1, \"maxItems\": %d, \"items\": "
              "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"rate\"], "
              "\"properties\": {\"for\": ",
              REPLAYED_STAGES_MAX);
    pattern_schema(out, UNITS_TIME, "");
    text_add(out, ", \"rate\": ");
    rate_schema(out);
    text_add(out, "}}}, {\"type\": \"object\", \"additionalProperties\": false, \"required\": "
                  "[\"csv\", \"scope\"], \"properties\": {\"csv\": {\"type\": \"string\"}, "
                  "\"scope\": {\"enum\": [");
    for (size_t i = 0; i < COUNT_OF(scope_names); i++)
        text_addf(out, "%s\"%s\"", i ? ", " : "", scope_names[i]);
    text_add(out, "]}}}]}}");
}

static void pace_expected(const struct table_row *row, struct text *out) {
    text_addf(out, "a pace such as {\"poisson\": \"2/s per room\"}, %s to %s", row->lowest,
              row->highest);
}

const struct value_ops value_pace_ops = {pace_parse, pace_write, pace_schema, pace_expected};
