/* One pass, nothing copied; a reader that has failed stays failed, so checks need not be repeated
 * after every number. */
#include "models/workload/presence_wire.h"

#include "models/workload/protocol.h"

#include <string.h>

enum { VERSION = 1, ACTOR_BYTES = 8, VARINT_BYTES_MAX = 10 };

void presence_message_init(struct presence_message *message) {
    *message = (struct presence_message){0};
}

void presence_message_fini(struct presence_message *message) {
    presence_delta_fini(&message->digest);
    presence_delta_fini(&message->delta);
}

bool presence_is_state(const char *bytes, size_t length) {
    if (length > PRESENCE_STATE_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
            return false;
    return true;
}

/* --- out --- */

static void put_number(struct text *out, uint64_t number) {
    char bytes[VARINT_BYTES_MAX];
    size_t length = 0;
    for (; number >= 0x80; number >>= 7)
        bytes[length++] = (char)(unsigned char)(number | 0x80);
    bytes[length++] = (char)number;
    text_add_n(out, bytes, length);
}

static void put_actor(struct text *out, uint64_t actor) {
    char bytes[ACTOR_BYTES];
    for (int i = 0; i < ACTOR_BYTES; i++)
        bytes[i] = (char)(unsigned char)(actor >> (8 * i));
    text_add_n(out, bytes, sizeof bytes);
}

static void put_text(struct text *out, struct presence_text text) {
    put_number(out, text.length);
    if (text.length > 0)
        text_add_n(out, text.bytes, text.length);
}

static void put_spans(struct text *out, const struct presence_spans *spans) {
    put_number(out, (uint64_t)spans->count);
    uint64_t before = 0;
    for (int32_t i = 0; i < spans->count; i++) {
        put_number(out, spans->items[i].first - before);
        put_number(out, spans->items[i].last - spans->items[i].first);
        before = spans->items[i].last;
    }
}

static void put_part(struct text *out, const struct presence_part *part) {
    put_actor(out, part->actor);
    put_spans(out, &part->heard);
    put_spans(out, &part->context);
    put_number(out, (uint64_t)part->items_count);
    uint64_t before = 0;
    for (int32_t i = 0; i < part->items_count; i++) {
        put_number(out, part->items[i].seq - before);
        put_text(out, part->items[i].room);
        put_text(out, part->items[i].key);
        put_text(out, part->items[i].state);
        before = part->items[i].seq;
    }
}

static void put_delta(struct text *out, const struct presence_delta *delta) {
    put_number(out, (uint64_t)delta->count);
    for (int32_t i = 0; i < delta->count; i++)
        put_part(out, &delta->parts[i]);
}

void presence_encode(const struct presence_message *message, struct text *out) {
    put_number(out, VERSION);
    put_number(out, (uint64_t)message->kind);
    put_actor(out, message->from);
    put_delta(out, &message->digest);
    put_delta(out, &message->delta);
}

/* --- in --- */

struct reader {
    const unsigned char *at, *end;
    bool has_failed;
};

static uint64_t fail(struct reader *reader) {
    reader->has_failed = true;
    reader->at = reader->end;
    return 0;
}

/* Only the shortest form of a number is one. */
static uint64_t get_number(struct reader *reader) {
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint64_t byte = *reader->at++;
        if (shift == 63 && byte > 1)
            return fail(reader);
        number |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return byte == 0 && shift > 0 ? fail(reader) : number;
    }
    return fail(reader);
}

static uint64_t get_actor(struct reader *reader) {
    if (reader->end - reader->at < ACTOR_BYTES)
        return fail(reader);
    uint64_t actor = 0;
    for (int i = 0; i < ACTOR_BYTES; i++)
        actor |= (uint64_t)*reader->at++ << (8 * i);
    return actor;
}

static struct presence_text get_text(struct reader *reader, size_t length_max) {
    uint64_t length = get_number(reader);
    if (length > length_max || length > (uint64_t)(reader->end - reader->at))
        return (struct presence_text){(const char *)reader->at, (size_t)fail(reader)};
    struct presence_text text = {(const char *)reader->at, (size_t)length};
    reader->at += length;
    return text;
}

static struct presence_text get_name(struct reader *reader) {
    struct presence_text name = get_text(reader, PRESENCE_NAME_MAX);
    if (!protocol_is_name(name.bytes, name.length))
        fail(reader);
    return name;
}

/* Above `before` by what is read next, which may not be 0. */
static uint64_t get_after(struct reader *reader, uint64_t before) {
    uint64_t step = get_number(reader);
    return step == 0 || step >= UINT64_MAX - before ? fail(reader) : before + step;
}

static void get_spans(struct reader *reader, struct presence_spans *spans) {
    uint64_t count = get_number(reader), before = 0;
    for (uint64_t i = 0; i < count && !reader->has_failed; i++) {
        uint64_t first = get_after(reader, before);
        uint64_t more = get_number(reader);
        if (reader->has_failed || (i > 0 && first == before + 1) || more >= UINT64_MAX - first)
            fail(reader);
        else
            presence_spans_add(spans, first, before = first + more);
    }
}

static bool is_within(const struct presence_spans *spans, uint64_t seq) {
    struct presence_span span = {seq, seq};
    return presence_spans_hold(spans, &(struct presence_spans){.items = &span, .count = 1});
}

static void get_items(struct reader *reader, struct presence_part *part) {
    uint64_t count = get_number(reader), before = 0;
    for (uint64_t i = 0; i < count && !reader->has_failed; i++) {
        struct presence_item item = {.seq = get_after(reader, before)};
        item.room = get_name(reader);
        item.key = get_name(reader);
        item.state = get_text(reader, PRESENCE_STATE_MAX);
        if (reader->has_failed || !is_within(&part->context, item.seq) ||
            !presence_is_state(item.state.bytes, item.state.length))
            fail(reader);
        else
            presence_part_add(part, &item);
        before = item.seq;
    }
}

static void get_delta(struct reader *reader, struct presence_delta *delta) {
    uint64_t count = get_number(reader), before = 0;
    for (uint64_t i = 0; i < count && !reader->has_failed; i++) {
        uint64_t actor = get_actor(reader);
        if (reader->has_failed || actor <= before) {
            fail(reader);
            return;
        }
        struct presence_part *part = presence_delta_add(delta, actor);
        get_spans(reader, &part->heard);
        get_spans(reader, &part->context);
        get_items(reader, part);
        before = actor;
    }
}

static bool is_digest(const struct presence_delta *delta) {
    for (int32_t i = 0; i < delta->count; i++)
        if (delta->parts[i].context.count > 0)
            return false;
    return true;
}

bool presence_decode(struct presence_message *message, const void *bytes, size_t length) {
    presence_message_init(message);
    struct reader reader = {.at = bytes, .end = (const unsigned char *)bytes + length};
    uint64_t version = get_number(&reader), kind = get_number(&reader);
    if (version != VERSION || kind >= PRESENCE_KINDS)
        return false;
    message->kind = (enum presence_kind)kind;
    message->from = get_actor(&reader);
    get_delta(&reader, &message->digest);
    get_delta(&reader, &message->delta);
    bool is_whole = !reader.has_failed && reader.at == reader.end && message->from != 0;
    if (is_whole && is_digest(&message->digest))
        return true;
    presence_message_fini(message);
    return false;
}
