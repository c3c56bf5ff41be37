/* Latency against load, and the whole distribution at one load.
 *
 * A simulated load is run once per draw of the costs (`headroom ceiling --curve`), so the band is
 * what calibration leaves open; a measured one is a probe of the search. Above the ceiling a p99
 * describes a backlog and depends on how long somebody looked: the points stay, and the table says
 * how many of the runs held. */
#include "study/report_parts.h"

#include "sim/base/hist.h"
#include "sim/base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- latency against load --- */

enum { DRAWS_MAX = 64 };

struct point {
    double scale, load, p50, p99, late_share;
    bool holds;
};

static bool read_point(const struct report_subject *subject, const struct store_run *run,
                       struct point *point) {
    struct store_metric load, p50, p99, late, verdict;
    if (!report_metric(subject, run->id, "offered_deliveries_per_s", &load) ||
        !report_metric(subject, run->id, "latency_p50_ms", &p50) ||
        !report_metric(subject, run->id, "latency_p99_ms", &p99) ||
        !report_metric(subject, run->id, "late_share", &late) ||
        !report_metric(subject, run->id, "verdict", &verdict))
        return false;
    *point = (struct point){.scale = run->load_scale,
                            .load = load.value,
                            .p50 = p50.value,
                            .p99 = p99.value,
                            .late_share = late.value,
                            .holds = verdict.text && strcmp(verdict.text, "holds") == 0};
    return true;
}

static int by_scale(const void *a, const void *b) {
    const struct point *x = a, *y = b;
    return x->scale > y->scale ? 1 : x->scale < y->scale ? -1 : 0;
}

/* The probes of a search that have latencies, by their load. */
static bool read_probes(const struct report_subject *subject, const struct store_run *parent,
                        struct point **points, int32_t *count) {
    struct store_run *runs;
    int32_t runs_count, known = 0;
    *count = 0;
    if (parent->id == 0)
        return true;
    struct store_filter filter = {
        .parent = parent->id, .command = "probe", .state = store_state_name(STORE_DONE)};
    if (!store_runs(subject->store, &filter, subject->arena, &runs, &runs_count))
        return false;
    *points = ARENA_NEW(subject->arena, (size_t)runs_count + 1, struct point);
    for (int32_t i = 0; i < runs_count; i++) {
        if (!read_point(subject, &runs[i], &(*points)[known]))
            return false;
        known += (*points)[known].p99 > 0 && (*points)[known].load > 0;
    }
    qsort(*points, (size_t)known, sizeof **points, by_scale);
    *count = known;
    return true;
}

/* Rows of one world: draws at one load are one row. */
static void add_points(struct report_table *table, const char *world, const struct point *points,
                       int32_t count) {
    for (int32_t first = 0, next; first < count; first = next) {
        double p50[DRAWS_MAX], p99[DRAWS_MAX], late = 0;
        int32_t draws = 0, holds = 0;
        for (next = first;
             next < count && points[next].scale == points[first].scale && draws < DRAWS_MAX;
             next++, draws++) {
            p50[draws] = points[next].p50;
            p99[draws] = points[next].p99;
            late += points[next].late_share;
            holds += points[next].holds;
        }
        double middle_p50 = stats_median(p50, (size_t)draws);
        double middle_p99 = stats_median(p99, (size_t)draws), low = p99[0], high = p99[0];
        for (int32_t i = 1; i < draws; i++) {
            low = fmin(low, p99[i]);
            high = fmax(high, p99[i]);
        }
        REPORT_ADD_ROW(
            table, report_words(world), report_number(points[first].load),
            report_number(middle_p50), report_number(middle_p99), report_number(low),
            report_number(high), report_number(100 * late / draws),
            report_words(arena_new_format(table->arena, "%d of %d", (int)holds, (int)draws)));
    }
}

static void add_load_columns(struct report_table *table) {
    report_add_column(table, "world", "world", "", false);
    report_add_column(table, "load", "load", "per second", true);
    report_add_column(table, "p50", "p50", "ms", true);
    report_add_column(table, "p99", "p99", "ms", true);
    report_add_column(table, "p99_low", "lowest", "p99, ms", true);
    report_add_column(table, "p99_high", "highest", "p99, ms", true);
    report_add_column(table, "late", "late", "%", true);
    report_add_column(table, "holds", "hold", "runs", false);
}

#define SIMULATED_ONLY "\"transform\":[{\"filter\":\"datum.world == 'simulated'\"}],"
#define MEASURED_ONLY "\"transform\":[{\"filter\":\"datum.world == 'measured'\"}],"
#define LOAD_X                                                                                     \
    "\"x\":{\"field\":\"load\",\"type\":\"quantitative\",\"axis\":{\"format\":\"~s\","             \
    "\"tickCount\":6},\"title\":"                                                                  \
    "\"deliveries/s asked for\"}"
#define MS_Y(field)                                                                                \
    "\"y\":{\"field\":\"" field "\",\"type\":\"quantitative\",\"scale\":{\"type\":\"log\"},"       \
    "\"axis\":{\"tickCount\":4},\"title\":\"latency, ms\"}"
#define LOAD_TIP                                                                                   \
    "\"tooltip\":[{\"field\":\"world\"},{\"field\":\"load\",\"format\":\",.4~s\"},{\"field\":"     \
    "\"p50\",\"format\":\",.3~g\"},{\"field\":\"p99\",\"format\":\",.3~g\"}]"

/* The objective's line, and (where it is known) the ceiling's. */
static const char *load_chart(struct arena *arena, double within_ms, double ceiling,
                              bool has_measured) {
    static const char measured_layer[] =
        ",{" MEASURED_ONLY
        "\"mark\":{\"type\":\"point\",\"shape\":\"diamond\",\"filled\":true,\"size\":70},"
        "\"encoding\":{" LOAD_X "," MS_Y("p99") ",\"color\":{\"datum\":\"p99, measured\"}," LOAD_TIP
                                                "}}";
    const char *objective =
        isnan(within_ms)
            ? ""
            : arena_new_format(arena,
                               ",{\"data\":{\"values\":[{}]},\"mark\":{\"type\":\"rule\",\"style\":"
                               "\"limit\"},\"encoding\":{\"y\":{\"datum\":"
                               "%g}}},{\"data\":{\"values\":[{}]},\"mark\":{\"type\":\"text\","
                               "\"style\":\"limitText\",\"align\":\"left\","
                               "\"baseline\":\"bottom\",\"dx\":4,\"dy\":-3,\"text\":\"objective: "
                               "within %g ms\"},"
                               "\"encoding\":{\"x\":{\"value\":0},\"y\":{\"datum\":%g}}}",
                               within_ms, within_ms, within_ms);
    const char *at =
        isnan(ceiling)
            ? ""
            : arena_new_format(
                  arena,
                  ",{\"data\":{\"values\":[{}]},\"mark\":{\"type\":\"rule\",\"style\":\"even\"},"
                  "\"encoding\":{\"x\":"
                  "{\"datum\":%.10g}}},{\"data\":{\"values\":[{}]},\"mark\":{\"type\":\"text\","
                  "\"style\":\"label\","
                  "\"align\":\"right\",\"baseline\":\"top\",\"dx\":-5,\"dy\":4,\"text\":"
                  "\"ceiling\"},\"encoding\":{\"x\":{\"datum\":%.10g},\"y\":{\"value\":0}}}",
                  ceiling, ceiling);
    return arena_new_format(
        arena,
        "{\"width\":\"container\",\"height\":340,\"layer\":["
        "{" SIMULATED_ONLY "\"mark\":{\"type\":\"area\"},\"encoding\":{" LOAD_X "," MS_Y(
            "p99_low") ",\"y2\":{\"field\":\"p99_high\"},\"color\":{\"datum\":\"p99, "
                       "simulated\",\"legend\":{\"title\":null}}}},"
                       "{" SIMULATED_ONLY
                       "\"mark\":{\"type\":\"line\",\"point\":{\"size\":28}},\"encoding\":{" LOAD_X
                       "," MS_Y(
                           "p99") ",\"color\":{\"datum\":\"p99, simulated\"}," LOAD_TIP "}},"
                                  "{" SIMULATED_ONLY "\"mark\":{\"type\":\"line\",\"point\":{"
                                  "\"size\":20}},\"encoding\":{" LOAD_X "," MS_Y(
                                      "p50") ",\"color\":{\"datum\":\"p50, simulated\"}," LOAD_TIP
                                             "}}"
                                             "%s%s%s]}",
        has_measured ? measured_layer : "", objective, at);
}

static const char *says_of_load(const struct report_subject *subject, int32_t draws,
                                double within_ms, double ceiling, int32_t measured) {
    struct arena *arena = subject->arena;
    const char *text = "";
    if (draws > 0)
        text = arena_new_format(
            arena,
            "Each simulated load was run with %d draws of the costs that the calibration leaves "
            "open: the line is their median, the band their lowest and highest p99.",
            (int)draws);
    if (!isnan(within_ms) && !isnan(ceiling))
        text = arena_new_format(
            arena,
            "%s Where late deliveries pass %s %% the load stops being one that holds: at %s "
            "deliveries/s.",
            text, report_say(arena, 100 * (1 - subject->spec.objectives.delivery.share)),
            report_say(arena, ceiling));
    if (measured > 0)
        text = arena_new_format(arena, "%s The diamonds are %d probes of the real server.", text,
                                (int)measured);
    return text;
}

bool report_part_load(struct report *report, const struct report_subject *subject) {
    struct report_part *part = report_add(report, "load", "Latency against load");
    struct point *simulated, *measured;
    int32_t simulated_count, measured_count;
    struct store_metric active = {.value = (double)NAN};
    if (!read_probes(subject, &subject->ceiling, &simulated, &simulated_count) ||
        !read_probes(subject, &subject->measured_ceiling, &measured, &measured_count) ||
        (subject->ceiling.id != 0 &&
         !report_metric(subject, subject->ceiling.id, "ceiling.active", &active)))
        return false;
    if (simulated_count + measured_count == 0) {
        part->missing =
            "No run of this scenario at several loads is in this file. `headroom ceiling "
            "SCENARIO --curve` makes them, and `headroom measure --ceiling SCENARIO` the "
            "measured ones.";
        return true;
    }
    add_load_columns(&part->table);
    add_points(&part->table, "simulated", simulated, simulated_count);
    int32_t draws = simulated_count / (part->table.rows_count > 0 ? part->table.rows_count : 1);
    add_points(&part->table, "measured", measured, measured_count);
    double within_ms =
        subject->is_read ? base_ms(subject->spec.objectives.delivery.within) : (double)NAN;
    part->chart = load_chart(report->arena, within_ms, active.value, measured_count > 0);
    part->says = says_of_load(subject, draws, within_ms, active.value, measured_count);
    part->note =
        "Beyond the ceiling the backlog grows as long as somebody looks, so a latency there says "
        "how long that was.";
    part->command =
        simulated_count > 0
            ? report_command(subject, &subject->ceiling, "ceiling", " --curve")
            : report_command(subject, &subject->measured_ceiling, "measure --ceiling", "");
    return true;
}

/* --- the distribution --- */

/* 50 % and then eight steps for each further nine, as far as there are ten values behind it. */
static bool add_percentiles(const struct report_subject *subject, const struct store_run *run,
                            struct report_table *table, int64_t *p99_ns) {
    enum { STEPS_PER_NINE = 8, STEPS_MAX = 6 * STEPS_PER_NINE };
    struct hist hist;
    hist_init(&hist);
    enum store_found found = store_hist_of(subject->store, run->id, "latency", &hist);
    *p99_ns = found == STORE_FOUND ? hist_quantile(&hist, 0.99) : -1;
    for (int step = 0; step <= STEPS_MAX && found == STORE_FOUND; step++) {
        double beyond = 0.5 * pow(10, -(double)step / STEPS_PER_NINE);
        if (beyond * (double)hist.total < 10)
            break;
        REPORT_ADD_ROW(
            table, report_words(store_kind_name(run->kind)), report_number(100 * (1 - beyond)),
            report_number(base_ms(hist_quantile(&hist, 1 - beyond))), report_number(1 / beyond));
    }
    hist_fini(&hist);
    return found != STORE_FAILED;
}

static const char percentiles_chart[] =
    "{\"width\":\"container\",\"height\":300,\"layer\":[{\"mark\":{\"type\":\"line\",\"point\":{"
    "\"size\":18}},"
    "\"encoding\":{\"x\":{\"field\":\"one_in\",\"type\":\"quantitative\",\"scale\":{\"type\":"
    "\"log\"},"
    "\"title\":\"percentile\",\"axis\":{\"values\":[2,10,100,1000,10000,100000,1000000],"
    "\"labelExpr\":"
    "\"datum.value == 2 ? '50 %%' : format(100 * (1 - 1 / datum.value), '.6~g') + ' "
    "%%'\"}},\"y\":{\"field\":\"ms\",\"type\":"
    "\"quantitative\",\"scale\":{\"type\":\"log\"},\"axis\":{\"tickCount\":5},\"title\":\"latency, "
    "ms\"},\"color\":{\"field\":\"world\","
    "\"type\":\"nominal\",\"sort\":[\"simulated\",\"measured\"],\"legend\":{\"title\":null}},"
    "\"tooltip\":[{\"field\":\"world\"},"
    "{\"field\":\"percentile\",\"format\":\".6~g\"},{\"field\":\"ms\",\"format\":\",.3~g\"}]}}%s]}";

static const char *within_rule(const struct report_subject *subject) {
    if (!subject->is_read)
        return "";
    return arena_new_format(subject->arena,
                            ",{\"data\":{\"values\":[{}]},\"mark\":{\"type\":\"rule\",\"style\":"
                            "\"limit\"},\"encoding\":{\"y\":{\"datum\":%g}}}",
                            base_ms(subject->spec.objectives.delivery.within));
}

static void say_percentiles(struct report_part *part, const struct report_subject *subject,
                            const struct store_run *simulated, int64_t simulated_ns,
                            int64_t measured_ns) {
    struct arena *arena = subject->arena;
    part->says = "Every delivery from the instant at which its publish was meant to be sent.";
    if (simulated_ns >= 0)
        part->says = arena_new_format(
            arena, "%s Simulated p99: %s ms at %s times the scenario's load.", part->says,
            report_say(arena, base_ms(simulated_ns)), report_say(arena, simulated->load_scale));
    if (measured_ns >= 0)
        part->says = arena_new_format(arena, "%s Measured p99: %s ms at %s times.", part->says,
                                      report_say(arena, base_ms(measured_ns)),
                                      report_say(arena, subject->measured.load_scale));
}

bool report_part_percentiles(struct report *report, const struct report_subject *subject) {
    struct report_part *part = report_add(report, "percentiles", "The whole distribution");
    struct report_table *table = &part->table;
    const struct store_run *simulated = subject->run.id ? &subject->run : &subject->ceiling;
    int64_t simulated_ns = -1, measured_ns = -1;
    report_add_column(table, "world", "world", "", false);
    report_add_column(table, "percentile", "percentile", "%", true);
    report_add_column(table, "ms", "latency", "ms", true);
    report_add_column(table, "one_in", "one in", "deliveries is slower", true);
    if ((simulated->id && !add_percentiles(subject, simulated, table, &simulated_ns)) ||
        (subject->measured.id &&
         !add_percentiles(subject, &subject->measured, table, &measured_ns)))
        return false;
    if (table->rows_count == 0) {
        part->missing =
            "No run in this file has a distribution of latencies. `headroom run SCENARIO` "
            "and `headroom measure SCENARIO` have.";
        return true;
    }
    part->chart = arena_new_format(report->arena, percentiles_chart, within_rule(subject));
    say_percentiles(part, subject, simulated, simulated_ns, measured_ns);
    if (simulated_ns >= 0)
        part->command = report_command(
            subject, simulated, simulated == &subject->run ? "run" : "ceiling",
            simulated == &subject->run && simulated->load_scale != 1
                ? arena_new_format(report->arena, " --scale %g", simulated->load_scale)
                : "");
    else
        part->command = report_command(subject, &subject->measured, "measure", "");
    return true;
}
