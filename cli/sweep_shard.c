/* Which share of a study is ours, and which file it goes to. A share takes every N-th run, so that
 * dear and cheap cells, which lie in rows, are dealt out evenly. */
#include "cli/print.h"
#include "cli/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole number of Slurm's; -1: it is not set. -2: it is, to something else. */
static int32_t slurm_number(const char *name) {
    const char *text = getenv(name);
    if (text == NULL || *text == '\0')
        return -1;
    char *end;
    long number = strtol(text, &end, 10);
    return *end != '\0' || number < 0 || number > 100000000 ? -2 : (int32_t)number;
}

/* A task of a job array, or one of several processes of `srun`. */
static bool slurm_shard(struct sweep_shard *shard) {
    int32_t id = slurm_number("SLURM_ARRAY_TASK_ID"),
            count = slurm_number("SLURM_ARRAY_TASK_COUNT"),
            first = slurm_number("SLURM_ARRAY_TASK_MIN"),
            step = slurm_number("SLURM_ARRAY_TASK_STEP");
    if (id == -1) {
        id = slurm_number("SLURM_PROCID");
        count = slurm_number("SLURM_NTASKS");
        first = 0;
    }
    if (id == -1 || count == -1)
        return true;
    step = step < 1 ? 1 : step;
    if (id < 0 || count < 1 || first < 0 || id < first || (id - first) / step >= count)
        return false;
    *shard = (struct sweep_shard){(id - first) / step + 1, count};
    return true;
}

int sweep_choose_shard(const struct options *options, struct sweep_shard *shard) {
    *shard = (struct sweep_shard){1, 1};
    if (options->shards_count > 0) {
        *shard = (struct sweep_shard){options->shard, options->shards_count};
        return -1;
    }
    if (!slurm_shard(shard)) {
        fprintf(stderr, "headroom: Slurm's environment names no task of a whole array; say which "
                        "share this is with --shard K/N\n");
        return EXIT_USAGE;
    }
    if (shard->count > 1)
        print_say(options, "share %d of %d, from Slurm's environment", shard->number, shard->count);
    return -1;
}

const char *sweep_shard_db(struct arena *arena, const char *db, struct sweep_shard shard) {
    const char *dot = strrchr(db, '.'), *slash = strrchr(db, '/');
    bool has_ending = dot != NULL && dot != db && (slash == NULL || dot > slash + 1);
    size_t length = has_ending ? (size_t)(dot - db) : strlen(db);
    return arena_new_format(arena, "%.*s.%d-of-%d%s", (int)length, db, shard.number, shard.count,
                            db + length);
}

bool sweep_is_ours(const struct sweep_work *work, int32_t index) {
    return index % work->shard.count == work->shard.number - 1;
}

int32_t sweep_count_missing(const struct sweep_work *work, bool of_ours_only) {
    int32_t count = 0;
    for (int32_t i = 0; i < work->runs_count; i++)
        count += work->runs[i].found.run == 0 && (!of_ours_only || sweep_is_ours(work, i));
    return count;
}
