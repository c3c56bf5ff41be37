/* Line by line; a bad line is complained of and left out, and reading goes on. */
#include "models/spec/replayed.h"

#include "models/spec/json_text.h"
#include "sim/base/check.h"
#include "sim/base/units.h"

#include <stdlib.h>
#include <string.h>

const char replayed_for_lowest[] = "1ms", replayed_for_highest[] = "24h";
static const char header[] = "time_s,rate_per_s";

struct csv {
    struct reading *reading;
    const struct table_row *row;
    struct spec_pace *pace;
    const char *file;
    const char *line; /* that is being read, [length] */
    size_t length;
    int32_t line_number;
    bool has_header, is_good;
    double first_s;  /* time of the first line */
    base_ns last_ns; /* of the latest one, from there on */
};

static double bound_of(enum units_kind kind, const char *text) {
    struct units_result result;
    CHECK(units_parse(kind, text, &result) && *result.rest == '\0');
    return result.value;
}

bool replayed_is_inside(const struct table_row *row, double rate_per_s) {
    return rate_per_s >= bound_of(UNITS_RATE, row->lowest) &&
           rate_per_s <= bound_of(UNITS_RATE, row->highest);
}

/* The place of a mistake, `at` bytes from the line's start; the file is no longer good. */
static struct diag_place mistake(struct csv *csv, size_t at) {
    struct arena *arena = &csv->reading->diag->arena;
    csv->is_good = false;
    return (struct diag_place){.file = arena_new_text(arena, csv->file),
                               .line = csv->line_number,
                               .column = (int32_t)at + 1,
                               .line_text = json_text_shown_line(arena, csv->line, csv->length)};
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* Without blanks around it. */
static const char *trimmed(struct csv *csv, const char *bytes, size_t length) {
    while (length > 0 && is_blank(bytes[0])) {
        bytes++;
        length--;
    }
    while (length > 0 && is_blank(bytes[length - 1]))
        length--;
    return arena_new_text_n(csv->reading->arena, bytes, length);
}

struct field {
    size_t at; /* from the line's start */
    const char *text;
    double value;
};

/* A number from `at` to the next comma or the line's end. */
static bool field_parse(struct csv *csv, size_t at, size_t end, struct field *field) {
    field->at = at;
    field->text = trimmed(csv, csv->line + at, end - at);
    if (!json_is_number(field->text)) {
        reading_error_at(csv->reading, mistake(csv, at), "%s is not a number; expected %s",
                         reading_quoted(field->text).text, header);
        return false;
    }
    field->value = strtod(field->text, NULL);
    return true;
}

/* From the first line's time on; false: not after the line before, or too close to it, or too far.
 */
static bool time_is_right(struct csv *csv, const struct field *time, base_ns *at_ns) {
    if (csv->pace->stages_count == 0)
        csv->first_s = time->value;
    *at_ns = base_ns_from_seconds(time->value - csv->first_s);
    if (csv->pace->stages_count == 0)
        return true;
    if (!(time->value - csv->first_s > base_seconds(csv->last_ns))) {
        reading_error_at(csv->reading, mistake(csv, time->at),
                         "%s s is not after the line before; expected times that ascend",
                         time->text);
        return false;
    }
    double since_ns = (double)(*at_ns - csv->last_ns);
    if (since_ns >= bound_of(UNITS_TIME, replayed_for_lowest) &&
        since_ns <= bound_of(UNITS_TIME, replayed_for_highest))
        return true;
    reading_error_at(csv->reading, mistake(csv, time->at),
                     "%s s is %.6g s after the line before; expected %s to %s", time->text,
                     since_ns * 1e-9, replayed_for_lowest, replayed_for_highest);
    return false;
}

static bool rate_is_right(struct csv *csv, const struct field *rate) {
    if (replayed_is_inside(csv->row, rate->value))
        return true;
    reading_error_at(csv->reading, mistake(csv, rate->at),
                     "%s/s is out of range; expected %s to %s", rate->text, csv->row->lowest,
                     csv->row->highest);
    return false;
}

static void stage_of_line(struct csv *csv) {
    const char *comma = memchr(csv->line, ',', csv->length);
    size_t at = comma ? (size_t)(comma + 1 - csv->line) : 0;
    if (!comma || memchr(comma + 1, ',', csv->length - at)) {
        reading_error_at(csv->reading, mistake(csv, 0), "%s columns; expected %s",
                         comma ? "more than two" : "fewer than two", header);
        return;
    }
    struct field time, rate;
    bool is_good = field_parse(csv, 0, at - 1, &time);
    is_good &= field_parse(csv, at, csv->length, &rate);
    base_ns at_ns;
    if (!is_good || !time_is_right(csv, &time, &at_ns) || !rate_is_right(csv, &rate))
        return;
    struct spec_pace *pace = csv->pace;
    if (pace->stages_count > 0)
        pace->stages[pace->stages_count - 1].for_ns = at_ns - csv->last_ns;
    csv->last_ns = at_ns;
    pace->stages[pace->stages_count++] = (struct spec_stage){BASE_NS_MAX, rate.value};
}

/* False: no more of the file is to be read. */
static bool line_read(struct csv *csv) {
    const char *text = trimmed(csv, csv->line, csv->length);
    if (text[0] == '\0' || text[0] == '#')
        return true;
    if (!csv->has_header) {
        csv->has_header = strcmp(text, header) == 0;
        if (!csv->has_header)
            reading_error_at(csv->reading, mistake(csv, 0), "%s; expected the header %s",
                             reading_quoted(text).text, header);
        return csv->has_header;
    }
    if (csv->pace->stages_count == REPLAYED_STAGES_MAX) {
        reading_error_at(csv->reading, mistake(csv, 0), "more than %d lines of rates",
                         REPLAYED_STAGES_MAX);
        return false;
    }
    stage_of_line(csv);
    return true;
}

static void lines_read(struct csv *csv, const char *text) {
    static const char mark[] = "\xef\xbb\xbf"; /* that a spreadsheet puts before UTF-8 */
    if (strncmp(text, mark, strlen(mark)) == 0)
        text += strlen(mark);
    bool goes_on = true;
    while (goes_on && *text != '\0') {
        csv->line = text;
        csv->length = strcspn(text, "\n");
        csv->line_number++;
        goes_on = line_read(csv);
        text += csv->length + (text[csv->length] == '\n');
    }
}

bool replayed_read(struct reading *reading, const struct table_row *row, const struct json *path,
                   struct spec_pace *pace) {
    if (path->kind != JSON_STRING || path->text[0] == '\0') {
        reading_error(reading, path, "%s is not a path; expected that of a CSV file",
                      reading_found(path).text);
        return false;
    }
    const struct json_source *source = path->source;
    const char *beside = source->is_setting ? source->place.file : source->file;
    const char *file = spec_beside(reading->arena, beside ? beside : "", path->text);
    const char *text = reading_file(reading, file);
    if (!text) {
        reading_error(reading, path, "%s cannot be read", reading_quoted(file).text);
        return false;
    }
    pace->stages = ARENA_NEW(reading->arena, REPLAYED_STAGES_MAX, struct spec_stage);
    struct csv csv = {.reading = reading, .row = row, .pace = pace, .file = file, .is_good = true};
    lines_read(&csv, text);
    if (csv.is_good && pace->stages_count == 0) {
        reading_error(reading, path, "%s has no rates; expected the header %s and lines of numbers",
                      reading_quoted(file).text, header);
        return false;
    }
    return csv.is_good;
}
