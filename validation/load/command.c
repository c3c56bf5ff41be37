/* A command's keys are rows: type, member, range and the verbs that know it. */
#include "validation/load/command.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum key_kind { KEY_COUNT, KEY_SCALE, KEY_SECONDS, KEY_MILLISECONDS, KEY_START };

static const struct {
    const char *name;
    enum key_kind kind;
    size_t offset;
    double lowest, highest;
    unsigned verbs;
} keys[] = {
#define VERB(verb) (1U << COMMAND_##verb)
    {"scale", KEY_SCALE, offsetof(struct command, scale), 1e-9, 1e9, VERB(PROBE)},
    {"replication", KEY_COUNT, offsetof(struct command, replication), 0, 1e9, VERB(PROBE)},
    {"warm_up_s", KEY_SECONDS, offsetof(struct command, warm_up_ns), 0, 3600,
     VERB(PROBE) | VERB(BURST)},
    {"measure_s", KEY_SECONDS, offsetof(struct command, measure_ns), 0.05, 86400,
     VERB(PROBE) | VERB(BURST)},
    {"grace_s", KEY_SECONDS, offsetof(struct command, grace_ns), 0, 3600,
     VERB(PROBE) | VERB(BURST)},
    {"start_ns", KEY_START, offsetof(struct command, start_ns), 0, 0, VERB(PROBE) | VERB(BURST)},
    {"room", KEY_COUNT, offsetof(struct command, room), 0, INT32_MAX, VERB(BURST)},
    {"rooms", KEY_COUNT, offsetof(struct command, rooms), 1, INT32_MAX, VERB(BURST)},
    {"publishes", KEY_COUNT, offsetof(struct command, publishes), 1, 10000, VERB(BURST)},
    {"bytes", KEY_COUNT, offsetof(struct command, bytes), 48, 1 << 20, VERB(BURST)},
    {"every_ms", KEY_MILLISECONDS, offsetof(struct command, every_ns), 0.001, 60000, VERB(BURST)},
    {"patience_s", KEY_SECONDS, offsetof(struct command, patience_ns), 0, 3600, VERB(DRAIN)},
    {"connections_max", KEY_COUNT, offsetof(struct command, connections_max), 1, 10000000,
     VERB(RAMP)},
#undef VERB
};

static const char *const verb_words[] = {
    [COMMAND_CONNECT] = "connect", [COMMAND_PROBE] = "probe", [COMMAND_BURST] = "burst",
    [COMMAND_DRAIN] = "drain",     [COMMAND_RAMP] = "ramp",   [COMMAND_QUIT] = "quit",
};

static struct command standard(const struct spec_window *window) {
    return (struct command){
        .scale = 1,
        .warm_up_ns = window->warm_up == SPEC_AUTO ? 2 * BASE_NS_PER_S : window->warm_up,
        .measure_ns = window->measure,
        .grace_ns = 5 * BASE_NS_PER_S,
        .patience_ns = 10 * BASE_NS_PER_S,
        .every_ns = 5 * BASE_NS_PER_MS,
        .connections_max = 30000,
        .rooms = 1,
        .publishes = 8,
        .bytes = 128,
    };
}

static bool read_verb(const cJSON *json, enum command_verb *verb) {
    for (size_t i = 0; cJSON_IsString(json) && i < COUNT_OF(verb_words); i++) {
        if (strcmp(json->valuestring, verb_words[i]) == 0) {
            *verb = (enum command_verb)i;
            return true;
        }
    }
    return false;
}

/* An instant does not fit a JSON number for ever: a string of digits. */
static bool read_start(const cJSON *json, void *at) {
    if (!cJSON_IsString(json) || !*json->valuestring || strlen(json->valuestring) > 18 ||
        strspn(json->valuestring, "0123456789") != strlen(json->valuestring))
        return false;
    *(base_ns *)at = (base_ns)strtoll(json->valuestring, NULL, 10);
    return true;
}

static bool read_key(const cJSON *json, size_t key, struct command *command) {
    void *at = (char *)command + keys[key].offset;
    if (keys[key].kind == KEY_START)
        return read_start(json, at);
    if (!cJSON_IsNumber(json) || !(json->valuedouble >= keys[key].lowest) ||
        !(json->valuedouble <= keys[key].highest))
        return false;
    switch (keys[key].kind) {
    case KEY_COUNT:
        *(int64_t *)at = (int64_t)json->valuedouble;
        return json->valuedouble == floor(json->valuedouble);
    case KEY_SCALE:
        *(double *)at = json->valuedouble;
        return true;
    case KEY_SECONDS:
        *(base_ns *)at = base_ns_from_seconds(json->valuedouble);
        return true;
    case KEY_MILLISECONDS:
        *(base_ns *)at = base_ns_from_seconds(json->valuedouble * 1e-3);
        return true;
    case KEY_START:
        break;
    }
    return false;
}

static bool read_member(const cJSON *json, struct command *command, struct text *why) {
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (strcmp(json->string, keys[i].name) != 0 || !(keys[i].verbs & 1U << command->verb))
            continue;
        if (read_key(json, i, command))
            return true;
        if (keys[i].kind == KEY_START)
            text_addf(why, "%s: expected a string of digits", keys[i].name);
        else
            text_addf(why, "%s: expected a number from %g to %g", keys[i].name, keys[i].lowest,
                      keys[i].highest);
        return false;
    }
    text_addf(why, "%s: no key of \"%s\"", json->string, verb_words[command->verb]);
    return false;
}

static bool read_command(const cJSON *root, struct command *command, struct text *why) {
    if (!cJSON_IsObject(root)) {
        text_add(why, "expected one JSON object on a line");
        return false;
    }
    if (!read_verb(cJSON_GetObjectItemCaseSensitive(root, "do"), &command->verb)) {
        text_add(why, "do: expected connect, probe, burst, drain, ramp or quit");
        return false;
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, root) {
        if (strcmp(item->string, "do") != 0 && !read_member(item, command, why))
            return false;
    }
    return true;
}

bool command_parse(struct command *command, const char *line, const struct spec_window *window,
                   struct text *why) {
    *command = standard(window);
    cJSON *root = cJSON_Parse(line);
    bool is_read = read_command(root, command, why);
    cJSON_Delete(root);
    return is_read;
}

void command_write(const struct command *command, struct text *out) {
    text_addf(out, "{\"do\":\"%s\"", verb_words[command->verb]);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const void *at = (const char *)command + keys[i].offset;
        if (!(keys[i].verbs & 1U << command->verb))
            continue;
        text_addf(out, ",\"%s\":", keys[i].name);
        switch (keys[i].kind) {
        case KEY_COUNT:
            text_addf(out, "%" PRId64, *(const int64_t *)at);
            break;
        case KEY_SCALE:
            text_addf(out, "%.17g", *(const double *)at);
            break;
        case KEY_SECONDS:
            text_addf(out, "%.17g", base_seconds(*(const base_ns *)at));
            break;
        case KEY_MILLISECONDS:
            text_addf(out, "%.17g", base_ms(*(const base_ns *)at));
            break;
        case KEY_START:
            text_addf(out, "\"%" PRId64 "\"", *(const base_ns *)at);
            break;
        }
    }
    text_add(out, "}");
}
