/* Read with the scenario language's own reader of JSON, so that a mistake has its line and the
 * nearest right name. Paths are relative to the index. */
#include "cli/accuracy_index.h"

#include "models/spec/json.h"
#include "sim/base/diag.h"
#include "validation/compare/accuracy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const top_keys[] = {"schema_version", "cases"};
static const char *const case_keys[] = {"scenario", "figures", "is_quick"};

static int32_t place_of(const char *word, const char *const *names, int32_t count) {
    int32_t i = 0;
    while (i < count && strcmp(names[i], word) != 0)
        i++;
    return i;
}

static void check_keys(struct reading *reading, const struct json *object, const char *const *keys,
                       int32_t count) {
    for (const struct json *child = object->first; child; child = child->next)
        if (place_of(child->key, keys, count) == count)
            reading_error_at_key(reading, child, "unknown key %s%s",
                                 reading_quoted(child->key).text,
                                 reading_hint(child->key, keys, count, "expected").text);
}

/* NULL, after an error, when it is not there or not of this kind. */
static const struct json *member(struct reading *reading, const struct json *object,
                                 const char *key, enum json_kind kind, const char *expected) {
    const struct json *value = json_member(object, key);
    if (value == NULL)
        reading_error(reading, object, "\"%s\" is missing; expected %s", key, expected);
    else if (value->kind != kind)
        reading_error(reading, value, "%s: found %s; expected %s", key, reading_found(value).text,
                      expected);
    return value && value->kind == kind ? value : NULL;
}

static uint32_t read_groups(struct reading *reading, const struct json *list) {
    uint32_t groups = 0;
    for (const struct json *item = list ? list->first : NULL; item; item = item->next) {
        const char *word = item->kind == JSON_STRING ? item->text : "";
        int32_t group = place_of(word, accuracy_group_names, ACCURACY_GROUPS);
        if (group == ACCURACY_GROUPS)
            reading_error(
                reading, item, "%s is no figure%s", reading_found(item).text,
                reading_hint(word, accuracy_group_names, ACCURACY_GROUPS, "expected one of").text);
        else
            groups |= 1u << group;
    }
    if (list && list->first == NULL)
        reading_error(reading, list, "a case without figures; expected at least one");
    return groups;
}

static void read_case(struct reading *reading, const struct json *item, const char *folder,
                      struct accuracy_index *index) {
    if (item->kind != JSON_OBJECT) {
        reading_error(reading, item, "found %s; expected an object", reading_found(item).text);
        return;
    }
    check_keys(reading, item, case_keys, COUNT_OF(case_keys));
    const struct json *path = member(reading, item, "scenario", JSON_STRING, "the path of a file");
    const struct json *list = member(reading, item, "figures", JSON_ARRAY, "a list of figures");
    const struct json *quick = json_member(item, "is_quick");
    if (quick && quick->kind != JSON_TRUE && quick->kind != JSON_FALSE)
        reading_error(reading, quick, "is_quick: found %s; expected true or false",
                      reading_found(quick).text);
    if (index->entries_count == ACCURACY_INDEX_MAX) {
        reading_error(reading, item, "more than %d cases", ACCURACY_INDEX_MAX);
        return;
    }
    struct accuracy_entry *entry = &index->entries[index->entries_count++];
    entry->groups = read_groups(reading, list);
    entry->is_quick = quick && quick->kind == JSON_TRUE;
    if (path)
        entry->path = arena_new_format(&index->arena, "%s%s", folder, path->text);
}

static void read_cases(struct reading *reading, const struct json *list, const char *folder,
                       struct accuracy_index *index) {
    int32_t number = 0;
    int32_t outside = reading_enter(reading, "cases");
    for (const struct json *item = list->first; item; item = item->next) {
        int32_t before = reading_enter_index(reading, number++);
        read_case(reading, item, folder, index);
        reading_leave(reading, before);
    }
    reading_leave(reading, outside);
    if (list->first == NULL)
        reading_error(reading, list, "cases: found an empty list; expected at least one case");
}

static void parse(struct accuracy_index *index, const char *text, const char *path,
                  struct diag *diag) {
    struct reading reading;
    reading_init(&reading, &index->arena, diag);
    const struct json *root = json_read(text, path, &reading);
    if (root == NULL)
        return;
    const char *slash = strrchr(path, '/');
    const char *folder =
        slash ? arena_new_format(&index->arena, "%.*s", (int)(slash - path + 1), path) : "";
    check_keys(&reading, root, top_keys, COUNT_OF(top_keys));
    const struct json *version =
        member(&reading, root, "schema_version", JSON_NUMBER, "the number 1");
    if (version && strcmp(version->text, "1") != 0)
        reading_error(&reading, version, "schema_version: found %s; expected 1", version->text);
    const struct json *list = member(&reading, root, "cases", JSON_ARRAY, "a list of cases");
    if (list)
        read_cases(&reading, list, folder, index);
}

static int read_index(struct accuracy_index *index, const char *path) {
    size_t length;
    char *text = files_read(path, &length);
    if (text == NULL) {
        fprintf(stderr, "headroom: %s: %s\n", path, strerror(errno));
        return errno == ENOENT ? EXIT_NO_INPUT : EXIT_IO;
    }
    struct diag *diag = malloc(sizeof *diag);
    if (diag == NULL) {
        free(text);
        return EXIT_BUG;
    }
    diag_init(diag);
    if (spec_check_text(text, length, path, diag))
        parse(index, text, path, diag);
    struct text message;
    text_init(&message);
    diag_format(diag, &message);
    fputs(text_bytes(&message), stderr);
    text_fini(&message);
    int code = diag->errors_count > 0 ? EXIT_INPUT : -1;
    diag_fini(diag);
    free(diag);
    free(text);
    return code;
}

static void keep_the_quick(struct accuracy_index *index) {
    int32_t kept = 0;
    for (int32_t i = 0; i < index->entries_count; i++)
        if (index->entries[i].is_quick)
            index->entries[kept++] = index->entries[i];
    index->entries_count = kept;
}

int accuracy_index_read(struct accuracy_index *index, const char *path, bool is_quick_only,
                        const struct options *options) {
    memset(index, 0, sizeof *index);
    arena_init(&index->arena);
    int worst = read_index(index, path);
    if (worst >= 0)
        return worst;
    if (is_quick_only)
        keep_the_quick(index);
    for (int32_t i = 0; i < index->entries_count; i++) {
        struct accuracy_entry *entry = &index->entries[i];
        int code = files_scenario(&entry->scenario, entry->path, options);
        index->scenarios_count++;
        worst = code > worst ? code : worst;
    }
    return worst;
}

void accuracy_index_fini(struct accuracy_index *index) {
    for (int32_t i = 0; i < index->scenarios_count; i++)
        files_scenario_fini(&index->entries[i].scenario);
    arena_fini(&index->arena);
}
