/* Turns of the window in the order of their beginning, whichever worker's; figures as ratios of
 * sums; batches of equal numbers of turns. The error of a ratio is that of its residuals
 * (numerator - ratio * denominator) over the batches, which allows for both parts varying together:
 * a long turn has more of everything. */
#include "validation/compare/turns.h"

#include "sim/base/arena.h"
#include "sim/base/stats.h"
#include "validation/compare/turns_price.h"

#include <math.h>
#include <stdlib.h>

const double TURNS_PART_SHARE = 0.05;
const double TURNS_PART_ERRORS = 3;
const double TURNS_EXCESS_MIN = 0.02;
static const double NEVER_IDLE = 0.98; /* a loop this busy may be what holds publishes back */

typedef double part_function(const struct turns_price *prices, const struct turn *t);

#define EXPECTED(phase) turns_price_of(&prices[TURNS_PHASE_##phase], TURNS_PHASE_##phase, t)
#define FIGURE(kind, name, numerator, denominator, unit, doc)                                      \
    static double numerator_of_##name(const struct turns_price *prices, const struct turn *t) {    \
        (void)prices;                                                                              \
        return (double)(numerator);                                                                \
    }                                                                                              \
    static double denominator_of_##name(const struct turns_price *prices, const struct turn *t) {  \
        (void)prices;                                                                              \
        (void)t;                                                                                   \
        return (double)(denominator);                                                              \
    }
#include "validation/compare/turns.def"
#undef FIGURE
#undef EXPECTED

static const struct {
    enum turns_kind kind;
    const char *name, *unit, *doc;
    part_function *numerator, *denominator;
} figures[TURNS_FIGURES] = {
#define FIGURE(kind, name, numerator, denominator, unit, doc)                                      \
    {TURNS_##kind, #name, unit, doc, numerator_of_##name, denominator_of_##name},
#include "validation/compare/turns.def"
#undef FIGURE
};

enum turns_kind turns_figure_kind(enum turns_figure figure) {
    return figures[figure].kind;
}
const char *turns_figure_name(enum turns_figure figure) {
    return figures[figure].name;
}
const char *turns_figure_unit(enum turns_figure figure) {
    return figures[figure].unit;
}
const char *turns_figure_doc(enum turns_figure figure) {
    return figures[figure].doc;
}

const char *turns_verdict_name(enum turns_verdict verdict) {
    static const char *const names[] = {
        [TURNS_AGREE] = "agree", [TURNS_PART] = "part", [TURNS_CANNOT_TELL] = "cannot_tell"};
    return names[verdict];
}

/* --- the turns of a window --- */

struct side {
    const struct turn **turns; /* [count], by their beginning */
    int64_t count, lost;
    const struct turns_price *prices; /* the simulated turns' */
};

enum { ANY_SIZE = -1 };

static int32_t size_of(const struct turn *turn) {
    int32_t size = 0;
    for (int64_t touched = turn->touched; touched > 0 && size < TURNS_SIZES - 1; touched /= 2)
        size++;
    return size;
}

static bool is_of(const struct turn *turn, int32_t size) {
    return size == ANY_SIZE || size_of(turn) == size;
}

static int by_start(const void *a, const void *b) {
    int64_t first = (*(const struct turn *const *)a)->start_ns;
    int64_t second = (*(const struct turn *const *)b)->start_ns;
    return (first > second) - (first < second);
}

static struct side side_of(const struct turn_file *file, struct arena *arena) {
    int64_t all = 0;
    struct side side = {0};
    for (int32_t worker = 0; worker < (int32_t)file->workers_count; worker++)
        all += turn_file_count(file, worker);
    side.turns = ARENA_NEW(arena, (size_t)all + 1, const struct turn *);
    for (int32_t worker = 0; worker < (int32_t)file->workers_count; worker++) {
        int64_t count = turn_file_count(file, worker);
        side.lost += turn_file_lost(file, worker);
        for (int64_t i = 0; i < count && side.count < all; i++) {
            const struct turn *turn = turn_file_at(file, worker, i);
            if (turn_file_is_in_window(file, turn))
                side.turns[side.count++] = turn;
        }
    }
    qsort(side.turns, (size_t)side.count, sizeof(const struct turn *), by_start);
    return side;
}

static int64_t count_of(const struct side *side, int32_t size) {
    int64_t count = 0;
    for (int64_t i = 0; i < side->count; i++)
        count += is_of(side->turns[i], size);
    return count;
}

/* --- a figure --- */

struct batch {
    double numerator, denominator;
};

static struct turns_value ratio_of(const struct batch *batches, int32_t count, int64_t turns) {
    double numerator = 0, denominator = 0, squares = 0;
    for (int32_t b = 0; b < count; b++) {
        numerator += batches[b].numerator;
        denominator += batches[b].denominator;
    }
    if (!(denominator > 0))
        return (struct turns_value){NAN, NAN};
    double ratio = numerator / denominator;
    for (int32_t b = 0; b < count; b++) {
        double residual = batches[b].numerator - ratio * batches[b].denominator;
        squares += residual * residual;
    }
    if (turns < TURNS_LEAST)
        return (struct turns_value){ratio, INFINITY};
    return (struct turns_value){ratio, sqrt(squares * count / (count - 1)) / denominator};
}

static struct turns_value value_of(const struct side *side, enum turns_figure figure,
                                   int32_t size) {
    struct batch batches[TURNS_BATCHES] = {{0, 0}};
    int64_t turns = count_of(side, size), seen = 0;
    int32_t count = turns < TURNS_BATCHES ? (int32_t)turns : TURNS_BATCHES;
    for (int64_t i = 0; i < side->count; i++) {
        const struct turn *turn = side->turns[i];
        if (!is_of(turn, size))
            continue;
        struct batch *batch = &batches[seen++ * count / turns];
        batch->numerator += figures[figure].numerator(side->prices, turn);
        batch->denominator += figures[figure].denominator(side->prices, turn);
    }
    return ratio_of(batches, count, turns);
}

static void judge_row(struct turns_row *row) {
    struct turns_value simulated = row->world[TURNS_SIMULATED];
    struct turns_value measured = row->world[TURNS_MEASURED];
    row->ratio = row->ratio_error = NAN;
    if (isnan(simulated.value) || isnan(measured.value))
        return;
    double apart = fabs(measured.value - simulated.value);
    double error = hypot(measured.error, simulated.error);
    double least = TURNS_PART_SHARE * fabs(simulated.value);
    row->parts = apart > least && apart > TURNS_PART_ERRORS * error;
    row->could_hide = !row->parts && TURNS_PART_ERRORS * error > least;
    if (simulated.value == 0)
        return;
    row->ratio = measured.value / simulated.value;
    row->ratio_error = hypot(measured.error, row->ratio * simulated.error) / fabs(simulated.value);
}

static struct turns_row row_of(const struct side *sides, enum turns_figure figure, int32_t size) {
    struct turns_row row = {0};
    for (int world = 0; world < TURNS_WORLDS; world++)
        row.world[world] = value_of(&sides[world], figure, size);
    /* A size that is never simulated is priced by what the other sizes cost. */
    if (figures[figure].kind == TURNS_COST && isnan(row.world[TURNS_SIMULATED].value))
        row.world[TURNS_SIMULATED] = (struct turns_value){1, 0};
    judge_row(&row);
    return row;
}

/* --- columns and sizes --- */

static struct turns_spread spread_of(const struct side *side, enum turn_column column,
                                     double *values) {
    if (side->count == 0)
        return (struct turns_spread){NAN, NAN, NAN, NAN};
    struct turns_spread spread = {0};
    for (int64_t i = 0; i < side->count; i++) {
        values[i] = (double)turn_value(side->turns[i], column);
        spread.mean += values[i] / (double)side->count;
    }
    spread.p10 = stats_quantile(values, (size_t)side->count, 0.1);
    spread.p50 = stats_quantile(values, (size_t)side->count, 0.5);
    spread.p90 = stats_quantile(values, (size_t)side->count, 0.9);
    return spread;
}

struct sums {
    double turns, writes, frames, bytes, reads, reading_ns, writing_ns;
};

static struct sums sums_of(const struct side *side, int32_t size) {
    struct sums sums = {0};
    for (int64_t i = 0; i < side->count; i++) {
        const struct turn *turn = side->turns[i];
        if (!is_of(turn, size))
            continue;
        sums.turns++;
        sums.writes += (double)turn->writes;
        sums.frames += (double)turn->frames;
        sums.bytes += (double)turn->bytes;
        sums.reads += (double)turn->reads;
        sums.reading_ns += turns_phase_ns(TURNS_PHASE_READING, turn);
        sums.writing_ns += turns_phase_ns(TURNS_PHASE_WRITING, turn);
    }
    return sums;
}

static double share(double part, double whole) {
    return whole > 0 ? part / whole : NAN;
}

/* `weight`: of this cost in all measured time. */
static double excess_of(const struct turns_row *row, double weight) {
    return row->ratio > 0 ? weight * (1 - 1 / row->ratio) : NAN;
}

static void fill_size(struct turns_size *size, const struct side *sides, int32_t number) {
    *size = (struct turns_size){.low = number == 0 ? 0 : INT64_C(1) << (number - 1),
                                .high = number == 0 ? 0 : (INT64_C(1) << number) - 1};
    for (int world = 0; world < TURNS_WORLDS; world++) {
        struct sums sums = sums_of(&sides[world], number);
        size->turns[world] = (int64_t)sums.turns;
        size->share[world] = share(sums.turns, (double)sides[world].count);
        size->frames_per_write[world] = share(sums.frames, sums.writes);
        size->bytes_per_write[world] = share(sums.bytes, sums.writes);
        size->ns_per_write[world] = share(sums.writing_ns, sums.writes);
        size->ns_per_read[world] = share(sums.reading_ns, sums.reads);
    }
    struct sums here = sums_of(&sides[TURNS_MEASURED], number);
    struct sums all = sums_of(&sides[TURNS_MEASURED], ANY_SIZE);
    for (int figure = 0; figure < TURNS_FIGURES; figure++)
        if (figures[figure].kind == TURNS_COST)
            size->cost[figure] = row_of(sides, (enum turns_figure)figure, number);
    double took_ns = all.reading_ns + all.writing_ns;
    size->excess[TURNS_reading] =
        excess_of(&size->cost[TURNS_reading], share(here.reading_ns, took_ns));
    size->excess[TURNS_writing] =
        excess_of(&size->cost[TURNS_writing], share(here.writing_ns, took_ns));
}

/* --- the walk --- */

static bool is_never_idle(const struct turns_comparison *comparison) {
    const struct turns_row *busy = &comparison->rows[TURNS_busy_share];
    return busy->world[TURNS_SIMULATED].value > NEVER_IDLE ||
           busy->world[TURNS_MEASURED].value > NEVER_IDLE;
}

static bool part_at(struct turns_comparison *comparison, enum turns_figure figure, int32_t size) {
    comparison->verdict = TURNS_PART;
    comparison->first = figure;
    comparison->first_size = size;
    return true;
}

static double excess_at_all_sizes(const struct turns_comparison *comparison, int figure) {
    double excess = 0;
    for (int32_t i = 0; i < comparison->sizes_count; i++)
        if (isfinite(comparison->sizes[i].excess[figure]))
            excess += fabs(comparison->sizes[i].excess[figure]);
    return excess;
}

/* In the order of the rows; a server that never rests decides itself how much it accepts. */
static bool walk_rows(struct turns_comparison *comparison, enum turns_kind kind) {
    for (int figure = 0; figure < TURNS_FIGURES; figure++) {
        bool is_held_back = figure == TURNS_publishes_per_s && is_never_idle(comparison);
        enum turns_kind is = is_held_back ? TURNS_RESULT : figures[figure].kind;
        bool is_small =
            is == TURNS_COST && excess_at_all_sizes(comparison, figure) < TURNS_EXCESS_MIN;
        if (is == kind && comparison->rows[figure].parts && !is_small)
            return part_at(comparison, (enum turns_figure)figure, -1);
    }
    return false;
}

/* A cost counts where it moves the measured time, and a size where it has a part in that. */
static bool parts_at_size(const struct turns_comparison *comparison, int figure, int32_t size) {
    const struct turns_size *at = &comparison->sizes[size];
    double all = excess_at_all_sizes(comparison, figure);
    return figures[figure].kind == TURNS_COST && at->cost[figure].parts &&
           all >= TURNS_EXCESS_MIN && fabs(at->excess[figure]) >= TURNS_EXCESS_MIN * all;
}

static bool walk_sizes(struct turns_comparison *comparison) {
    for (int figure = 0; figure < TURNS_FIGURES; figure++)
        for (int32_t i = 0; i < comparison->sizes_count; i++)
            if (parts_at_size(comparison, figure, i))
                return part_at(comparison, (enum turns_figure)figure, i);
    return false;
}

static void find_most(struct turns_comparison *comparison) {
    double most = 0;
    comparison->most_size = -1;
    for (int figure = 0; figure < TURNS_FIGURES; figure++)
        for (int32_t i = 0; i < comparison->sizes_count; i++) {
            double excess = fabs(comparison->sizes[i].excess[figure]);
            if (!parts_at_size(comparison, figure, i) || excess <= most)
                continue;
            most = excess;
            comparison->most = (enum turns_figure)figure;
            comparison->most_size = i;
        }
}

static bool hides_something(const struct turns_comparison *comparison) {
    for (int figure = 0; figure < TURNS_FIGURES; figure++)
        if (figures[figure].kind == TURNS_COST && comparison->rows[figure].could_hide)
            return true;
    return false;
}

static void walk(struct turns_comparison *comparison) {
    comparison->first_size = -1;
    if (comparison->turns[TURNS_SIMULATED] < TURNS_LEAST ||
        comparison->turns[TURNS_MEASURED] < TURNS_LEAST)
        comparison->verdict = TURNS_CANNOT_TELL;
    else if (!walk_rows(comparison, TURNS_GIVEN) && !walk_sizes(comparison) &&
             !walk_rows(comparison, TURNS_COST) && !walk_rows(comparison, TURNS_RESULT))
        comparison->verdict = hides_something(comparison) ? TURNS_CANNOT_TELL : TURNS_AGREE;
}

static void fill_spreads(struct turns_comparison *comparison, const struct side *sides,
                         struct arena *arena) {
    for (int world = 0; world < TURNS_WORLDS; world++) {
        double *values = ARENA_NEW(arena, (size_t)sides[world].count, double);
        for (int column = 0; column < TURN_COLUMNS; column++)
            comparison->spread[column][world] =
                spread_of(&sides[world], (enum turn_column)column, values);
    }
}

static void fill_sizes(struct turns_comparison *comparison, const struct side *sides) {
    for (int32_t size = 0; size < TURNS_SIZES; size++)
        if (count_of(&sides[TURNS_SIMULATED], size) + count_of(&sides[TURNS_MEASURED], size) > 0)
            fill_size(&comparison->sizes[comparison->sizes_count++], sides, size);
}

void turns_compare(const struct turn_file *simulated, const struct turn_file *measured,
                   struct turns_comparison *comparison) {
    struct arena arena;
    arena_init(&arena);
    *comparison = (struct turns_comparison){0};
    struct side sides[TURNS_WORLDS] = {[TURNS_SIMULATED] = side_of(simulated, &arena),
                                       [TURNS_MEASURED] = side_of(measured, &arena)};
    struct turns_price prices[TURNS_PHASES];
    for (int phase = 0; phase < TURNS_PHASES; phase++)
        prices[phase] = turns_price_fit(sides[TURNS_SIMULATED].turns, sides[TURNS_SIMULATED].count,
                                        (enum turns_phase)phase);
    for (int world = 0; world < TURNS_WORLDS; world++) {
        sides[world].prices = prices;
        comparison->turns[world] = sides[world].count;
        comparison->lost[world] = sides[world].lost;
    }
    fill_spreads(comparison, sides, &arena);
    for (int figure = 0; figure < TURNS_FIGURES; figure++)
        comparison->rows[figure] = row_of(sides, (enum turns_figure)figure, ANY_SIZE);
    fill_sizes(comparison, sides);
    find_most(comparison);
    walk(comparison);
    arena_fini(&arena);
}
