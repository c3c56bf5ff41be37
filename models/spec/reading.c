/* Paths and complaints: see the header. Whatever comes out of a file is escaped before it is shown,
 * since a message goes to a terminal. */
#include "models/spec/reading.h"

#include "models/spec/json.h"
#include "models/spec/spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SHOWN_BYTES = 70 };

void reading_init(struct reading *reading, struct arena *arena, struct diag *diag) {
    *reading = (struct reading){.arena = arena, .diag = diag};
}

static int32_t append(struct reading *reading, const char *bytes, size_t length) {
    int32_t before = reading->path_length;
    size_t room = (size_t)(READING_PATH_BYTES - 1 - before);
    size_t taken = length < room ? length : room;
    while (taken > 0 && taken < length && ((unsigned char)bytes[taken] & 0xc0) == 0x80)
        taken--; /* not into the middle of a character */
    for (size_t i = 0; i < taken; i++) {
        bool is_control = (unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f;
        reading->path[reading->path_length++] = is_control ? '?' : bytes[i];
    }
    reading->path[reading->path_length] = '\0';
    return before;
}

int32_t reading_enter(struct reading *reading, const char *key) {
    int32_t before = reading->path_length;
    if (before > 0)
        append(reading, ".", 1);
    size_t length = strlen(key);
    if (length <= KEY_SHOWN_BYTES) {
        append(reading, key, length);
    } else {
        size_t shown = KEY_SHOWN_BYTES;
        while (shown > 0 && ((unsigned char)key[shown] & 0xc0) == 0x80)
            shown--;
        append(reading, key, shown);
        append(reading, "...", 3);
    }
    return before;
}

int32_t reading_enter_index(struct reading *reading, int32_t index) {
    char bytes[16];
    int length = snprintf(bytes, sizeof bytes, "[%d]", index);
    return append(reading, bytes, (size_t)length);
}

void reading_leave(struct reading *reading, int32_t path_length) {
    reading->path_length = path_length;
    reading->path[path_length] = '\0';
}

enum complaint { COMPLAINT_ERROR, COMPLAINT_WARNING };

static void complain(struct reading *reading, enum complaint kind, struct diag_place place,
                     const char *format, va_list arguments) {
    struct text message;
    text_init(&message);
    if (reading->path_length > 0)
        text_addf(&message, "%s: ", reading->path);
    text_addv(&message, format, arguments);
    if (kind == COMPLAINT_ERROR)
        diag_error(reading->diag, place, "%s", text_bytes(&message));
    else
        diag_warning(reading->diag, place, "%s", text_bytes(&message));
    text_fini(&message);
}

void reading_error(struct reading *reading, const struct json *json, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(reading, COMPLAINT_ERROR, json_place(json, reading->diag), format, arguments);
    va_end(arguments);
}

void reading_error_at_key(struct reading *reading, const struct json *json, const char *format,
                          ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(reading, COMPLAINT_ERROR, json_key_place(json, reading->diag), format, arguments);
    va_end(arguments);
}

void reading_warning(struct reading *reading, const struct json *json, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(reading, COMPLAINT_WARNING, json_place(json, reading->diag), format, arguments);
    va_end(arguments);
}

void reading_error_at(struct reading *reading, struct diag_place place, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(reading, COMPLAINT_ERROR, place, format, arguments);
    va_end(arguments);
}

const char *reading_file(struct reading *reading, const char *path) {
    const struct spec_reader *reader = reading->reader;
    char *read = reader && reader->read ? reader->read(reader->context, path) : NULL;
    const char *text = read ? arena_new_text(reading->arena, read) : NULL;
    free(read);
    return text;
}

/* Cuts `bytes` to what fits, between characters. */
static void copy_cut(struct reading_found *found, const char *bytes, size_t length) {
    if (length < sizeof found->text) {
        memcpy(found->text, bytes, length + 1);
        return;
    }
    size_t end = sizeof found->text - 5;
    while (end > 0 && ((unsigned char)bytes[end] & 0xc0) == 0x80)
        end--;
    memcpy(found->text, bytes, end);
    memcpy(found->text + end, bytes[0] == '"' ? "...\"" : "...", bytes[0] == '"' ? 5 : 4);
}

struct reading_found reading_quoted(const char *bytes) {
    struct reading_found found;
    struct text quoted;
    text_init(&quoted);
    text_add_json_string(&quoted, bytes);
    copy_cut(&found, text_bytes(&quoted), quoted.length);
    text_fini(&quoted);
    return found;
}

struct reading_found reading_found(const struct json *json) {
    static const char *const words[] = {
        [JSON_NULL] = "null",        [JSON_FALSE] = "false", [JSON_TRUE] = "true",
        [JSON_NUMBER] = "",          [JSON_STRING] = "",     [JSON_ARRAY] = "a list",
        [JSON_OBJECT] = "an object",
    };
    if (json->kind == JSON_STRING)
        return reading_quoted(json->text);
    struct reading_found found;
    const char *shown = json->kind == JSON_NUMBER ? json->text : words[json->kind];
    copy_cut(&found, shown, strlen(shown));
    return found;
}

struct reading_hint reading_hint(const char *wrong, const char *const *names, int32_t count,
                                 const char *before_all) {
    struct reading_hint hint = {""};
    const char *nearest = text_nearest(wrong, names, (size_t)count);
    if (nearest) {
        (void)snprintf(hint.text, sizeof hint.text, "; did you mean \"%s\"?", nearest);
        return hint;
    }
    size_t used =
        (size_t)snprintf(hint.text, sizeof hint.text, "; %s", count > 0 ? before_all : "");
    for (int32_t i = 0; i < count && used < sizeof hint.text; i++)
        used += (size_t)snprintf(hint.text + used, sizeof hint.text - used, "%s%s",
                                 i == 0 ? "" : (i == count - 1 ? " or " : ", "), names[i]);
    if (count == 0)
        hint.text[0] = '\0';
    return hint;
}
