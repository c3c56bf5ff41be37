/* What the gate cannot work out: the kernel's settings, from files, and what was measured, from the
 * store. Whatever cannot be read is not known, and never taken for enough. */
#include "cli/gate.h"

#include "cli/record.h"
#include "sim/base/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the kernel --- */

/* The file's text, malloc'ed, or NULL. */
static char *read_of(const char *proc, const char *name) {
    char path[4096];
    size_t length;
    if (snprintf(path, sizeof path, "%s/%s", proc, name) >= (int)sizeof path)
        return NULL;
    return files_read(path, &length);
}

/* The number in column `column` of the file's first line, from 0; NAN. */
static double number_of(const char *proc, const char *name, int column) {
    char *text = read_of(proc, name), *at = text;
    double value = (double)NAN;
    for (int i = 0; at != NULL && i <= column; i++) {
        char *end;
        value = strtod(at, &end);
        if (end == at)
            value = (double)NAN;
        at = end;
    }
    free(text);
    return value;
}

/* "Max open files            1024                 524288               files" */
static double open_files_hard(const char *proc) {
    static const char row[] = "Max open files";
    char *text = read_of(proc, "self/limits"), soft[32], hard[32];
    const char *at = text ? strstr(text, row) : NULL;
    double value = (double)NAN;
    if (at != NULL && sscanf(at + sizeof row - 1, "%31s %31s", soft, hard) == 2)
        value = strcmp(hard, "unlimited") == 0 ? INFINITY : strtod(hard, NULL);
    free(text);
    return value;
}

struct gate_host gate_read_host(const char *proc) {
    return (struct gate_host){.open_files_hard = open_files_hard(proc),
                              .nr_open = number_of(proc, "sys/fs/nr_open", 0),
                              .file_max = number_of(proc, "sys/fs/file-max", 0),
                              .port_low = number_of(proc, "sys/net/ipv4/ip_local_port_range", 0),
                              .port_high = number_of(proc, "sys/net/ipv4/ip_local_port_range", 1),
                              .wmem_max = number_of(proc, "sys/net/core/wmem_max", 0),
                              .tcp_mem_pages = number_of(proc, "sys/net/ipv4/tcp_mem", 2),
                              .page_bytes = (double)sysconf(_SC_PAGESIZE)};
}

/* --- the store --- */

/* A ceiling's or a single load's figures, the newest of each that says something. */
static void take(struct store *store, const struct store_run *run, struct arena *arena,
                 struct gate_measured *measured) {
    struct store_metric metric;
    if (store_metric_of(store, run->id, "ceiling.active", arena, &metric) == STORE_FOUND &&
        !isnan(metric.low)) {
        measured->has_active = true;
        measured->active = (struct stats_interval){metric.value, metric.low, metric.high};
        measured->ceiling_run = run->id;
    }
    if (store_metric_of(store, run->id, "ceiling.idle", arena, &metric) == STORE_FOUND &&
        !isnan(metric.value)) {
        measured->has_idle = true;
        measured->idle = metric.value;
    }
    if (run->load_scale >= 1 &&
        store_metric_of(store, run->id, "verdict", arena, &metric) == STORE_FOUND && metric.text) {
        measured->has_run = true;
        measured->load_run = run->id;
        measured->verdict = OUTCOME_CANNOT_TELL;
        for (int i = 0; i <= OUTCOME_CANNOT_TELL; i++)
            if (strcmp(metric.text, outcome_verdict_name((enum outcome_verdict)i)) == 0)
                measured->verdict = (enum outcome_verdict)i;
    }
}

bool gate_read_measured(const struct scenario *scenario, const struct options *options,
                        struct arena *arena, struct gate_measured *measured) {
    const char *path = options->db ? options->db : RECORD_DB_DEFAULT;
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    diag_init(diag);
    *measured =
        (struct gate_measured){.can_be = spec_check_real(&scenario->spec, scenario->path, diag)};
    diag_fini(diag);
    free(diag);
    if (access(path, F_OK) != 0)
        return true;
    struct store store;
    if (!store_open(&store, path, STORE_READ)) {
        fprintf(stderr, "headroom: %s\n", store.error);
        return false;
    }
    struct store_filter filter = {.scenario_hash = scenario->hash,
                                  .command = "measure",
                                  .kind = store_kind_name(STORE_MEASURED),
                                  .state = store_state_name(STORE_DONE)};
    struct store_run *runs;
    int32_t count;
    bool is_read = store_runs(&store, &filter, arena, &runs, &count);
    for (int32_t i = 0; is_read && i < count; i++)
        take(&store, &runs[i], arena, measured);
    if (!is_read)
        fprintf(stderr, "headroom: %s\n", store.error);
    store_close(&store);
    return is_read;
}
