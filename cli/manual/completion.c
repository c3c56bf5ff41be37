/* A script for bash: readline asks a function, which looks at the words so far.
 *
 * What may follow an option is told from the option's own row, in the way that --help writes it:
 * FILE, FOLDER, METRIC, or the words themselves in small letters. What a command's arguments are is
 * told likewise. readline splits at '=', so "--db=runs" arrives as three words. */
#include "cli/manual/manual.h"

#include "cli/commands.h"
#include "models/workload/outcome.h"
#include "sim/base/check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Folders are offered too, to go on in. Where no file ends as it should, any will do. */
static const char prologue[] =
    "# Completion for headroom in bash; written by headroom-docs, not to be edited.\n"
    "\n"
    "# ending: files that end in it\n"
    "_headroom_files() {\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen -f -X \"!*$1\" -- \"$cur\"; compgen -d -- \"$cur\")\n"
    "    [[ ${#COMPREPLY[@]} -gt 0 ]] || mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "}\n"
    "\n"
    "_headroom_folders() {\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
    "}\n"
    "\n"
    "# words: those that begin as typed; an option that wants a value is left open\n"
    "_headroom_words() {\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
    "    [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null\n"
    "}\n"
    "\n";

static const char value_of_option[] =
    "# Completes the value of an option, when one is being typed.\n"
    "_headroom_value() {\n"
    "    local option=\n"
    "    if [[ $cur == = ]]; then\n"
    "        option=$prev cur=\n"
    "    elif [[ $prev == = ]]; then\n"
    "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    elif [[ \" $valued \" == *\" $prev \"* ]]; then\n"
    "        option=$prev\n"
    "    fi\n"
    "    case $option in\n"
    "    '') return 1 ;;\n";

static const char position_of_argument[] =
    "# Sets `position`: how many arguments, which are no options, there are before the word.\n"
    "_headroom_position() {\n"
    "    local i\n"
    "    position=0\n"
    "    for ((i = $1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        =) ((i++)) ;;\n"
    "        -*) [[ \" $valued \" != *\" ${COMP_WORDS[i]} \"* || ${COMP_WORDS[i + 1]} == = ]] || "
    "((i++)) "
    ";;\n"
    "        *) ((position++)) ;;\n"
    "        esac\n"
    "    done\n"
    "}\n"
    "\n";

/* --- what the value of an option may be --- */

static void add_words(struct text *out, const char *text) {
    struct options_words words;
    options_split(&words, text);
    for (int32_t i = 0; i < words.count; i++)
        text_addf(out, "%s%s", i > 0 ? " " : "", words.items[i]);
}

static void add_metrics(struct text *out) {
    for (int32_t i = 0; i < OUTCOME_METRICS; i++)
        text_addf(out, "%s%s", i > 0 ? " " : "", outcome_metric_name((enum outcome_metric)i));
}

/* What bash does about it; nothing where only the user knows. */
static void add_action(struct text *out, const char *arg) {
    if (islower((unsigned char)arg[0])) {
        text_add(out, "_headroom_words '");
        add_words(out, arg);
        text_add(out, "'");
    } else if (strcmp(arg, "METRIC") == 0) {
        text_add(out, "_headroom_words '");
        add_metrics(out);
        text_add(out, "'");
    } else if (strcmp(arg, "FILE") == 0)
        text_add(out, "_headroom_files ''");
    else if (strcmp(arg, "FOLDER") == 0)
        text_add(out, "_headroom_folders");
    else
        text_add(out, ":");
}

/* An option means the same in every command, so each is told once. */
static void add_values(struct text *out, const struct manual *manuals, int32_t count) {
    struct text told;
    text_init(&told);
    text_add(out, value_of_option);
    for (int32_t i = 0; i < count; i++)
        for (const struct argp_option *option = manuals[i].options; option->name; option++) {
            char name[64];
            snprintf(name, sizeof name, " --%s ", option->name);
            if (option->arg == NULL || strstr(text_bytes(&told), name))
                continue;
            text_add(&told, name);
            text_addf(out, "    --%s) ", option->name);
            add_action(out, option->arg);
            text_add(out, " ;;\n");
        }
    text_add(out, "    esac\n    return 0\n}\n\n");
    text_fini(&told);
}

/* --- what a command takes --- */

static void add_options(struct text *out, const struct argp_option *options, bool are_valued) {
    for (const struct argp_option *option = options; option->name; option++) {
        bool is_valued = option->arg && !(option->flags & OPTION_ARG_OPTIONAL);
        if (are_valued && is_valued)
            text_addf(out, "--%s ", option->name);
        else if (!are_valued)
            text_addf(out, "--%s%s ", option->name, is_valued ? "=" : "");
    }
}

/* How files end that an argument names; NULL: it names no file. */
static const char *ending_of(const char *argument) {
    static const struct {
        const char *argument, *ending;
    } endings[] = {{"SCENARIO", ".json"},
                   {"STUDY", ".json"},
                   {"INDEX", ".json"},
                   {"FILE", ".json"},
                   {"DB", ".db"}};
    argument += argument[0] == '[';
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        size_t length = strlen(endings[i].argument);
        if (strncmp(argument, endings[i].argument, length) == 0 &&
            !isupper((unsigned char)argument[length]))
            return endings[i].ending;
    }
    return NULL;
}

/* "SCENARIO FIELD..." is two patterns of `case`; the last one goes on where it ends in "...". */
static void add_positions(struct text *out, const struct manual *manual) {
    const char *at = manual->arguments;
    for (int32_t position = 0; *at; position++) {
        size_t length = strcspn(at, " ");
        bool goes_on = length > 3 && at[length] == '\0' && strstr(at, "...");
        const char *ending = ending_of(at);
        if (position == 0 && manual->verbs) {
            text_add(out, "        0) _headroom_words '");
            add_words(out, manual->verbs);
            text_add(out, "' ;;\n");
        } else if (ending && goes_on)
            text_addf(out, "        *) _headroom_files %s ;;\n", ending);
        else if (ending)
            text_addf(out, "        %d) _headroom_files %s ;;\n", (int)position, ending);
        at += length + (at[length] == ' ');
    }
}

/* One branch of the last `case`. */
static void add_manual(struct text *out, const struct manual *manual) {
    bool is_command = strchr(manual->words, ' ') != NULL;
    text_addf(out, "    '%s')\n        valued='", manual->words);
    add_options(out, manual->options, true);
    text_add(out, "'\n        _headroom_value && return\n"
                  "        [[ $cur != -* ]] || {\n            _headroom_words '");
    add_options(out, manual->options, false);
    text_addf(out,
              "--help'\n            return\n        }\n"
              "        _headroom_position %d\n        case $position in\n",
              is_command ? 2 : 1);
    add_positions(out, manual);
    text_add(out, "        esac\n        ;;\n");
}

void completion_write_bash(struct text *out) {
    struct manual manuals[MANUALS_MAX];
    int32_t count = manual_all(manuals);
    text_add(out, prologue);
    add_values(out, manuals, count);
    text_add(out, position_of_argument);
    text_add(out, "_headroom() {\n"
                  "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                  "    local valued position program=${1##*/}\n"
                  "    COMPREPLY=()\n"
                  "    [[ $program != headroom ]] || program=\"headroom ${COMP_WORDS[1]}\"\n"
                  "    [[ $program != headroom\\ * || $COMP_CWORD -gt 1 ]] || {\n"
                  "        _headroom_words '");
    for (int32_t i = 0; i < commands_count; i++)
        text_addf(out, "%s ", commands_all[i]->name);
    text_add(out, "--help --version'\n        return\n    }\n    case $program in\n");
    for (int32_t i = 0; i < count; i++)
        add_manual(out, &manuals[i]);
    text_add(out, "    esac\n}\n\ncomplete -F _headroom headroom");
    for (int32_t i = commands_count; i < count; i++)
        text_addf(out, " %s", manuals[i].words);
    text_add(out, "\n");
}
