/* The choice is always said aloud: a prediction is only as good as the costs that it was made with.
 */
#include "cli/costs.h"

#include "cli/files.h"
#include "cli/print.h"
#include "cli/record.h"
#include "cli/stored.h"
#include "sim/base/fingerprint.h"
#include "sim/store/store.h"

#include <stdio.h>
#include <unistd.h>

extern const char costs_reference_profile[]; /* scenarios/profiles/reference.json, built in */

/* The profile of the newest calibration in the database; false when there is none. */
static bool newest(struct costs_choice *choice, const char *path, const char **text) {
    if (access(path, R_OK) != 0)
        return false;
    struct store store;
    if (!store_open(&store, path, STORE_READ)) {
        fprintf(stderr, "headroom: %s\n", store.error);
        return false;
    }
    struct store_run run;
    struct store_text profile;
    bool is_found =
        stored_calibration(&store, &choice->arena, &run) == STORE_FOUND && run.profile_hash != 0 &&
        store_profile_text(&store, run.profile_hash, &choice->arena, &profile) == STORE_FOUND;
    store_close(&store);
    if (is_found)
        *text = profile.text;
    return is_found;
}

int costs_choose(struct costs_choice *choice, const struct options *options) {
    *choice = (struct costs_choice){0};
    arena_init(&choice->arena);
    text_init(&choice->canonical);
    const char *db = options->db ? options->db : RECORD_DB_DEFAULT;
    const char *text;
    int code;
    if (options->profile != NULL) {
        choice->from = arena_new_format(&choice->arena, "%s", options->profile);
        code = files_profile(&choice->profile, options->profile, &choice->arena);
    } else if (newest(choice, db, &text)) {
        choice->from = arena_new_format(&choice->arena, "the newest calibration in %s", db);
        code = files_parse_profile(&choice->profile, text, db, &choice->arena);
    } else {
        choice->from = "the reference profile that ships with Headroom: another machine's; "
                       "`headroom calibrate` measures this one";
        code = files_parse_profile(&choice->profile, costs_reference_profile, "reference profile",
                                   &choice->arena);
    }
    if (code >= 0)
        return code;
    print_say(options, "costs: %s (%s, %s)", choice->from, choice->profile.name,
              choice->profile.made_at);
    profile_write(&choice->profile, &choice->canonical);
    choice->hash = fingerprint_of(text_bytes(&choice->canonical), choice->canonical.length);
    return -1;
}

void costs_choice_fini(struct costs_choice *choice) {
    text_fini(&choice->canonical);
    arena_fini(&choice->arena);
}
