/* What can be said before a run about compression: fields that its kind has no use for. */
#include "models/spec/cross_check_inside.h"

static void warn_of(struct check *check, const struct json *place, const char *key,
                    enum spec_deflate_kind kind) {
    if (is_written(place, key))
        reading_warning(check->reading, json_member(place, key), "\"%s\" has no effect on \"%s\"",
                        key, spec_word("deflate_kind", (int)kind));
}

static void check_deflate(struct check *check, const struct spec_node *node) {
    const struct json *entry = enter(check, enter(check, check->merged, "nodes"), node->name);
    const struct json *place = enter(check, entry, "deflate");
    enum spec_deflate_kind kind = node->deflate.kind;
    if (kind == SPEC_NO_DEFLATE)
        warn_of(check, place, "left", kind);
    if (kind != SPEC_CONTEXT_TAKEOVER) {
        warn_of(check, place, "window_bits", kind);
        warn_of(check, place, "memory_level", kind);
    }
    leave(check);
}

void cross_check_transport(struct check *check) {
    for (int32_t i = 0; i < check->scenario->nodes_count; i++)
        check_deflate(check, &check->scenario->nodes[i]);
}
