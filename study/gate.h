/* The gate: ten questions that a plan should have answers to before it is trusted (gate.def), each
 * judged from evidence that is handed in. What nobody has measured is "not measured", which is
 * neither passed nor failed. docs/gate.md says what each line looks at. */
#ifndef HEADROOM_STUDY_GATE_H
#define HEADROOM_STUDY_GATE_H

#include "models/cluster/layout.h"
#include "models/spec/profile.h"
#include "models/workload/outcome.h"
#include "sim/base/arena.h"
#include "sim/base/stats.h"

#include <stdbool.h>
#include <stdint.h>

enum gate_line {
#define LINE(id, enumerator, asks) GATE_##enumerator,
#include "study/gate.def"
#undef LINE
    GATE_LINES
};
const char *gate_id(enum gate_line line);
const char *gate_asks(enum gate_line line);

enum gate_result { GATE_PASS, GATE_FAIL, GATE_NOT_MEASURED };
const char *gate_result_name(enum gate_result result); /* "pass", "fail", "not measured" */

/* A limit of the host's kernel against what a node of the scenario needs. */
struct gate_limit {
    const char *name; /* as sysctl and ulimit name it; static text */
    double found;     /* NAN: it could not be read */
    double needed;
    const char *why; /* static text */
};
enum { GATE_LIMITS_MAX = 8 };

/* What was read from /proc; NAN: it could not be. */
struct gate_host {
    double open_files_hard; /* ulimit -Hn */
    double nr_open, file_max;
    double port_low, port_high;
    double wmem_max;      /* bytes */
    double tcp_mem_pages; /* the third of net.ipv4.tcp_mem */
    double page_bytes;
    bool is_recorded; /* a tuning record is being written */
};

/* Measured runs of this very scenario. */
struct gate_measured {
    bool can_be; /* the real pair takes the scenario */
    bool has_active, has_idle, has_run;
    struct stats_interval active; /* deliveries/s */
    double idle;                  /* connections */
    enum outcome_verdict verdict; /* of the newest run at the scenario's own load */
    int64_t ceiling_run, load_run;
};

struct gate_evidence {
    const struct layout *layout; /* of the scenario */
    const struct profile_costs *costs;
    const struct outcome *outcome;  /* simulated at the scenario's load */
    const struct outcome *one_lost; /* with a node of the largest kind fewer; NULL: there is one
                                       node */
    struct gate_measured measured;
    struct gate_host host;
};

struct gate_answer {
    enum gate_result result;
    const char *evidence; /* in the arena */
    const char *field;    /* what to change, as --set names it; "" for none */
};

struct gate_answer gate_judge(enum gate_line line, const struct gate_evidence *evidence,
                              struct arena *arena);
/* All pass: GATE_PASS; one fails: GATE_FAIL. */
enum gate_result gate_whole(const struct gate_answer answers[GATE_LINES]);

/* The limits of the line kernel-limits; how many. */
int32_t gate_limits(const struct gate_evidence *evidence,
                    struct gate_limit limits[GATE_LIMITS_MAX]);
bool gate_is_enough(const struct gate_limit *limit);

#endif
