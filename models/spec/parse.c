/* spec_parse: layers from the bottom up (defaults, what "extends" names, the file, each --set),
 * then what only the whole can tell: what is missing, and what does not fit together.
 *
 * Each file is checked by itself as it is laid down, so a mistake in a base is found even where the
 * file above it says something else. After a mistake of syntax that file contributes nothing, and
 * what is missing is not asked for. */
#include "models/spec/spec.h"

#include "models/spec/apply.h"
#include "models/spec/cross_check.h"
#include "models/spec/json.h"
#include "models/spec/json_text.h"
#include "models/spec/setting.h"
#include "sim/base/check.h"

#include <stdio.h>
#include <string.h>

enum { EXTENDS_MAX = 8 };

struct layers {
    struct reading reading;
    const struct spec_options *options;
    struct spec_scenario *scenario;
    struct json *merged;
    const char *files[EXTENDS_MAX + 1]; /* the chain of "extends" that is being read */
    int32_t files_count;
    bool is_whole; /* every layer could be read */
};

const char *spec_beside(struct arena *arena, const char *file, const char *path) {
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    const char *slash = strrchr(file, '/');
    if (!slash || path[0] == '/')
        return arena_new_text(arena, path);
    return arena_new_format(arena, "%.*s/%s", (int)(slash - file), file, path);
}

static bool is_in_chain(const struct layers *layers, const char *file) {
    for (int32_t i = 0; i < layers->files_count; i++)
        if (strcmp(layers->files[i], file) == 0)
            return true;
    return false;
}

static void extends_error(struct layers *layers, const struct json *extends, const char *format,
                          const char *what) {
    int32_t path = reading_enter(&layers->reading, "extends");
    reading_error(&layers->reading, extends, format, what); /* one %s each */
    reading_leave(&layers->reading, path);
    layers->is_whole = false;
}

static void lay_file(struct layers *layers, const char *text, const char *file);

static void lay_extended(struct layers *layers, const struct json *extends, const char *file) {
    struct arena *arena = layers->reading.arena;
    if (extends->kind != JSON_STRING || extends->text[0] == '\0') {
        extends_error(layers, extends, "%s is not a path; expected that of a scenario file",
                      reading_found(extends).text);
        return;
    }
    const char *path = spec_beside(arena, file, extends->text);
    struct reading_found shown = reading_quoted(path);
    if (is_in_chain(layers, path)) {
        extends_error(layers, extends, "%s extends itself, directly or through others", shown.text);
        return;
    }
    if (layers->files_count > EXTENDS_MAX) {
        extends_error(layers, extends,
                      "%s is one file too many in a chain of \"extends\"; at most 8", shown.text);
        return;
    }
    const char *text = reading_file(&layers->reading, path);
    if (text)
        lay_file(layers, text, path);
    else
        extends_error(layers, extends, "%s cannot be read", shown.text);
}

static void lay(struct layers *layers, struct json *layer) {
    apply_object(&layers->reading, &table_scenario, layer, layers->scenario);
    if (layer->kind == JSON_OBJECT)
        apply_merge(&table_scenario, layers->merged, layer);
}

static void lay_file(struct layers *layers, const char *text, const char *file) {
    struct json *json = json_read(text, file, &layers->reading);
    if (!json) {
        layers->is_whole = false;
        return;
    }
    layers->files[layers->files_count++] = file;
    const struct json *extends = json->kind == JSON_OBJECT ? json_member(json, "extends") : NULL;
    if (extends)
        lay_extended(layers, extends, file);
    layers->files_count--;
    if (json->kind != JSON_OBJECT)
        layers->is_whole = false;
    else if (layers->files_count ==
             0) /* what is missing is missing in the file that was asked for */
        *layers->merged = (struct json){.kind = JSON_OBJECT,
                                        .source = json->source,
                                        .at = json->at,
                                        .first = layers->merged->first,
                                        .count = layers->merged->count};
    lay(layers, json);
}

static void lay_settings(struct layers *layers) {
    const struct spec_setting_place command_line = {{.file = "--set"}, {.file = "--set"}};
    const struct spec_setting_place *places = layers->options->settings_places;
    for (int32_t i = 0; i < layers->options->settings_count; i++) {
        struct json *layer =
            setting_read(&layers->reading, &layers->options->settings[i],
                         places ? places[i] : command_line, layers->scenario, layers->merged);
        if (layer)
            lay(layers, layer);
    }
}

/* By its mark, or by the zero half of the first character, which is ASCII in any JSON. */
static bool is_utf16(const char *bytes, size_t length) {
    static const char little[] = "\xff\xfe", big[] = "\xfe\xff";
    return length >= 2 && (memcmp(bytes, little, 2) == 0 || memcmp(bytes, big, 2) == 0 ||
                           (bytes[0] == '\0') != (bytes[1] == '\0'));
}

bool spec_check_text(const char *bytes, size_t length, const char *file, struct diag *diag) {
    const char *nul = memchr(bytes, '\0', length);
    if (!nul)
        return true;
    struct json_text_position position = json_text_position(bytes, length, (size_t)(nul - bytes));
    struct diag_place place = {.file = arena_new_text(&diag->arena, file),
                               .line = position.line,
                               .column = position.column};
    if (is_utf16(bytes, length))
        diag_error(diag, place, "the file is in UTF-16; save it as UTF-8");
    else
        diag_error(diag, place, "a NUL byte; the file is not text in UTF-8");
    return false;
}

bool spec_parse(struct spec_scenario *scenario, const char *text,
                const struct spec_options *options, struct arena *arena, struct diag *diag) {
    int32_t errors_before = diag->errors_count;
    struct layers layers = {.options = options, .scenario = scenario, .is_whole = true};
    reading_init(&layers.reading, arena, diag);
    layers.reading.reader = &options->reader;
    struct json_source *nowhere = ARENA_NEW(arena, 1, struct json_source);
    nowhere->file = options->file;
    layers.merged = json_new(arena, JSON_OBJECT, NULL, nowhere);
    *scenario = (struct spec_scenario){0};
    apply_defaults(arena, &table_scenario, scenario);
    lay_file(&layers, text, options->file ? options->file : "scenario");
    if (layers.is_whole) {
        lay_settings(&layers);
        apply_find_missing(&layers.reading, &table_scenario, layers.merged);
        cross_check(&layers.reading, scenario, layers.merged);
    }
    return diag->errors_count == errors_before;
}

bool spec_parse_study(struct spec_study *study, const char *text, const char *file,
                      struct arena *arena, struct diag *diag) {
    int32_t errors_before = diag->errors_count;
    struct reading reading;
    reading_init(&reading, arena, diag);
    *study = (struct spec_study){0};
    apply_defaults(arena, &table_study, study);
    const struct json *json = json_read(text, file, &reading);
    if (json) {
        apply_object(&reading, &table_study, json, study);
        apply_find_missing(&reading, &table_study, json);
    }
    return diag->errors_count == errors_before;
}
