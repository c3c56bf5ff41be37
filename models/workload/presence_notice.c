/* One walk per kind of message, which counts and, if asked to, writes. */
#include "models/workload/presence_notice.h"

/* "~ ROOM N\n" */
static int64_t head(char kind, struct presence_text name, int32_t count, struct text *out) {
    int64_t bytes = 2 + (int64_t)name.length + 1 + 1 + 1;
    for (int32_t left = count; left >= 10; left /= 10)
        bytes++;
    if (out != NULL)
        text_addf(out, "%c %.*s %d\n", kind, (int)name.length, name.bytes, (int)count);
    return bytes;
}

static void add_key(struct text *out, const struct presence_key *key) {
    struct presence_text state = presence_key_state(key);
    text_addf(out, "%.*s %.*s\n", key->length, key->bytes, (int)state.length, state.bytes);
}

static struct presence_text name_of(const struct presence_room *room) {
    return (struct presence_text){room->bytes, room->length};
}

static int64_t list(const struct presence_room *room, struct text *out) {
    int64_t bytes = head('=', name_of(room), room->present_count, out);
    for (const struct presence_key *key = room->keys; key != NULL && out != NULL; key = key->after)
        if (presence_key_is_present(key))
            add_key(out, key);
    return bytes + room->present_bytes + 2 * (int64_t)room->present_count;
}

static int64_t delta(const struct presence_room *room, const struct presence_key *taken,
                     struct text *out) {
    int64_t bytes = head('~', name_of(room), room->present_count, out);
    for (const struct presence_key *key = taken; key != NULL; key = key->next_changed) {
        if (!presence_key_has_news(key))
            continue;
        bool is_present = presence_key_is_present(key);
        bytes += 1 + key->length + 1;
        if (is_present)
            bytes += 1 + (int64_t)presence_key_state(key).length;
        if (out == NULL)
            continue;
        text_add(out, is_present ? "+" : "-");
        if (is_present)
            add_key(out, key);
        else
            text_addf(out, "%.*s\n", key->length, key->bytes);
    }
    return bytes;
}

static bool has_news(const struct presence_key *taken) {
    for (const struct presence_key *key = taken; key != NULL; key = key->next_changed)
        if (presence_key_has_news(key))
            return true;
    return false;
}

int64_t presence_notice(enum spec_presence_mode mode, const struct presence_room *room,
                        const struct presence_key *taken, struct text *out) {
    if (!has_news(taken))
        return 0;
    switch (mode) {
    case SPEC_PRESENCE_FULL:
        return list(room, out);
    case SPEC_PRESENCE_DELTAS:
    case SPEC_PRESENCE_EXACT:
        return delta(room, taken, out);
    case SPEC_PRESENCE_COUNTS:
        return room->present_count == room->told_count
                   ? 0
                   : head('#', name_of(room), room->present_count, out);
    case SPEC_PRESENCE_ON_DEMAND:
    case SPEC_presence_mode_COUNT:
        break;
    }
    return 0;
}

int64_t presence_notice_all(enum spec_presence_mode mode, struct presence_text name,
                            const struct presence_room *room, struct text *out) {
    if (mode == SPEC_PRESENCE_COUNTS)
        return head('#', name, room != NULL ? room->present_count : 0, out);
    return room != NULL ? list(room, out) : head('=', name, 0, out);
}
