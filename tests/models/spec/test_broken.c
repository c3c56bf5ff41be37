/* Every file of broken/ earns exactly the text beside it. With HEADROOM_ACCEPT=1 the texts are
 * written instead of compared: see broken/README.md. */
#include "models/spec/profile.h"
#include "models/spec/spec.h"

#include "tests/sim/suite.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static const char folder[] = SPEC_TEST_FOLDER "/broken";

enum { FILE_BYTES_MAX = 1 << 20, FILES_MAX = 1000, FILES_MIN = 200 };

/* Malloc'ed and with a NUL behind its `length` bytes; NULL: no such file. */
static char *file_read(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *bytes = malloc(FILE_BYTES_MAX + 1);
    ck_assert_ptr_nonnull(bytes);
    *length = fread(bytes, 1, FILE_BYTES_MAX, file);
    bytes[*length] = '\0';
    fclose(file);
    return bytes;
}

static char *file_read_in_folder(const char *name, size_t *length) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return file_read(path, length);
}

static char *read_extended(void *context, const char *path) {
    (void)context;
    size_t length;
    return file_read_in_folder(path, &length);
}

static void add_sound_cost(struct text *out, enum cost cost) {
    bool is_share = strcmp(profile_cost_unit(cost), "share") == 0;
    text_addf(
        out,
        "%s\"%s\": {\"value\": %s, \"stderr\": 0.05, \"unit\": \"%s\", \"source\": \"measured\"}",
        out->length ? ", " : "", profile_cost_name(cost), is_share ? "0.5" : "2",
        profile_cost_unit(cost));
}

/* `bytes` with its "@other costs@" replaced by those that it does not name. */
static struct text with_other_costs(const char *bytes) {
    static const char mark[] = "@other costs@";
    struct text out, costs;
    text_init(&out);
    text_init(&costs);
    for (int32_t i = 0; i < COST_COUNT; i++) {
        char key[64];
        snprintf(key, sizeof key, "\"%s\":", profile_cost_name((enum cost)i));
        if (!strstr(bytes, key))
            add_sound_cost(&costs, (enum cost)i);
    }
    const char *at = strstr(bytes, mark);
    if (at) {
        text_add_n(&out, bytes, (size_t)(at - bytes));
        text_add(&out, text_bytes(&costs));
        text_add(&out, at + strlen(mark));
    } else {
        text_add(&out, bytes);
    }
    text_fini(&costs);
    return out;
}

static bool parse_profile(const char *bytes, const char *name, struct arena *arena,
                          struct diag *diag) {
    struct text text = with_other_costs(bytes);
    struct profile *profile = ARENA_NEW(arena, 1, struct profile);
    bool is_good = profile_parse(profile, text_bytes(&text), name, arena, diag);
    text_fini(&text);
    return is_good;
}

static bool parse_scenario(const char *bytes, const char *name, struct arena *arena,
                           struct diag *diag) {
    struct spec_scenario scenario;
    const struct spec_options options = {.file = name, .reader = {read_extended, NULL}};
    return spec_parse(&scenario, bytes, &options, arena, diag);
}

/* What the file earns; "accepted\n" behind it when nothing in it was an error. */
static struct text earned(const char *name) {
    struct arena arena;
    struct diag diag;
    struct text out;
    arena_init(&arena);
    diag_init(&diag);
    text_init(&out);
    size_t length;
    char *bytes = file_read_in_folder(name, &length);
    ck_assert_ptr_nonnull(bytes);
    bool is_profile = strstr(name, "-profile-") != NULL;
    bool is_good = spec_check_text(bytes, length, name, &diag) &&
                   (is_profile ? parse_profile(bytes, name, &arena, &diag)
                               : parse_scenario(bytes, name, &arena, &diag));
    free(bytes); /* the messages must not need it any more */
    arena_fini(&arena);
    diag_format(&diag, &out);
    ck_assert_int_eq(is_good, diag.errors_count == 0);
    if (is_good)
        text_add(&out, "accepted\n");
    diag_fini(&diag);
    return out;
}

static void text_path(const char *name, char path[1024]) {
    int stem = (int)strlen(name) - (int)strlen(".json");
    snprintf(path, 1024, "%s/%.*s.txt", folder, stem, name);
}

static void accept_text(const char *name, const struct text *text) {
    char path[1024];
    text_path(name, path);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fwrite(text_bytes(text), 1, text->length, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* True when the file earns its text. */
static bool check_text(const char *name, const struct text *text) {
    char path[1024];
    size_t length = 0;
    text_path(name, path);
    char *expected = file_read(path, &length);
    bool is_same = expected && strcmp(expected, text_bytes(text)) == 0;
    if (!is_same)
        fprintf(stderr, "%s\n--- expected\n%s--- earned\n%s\n", name,
                expected ? expected : "(nothing)\n", text_bytes(text));
    free(expected);
    return is_same;
}

static int is_case(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

START_TEST(each_broken_file_earns_its_text) {
    struct dirent **entries;
    int count = scandir(folder, &entries, is_case, alphasort), wrong = 0;
    ck_assert_int_ge(count, FILES_MIN);
    ck_assert_int_le(count, FILES_MAX);
    for (int i = 0; i < count; i++) {
        struct text text = earned(entries[i]->d_name);
        if (getenv("HEADROOM_ACCEPT"))
            accept_text(entries[i]->d_name, &text);
        else
            wrong += !check_text(entries[i]->d_name, &text);
        text_fini(&text);
        free(entries[i]);
    }
    free(entries);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {TEST(each_broken_file_earns_its_text)};
    return suite_run("models/spec/broken", tests, COUNT_OF(tests));
}
