/* The words that every command shares, and how a command is declared. */
#ifndef HEADROOM_CLI_OPTIONS_H
#define HEADROOM_CLI_OPTIONS_H

#include "models/spec/spec.h"
#include "sim/base/attributes.h"

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

enum exit_code {
#define EXIT_CODE(enumerator, code, meaning) enumerator = (code),
#include "cli/exit_codes.def"
#undef EXIT_CODE
};

enum { OPTIONS_SETTINGS_MAX = 64, OPTIONS_ARGUMENTS_MAX = 256, OPTIONS_WHERE_MAX = 64 };

/* One field per option of rows in options.c; a command says which of them it takes. */
struct options {
    const char *arguments[OPTIONS_ARGUMENTS_MAX]; /* words that are no options */
    int32_t arguments_count;
    struct spec_setting settings[OPTIONS_SETTINGS_MAX];
    int32_t settings_count;
    const char *db;       /* NULL: none */
    const char *profile;  /* NULL: the newest in the database, else assumed costs are refused */
    const char *out;      /* calibrate: where the profile goes */
    const char *mode;     /* calibrate: quick | full */
    bool is_refit;        /* calibrate: from the windows of an earlier one ... */
    int64_t refit_run;    /* ... this run, 0: the newest */
    const char *markdown; /* compare: also write the table there */
    const char *junit, *tuning;       /* gate: also written there */
    const char *proc;                 /* gate: instead of /proc */
    const char *prometheus;           /* plan: where the rules go */
    const char *simulated, *measured; /* turns: recordings, written with a scenario, else read */
    bool has_seed;
    uint64_t seed;
    int32_t jobs; /* 0: one per processor */
    int32_t reps;
    double precision;   /* relative half-width that replications go on for; 0: not asked for */
    int32_t max_reps;   /* 0: the command's own */
    const char *metric; /* that precision is about; NULL: the command's own */
    double scale;
    const char *baseline; /* compare: the file that --db is held against; NULL: none */
    const char *vary;     /* ceiling: the field that is scaled; NULL: every publish rate */
    bool is_moving;       /* compare: predictions are made again at the measurement's speed */
    bool is_today;        /* ceiling: the costs are moved to the machine's speed of now */
    bool is_curve;        /* ceiling: loads around it are run and kept too */
    bool is_json, is_quiet, is_ceiling, is_measured_too;
    int32_t repeats;                      /* accuracy: measurements of each figure */
    const char *subset;                   /* accuracy: "quick", or NULL: all cases */
    bool is_calibrating;                  /* accuracy: first, where there is no profile */
    double gate;                          /* accuracy: the largest median ratio; 0: none */
    double seconds;                       /* of one measured window; 0: the command's own */
    const char *where[OPTIONS_WHERE_MAX]; /* sweep: further constraints */
    int32_t where_count;
    int32_t shard, shards_count; /* sweep: 1 to shards_count; 0: not said */
    int32_t tasks;               /* sweep submit: of the job array; 0: by the expected time */
    bool is_waiting;             /* sweep submit: until the job has ended */
};

struct command {
    const char *name;
    const char *arguments; /* "SCENARIO" */
    const char *summary;   /* one line */
    const char *doc;       /* what --help adds; examples */
    const char *takes;     /* letters of the options it takes, see options.c */
    const char *verbs;     /* the first argument is one of these, "plan|run"; NULL: it has none */
    int32_t arguments_min, arguments_max;
    int (*run)(const struct options *options);
};

enum { OPTIONS_ROWS_MAX = 64 };
/* The options that a command takes, in the order of --help, ended by an empty one; their count.
 * Where an option's value is one of a few words, its `arg` is those, in small letters:
 * "quick|full". */
int32_t options_of(const struct command *command, struct argp_option table[OPTIONS_ROWS_MAX]);

/* "plan|run" taken apart. */
enum { OPTIONS_WORDS_MAX = 16, OPTIONS_WORDS_BYTES = 256 };
struct options_words {
    char bytes[OPTIONS_WORDS_BYTES];
    const char *items[OPTIONS_WORDS_MAX]; /* into `bytes` */
    int32_t count;
};
void options_split(struct options_words *words, const char *text);

/* Parses argv of one command (argv[0] is its name). Prints what is wrong and returns an exit code;
 * -1: go on. --help prints and returns 0. */
int options_parse(const struct command *command, int argc, char **argv,
                  struct options *options) MUST_USE;

#endif
