/* The tree that json.c builds: its nodes, and where they stand. */
#include "models/spec/json.h"

#include "models/spec/json_text.h"

#include <string.h>

struct diag_place json_place_at(struct json_source *source, size_t at, struct diag *diag) {
    if (source->is_setting)
        return source->place;
    if (!source->bytes)
        return (struct diag_place){.file = source->file};
    if (diag->items_count == DIAG_MAX) /* it will not be shown, and finding lines costs */
        return (struct diag_place){.file = source->file};
    struct json_text_position position = json_text_position(source->bytes, source->length, at);
    if (!source->shown_line || source->shown_at != position.line_start) {
        source->shown_at = position.line_start;
        source->shown_line = json_text_shown_line(&diag->arena, source->bytes + position.line_start,
                                                  position.line_end - position.line_start);
    }
    return (struct diag_place){.file = source->file,
                               .line = position.line,
                               .column = position.column,
                               .line_text = source->shown_line[0] ? source->shown_line : NULL};
}

struct diag_place json_place(const struct json *json, struct diag *diag) {
    return json_place_at(json->source, json->at, diag);
}

struct diag_place json_key_place(const struct json *json, struct diag *diag) {
    return json_place_at(json->source, json->key ? json->key_at : json->at, diag);
}

struct json *json_new(struct arena *arena, enum json_kind kind, const char *text,
                      struct json_source *source) {
    struct json *json = ARENA_NEW(arena, 1, struct json);
    *json = (struct json){.kind = kind, .text = text, .source = source};
    return json;
}

/* The last child is found by walking: only short lists are made by hand. */
void json_append(struct json *parent, struct json *child) {
    struct json **end = &parent->first;
    while (*end)
        end = &(*end)->next;
    child->next = NULL;
    *end = child;
    parent->count++;
}

struct json *json_member(const struct json *object, const char *key) {
    for (struct json *child = object ? object->first : NULL; child; child = child->next)
        if (child->key && strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

static void write_children(const struct json *json, const char *brackets, struct text *out) {
    text_add_n(out, &brackets[0], 1);
    for (const struct json *child = json->first; child; child = child->next) {
        if (json->kind == JSON_OBJECT) {
            text_add_json_string(out, child->key);
            text_add(out, ": ");
        }
        json_write(child, out);
        text_add(out, child->next ? ", " : "");
    }
    text_add_n(out, &brackets[1], 1);
}

void json_write(const struct json *json, struct text *out) {
    switch (json->kind) {
    case JSON_NULL:
        text_add(out, "null");
        return;
    case JSON_FALSE:
        text_add(out, "false");
        return;
    case JSON_TRUE:
        text_add(out, "true");
        return;
    case JSON_NUMBER:
        text_add(out, json->text);
        return;
    case JSON_STRING:
        text_add_json_string(out, json->text);
        return;
    case JSON_ARRAY:
        write_children(json, "[]", out);
        return;
    case JSON_OBJECT:
        write_children(json, "{}", out);
        return;
    }
}

bool json_is_number(const char *text) {
    size_t length = json_text_number(text);
    return length > 0 && text[length] == '\0';
}
