/* libFuzzer on the two languages that people write: whatever the bytes, there is an answer.
 *
 * The first byte chooses the language, the rest is the file. What parses is written and parsed
 * again: it must be accepted, and be written the same. What does not parse must have said why. */
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
static bool rewrite_scenario(const char *text, struct text *out) {
    static const struct spec_options options = {.file = "fuzz.json"};
    struct input input;
    struct spec_scenario scenario;
    input_init(&input, text);
    bool is_good = spec_parse(&scenario, text, &options, &input.arena, &input.diag);
    CHECK(is_good == (input.diag.errors_count == 0));
    if (is_good)
        spec_write(&scenario, out);
    input_fini(&input);
    return is_good;
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
    bool (*rewrite)(const char *, struct text *) =
        bytes[0] % 2 ? rewrite_profile : rewrite_scenario;
    char *text = malloc(length);
    CHECK(text);
    memcpy(text, bytes + 1, length - 1);
    text[length - 1] = '\0';
    struct text once, twice;
    text_init(&once);
    text_init(&twice);
    if (rewrite(text, &once)) {
        CHECK(rewrite(text_bytes(&once), &twice));
        CHECK(strcmp(text_bytes(&once), text_bytes(&twice)) == 0);
    }
    text_fini(&twice);
    text_fini(&once);
    free(text);
    return 0;
}
