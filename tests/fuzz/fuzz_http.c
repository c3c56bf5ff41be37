/* Any bytes, in any pieces, get the same verdict from the upgrade's parser, and a valid status with
 * it. */
#include "sim/base/check.h"
#include "validation/gateway/http.h"

#include <string.h>

static const char *const origins[] = {"https://good.example"};
static const struct http_rules rules = {.token = "s3cret", .origins = origins, .origins_count = 1};

struct verdict {
    enum http_result result;
    uint16_t status;
    size_t used;
};

static struct verdict feed(const char *bytes, size_t length, size_t step) {
    static struct http_parser parser;
    struct verdict verdict = {.result = HTTP_MORE};
    http_parser_init(&parser);
    while (verdict.result == HTTP_MORE && verdict.used < length) {
        size_t piece = step < length - verdict.used ? step : length - verdict.used;
        size_t used = 0;
        verdict.result = http_parser_feed(&parser, &rules, bytes + verdict.used, piece, &used);
        CHECK(used <= piece && (used == piece || verdict.result != HTTP_MORE));
        verdict.used += used;
    }
    char out[HTTP_RESPONSE_MAX];
    if (verdict.result == HTTP_REQUEST && parser.target == HTTP_SOCKET)
        CHECK(http_write_upgrade(&parser, out) < sizeof out);
    verdict.status = parser.status;
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    const char *bytes = (const char *)data + 1;
    struct verdict whole = feed(bytes, size - 1, size);
    struct verdict pieces = feed(bytes, size - 1, data[0] % 61 + 1u);
    CHECK(whole.result == pieces.result && whole.used == pieces.used);
    CHECK(whole.result != HTTP_REFUSED || whole.status == pieces.status);
    CHECK(whole.result != HTTP_REFUSED || (whole.status >= 400 && whole.status <= 431));
    return 0;
}
