/* The gate as every output has it: what `headroom gate` gathers, and how it is written. */
#ifndef HEADROOM_CLI_GATE_H
#define HEADROOM_CLI_GATE_H

#include "cli/files.h"
#include "cli/options.h"
#include "study/gate.h"

struct gate_report {
    const struct scenario *scenario;
    const struct gate_evidence *evidence;
    struct gate_answer answers[GATE_LINES];
};

/* The kernel's settings under `proc`: /proc, or a copy of a host's. */
struct gate_host gate_read_host(const char *proc);
/* What the store has of this very scenario: same content, measured, not refused. False, with a
 * message printed, when the store is none; no store at all is nothing measured. */
bool gate_read_measured(const struct scenario *scenario, const struct options *options,
                        struct arena *arena, struct gate_measured *measured) MUST_USE;

void gate_write_text(const struct gate_report *report, struct text *out);
void gate_write_markdown(const struct gate_report *report, struct text *out);
void gate_write_junit(const struct gate_report *report, struct text *out);
void gate_print_json(const struct gate_report *report);
/* What the host has and what a node needs, as a file for /etc/sysctl.d. */
void gate_write_tuning(const struct gate_report *report, const char *host, struct text *out);

#endif
