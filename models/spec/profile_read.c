/* Reads a profile: every mistake in it, each with its place, and no figure that was not written
 * there.
 *
 * Each object of the file is a list of members with a reader each, so that unknown keys, missing
 * ones and the nearest right name are dealt with once. A profile is not made of the scenario's
 * tables: its entries are costs of another row kind, have no defaults, and a missing one must not
 * become a zero. */
#include "models/spec/profile.h"

#include "models/spec/json.h"
#include "models/spec/reading.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64 };
_Static_assert((int)COST_COUNT <= (int)NAMES_MAX, "a complaint may have to list every cost");

struct member {
    const char *key;
    void (*read)(struct reading *reading, const struct member *member, const struct json *json,
                 void *target);
    size_t offset; /* of what is read within the target */
    bool is_optional;
    double lowest, highest; /* of a number */
};

struct names {
    const char *items[NAMES_MAX];
    int32_t count;
};

static void *place_in(void *target, const struct member *member) {
    return (char *)target + member->offset;
}

/* "a", "b" and "c" */
static void say_missing(struct reading *reading, const struct json *json,
                        const struct names *names) {
    if (names->count == 0)
        return;
    struct text list;
    text_init(&list);
    for (int32_t i = 0; i < names->count; i++)
        text_addf(&list, "%s\"%s\"", i == 0 ? "" : (i == names->count - 1 ? " and " : ", "),
                  names->items[i]);
    reading_error_at_key(reading, json, "%s %s missing", text_bytes(&list),
                         names->count == 1 ? "is" : "are");
    text_fini(&list);
}

static bool is_object(struct reading *reading, const struct json *json) {
    if (json->kind == JSON_OBJECT)
        return true;
    reading_error(reading, json, "%s is not an object; expected { ... }", reading_found(json).text);
    return false;
}

static const struct member *find_member(const struct member *members, size_t count,
                                        const char *key) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(members[i].key, key) == 0)
            return &members[i];
    return NULL;
}

static void say_unknown(struct reading *reading, const struct json *json,
                        const struct names *known) {
    reading_error_at_key(reading, json, "%s is not a field here%s", reading_quoted(json->key).text,
                         reading_hint(json->key, known->items, known->count, "expected ").text);
}

static void read_members(struct reading *reading, const struct json *json,
                         const struct member *members, size_t count, void *target) {
    if (!is_object(reading, json))
        return;
    struct names known = {.count = 0}, missing = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        known.items[known.count++] = members[i].key;
        if (!members[i].is_optional && !json_member(json, members[i].key))
            missing.items[missing.count++] = members[i].key;
    }
    for (const struct json *child = json->first; child; child = child->next) {
        const struct member *member = find_member(members, count, child->key);
        if (!member) {
            say_unknown(reading, child, &known);
            continue;
        }
        int32_t path = reading_enter(reading, child->key);
        member->read(reading, member, child, target);
        reading_leave(reading, path);
    }
    say_missing(reading, json, &missing);
}

/* strtod of an overflow is infinite and of an underflow 0 or close to it: the range decides. */
static void read_number(struct reading *reading, const struct member *member,
                        const struct json *json, void *target) {
    const char *problem = json->kind == JSON_NUMBER ? "out of range" : "not a number";
    double value = json->kind == JSON_NUMBER ? strtod(json->text, NULL) : NAN;
    if (value >= member->lowest && value <= member->highest)
        memcpy(place_in(target, member), &value, sizeof value);
    else
        reading_error(reading, json, "%s is %s; expected %g to %g", reading_found(json).text,
                      problem, member->lowest, member->highest);
}

static void read_text(struct reading *reading, const struct member *member, const struct json *json,
                      void *target) {
    if (json->kind == JSON_STRING && (json->text[0] || member->is_optional))
        memcpy(place_in(target, member), &json->text, sizeof json->text);
    else
        reading_error(reading, json, "%s is not a text; expected \"...\"",
                      reading_found(json).text);
}

static void read_moment(struct reading *reading, const struct member *member,
                        const struct json *json, void *target) {
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    const char *text = json->kind == JSON_STRING ? json->text : "";
    size_t i = 0;
    while (text[i] && (shape[i] == 'd' ? isdigit((unsigned char)text[i]) : text[i] == shape[i]))
        i++;
    if (i == sizeof shape - 1 && text[i] == '\0')
        memcpy(place_in(target, member), &json->text, sizeof json->text);
    else
        reading_error(reading, json, "%s is not a moment; expected \"2026-11-24T21:00:00Z\"",
                      reading_found(json).text);
}

static void read_version(struct reading *reading, const struct member *member,
                         const struct json *json, UNUSED void *target) {
    (void)member;
    if (json->kind != JSON_NUMBER || strtod(json->text, NULL) != PROFILE_SCHEMA_VERSION)
        reading_error(reading, json, "%s is not a version that this program reads; expected %d",
                      reading_found(json).text, PROFILE_SCHEMA_VERSION);
}

static void ignore(UNUSED struct reading *reading, UNUSED const struct member *member,
                   UNUSED const struct json *json, UNUSED void *target) {}

/* Machine and pinned: whatever there is to say, as texts. */
static void read_facts(struct reading *reading, const struct json *json, struct profile_fact *facts,
                       int32_t *facts_count) {
    if (!is_object(reading, json))
        return;
    if (json->count > PROFILE_FACTS_MAX) {
        reading_error(reading, json, "%d facts are too many; expected at most %d", json->count,
                      PROFILE_FACTS_MAX);
        return;
    }
    for (const struct json *child = json->first; child; child = child->next) {
        int32_t path = reading_enter(reading, child->key);
        if (child->kind == JSON_STRING)
            facts[(*facts_count)++] =
                (struct profile_fact){.name = child->key, .text = child->text};
        else
            reading_error(reading, child, "%s is not a text; expected \"...\"",
                          reading_found(child).text);
        reading_leave(reading, path);
    }
}

static void read_machine(struct reading *reading, UNUSED const struct member *member,
                         const struct json *json, void *target) {
    struct profile *profile = target;
    read_facts(reading, json, profile->machine, &profile->machine_count);
}

static void read_pinned(struct reading *reading, UNUSED const struct member *member,
                        const struct json *json, void *target) {
    struct profile *profile = target;
    read_facts(reading, json, profile->pinned, &profile->pinned_count);
}

static void read_yardsticks(struct reading *reading, UNUSED const struct member *member,
                            const struct json *json, void *target) {
    static const struct member members[] = {
        {"value", read_number, offsetof(struct profile_yardstick, value), false, 1e-9, 1e15},
        {"spread", read_number, offsetof(struct profile_yardstick, spread), false, 0, 1e6},
        {"unit", read_text, offsetof(struct profile_yardstick, unit), false, 0, 0},
    };
    struct profile *profile = target;
    if (!is_object(reading, json))
        return;
    if (json->count > PROFILE_YARDSTICKS_MAX) {
        reading_error(reading, json, "%d yardsticks are too many; expected at most %d", json->count,
                      PROFILE_YARDSTICKS_MAX);
        return;
    }
    for (const struct json *child = json->first; child; child = child->next) {
        struct profile_yardstick *yardstick = &profile->yardsticks[profile->yardsticks_count++];
        *yardstick = (struct profile_yardstick){.name = child->key, .unit = ""};
        int32_t path = reading_enter(reading, child->key);
        read_members(reading, child, members, COUNT_OF(members), yardstick);
        reading_leave(reading, path);
    }
}

static const struct names *cost_names(void) {
    static const struct names names = {.items =
                                           {
#define COST(name, unit, lowest, highest, doc) #name,
#include "models/spec/rows/cost.def"
#undef COST
                                           },
                                       .count = COST_COUNT};
    return &names;
}

/* COST_COUNT: there is none of that name. */
static enum cost find_cost(const char *name) {
    for (int32_t i = 0; i < COST_COUNT; i++)
        if (strcmp(profile_cost_name((enum cost)i), name) == 0)
            return (enum cost)i;
    return COST_COUNT;
}

/* A cost's entry while it is read: which cost decides about range and unit. */
struct entry_target {
    enum cost cost;
    struct profile_entry entry;
};

static void read_in_range(struct reading *reading, const struct json *json, double lowest,
                          enum cost cost, double *out) {
    const struct member range = {.lowest = lowest, .highest = profile_cost_highest(cost)};
    read_number(reading, &range, json, out);
}

static void read_value(struct reading *reading, UNUSED const struct member *member,
                       const struct json *json, void *target) {
    struct entry_target *into = target;
    read_in_range(reading, json, profile_cost_lowest(into->cost), into->cost, &into->entry.value);
}

static void read_stderr(struct reading *reading, UNUSED const struct member *member,
                        const struct json *json, void *target) {
    struct entry_target *into = target;
    read_in_range(reading, json, 0, into->cost, &into->entry.standard_error);
}

static void read_unit(struct reading *reading, UNUSED const struct member *member,
                      const struct json *json, void *target) {
    const struct entry_target *into = target;
    const char *unit = profile_cost_unit(into->cost);
    if (json->kind != JSON_STRING || strcmp(json->text, unit) != 0)
        reading_error(reading, json, "%s is not the unit of this cost; expected \"%s\"",
                      reading_found(json).text, unit);
}

static void read_source(struct reading *reading, UNUSED const struct member *member,
                        const struct json *json, void *target) {
    struct entry_target *into = target;
    const char *names[] = {profile_source_name(PROFILE_MEASURED),
                           profile_source_name(PROFILE_PUBLISHED),
                           profile_source_name(PROFILE_ASSUMED)};
    const char *found = json->kind == JSON_STRING ? json->text : "";
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(names[i], found) == 0) {
            into->entry.source = (enum profile_source)i;
            return;
        }
    reading_error(reading, json, "%s is not a source%s", reading_found(json).text,
                  reading_hint(found, names, COUNT_OF(names), "expected ").text);
}

static void read_entry(struct reading *reading, const struct json *json,
                       struct entry_target *target) {
    static const struct member members[] = {
        {.key = "value", .read = read_value},
        {.key = "stderr", .read = read_stderr},
        {.key = "unit", .read = read_unit},
        {.key = "source", .read = read_source},
        {.key = "note",
         .read = read_text,
         .offset = offsetof(struct entry_target, entry.note),
         .is_optional = true},
        {"elasticity", read_number, offsetof(struct entry_target, entry.elasticity), true, 0, 2},
        {"elasticity_stderr", read_number, offsetof(struct entry_target, entry.elasticity_error),
         true, 0, 2},
    };
    read_members(reading, json, members, COUNT_OF(members), target);
}

static void read_costs(struct reading *reading, UNUSED const struct member *member,
                       const struct json *json, void *target) {
    struct profile *profile = target;
    if (!is_object(reading, json))
        return;
    for (const struct json *child = json->first; child; child = child->next) {
        struct entry_target into = {.cost = find_cost(child->key), .entry = {.note = ""}};
        if (into.cost == COST_COUNT) {
            reading_error_at_key(
                reading, child, "%s is not a cost%s", reading_quoted(child->key).text,
                reading_hint(child->key, cost_names()->items, COST_COUNT, "expected ").text);
            continue;
        }
        int32_t path = reading_enter(reading, child->key);
        read_entry(reading, child, &into);
        reading_leave(reading, path);
        profile->costs[into.cost] = into.entry;
    }
    struct names missing = {.count = 0};
    for (int32_t i = 0; i < COST_COUNT; i++)
        if (!json_member(json, profile_cost_name((enum cost)i)) && !profile_assumed((enum cost)i))
            missing.items[missing.count++] = profile_cost_name((enum cost)i);
    say_missing(reading, json, &missing);
}

/* COST_COUNT after a complaint. */
static enum cost read_cost_name(struct reading *reading, const struct json *json) {
    const char *name = json->kind == JSON_STRING ? json->text : "";
    enum cost cost = find_cost(name);
    if (cost == COST_COUNT)
        reading_error(reading, json, "%s is not a cost%s", reading_found(json).text,
                      reading_hint(name, cost_names()->items, COST_COUNT, "expected ").text);
    return cost;
}

static void read_pair(struct reading *reading, const struct json *json, struct profile *profile,
                      bool is_given[COST_COUNT][COST_COUNT]) {
    static const struct member range = {.lowest = -1, .highest = 1};
    if (json->kind != JSON_ARRAY || json->count != 3) {
        reading_error(reading, json,
                      "%s is not a correlation; expected [\"cost\", \"cost\", number]",
                      json->kind == JSON_ARRAY && json->count != 3 ? "a list of another length"
                                                                   : reading_found(json).text);
        return;
    }
    enum cost a = read_cost_name(reading, json->first);
    enum cost b = read_cost_name(reading, json->first->next);
    double value = 0;
    read_number(reading, &range, json->first->next->next, &value);
    if (a == COST_COUNT || b == COST_COUNT)
        return;
    if (a == b)
        reading_error(reading, json, "a cost has no correlation with itself");
    else if (is_given[a][b])
        reading_error(reading, json, "the pair \"%s\", \"%s\" is given twice", profile_cost_name(a),
                      profile_cost_name(b));
    else
        profile->correlation[a][b] = profile->correlation[b][a] = value;
    is_given[a][b] = is_given[b][a] = true;
}

static void read_correlation(struct reading *reading, UNUSED const struct member *member,
                             const struct json *json, void *target) {
    if (json->kind != JSON_ARRAY) {
        reading_error(reading, json,
                      "%s is not a list; expected [[\"cost\", \"cost\", number], ...]",
                      reading_found(json).text);
        return;
    }
    bool is_given[COST_COUNT][COST_COUNT] = {{false}};
    int32_t index = 0;
    for (const struct json *child = json->first; child; child = child->next) {
        int32_t path = reading_enter_index(reading, index++);
        read_pair(reading, child, target, is_given);
        reading_leave(reading, path);
    }
}

#define FIGURE(name, highest)                                                                      \
    { #name, read_number, offsetof(struct profile, name), true, 0, highest }

static void read_fit(struct reading *reading, UNUSED const struct member *member,
                     const struct json *json, void *target) {
    static const struct member members[] = {
        FIGURE(windows, 1e12),
        FIGURE(blocks, 1e12),
        FIGURE(condition_number, 1e300),
        FIGURE(lack_of_fit_p, 1),
        FIGURE(cpu_accounted_share, 1e3),
        FIGURE(turn_error, 1e6),
    };
    read_members(reading, json, members, COUNT_OF(members), target);
}

static const struct member profile_members[] = {
    {.key = "schema_version", .read = read_version},
    {.key = "name", .read = read_text, .offset = offsetof(struct profile, name)},
    {.key = "made_at", .read = read_moment, .offset = offsetof(struct profile, made_at)},
    {.key = "mode", .read = read_text, .offset = offsetof(struct profile, mode)},
    {.key = "machine", .read = read_machine, .is_optional = true},
    {.key = "pinned", .read = read_pinned, .is_optional = true},
    {.key = "yardsticks", .read = read_yardsticks, .is_optional = true},
    {.key = "costs", .read = read_costs},
    {.key = "correlation", .read = read_correlation, .is_optional = true},
    {.key = "fit", .read = read_fit, .is_optional = true},
    {.key = "$schema", .read = ignore, .is_optional = true},
};

static void set_nothing_known(struct profile *profile) {
    memset(profile, 0, sizeof *profile);
    profile->name = profile->made_at = profile->mode = "";
    for (int32_t i = 0; i < COST_COUNT; i++) {
        profile->costs[i] = profile_assumed((enum cost)i) ? *profile_assumed((enum cost)i)
                                                          : (struct profile_entry){.note = ""};
        profile->correlation[i][i] = 1;
    }
    profile->windows = profile->blocks = profile->condition_number = NAN;
    profile->lack_of_fit_p = profile->cpu_accounted_share = profile->turn_error = NAN;
}

bool profile_parse(struct profile *profile, const char *text, const char *file, struct arena *arena,
                   struct diag *diag) {
    int32_t errors_before = diag->errors_count;
    struct reading reading;
    reading_init(&reading, arena, diag);
    set_nothing_known(profile);
    const struct json *json = json_read(text, file, &reading);
    if (json)
        read_members(&reading, json, profile_members, COUNT_OF(profile_members), profile);
    return diag->errors_count == errors_before;
}
