/* A Slurm job array: one script, one task per share, each into a file of its own; and the merging
 * of those files.
 *
 * The script gives each task its share by number, not by what Slurm counts, so that a task that is
 * requeued or submitted again alone is still the same share. The profile is written beside it: a
 * calibration in the meantime must not make two halves of one study. */
#include "cli/print.h"
#include "cli/record.h"
#include "cli/sweep.h"
#include "sim/base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { TASK_SECONDS_MIN = 60, TASKS_MAX = 1000 };

int sweep_merge(struct store *store, const char *const *paths, int32_t count,
                const struct options *options) {
    struct store_merged all = {0};
    for (int32_t i = 0; i < count; i++) {
        struct store_merged merged;
        if (!store_merge_cells(store, paths[i], &merged)) {
            fprintf(stderr, "headroom: %s\n", store->error);
            return EXIT_INPUT;
        }
        print_say(options, "%s: %lld runs taken, %lld were known", paths[i],
                  (long long)merged.taken, (long long)merged.known);
        all.taken += merged.taken;
        all.known += merged.known;
    }
    if (options->is_json) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
        cJSON_AddStringToObject(json, "db", store->path);
        cJSON_AddNumberToObject(json, "taken", (double)all.taken);
        cJSON_AddNumberToObject(json, "known", (double)all.known);
        print_json(json);
    } else {
        printf("%s: %lld runs taken, %lld were known\n", store->path, (long long)all.taken,
               (long long)all.known);
    }
    return -1;
}

/* ---- the script */

/* One word for a shell. */
static void add_quoted(struct text *out, const char *word) {
    text_add(out, "'");
    for (const char *at = word; *at; at++)
        if (*at == '\'')
            text_add(out, "'\\''");
        else
            text_add_n(out, at, 1);
    text_add(out, "'");
}

static void add_option(struct text *out, const char *name, const char *value) {
    text_addf(out, " --%s ", name);
    add_quoted(out, value);
}

/* Absolute, whether or not the file is there already. */
static const char *absolute(struct arena *arena, const char *path) {
    char folder[PATH_MAX];
    if (path[0] == '/' || getcwd(folder, sizeof folder) == NULL)
        return path;
    return arena_new_format(arena, "%s/%s", folder, path);
}

struct job {
    const char *study, *db, *script, *profile, *log; /* paths, absolute */
    int32_t tasks;
};

static void add_choices(const struct options *options, struct text *out) {
    for (int32_t i = 0; i < options->settings_count; i++) {
        struct text setting;
        text_init(&setting);
        text_addf(&setting, "%s=%s", options->settings[i].path, options->settings[i].value);
        add_option(out, "set", text_bytes(&setting));
        text_fini(&setting);
    }
    for (int32_t i = 0; i < options->where_count; i++)
        add_option(out, "where", options->where[i]);
    if (options->has_seed)
        text_addf(out, " --seed %" PRIu64, options->seed);
    if (options->reps > 0)
        text_addf(out, " --reps %d", options->reps);
}

/* B: the signal goes to the shell, which exec has made ourselves: half a minute before the time is
 * up a task stops between two runs and keeps them. */
static void write_script(const struct sweep_work *work, const struct job *job, const char *program,
                         struct text *out) {
    text_addf(out,
              "#!/bin/bash\n"
              "#SBATCH --job-name=headroom-%s\n"
              "#SBATCH --array=1-%d\n"
              "#SBATCH --requeue\n"
              "#SBATCH --signal=B:TERM@30\n"
              "#SBATCH --open-mode=append\n"
              "#SBATCH --output=%s\n",
              work->study.name, job->tasks, job->log);
    text_add(out, "exec ");
    add_quoted(out, program);
    text_add(out, " sweep run ");
    add_quoted(out, job->study);
    text_addf(out, " --shard \"$SLURM_ARRAY_TASK_ID/%d\" --jobs \"${SLURM_CPUS_PER_TASK:-1}\"",
              job->tasks);
    add_option(out, "db", job->db);
    add_option(out, "profile", job->profile);
    add_choices(work->options, out);
    text_add(out, "\n");
}

static int32_t tasks_for(const struct sweep_work *work, const struct sweep_estimate *estimate) {
    int32_t missing = sweep_count_missing(work, false);
    double tasks = floor(estimate->mean_s * missing / TASK_SECONDS_MIN);
    if (work->options->tasks > 0)
        tasks = work->options->tasks;
    tasks = fmin(fmax(tasks, 1), fmax(missing, 1));
    return (int32_t)fmin(tasks, TASKS_MAX);
}

/* ---- sbatch */

/* Starts `words` and waits. Its exit code; -1: there is no such program. `out`: what it says on
 * standard output; NULL: where ours goes. */
static int run_program(char *const *words, struct text *out) {
    int ends[2] = {-1, -1};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (out != NULL && pipe(ends) == 0) {
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, ends[0]);
        posix_spawn_file_actions_addclose(&actions, ends[1]);
    }
    pid_t child;
    int error = posix_spawnp(&child, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (ends[1] >= 0)
        close(ends[1]);
    char block[512];
    for (ssize_t got; error == 0 && ends[0] >= 0 && (got = read(ends[0], block, sizeof block)) > 0;)
        text_add_n(out, block, (size_t)got);
    if (ends[0] >= 0)
        close(ends[0]);
    if (error != 0)
        return error == ENOENT ? -1 : EXIT_UNAVAILABLE;
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_UNAVAILABLE;
}

static bool has_sbatch(void) {
    struct text said;
    text_init(&said);
    int code = run_program((char *const[]){"sbatch", "--version", NULL}, &said);
    text_fini(&said);
    return code == 0;
}

static bool write_files(const struct sweep_work *work, const struct job *job) {
    char program[PATH_MAX] = "headroom";
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length > 0)
        program[length] = '\0';
    struct text script;
    text_init(&script);
    write_script(work, job, program, &script);
    bool is_written = files_write(job->script, text_bytes(&script)) &&
                      files_write(job->profile, text_bytes(&work->costs.canonical));
    text_fini(&script);
    return is_written;
}

/* A file that cannot be merged does not keep the others out. */
static bool merge_tasks(struct sweep_work *work, struct store *store, const struct job *job) {
    bool is_good = true;
    for (int32_t i = 1; i <= job->tasks; i++) {
        struct store_merged merged;
        const char *path =
            sweep_shard_db(&work->arena, job->db, (struct sweep_shard){i, job->tasks});
        if (access(path, F_OK) != 0 || store_merge_cells(store, path, &merged))
            continue; /* a task that never ran has no file: its runs will be missing */
        fprintf(stderr, "headroom: %s\n", store->error);
        is_good = false;
    }
    return is_good;
}

static int finish(struct sweep_work *work, struct store *store, const struct job *job, int code) {
    bool is_merged = merge_tasks(work, store, job);
    if (!sweep_look_up(work, store) || !sweep_print_results(work, store))
        return EXIT_IO;
    if (code != 0)
        fprintf(stderr, "headroom: a task of the job ended with exit code %d; %s says why\n", code,
                job->log);
    return code != 0 || is_merged ? code : EXIT_INPUT;
}

static void print_job(const struct sweep_work *work, const struct job *job, const char *id) {
    int length = (int)strcspn(id, "\n;"); /* "17", or "17;cluster" */
    if (work->options->is_json) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
        cJSON_AddStringToObject(json, "study", work->study.name);
        cJSON_AddNumberToObject(json, "job", strtod(id, NULL));
        cJSON_AddNumberToObject(json, "tasks", job->tasks);
        cJSON_AddStringToObject(json, "script", job->script);
        print_json(json);
        return;
    }
    printf("job %.*s of %d tasks (%s). When it is done:\n  headroom sweep merge", length, id,
           job->tasks, job->script);
    for (int32_t i = 1; i <= job->tasks; i++) {
        struct arena arena;
        arena_init(&arena);
        printf(" %s", sweep_shard_db(&arena, job->db, (struct sweep_shard){i, job->tasks}));
        arena_fini(&arena);
    }
    printf(" --db %s\n", job->db);
}

static int hand_over(struct sweep_work *work, struct store *store, const struct job *job) {
    const char *wait = work->options->is_waiting ? "--wait" : NULL;
    char *words[] = {"sbatch", "--parsable", (char *)(uintptr_t)job->script, NULL, NULL};
    if (wait != NULL) { /* options stand before the script */
        words[2] = (char *)(uintptr_t)wait;
        words[3] = (char *)(uintptr_t)job->script;
    }
    struct text said;
    text_init(&said);
    int code = run_program(words, &said);
    bool is_submitted = said.length > 0;
    if (is_submitted && wait != NULL)
        code = finish(work, store, job, code);
    else if (is_submitted && code == 0)
        print_job(work, job, text_bytes(&said));
    else
        fprintf(stderr, "headroom: sbatch did not take %s (exit code %d)\n", job->script, code);
    text_fini(&said);
    return is_submitted || code != 0 ? code : EXIT_UNAVAILABLE;
}

int sweep_submit(struct sweep_work *work, struct store *store) {
    struct sweep_estimate estimate;
    if (!has_sbatch())
        return -1;
    if (work->shard.count > 1) {
        fprintf(stderr, "headroom: submit makes the shares itself; leave --shard out\n");
        return EXIT_USAGE;
    }
    if (!sweep_estimate(work, store, &estimate))
        return EXIT_IO;
    const char *db = absolute(&work->arena, work->main_db);
    struct job job = {.study = absolute(&work->arena, work->study_path),
                      .db = db,
                      .script = arena_new_format(&work->arena, "%s.sbatch", db),
                      .profile = arena_new_format(&work->arena, "%s.profile.json", db),
                      .log = arena_new_format(&work->arena, "%s.%%a.log", db),
                      .tasks = tasks_for(work, &estimate)};
    if (!write_files(work, &job))
        return EXIT_IO;
    print_say(work->options, "%s: a job array of %d tasks", work->study.name, job.tasks);
    return hand_over(work, store, &job);
}
