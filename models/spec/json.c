/* A recursive-descent reader; the first mistake of syntax ends it, since whatever follows would be
 * guessed. The nesting limit bounds the stack, the size limit the memory, and the limit of members
 * the search for keys given twice. */
#include "models/spec/json.h"

#include "models/spec/json_text.h"
#include "sim/base/check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct scan {
    struct reading *reading;
    struct json_source *source;
    const char *bytes;
    size_t at;
    int32_t depth;
};

/* A mistake of syntax: no path, because the place says more. */
static struct json *syntax_error(struct scan *scan, size_t at, const char *format, ...)
    PRINTF_LIKE(3, 4);

static struct json *syntax_error(struct scan *scan, size_t at, const char *format, ...) {
    struct text message;
    text_init(&message);
    va_list arguments;
    va_start(arguments, format);
    text_addv(&message, format, arguments);
    va_end(arguments);
    reading_leave(scan->reading, 0);
    struct diag_place place = json_place_at(scan->source, at, scan->reading->diag);
    if (scan->source->is_setting && at < scan->source->length)
        reading_error_at(scan->reading, place, "%s, at character %zu of %s", text_bytes(&message),
                         at + 1, reading_quoted(scan->bytes).text);
    else
        reading_error_at(scan->reading, place, "%s", text_bytes(&message));
    text_fini(&message);
    return NULL;
}

/* What stands here instead of what was expected, for a message. */
static struct reading_found standing_here(const struct scan *scan) {
    const char *end = scan->source->is_setting ? "the end of the value" : "the end of the file";
    struct reading_found found;
    if (scan->bytes[scan->at] != '\0')
        return json_text_shown(scan->bytes + scan->at);
    (void)snprintf(found.text, sizeof found.text, "%s", end);
    return found;
}

/* Blanks and comments. False: a comment is not closed, which has been said. */
static bool skip_blanks(struct scan *scan) {
    for (;;) {
        const char *here = scan->bytes + scan->at;
        size_t blanks = strspn(here, " \t\r\n");
        here += blanks;
        scan->at += blanks;
        if (here[0] != '/' || (here[1] != '/' && here[1] != '*'))
            return true;
        const char *end = here[1] == '/' ? here + strcspn(here, "\n") : strstr(here + 2, "*/");
        if (!end) {
            syntax_error(scan, scan->at, "the comment that starts here is not closed; expected */");
            return false;
        }
        scan->at = (size_t)(end - scan->bytes) + (here[1] == '*' ? 2 : 0);
    }
}

static bool string_error(struct scan *scan, size_t opening, const char *at) {
    size_t offset = (size_t)(at - scan->bytes);
    if (*at == '\0' || *at == '\n' || *at == '\r')
        syntax_error(scan, opening,
                     "the string that starts here is not closed in its line; "
                     "expected \"");
    else if (*at == '\t')
        syntax_error(scan, offset, "a tab inside a string; write it as \\t");
    else
        syntax_error(scan, offset,
                     "the control character 0x%02x inside a string; write it as \\u%04x",
                     (unsigned)(unsigned char)*at, (unsigned)(unsigned char)*at);
    return false;
}

/* The string at scan->at, decoded into `out`. */
static bool read_string(struct scan *scan, struct text *out) {
    size_t opening = scan->at;
    const char *at = scan->bytes + opening + 1;
    for (;;) {
        const char *run = at;
        while ((unsigned char)*at >= 0x20 && *at != '"' && *at != '\\')
            at++;
        text_add_n(out, run, (size_t)(at - run));
        if (*at == '"')
            break;
        if (*at != '\\')
            return string_error(scan, opening, at);
        const char *problem = NULL;
        size_t length = json_text_escape(at, out, &problem);
        if (length == 0) {
            syntax_error(scan, (size_t)(at - scan->bytes), "%s", problem);
            return false;
        }
        at += length;
    }
    scan->at = (size_t)(at - scan->bytes) + 1;
    return true;
}

static const char *read_string_new(struct scan *scan) {
    struct text text;
    text_init(&text);
    bool is_read = read_string(scan, &text);
    const char *kept =
        is_read ? arena_new_text_n(scan->reading->arena, text_bytes(&text), text.length) : NULL;
    text_fini(&text);
    return kept;
}

static struct json *new_here(struct scan *scan, enum json_kind kind) {
    struct json *json = json_new(scan->reading->arena, kind, NULL, scan->source);
    json->at = scan->at;
    return json;
}

static struct json *read_value(struct scan *scan);

static struct json *unclosed(struct scan *scan, const struct json *opened) {
    const char *what = opened->kind == JSON_OBJECT ? "object" : "list";
    char closing = opened->kind == JSON_OBJECT ? '}' : ']';
    if (scan->source->is_setting)
        return syntax_error(scan, scan->at, "the %s is not closed; expected \"%c\"", what, closing);
    struct json_text_position opening =
        json_text_position(scan->bytes, scan->source->length, opened->at);
    return syntax_error(
        scan, scan->at,
        "the file ends inside the %s that opens in line %d, column %d; expected \"%c\"", what,
        opening.line, opening.column, closing);
}

/* After a value: 1 when another one follows, 0 when the list or object is closed, -1 after a
 * mistake. */
static int after_value(struct scan *scan, const struct json *parent) {
    char closing = parent->kind == JSON_OBJECT ? '}' : ']';
    if (!skip_blanks(scan))
        return -1;
    char c = scan->bytes[scan->at];
    if (c == closing) {
        scan->at++;
        return 0;
    }
    if (c == '\0') {
        (void)unclosed(scan, parent);
        return -1;
    }
    if (c != ',') {
        const char *hint =
            c == '"' || c == '{' || c == '[' ? "; is a comma missing before it?" : "";
        syntax_error(scan, scan->at, "expected \",\" or \"%c\", found %s%s", closing,
                     standing_here(scan).text, hint);
        return -1;
    }
    size_t comma = scan->at++;
    if (!skip_blanks(scan))
        return -1;
    if (scan->bytes[scan->at] == closing) {
        syntax_error(scan, comma, "a comma after the last value; remove it");
        return -1;
    }
    return 1;
}

static bool is_empty_closed(struct scan *scan, char closing) {
    if (scan->bytes[scan->at] != closing)
        return false;
    scan->at++;
    return true;
}

static struct json *read_array(struct scan *scan) {
    struct json *array = new_here(scan, JSON_ARRAY);
    struct json **end = &array->first;
    scan->at++;
    if (!skip_blanks(scan))
        return NULL;
    if (is_empty_closed(scan, ']'))
        return array;
    for (int more = 1; more == 1;) {
        if (scan->bytes[scan->at] == '\0')
            return unclosed(scan, array);
        int32_t path = reading_enter_index(scan->reading, array->count);
        struct json *child = read_value(scan);
        if (!child)
            return NULL;
        reading_leave(scan->reading, path);
        *end = child;
        end = &child->next;
        array->count++;
        more = after_value(scan, array);
        if (more < 0)
            return NULL;
    }
    return array;
}

/* A key and its colon. NULL after a mistake. */
static const char *read_key(struct scan *scan, const struct json *object) {
    char c = scan->bytes[scan->at];
    if (c == '\0')
        return (void)unclosed(scan, object), NULL;
    if (c != '"') {
        syntax_error(scan, scan->at, "expected a key in double quotes, found %s%s",
                     standing_here(scan).text, c == '#' ? "; comments start with //" : "");
        return NULL;
    }
    const char *key = read_string_new(scan);
    if (!key || !skip_blanks(scan))
        return NULL;
    if (scan->bytes[scan->at] != ':') {
        syntax_error(scan, scan->at, "expected \":\" after the key %s, found %s",
                     reading_quoted(key).text, standing_here(scan).text);
        return NULL;
    }
    scan->at++;
    return skip_blanks(scan) ? key : NULL;
}

/* The first of two members with one key stands, so that one mistake does not earn two messages. */
static bool is_given_twice(struct scan *scan, const struct json *object,
                           const struct json *member) {
    const struct json *first = json_member(object, member->key);
    if (!first)
        return false;
    if (scan->source->is_setting) {
        reading_error_at_key(scan->reading, member, "%s is given twice",
                             reading_quoted(member->key).text);
        return true;
    }
    struct diag_place place = json_key_place(first, scan->reading->diag);
    reading_error_at_key(scan->reading, member,
                         "%s is given twice; the first is in line %d, column %d",
                         reading_quoted(member->key).text, place.line, place.column);
    return true;
}

static struct json *read_member(struct scan *scan, const struct json *object) {
    size_t key_at = scan->at;
    const char *key = read_key(scan, object);
    if (!key)
        return NULL;
    int32_t path = reading_enter(scan->reading, key);
    struct json *member = read_value(scan);
    if (!member)
        return NULL;
    reading_leave(scan->reading, path);
    member->key = key;
    member->key_at = key_at;
    return member;
}

static struct json *read_object(struct scan *scan) {
    struct json *object = new_here(scan, JSON_OBJECT);
    struct json **end = &object->first;
    scan->at++;
    if (!skip_blanks(scan))
        return NULL;
    if (is_empty_closed(scan, '}'))
        return object;
    for (int more = 1; more == 1;) {
        if (object->count == JSON_MEMBERS_MAX)
            return syntax_error(scan, scan->at, "an object of more than %d members",
                                JSON_MEMBERS_MAX);
        struct json *member = read_member(scan, object);
        if (!member)
            return NULL;
        if (!is_given_twice(scan, object, member)) {
            *end = member;
            end = &member->next;
            object->count++;
        }
        more = after_value(scan, object);
        if (more < 0)
            return NULL;
    }
    return object;
}

static struct json *read_number(struct scan *scan) {
    const char *here = scan->bytes + scan->at;
    size_t length = json_text_number(here);
    if (length == 0 || length != json_text_word(here))
        return syntax_error(scan, scan->at, "%s is not a number%s", standing_here(scan).text,
                            json_text_number_hint(here, length));
    struct json *json = new_here(scan, JSON_NUMBER);
    json->text = arena_new_text_n(scan->reading->arena, here, length);
    scan->at += length;
    return json;
}

/* What was probably meant by a word that is no value. */
static struct json *refuse_word(struct scan *scan) {
    static const char *const words[] = {"true", "false", "null"};
    static const char curly_quote[] = "\xe2\x80\x9c";
    struct reading_found found = standing_here(scan);
    const char *here = scan->bytes + scan->at;
    const char *nearest = text_nearest(found.text, words, COUNT_OF(words));
    if (nearest)
        return syntax_error(scan, scan->at, "expected a value, found %s; did you mean %s?",
                            found.text, nearest);
    bool is_text = isalpha((unsigned char)*here) || *here == '\'';
    return syntax_error(scan, scan->at, "expected a value, found %s%s", found.text,
                        is_text ? "; text stands in double quotes"
                        : strncmp(here, curly_quote, 3) == 0
                            ? "; text stands in straight double quotes"
                            : "");
}

static struct json *read_word(struct scan *scan) {
    static const struct {
        const char *word;
        enum json_kind kind;
    } words[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL}};
    const char *here = scan->bytes + scan->at;
    size_t length = json_text_word(here);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (length == strlen(words[i].word) && memcmp(here, words[i].word, length) == 0) {
            struct json *json = new_here(scan, words[i].kind);
            scan->at += length;
            return json;
        }
    }
    return refuse_word(scan);
}

static struct json *read_nested(struct scan *scan, char opening) {
    if (scan->depth == JSON_DEPTH_MAX)
        return syntax_error(scan, scan->at, "nested deeper than %d lists and objects",
                            JSON_DEPTH_MAX);
    scan->depth++;
    struct json *json = opening == '{' ? read_object(scan) : read_array(scan);
    scan->depth--;
    return json;
}

static struct json *read_value(struct scan *scan) {
    char c = scan->bytes[scan->at];
    if (c == '{' || c == '[')
        return read_nested(scan, c);
    if (c == '"') {
        struct json *json = new_here(scan, JSON_STRING);
        json->text = read_string_new(scan);
        return json->text ? json : NULL;
    }
    if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.')
        return read_number(scan);
    return read_word(scan);
}

/* UTF-8 all through, comments included, before anything is read: later code may then step by
 * characters. */
static bool is_readable(struct scan *scan) {
    const char *bytes = scan->bytes;
    bool is_utf16 =
        (bytes[0] == '\xff' && bytes[1] == '\xfe') || (bytes[0] == '\xfe' && bytes[1] == '\xff');
    if (is_utf16)
        return syntax_error(scan, 0, "the file is in UTF-16; save it as UTF-8") != NULL;
    if (scan->source->length > JSON_BYTES_MAX)
        return syntax_error(scan, 0, "the file has %zu bytes; at most %d are read",
                            scan->source->length, JSON_BYTES_MAX) != NULL;
    for (size_t at = 0, step; bytes[at] != '\0'; at += step) {
        step = json_text_character(bytes + at);
        if (step == 0)
            return syntax_error(scan, at,
                                "the byte 0x%02x is not UTF-8 here; save the file as UTF-8",
                                (unsigned)(unsigned char)bytes[at]) != NULL;
    }
    return true;
}

static struct json *read_all(struct scan *scan) {
    if (!is_readable(scan) || !skip_blanks(scan))
        return NULL;
    if (scan->bytes[scan->at] == '\0')
        return syntax_error(scan, scan->at, "the %s is empty; expected an object in { }",
                            scan->source->is_setting ? "value" : "file");
    if (!scan->source->is_setting && scan->bytes[scan->at] != '{')
        return syntax_error(scan, scan->at, "expected an object in { }, found %s",
                            standing_here(scan).text);
    struct json *json = read_value(scan);
    if (!json || !skip_blanks(scan))
        return NULL;
    if (scan->bytes[scan->at] != '\0')
        return syntax_error(scan, scan->at, "expected the end of the %s, found %s",
                            scan->source->is_setting ? "value" : "file", standing_here(scan).text);
    return json;
}

static struct json *read_source(const char *bytes, struct json_source source,
                                struct reading *reading) {
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    if (strncmp(bytes, byte_order_mark, 3) == 0)
        bytes += 3;
    struct json_source *kept = ARENA_NEW(reading->arena, 1, struct json_source);
    *kept = source;
    kept->bytes = bytes;
    kept->length = strlen(bytes);
    struct scan scan = {.reading = reading, .source = kept, .bytes = bytes};
    CHECK(reading->path_length == 0); /* a mistake of syntax empties it */
    return read_all(&scan);
}

struct json *json_read(const char *bytes, const char *file, struct reading *reading) {
    const char *kept = arena_new_text(&reading->diag->arena, file); /* places outlive the reading */
    return read_source(bytes, (struct json_source){.file = kept}, reading);
}

struct json *json_read_setting(const char *bytes, struct diag_place place,
                               struct reading *reading) {
    return read_source(bytes, (struct json_source){.is_setting = true, .place = place}, reading);
}
