/* `headroom db`: the store for people who ask in SQL, and the way back from a hash to the text that
 * it stands for. Reads only. */
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/record.h"
#include "sim/store/store_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const struct store *store) {
    fprintf(stderr, "headroom: %s\n", store->error);
    return EXIT_INPUT;
}

/* --- sql: tab-separated, or JSON rows --- */

struct answer {
    bool is_json;
    cJSON *rows; /* of JSON */
    const char *names[STORE_QUERY_COLUMNS_MAX];
    struct arena arena; /* of the names */
};

static void head(void *context, const char *const *names, int32_t count) {
    struct answer *answer = context;
    for (int32_t i = 0; i < count; i++) {
        answer->names[i] = arena_new_text(&answer->arena, names[i]);
        if (!answer->is_json)
            printf("%s%s", names[i], i + 1 < count ? "\t" : "\n");
    }
}

static void row(void *context, const char *const *values, const bool *are_numbers, int32_t count) {
    struct answer *answer = context;
    cJSON *json = answer->is_json ? cJSON_CreateObject() : NULL;
    for (int32_t i = 0; i < count; i++) {
        if (!answer->is_json)
            printf("%s%s", values[i] ? values[i] : "", i + 1 < count ? "\t" : "\n");
        else if (values[i] == NULL)
            cJSON_AddNullToObject(json, answer->names[i]);
        else if (are_numbers[i])
            print_add_number(json, answer->names[i], strtod(values[i], NULL));
        else
            cJSON_AddStringToObject(json, answer->names[i], values[i]);
    }
    if (json)
        cJSON_AddItemToArray(answer->rows, json);
}

static int ask(struct store *store, const char *sql, const struct options *options) {
    struct answer answer = {.is_json = options->is_json, .rows = cJSON_CreateArray()};
    arena_init(&answer.arena);
    struct store_listener listener = {.head = head, .row = row, .context = &answer};
    bool is_answered = store_query(store, sql, &listener);
    if (is_answered && options->is_json) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
        cJSON_AddItemToObject(json, "rows", answer.rows);
        print_json(json);
    } else
        cJSON_Delete(answer.rows);
    arena_fini(&answer.arena);
    return is_answered ? EXIT_HOLDS : failed(store);
}

/* --- texts --- */

/* 16 hex digits; 0: it is something else. */
static uint64_t hash_of(const char *word) {
    char *end;
    uint64_t hash = strtoull(word, &end, 16);
    return strlen(word) == 16 && *end == '\0' ? hash : 0;
}

static enum store_found find_hash(struct store *store, const char *word, bool is_profile,
                                  struct arena *arena, uint64_t *hash) {
    struct store_run run;
    *hash = hash_of(word);
    if (*hash != 0)
        return STORE_FOUND;
    enum store_found found =
        store_latest_run(store, &(struct store_filter){.scenario_name = word}, arena, &run);
    if (found == STORE_FOUND)
        *hash = is_profile ? run.profile_hash : run.scenario_hash;
    return found;
}

static int print_text(struct store *store, const char *word, bool is_profile) {
    struct arena arena;
    struct store_text text;
    uint64_t hash;
    arena_init(&arena);
    enum store_found found = find_hash(store, word, is_profile, &arena, &hash);
    if (found == STORE_FOUND)
        found = is_profile ? store_profile_text(store, hash, &arena, &text)
                           : store_scenario_text(store, hash, &arena, &text);
    if (found == STORE_FOUND)
        fputs(text.text, stdout);
    else if (found == STORE_MISSING)
        fprintf(stderr,
                "headroom: %s: there is no %s \"%s\"; expected 16 digits of a hash, or a "
                "scenario's name\n",
                store->path, is_profile ? "profile" : "scenario", word);
    arena_fini(&arena);
    return found == STORE_FOUND     ? EXIT_HOLDS
           : found == STORE_MISSING ? EXIT_NO_INPUT
                                    : failed(store);
}

static int scenario(struct store *store, const char *word, const struct options *options) {
    (void)options;
    return print_text(store, word, false);
}

static int profile(struct store *store, const char *word, const struct options *options) {
    (void)options;
    return print_text(store, word, true);
}

/* --- the rest --- */

static int views(struct store *store, const char *word, const struct options *options) {
    (void)store, (void)word, (void)options;
    struct text text;
    text_init(&text);
    store_write_views(&text);
    fputs(text_bytes(&text), stdout);
    text_fini(&text);
    return EXIT_HOLDS;
}

static int check(struct store *store, const char *word, const struct options *options) {
    (void)word;
    if (!store_is_sound(store))
        return failed(store);
    print_say(options, "%s: sound, schema version %lld of %d", store->path,
              (long long)store->version, STORE_SCHEMA_VERSION);
    return EXIT_HOLDS;
}

static const struct verb {
    const char *name;
    bool has_word, has_store;
    int (*run)(struct store *store, const char *word, const struct options *options);
} verbs[] = {{"views", false, false, views},
             {"sql", true, true, ask},
             {"scenario", true, true, scenario},
             {"profile", true, true, profile},
             {"check", false, true, check}};

static int wrong_usage(void) {
    fprintf(stderr, "headroom: db: expected views, sql STATEMENT, scenario NAME or HASH, profile "
                    "HASH, or check\n");
    return EXIT_USAGE;
}

static int run(const struct options *options) {
    const struct verb *verb = verbs;
    while (strcmp(options->arguments[0], verb->name) != 0) /* one of command_db's */
        verb++;
    if (options->arguments_count != (verb->has_word ? 2 : 1))
        return wrong_usage();
    const char *word = verb->has_word ? options->arguments[1] : NULL;
    if (!verb->has_store)
        return verb->run(NULL, word, options);
    struct store store;
    if (!store_open(&store, options->db ? options->db : RECORD_DB_DEFAULT, STORE_READ)) {
        fprintf(stderr, "headroom: %s\n", store.error);
        return EXIT_NO_INPUT;
    }
    int code = verb->run(&store, word, options);
    store_close(&store);
    return code;
}

const struct command command_db = {
    .name = "db",
    .arguments = "VERB [WORD]",
    .summary = "the store in SQL, and the texts behind its hashes",
    .doc = "  headroom db views                       the views, as SQL for any client\n"
           "  headroom db sql \"SELECT ...\"            one statement over tables and views; it "
           "cannot write\n"
           "  headroom db scenario NAME               a scenario's text, of the newest run or of a "
           "hash\n"
           "  headroom db profile HASH                likewise what things cost\n"
           "  headroom db check                       integrity, and the version of its schema\n\n"
           "docs/reference/store.md has the tables, docs/report.md the views.",
    .takes = "dJq",
    .verbs = "views|sql|scenario|profile|check",
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run,
};
