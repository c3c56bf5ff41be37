/* A report as one JSON object, written and read by the same tables of members: what one side knows
 * and the other does not cannot happen.
 *
 * Every member of a table must be there when it is read: a report with a figure missing is another
 * version's. Histograms are their portable image in base64. Integers stay below 2^53, but for the
 * seed, which is a string. */
#include "validation/load/report.h"

#include "sim/base/check.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum member_kind {
    MEMBER_INT32,
    MEMBER_INT64,
    MEMBER_DOUBLE,
    MEMBER_BOOL,
    MEMBER_SEED,
    MEMBER_HIST
};

struct member {
    const char *name;
    enum member_kind kind;
    size_t offset;
};

#define MEMBER(kind, type, name)                                                                   \
    { #name, MEMBER_##kind, offsetof(struct type, name) }

static const struct member report_members[] = {
    MEMBER(SEED, load_report, seed),
    MEMBER(SEED, load_report, replication),
    MEMBER(DOUBLE, load_report, scale),
    MEMBER(INT64, load_report, warm_up_ns),
    MEMBER(INT64, load_report, window_ns),
    MEMBER(INT64, load_report, within_ns),
    MEMBER(INT64, load_report, publishes_due),
    MEMBER(INT64, load_report, refused),
    MEMBER(INT64, load_report, longest_gap_ns),
    MEMBER(BOOL, load_report, is_quiet),
    MEMBER(INT64, load_report, server_errors),
    MEMBER(INT64, load_report, stale),
    MEMBER(INT64, load_report, step_ns),
    MEMBER(INT32, load_report, steps_count),
};

static const struct member population_members[] = {
    MEMBER(INT64, load_population, clients),
    MEMBER(INT64, load_population, sampled),
    MEMBER(INT64, load_population, parsed),
    MEMBER(INT64, load_population, due),
    MEMBER(INT64, load_population, lost),
    MEMBER(INT64, load_population, pending),
    MEMBER(INT64, load_population, withheld),
    MEMBER(INT64, load_population, due_sampled),
    MEMBER(INT64, load_population, in_time_sampled),
    MEMBER(INT64, load_population, arrived_sampled),
    MEMBER(INT64, load_population, bulk_due_bytes),
    MEMBER(INT64, load_population, bulk_bytes),
    MEMBER(DOUBLE, load_population, worst_client_p99_ms),
    MEMBER(HIST, load_population, latency),
};

static const struct member generator_members[] = {
    MEMBER(INT64, load_generator, processes),
    MEMBER(INT64, load_generator, rings),
    MEMBER(DOUBLE, load_generator, elapsed_s),
    MEMBER(DOUBLE, load_generator, busy_s),
    MEMBER(DOUBLE, load_generator, cpu_s),
    MEMBER(INT64, load_generator, publishes_sent),
    MEMBER(INT64, load_generator, publishes_unsent),
    MEMBER(INT64, load_generator, publishes_blocked),
    MEMBER(INT64, load_generator, sends),
    MEMBER(DOUBLE, load_generator, send_ns),
    MEMBER(INT64, load_generator, sent_bytes),
    MEMBER(HIST, load_generator, lateness),
    MEMBER(HIST, load_generator, sample_look),
    MEMBER(HIST, load_generator, bulk_sweep),
    MEMBER(HIST, load_generator, stolen),
};

static const struct member looks_members[] = {
    MEMBER(INT64, load_looks, found),     MEMBER(INT64, load_looks, empty),
    MEMBER(INT64, load_looks, bytes),     MEMBER(DOUBLE, load_looks, found_ns),
    MEMBER(DOUBLE, load_looks, empty_ns),
};

/* A step is written as one array of these. */
enum { STEP_NUMBERS = 6 };

/* --- base64 (RFC 4648, 4) --- */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void add_base64(struct text *out, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0U);
        char four[4] = {base64_digits[group >> 18], base64_digits[group >> 12 & 63],
                        left > 1 ? base64_digits[group >> 6 & 63] : '=',
                        left > 2 ? base64_digits[group & 63] : '='};
        text_add_n(out, four, sizeof four);
    }
}

/* Returns malloc'ed bytes, NULL when `digits` is not base64. */
static uint8_t *read_base64(const char *digits, size_t *length) {
    size_t count = strlen(digits);
    uint8_t *bytes = malloc(count / 4 * 3 + 1);
    CHECK(bytes);
    *length = 0;
    for (size_t i = 0; count % 4 == 0 && i < count; i += 4) {
        uint32_t group = 0;
        size_t padding = digits[i + 3] != '=' ? 0 : digits[i + 2] != '=' ? 1 : 2;
        if (padding > 0 && i + 4 != count)
            goto broken;
        for (size_t k = 0; k < 4; k++) {
            const char *digit =
                k < 4 - padding ? strchr(base64_digits, digits[i + k]) : base64_digits;
            if (!digit || !*digit)
                goto broken;
            group = group << 6 | (uint32_t)(digit - base64_digits);
        }
        for (size_t k = 0; k < 3 - padding; k++)
            bytes[(*length)++] = (uint8_t)(group >> (16 - 8 * k));
    }
    if (count % 4 == 0)
        return bytes;
broken:
    free(bytes);
    return NULL;
}

/* --- writing --- */

static void add_number(struct text *out, double value) {
    if (isfinite(value))
        text_addf(out, "%.17g", value);
    else
        text_add(out, "null");
}

static void add_hist(struct text *out, const struct hist *hist) {
    uint8_t *bytes;
    size_t length = hist_encode(hist, &bytes);
    text_add(out, "\"");
    add_base64(out, bytes, length);
    text_add(out, "\"");
    free(bytes);
}

static void add_member(struct text *out, const void *object, const struct member *member) {
    const void *at = (const char *)object + member->offset;
    text_addf(out, "\"%s\":", member->name);
    switch (member->kind) {
    case MEMBER_INT32:
        text_addf(out, "%" PRId32, *(const int32_t *)at);
        break;
    case MEMBER_INT64:
        text_addf(out, "%" PRId64, *(const int64_t *)at);
        break;
    case MEMBER_DOUBLE:
        add_number(out, *(const double *)at);
        break;
    case MEMBER_BOOL:
        text_add(out, *(const bool *)at ? "true" : "false");
        break;
    case MEMBER_SEED:
        text_addf(out, "\"%" PRIu64 "\"", *(const uint64_t *)at);
        break;
    case MEMBER_HIST:
        add_hist(out, at);
        break;
    }
}

static void add_members(struct text *out, const void *object, const struct member *members,
                        size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_add(out, ",");
        add_member(out, object, &members[i]);
    }
}

static void add_population(struct text *out, const struct load_population *population,
                           int32_t steps_count) {
    text_add(out, "{\"name\":");
    text_add_json_string(out, population->name);
    text_add(out, ",");
    add_members(out, population, population_members, COUNT_OF(population_members));
    text_add(out, ",\"steps\":[");
    for (int32_t s = 0; s < steps_count; s++) {
        const struct load_step *step = &population->steps[s];
        text_addf(out, "%s[%" PRId64 ",%" PRId64 ",%" PRId64 ",%.17g,%" PRId64 ",%.17g]",
                  s > 0 ? "," : "", step->due, step->in_time, step->arrived, step->delay_sum_ms,
                  step->standing, step->standing_delay_sum_ms);
    }
    text_add(out, "]}");
}

static void add_generator(struct text *out, const struct load_generator *generator) {
    text_add(out, ",\"generator\":{");
    add_members(out, generator, generator_members, COUNT_OF(generator_members));
    text_add(out, ",\"sample\":{");
    add_members(out, &generator->sample, looks_members, COUNT_OF(looks_members));
    text_add(out, "},\"bulk\":{");
    add_members(out, &generator->bulk, looks_members, COUNT_OF(looks_members));
    text_add(out, "}}");
}

static void add_derived(struct text *out, const struct load_report *report) {
    text_add(out, ",\"metrics\":{");
    const char *comma = "";
    for (int i = 0; i < OUTCOME_METRICS; i++) {
        if (isnan(report->metric[i]))
            continue;
        text_addf(out, "%s\"%s\":", comma, outcome_metric_name((enum outcome_metric)i));
        add_number(out, report->metric[i]);
        comma = ",";
    }
    text_add(out, "},\"delay_ms\":[");
    for (int32_t s = 0; s < report->series.count; s++) {
        if (s > 0)
            text_add(out, ",");
        add_number(out, report->series.delay_ms[s]);
    }
    text_add(out, "],\"latency\":");
    add_hist(out, &report->latency);
}

void load_report_write(const struct load_report *report, struct text *out) {
    text_addf(out, "{\"report_version\":%d,", LOAD_REPORT_VERSION);
    add_members(out, report, report_members, COUNT_OF(report_members));
    text_add(out, ",\"first_error\":");
    text_add_json_string(out, report->first_error);
    text_add(out, ",\"closes\":[");
    for (int32_t i = 0; i < report->closes_count; i++)
        text_addf(out, "%s[%" PRId32 ",%" PRId64 "]", i > 0 ? "," : "", report->closes[i].code,
                  report->closes[i].count);
    text_add(out, "],\"populations\":[");
    for (int32_t i = 0; i < report->populations_count; i++) {
        if (i > 0)
            text_add(out, ",");
        add_population(out, &report->populations[i], report->steps_count);
    }
    text_add(out, "]");
    add_generator(out, &report->generator);
    add_derived(out, report);
    text_add(out, "}");
}

/* --- reading --- */

/* A whole number that an int64 and a double hold alike. */
static bool read_int(const cJSON *json, int64_t *value) {
    if (!cJSON_IsNumber(json) || fabs(json->valuedouble) > 0x1p53 ||
        json->valuedouble != floor(json->valuedouble))
        return false;
    *value = (int64_t)json->valuedouble;
    return true;
}

static bool read_int32(const cJSON *json, int32_t *value) {
    int64_t wide;
    if (!read_int(json, &wide) || wide < INT32_MIN || wide > INT32_MAX)
        return false;
    *value = (int32_t)wide;
    return true;
}

static bool read_double(const cJSON *json, double *value) {
    *value = cJSON_IsNumber(json) ? json->valuedouble : NAN;
    return cJSON_IsNumber(json) || cJSON_IsNull(json);
}

static bool read_seed(const cJSON *json, uint64_t *value) {
    if (!cJSON_IsString(json) || !*json->valuestring ||
        strspn(json->valuestring, "0123456789") != strlen(json->valuestring))
        return false;
    *value = strtoull(json->valuestring, NULL, 10);
    return true;
}

static bool read_hist(const cJSON *json, struct hist *hist) {
    size_t length;
    uint8_t *bytes = cJSON_IsString(json) ? read_base64(json->valuestring, &length) : NULL;
    bool is_read = bytes && hist_decode(hist, bytes, length);
    free(bytes);
    return is_read;
}

static bool read_member(const cJSON *json, const struct member *member, void *at) {
    switch (member->kind) {
    case MEMBER_INT32:
        return read_int32(json, at);
    case MEMBER_INT64:
        return read_int(json, at);
    case MEMBER_DOUBLE:
        return read_double(json, at);
    case MEMBER_BOOL:
        *(bool *)at = cJSON_IsTrue(json);
        return cJSON_IsBool(json);
    case MEMBER_SEED:
        return read_seed(json, at);
    case MEMBER_HIST:
        return read_hist(json, at);
    }
    return false;
}

static bool read_members(const cJSON *json, void *object, const struct member *members,
                         size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!read_member(cJSON_GetObjectItemCaseSensitive(json, members[i].name), &members[i],
                         (char *)object + members[i].offset))
            return false;
    return true;
}

static bool read_step(const cJSON *json, struct load_step *step) {
    return cJSON_IsArray(json) && cJSON_GetArraySize(json) == STEP_NUMBERS &&
           read_int(cJSON_GetArrayItem(json, 0), &step->due) &&
           read_int(cJSON_GetArrayItem(json, 1), &step->in_time) &&
           read_int(cJSON_GetArrayItem(json, 2), &step->arrived) &&
           read_double(cJSON_GetArrayItem(json, 3), &step->delay_sum_ms) &&
           read_int(cJSON_GetArrayItem(json, 4), &step->standing) &&
           read_double(cJSON_GetArrayItem(json, 5), &step->standing_delay_sum_ms);
}

static bool read_population(const cJSON *json, struct load_report *report) {
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(json, "name");
    const cJSON *steps = cJSON_GetObjectItemCaseSensitive(json, "steps");
    if (!cJSON_IsString(name) || strlen(name->valuestring) >= LOAD_NAME_BYTES ||
        !cJSON_IsArray(steps) || cJSON_GetArraySize(steps) != report->steps_count ||
        report->populations_count == LOAD_POPULATIONS_MAX)
        return false;
    struct load_population *population = load_report_add_population(report, name->valuestring);
    int32_t s = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, steps) {
        if (!read_step(item, &population->steps[s++]))
            return false;
    }
    return read_members(json, population, population_members, COUNT_OF(population_members));
}

static bool read_closes(const cJSON *json, struct load_report *report) {
    const cJSON *item;
    cJSON_ArrayForEach(item, json) {
        int32_t code;
        int64_t count;
        if (!cJSON_IsArray(item) || !read_int32(cJSON_GetArrayItem(item, 0), &code) ||
            !read_int(cJSON_GetArrayItem(item, 1), &count))
            return false;
        load_report_add_close(report, code, count);
    }
    return cJSON_IsArray(json);
}

static bool read_generator(const cJSON *json, struct load_generator *generator) {
    return read_members(json, generator, generator_members, COUNT_OF(generator_members)) &&
           read_members(cJSON_GetObjectItemCaseSensitive(json, "sample"), &generator->sample,
                        looks_members, COUNT_OF(looks_members)) &&
           read_members(cJSON_GetObjectItemCaseSensitive(json, "bulk"), &generator->bulk,
                        looks_members, COUNT_OF(looks_members));
}

static bool read_report(const cJSON *json, struct load_report *report, const char **why) {
    int32_t version = 0;
    *why = "not a report of this version";
    if (!cJSON_IsObject(json) ||
        !read_int32(cJSON_GetObjectItemCaseSensitive(json, "report_version"), &version) ||
        version != LOAD_REPORT_VERSION)
        return false;
    *why = "a member of the report is missing or of the wrong kind";
    if (!read_members(json, report, report_members, COUNT_OF(report_members)) ||
        report->steps_count < 0 || report->steps_count > LOAD_STEPS_MAX)
        return false;
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(json, "first_error");
    if (!cJSON_IsString(error) || strlen(error->valuestring) >= LOAD_ERROR_BYTES)
        return false;
    strcpy(report->first_error, error->valuestring);
    *why = "the list of closes is not one";
    if (!read_closes(cJSON_GetObjectItemCaseSensitive(json, "closes"), report))
        return false;
    *why = "the generator's own figures are missing or of the wrong kind";
    if (!read_generator(cJSON_GetObjectItemCaseSensitive(json, "generator"), &report->generator))
        return false;
    *why = "a population is missing a member, or has steps that do not fit";
    const cJSON *populations = cJSON_GetObjectItemCaseSensitive(json, "populations"), *item;
    cJSON_ArrayForEach(item, populations) {
        if (!read_population(item, report))
            return false;
    }
    return cJSON_IsArray(populations);
}

bool load_report_parse(struct load_report *report, const char *json, const char **why) {
    cJSON *root = cJSON_Parse(json);
    bool is_read = read_report(root, report, why);
    cJSON_Delete(root);
    if (is_read)
        load_report_finish(report);
    return is_read;
}
