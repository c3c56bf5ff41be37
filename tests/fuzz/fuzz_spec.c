/* libFuzzer on what people write: whatever the bytes, there is an answer.
 *
 * The first byte chooses: a scenario, a profile, or one --set upon a good scenario; the rest is its
 * text. What parses is written and parsed again: it must be accepted, and be written the same. What
 * does not parse must have said why. */
#include "models/spec/profile.h"
#include "models/spec/spec.h"
#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct input {
    const char *text;
    struct arena arena;
    struct diag diag;
};

static void input_init(struct input *input, const char *text) {
    input->text = text;
    arena_init(&input->arena);
    diag_init(&input->diag);
}

static void input_fini(struct input *input) {
    struct text printed;
    text_init(&printed);
    diag_format(&input->diag, &printed);
    text_fini(&printed);
    diag_fini(&input->diag);
    arena_fini(&input->arena);
}

/* Writes into `out`; false when it does not parse. */
static bool rewrite_with(const char *text, const struct spec_options *options, struct text *out) {
    struct input input;
    struct spec_scenario scenario;
    input_init(&input, text);
    bool is_good = spec_parse(&scenario, text, options, &input.arena, &input.diag);
    CHECK(is_good == (input.diag.errors_count == 0));
    if (is_good)
        spec_write(&scenario, out);
    input_fini(&input);
    return is_good;
}

static bool rewrite_scenario(const char *text, struct text *out) {
    static const struct spec_options options = {.file = "fuzz.json"};
    return rewrite_with(text, &options, out);
}

/* PATH=VALUE; what comes of it is a scenario. */
static bool rewrite_set(char *text, struct text *out) {
    static const char base[] =
        "{\"name\": \"a\", \"populations\": {\"p\": {\"connections\": 10}},"
        "\"rooms\": {\"r\": {\"size\": {\"constant\": 5}, \"members\": [\"p\"]}},"
        "\"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"r\", \"rate\": {\"poisson\": \"2/s per "
        "room\"},"
        "\"bytes\": {\"constant\": 128}}}, \"nodes\": {\"n\": {}}}";
    char *equals = strchr(text, '=');
    if (!equals)
        return false;
    *equals = '\0';
    struct spec_setting setting = {.path = text, .value = equals + 1};
    struct spec_options options = {.file = "base.json", .settings = &setting, .settings_count = 1};
    return rewrite_with(base, &options, out);
}

static bool rewrite_profile(const char *text, struct text *out) {
    struct input input;
    struct profile profile;
    input_init(&input, text);
    bool is_good = profile_parse(&profile, text, "fuzz.json", &input.arena, &input.diag);
    CHECK(is_good == (input.diag.errors_count == 0));
    if (is_good) {
        struct rng rng;
        rng_init(&rng, (struct rng_name){.seed = 1});
        struct profile_costs drawn = profile_draw(&profile, &rng);
        for (int32_t i = 0; i < COST_COUNT; i++)
            CHECK(isfinite(drawn.value[i]));
        profile_write(&profile, out);
    }
    input_fini(&input);
    return is_good;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (length == 0)
        return 0;
    char *text = malloc(length);
    CHECK(text);
    memcpy(text, bytes + 1, length - 1);
    text[length - 1] = '\0';
    struct text once, twice;
    text_init(&once);
    text_init(&twice);
    bool is_profile = bytes[0] % 3 == 1;
    bool (*rewrite)(const char *, struct text *) = is_profile ? rewrite_profile : rewrite_scenario;
    if (bytes[0] % 3 == 2 ? rewrite_set(text, &once) : rewrite(text, &once)) {
        CHECK(rewrite(text_bytes(&once), &twice));
        CHECK(strcmp(text_bytes(&once), text_bytes(&twice)) == 0);
    }
    text_fini(&twice);
    text_fini(&once);
    free(text);
    return 0;
}
