/* Everything that touches a file by name on behalf of the user; the models below only see text. */
#include "cli/files.h"

#include "sim/base/check.h"
#include "sim/base/diag.h"
#include "sim/base/fingerprint.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 64 << 20 };

char *files_read(const char *path, size_t *length) {
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return NULL;
    struct stat status;
    if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) {
        fclose(file);
        errno = EISDIR;
        return NULL;
    }
    struct text text;
    text_init(&text);
    char block[65536];
    size_t got;
    while ((got = fread(block, 1, sizeof block, file)) > 0 && text.length <= FILE_BYTES_MAX)
        text_add_n(&text, block, got);
    bool has_failed = ferror(file) != 0;
    fclose(file);
    if (has_failed || text.length > FILE_BYTES_MAX) {
        text_fini(&text);
        errno = has_failed ? EIO : EFBIG;
        return NULL;
    }
    *length = text.length;
    if (text.bytes == NULL)
        text_add(&text, "");
    return text.bytes ? text.bytes : calloc(1, 1);
}

bool files_write(const char *path, const char *text) {
    FILE *file = fopen(path, "wbe");
    bool is_written = file != NULL && fputs(text, file) >= 0;
    if (file != NULL && fclose(file) != 0)
        is_written = false;
    if (!is_written)
        fprintf(stderr, "headroom: %s: %s\n", path, strerror(errno));
    return is_written;
}

static char *read_for_parser(void *context, const char *path) {
    (void)context;
    size_t length;
    char *text = files_read(path, &length);
    if (text != NULL && strlen(text) != length) { /* a NUL inside ends no scenario */
        free(text);
        return NULL;
    }
    return text;
}

static int missing(const char *path) {
    fprintf(stderr, "headroom: %s: %s\n", path, strerror(errno));
    return errno == ENOENT ? EXIT_NO_INPUT : EXIT_IO;
}

void files_print_diag(const struct diag *diag) {
    struct text text;
    text_init(&text);
    diag_format(diag, &text);
    fputs(text_bytes(&text), stderr);
    text_fini(&text);
}

struct spec_reader files_reader(void) {
    return (struct spec_reader){.read = read_for_parser};
}

char *files_read_text(const char *path, int *code) {
    size_t length;
    char *text = files_read(path, &length);
    if (text == NULL) {
        *code = missing(path);
        return NULL;
    }
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    diag_init(diag);
    bool is_text = spec_check_text(text, length, path, diag);
    files_print_diag(diag);
    diag_fini(diag);
    free(diag);
    if (is_text)
        return text;
    free(text);
    *code = EXIT_INPUT;
    return NULL;
}

bool files_scenario_parse(struct scenario *scenario, const char *text,
                          const struct spec_options *parse, const uint64_t *seed,
                          struct diag *diag) {
    *scenario = (struct scenario){.path = parse->file};
    arena_init(&scenario->arena);
    text_init(&scenario->canonical);
    if (!spec_parse(&scenario->spec, text, parse, &scenario->arena, diag))
        return false;
    if (seed != NULL)
        scenario->spec.seed = *seed;
    spec_write(&scenario->spec, &scenario->canonical);
    scenario->hash = fingerprint_of(text_bytes(&scenario->canonical), scenario->canonical.length);
    return true;
}

int files_scenario(struct scenario *scenario, const char *path, const struct options *options) {
    *scenario = (struct scenario){.path = path};
    int code = -1;
    char *text = files_read_text(path, &code);
    if (text == NULL)
        return code;
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    diag_init(diag);
    struct spec_options parse = {.file = path,
                                 .reader = files_reader(),
                                 .settings = options->settings,
                                 .settings_count = options->settings_count};
    bool is_right = files_scenario_parse(scenario, text, &parse,
                                         options->has_seed ? &options->seed : NULL, diag);
    files_print_diag(diag);
    diag_fini(diag);
    free(diag);
    free(text);
    if (!is_right)
        return EXIT_INPUT;
    roster_init(&scenario->roster, &scenario->spec, scenario->spec.seed, &scenario->arena);
    return -1;
}

void files_scenario_fini(struct scenario *scenario) {
    text_fini(&scenario->canonical);
    arena_fini(&scenario->arena);
}

int files_parse_profile(struct profile *profile, const char *text, const char *name,
                        struct arena *arena) {
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    diag_init(diag);
    bool is_right = profile_parse(profile, text, name, arena, diag);
    files_print_diag(diag);
    diag_fini(diag);
    free(diag);
    return is_right ? -1 : EXIT_INPUT;
}

int files_profile(struct profile *profile, const char *path, struct arena *arena) {
    int code = -1;
    char *text = files_read_text(path, &code);
    if (text == NULL)
        return code;
    code = files_parse_profile(profile, text, path, arena);
    free(text);
    return code;
}

uint64_t files_code_hash(void) {
    size_t length;
    char *image = files_read("/proc/self/exe", &length);
    uint64_t hash = image ? fingerprint_of(image, length) : 0;
    free(image);
    return hash;
}

bool files_check_real(const struct scenario *scenario) {
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    struct text text;
    diag_init(diag);
    text_init(&text);
    bool is_right = spec_check_real(&scenario->spec, scenario->path, diag);
    diag_format(diag, &text);
    fputs(text_bytes(&text), stderr);
    text_fini(&text);
    diag_fini(diag);
    free(diag);
    return is_right;
}

const char *files_beside_program(const char *path, struct arena *arena) {
    char folder[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (length < 0)
        return arena_new_text(arena, path);
    folder[length] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
    return arena_new_format(arena, "%s/%s", folder, path);
}
