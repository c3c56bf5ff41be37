/* Ten answers in five forms. An id is the same in all of them, and a link in docs/gate.md. */
#include "cli/gate.h"

#include "cli/print.h"
#include "sim/base/fingerprint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char PAGE[] = "docs/gate.md";

static int32_t count_of(const struct gate_report *report, enum gate_result result) {
    int32_t count = 0;
    for (int32_t i = 0; i < GATE_LINES; i++)
        count += report->answers[i].result == result;
    return count;
}

static void add_summary(const struct gate_report *report, struct text *out) {
    text_addf(out, "%d pass, %d fail, %d not measured", count_of(report, GATE_PASS),
              count_of(report, GATE_FAIL), count_of(report, GATE_NOT_MEASURED));
}

void gate_write_text(const struct gate_report *report, struct text *out) {
    text_addf(out, "%s: ", report->scenario->spec.name);
    add_summary(report, out);
    text_addf(out, " (%s)\n", PAGE);
    for (int32_t i = 0; i < GATE_LINES; i++) {
        const struct gate_answer *answer = &report->answers[i];
        text_addf(out, "  %-12s %-20s %s\n", gate_result_name(answer->result),
                  gate_id((enum gate_line)i), answer->evidence);
        if (answer->field[0])
            text_addf(out, "  %-12s %-20s change %s\n", "", "", answer->field);
    }
}

/* --- Markdown --- */

/* A cell ends at a bar. */
static void add_cell(struct text *out, const char *content) {
    for (const char *at = content; *at; at++)
        text_addf(out, *at == '|' ? "\\%c" : "%c", *at);
}

void gate_write_markdown(const struct gate_report *report, struct text *out) {
    text_addf(out, "# Gate: %s\n\n", report->scenario->spec.name);
    add_summary(report, out);
    text_add(out, "\n\n| line | result | evidence | change |\n|---|---|---|---|\n");
    for (int32_t i = 0; i < GATE_LINES; i++) {
        const struct gate_answer *answer = &report->answers[i];
        const char *id = gate_id((enum gate_line)i);
        text_addf(out, "| [%s](%s#%s) | %s | ", id, PAGE, id, gate_result_name(answer->result));
        add_cell(out, answer->evidence);
        text_addf(out, answer->field[0] ? " | `%s` |\n" : " | %s |\n", answer->field);
    }
}

/* --- JUnit --- */

/* What was not measured is skipped: CI shows it, and the exit code tells it from a pass. */
static void add_testcase(const struct gate_report *report, enum gate_line line, struct text *out) {
    static const char *const elements[] = {
        [GATE_PASS] = "system-out", [GATE_FAIL] = "failure", [GATE_NOT_MEASURED] = "skipped"};
    const struct gate_answer *answer = &report->answers[line];
    text_addf(out, "  <testcase classname=\"gate.%s\" name=\"%s\">\n    <%s",
              report->scenario->spec.name, gate_id(line), elements[answer->result]);
    if (answer->result != GATE_PASS) {
        text_add(out, " message=\"");
        text_add_escaped(out, answer->evidence);
        text_add(out, "\"");
    }
    text_add(out, ">");
    text_add_escaped(out, gate_asks(line));
    if (answer->result == GATE_PASS)
        text_add_escaped(out, " ");
    text_add_escaped(out, answer->result == GATE_PASS ? answer->evidence : "");
    if (answer->field[0]) {
        text_add(out, " Change ");
        text_add_escaped(out, answer->field);
        text_add(out, ".");
    }
    text_addf(out, "</%s>\n  </testcase>\n", elements[answer->result]);
}

void gate_write_junit(const struct gate_report *report, struct text *out) {
    text_addf(out,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<testsuite name=\"headroom gate %s\" tests=\"%d\" failures=\"%d\" skipped=\"%d\">\n",
              report->scenario->spec.name, GATE_LINES, count_of(report, GATE_FAIL),
              count_of(report, GATE_NOT_MEASURED));
    for (int32_t i = 0; i < GATE_LINES; i++)
        add_testcase(report, (enum gate_line)i, out);
    text_add(out, "</testsuite>\n");
}

/* --- JSON --- */

void gate_print_json(const struct gate_report *report) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    cJSON_AddStringToObject(json, "scenario", report->scenario->spec.name);
    print_add_hex(json, "scenario_hash", report->scenario->hash);
    cJSON_AddStringToObject(json, "result", gate_result_name(gate_whole(report->answers)));
    cJSON *list = cJSON_AddArrayToObject(json, "lines");
    for (int32_t i = 0; i < GATE_LINES; i++) {
        const struct gate_answer *answer = &report->answers[i];
        cJSON *line = cJSON_CreateObject();
        cJSON_AddStringToObject(line, "id", gate_id((enum gate_line)i));
        cJSON_AddStringToObject(line, "asks", gate_asks((enum gate_line)i));
        cJSON_AddStringToObject(line, "result", gate_result_name(answer->result));
        cJSON_AddStringToObject(line, "evidence", answer->evidence);
        cJSON_AddStringToObject(line, "field", answer->field);
        cJSON_AddItemToArray(list, line);
    }
    print_json(json);
}

/* --- the tuning record --- */

/* The setting that has what was found and what is needed: ports are a range and tcp_mem three
 * numbers, and a limit of processes is not the kernel's. */
static void add_setting(const struct gate_report *report, const struct gate_limit *limit,
                        struct text *out) {
    const struct gate_host *host = &report->evidence->host;
    double value = fmax(limit->found, limit->needed);
    if (strcmp(limit->name, "ulimit -n") == 0)
        text_addf(out, "# LimitNOFILE=%.0f in the service's unit\n", value);
    else if (strcmp(limit->name, "net.ipv4.ip_local_port_range") == 0)
        text_addf(out, "%s = %.0f %.0f\n", limit->name,
                  fmax(1024, fmin(host->port_low, host->port_high + 1 - limit->needed)),
                  host->port_high);
    else if (strcmp(limit->name, "net.ipv4.tcp_mem") == 0)
        text_addf(out, "# %s: the third number at least %.0f\n", limit->name, limit->needed);
    else
        text_addf(out, "%s = %.0f\n", limit->name, value);
}

void gate_write_tuning(const struct gate_report *report, const char *host, struct text *out) {
    struct gate_limit limits[GATE_LIMITS_MAX];
    int32_t count = gate_limits(report->evidence, limits);
    char hash[17];
    fingerprint_format(report->scenario->hash, hash);
    text_addf(out,
              "# Tuning record of %s for the scenario %s (%s), by `headroom gate`. For "
              "/etc/sysctl.d: what\n"
              "# is there where it is enough, what is needed where it is not.\n",
              host, report->scenario->spec.name, hash);
    for (int32_t i = 0; i < count; i++) {
        bool is_known = !isnan(limits[i].found);
        text_addf(out, "\n# %s: found %s, needed %.0f (%s): %s\n", limits[i].name,
                  is_known ? print_number(limits[i].found) : "nothing", limits[i].needed,
                  limits[i].why,
                  !is_known                    ? "not known"
                  : gate_is_enough(&limits[i]) ? "enough"
                                               : "not enough");
        if (is_known)
            add_setting(report, &limits[i], out);
    }
}
