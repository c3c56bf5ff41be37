#include "validation/load/tally.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <string.h>

static const char *const limit_names[LOAD_LIMITS] = {
    [LOAD_LIMIT_NONE] = "none",
    [LOAD_LIMIT_SERVER] = "server",
    [LOAD_LIMIT_GENERATOR] = "generator",
    [LOAD_LIMIT_NOBODY_LISTENS] = "nobody_listens",
};

const char *load_limit_name(enum load_limit limit) {
    return limit_names[limit];
}

void load_tally_write(const struct load_tally *tally, struct text *out) {
    double each_ns =
        tally->connected_new > 0 ? tally->seconds * 1e9 / (double)tally->connected_new : 0;
    text_addf(out,
              "{\"connected\":%" PRId64 ",\"connected_new\":%" PRId64 ",\"refused\":%" PRId64
              ",\"seconds\":%.9g,\"accept_ns_each\":%.6g,\"limit\":\"%s\",\"bytes\":%" PRId64
              ",\"is_quiet\":%s}",
              tally->connected, tally->connected_new, tally->refused, tally->seconds, each_ns,
              load_limit_name(tally->limit), tally->bytes, tally->is_quiet ? "true" : "false");
}

static bool read_count(const cJSON *root, const char *key, int64_t *value) {
    const cJSON *json = cJSON_GetObjectItemCaseSensitive(root, key);
    if (!cJSON_IsNumber(json) || !(json->valuedouble >= 0) || json->valuedouble > 0x1p53)
        return false;
    *value = (int64_t)json->valuedouble;
    return true;
}

static bool read_limit(const cJSON *json, enum load_limit *limit) {
    for (int i = 0; cJSON_IsString(json) && i < LOAD_LIMITS; i++) {
        if (strcmp(json->valuestring, limit_names[i]) == 0) {
            *limit = (enum load_limit)i;
            return true;
        }
    }
    return false;
}

bool load_tally_parse(struct load_tally *tally, const char *json) {
    cJSON *root = cJSON_Parse(json);
    const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(root, "seconds");
    const cJSON *is_quiet = cJSON_GetObjectItemCaseSensitive(root, "is_quiet");
    bool is_read = read_count(root, "connected", &tally->connected) &&
                   read_count(root, "connected_new", &tally->connected_new) &&
                   read_count(root, "refused", &tally->refused) &&
                   read_count(root, "bytes", &tally->bytes) && cJSON_IsNumber(seconds) &&
                   cJSON_IsBool(is_quiet) &&
                   read_limit(cJSON_GetObjectItemCaseSensitive(root, "limit"), &tally->limit);
    if (is_read) {
        tally->seconds = seconds->valuedouble;
        tally->is_quiet = cJSON_IsTrue(is_quiet);
    }
    cJSON_Delete(root);
    return is_read;
}

void load_tally_merge(struct load_tally *into, const struct load_tally *from) {
    into->connected += from->connected;
    into->connected_new += from->connected_new;
    into->refused += from->refused;
    if (from->seconds > into->seconds) /* they work at the same time */
        into->seconds = from->seconds;
    if (from->limit > into->limit)
        into->limit = from->limit;
    into->bytes += from->bytes;
    into->is_quiet = into->is_quiet && from->is_quiet;
}
