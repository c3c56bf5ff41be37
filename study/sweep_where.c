/* A reader by descent and a tree that is walked once per cell. Kinds are checked while walking,
 * since an axis may hold words and numbers side by side ("64KiB", "unlimited"). */
#include "study/sweep_where.h"

#include "models/spec/json_text.h"
#include "models/spec/reading.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Chains of one operator lean to the left, so the length bounds the tree's depth too. */
enum { DEPTH_MAX = 64, EXPRESSION_BYTES_MAX = 4096 };

enum op {
    OP_VALUE,
    OP_AXIS,
    OP_NEGATE,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_EQUAL,
    OP_UNEQUAL,
    OP_LESS,
    OP_AT_MOST,
    OP_MORE,
    OP_AT_LEAST,
    OP_NOT,
    OP_AND,
    OP_OR,
};

static const char *const op_signs[] = {
    [OP_VALUE] = "",      [OP_AXIS] = "",      [OP_NEGATE] = "-",   [OP_ADD] = "+",
    [OP_SUBTRACT] = "-",  [OP_MULTIPLY] = "*", [OP_DIVIDE] = "/",   [OP_EQUAL] = "=",
    [OP_UNEQUAL] = "!=",  [OP_LESS] = "<",     [OP_AT_MOST] = "<=", [OP_MORE] = ">",
    [OP_AT_LEAST] = ">=", [OP_NOT] = "not",    [OP_AND] = "and",    [OP_OR] = "or"};

struct sweep_where {
    enum op op;
    int32_t axis;
    struct sweep_quantity value;
    const struct sweep_where *left, *right;
};

struct reader {
    const char *start, *at;
    const char *const *names;
    int32_t names_count, depth;
    struct arena *arena;
    struct sweep_where_error *error; /* text[0]: a mistake was found */
};

static struct sweep_where *fail(struct reader *reader, const char *what, const char *hint) {
    if (!reader->error->text[0])
        (void)snprintf(
            reader->error->text, sizeof reader->error->text, "%s%s, at character %zu of %s", what,
            hint, (size_t)(reader->at - reader->start) + 1, reading_quoted(reader->start).text);
    return NULL;
}

static void skip_blanks(struct reader *reader) {
    reader->at += strspn(reader->at, " \t\r\n");
}

static bool is_name_character(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static size_t name_length(const char *at) {
    size_t length = 0;
    if (isalpha((unsigned char)*at) || *at == '_')
        while (is_name_character(at[length]))
            length++;
    return length;
}

static bool take_sign(struct reader *reader, const char *sign) {
    skip_blanks(reader);
    size_t length = strlen(sign);
    bool is_word = isalpha((unsigned char)sign[0]);
    if (strncmp(reader->at, sign, length) != 0 || (is_word && name_length(reader->at) != length))
        return false;
    reader->at += length;
    return true;
}

static struct sweep_where *node(struct reader *reader, enum op op, const struct sweep_where *left,
                                const struct sweep_where *right) {
    struct sweep_where *made = ARENA_NEW(reader->arena, 1, struct sweep_where);
    *made = (struct sweep_where){.op = op, .left = left, .right = right};
    return made;
}

static struct sweep_where *value_node(struct reader *reader, const char *bytes, size_t length) {
    struct sweep_where *made = node(reader, OP_VALUE, NULL, NULL);
    made->value = sweep_quantity_of(arena_new_text_n(reader->arena, bytes, length));
    return made;
}

/* 10, 1e-3, 64KiB, 1h30min, 1Gbit/s, 2/s. */
static size_t literal_length(const char *at) {
    size_t length = json_text_number(at);
    if (length == 0)
        return 0;
    while (isalnum((unsigned char)at[length]) || at[length] == '.')
        length++;
    if (at[length] == '/' && isalpha((unsigned char)at[length + 1]))
        for (length++; isalpha((unsigned char)at[length]);)
            length++;
    return length;
}

static struct sweep_where *read_literal(struct reader *reader) {
    size_t length = literal_length(reader->at);
    struct sweep_where *made = value_node(reader, reader->at, length);
    if (made->value.is_word)
        return fail(reader, reading_quoted(made->value.text).text, " is no number and no quantity");
    reader->at += length;
    return made;
}

static struct sweep_where *read_quoted(struct reader *reader) {
    const char *end = strchr(reader->at + 1, *reader->at);
    if (!end)
        return fail(reader, "the quotes are not closed", "");
    struct sweep_where *made = value_node(reader, reader->at + 1, (size_t)(end - reader->at) - 1);
    reader->at = end + 1;
    return made;
}

static struct sweep_where *read_name(struct reader *reader) {
    size_t length = name_length(reader->at);
    const char *name = arena_new_text_n(reader->arena, reader->at, length);
    for (int32_t i = 0; i < reader->names_count; i++)
        if (strcmp(name, reader->names[i]) == 0) {
            struct sweep_where *made = node(reader, OP_AXIS, NULL, NULL);
            made->axis = i;
            reader->at += length;
            return made;
        }
    struct text what;
    text_init(&what);
    text_addf(&what, "%s is no axis (a word stands in ' ')", reading_quoted(name).text);
    fail(reader, text_bytes(&what),
         reading_hint(name, reader->names, reader->names_count, "the axes are ").text);
    text_fini(&what);
    return NULL;
}

static struct sweep_where *read_or(struct reader *reader);

static struct sweep_where *read_inside(struct reader *reader) {
    struct sweep_where *inside = read_or(reader);
    if (inside && !take_sign(reader, ")"))
        return fail(reader, "expected \")\"", "");
    return inside;
}

static struct sweep_where *read_factor(struct reader *reader) {
    if (++reader->depth > DEPTH_MAX)
        return fail(reader, "nested too deeply", "");
    struct sweep_where *made = NULL;
    skip_blanks(reader);
    if (literal_length(reader->at) > 0 && *reader->at != '-') {
        made = read_literal(reader);
    } else if (*reader->at == '\'' || *reader->at == '"') {
        made = read_quoted(reader);
    } else if (name_length(reader->at) > 0) {
        made = read_name(reader);
    } else if (take_sign(reader, "(")) {
        made = read_inside(reader);
    } else if (take_sign(reader, "-")) {
        const struct sweep_where *negated = read_factor(reader);
        made = negated ? node(reader, OP_NEGATE, negated, NULL) : NULL;
    } else {
        fail(reader, "expected an axis, a number, a word in ' ' or \"(\"", "");
    }
    reader->depth--;
    return made;
}

static struct sweep_where *read_product(struct reader *reader) {
    struct sweep_where *left = read_factor(reader);
    while (left) {
        enum op op = take_sign(reader, "*")   ? OP_MULTIPLY
                     : take_sign(reader, "/") ? OP_DIVIDE
                                              : OP_VALUE;
        if (op == OP_VALUE)
            return left;
        const struct sweep_where *right = read_factor(reader);
        left = right ? node(reader, op, left, right) : NULL;
    }
    return NULL;
}

static struct sweep_where *read_sum(struct reader *reader) {
    struct sweep_where *left = read_product(reader);
    while (left) {
        enum op op = take_sign(reader, "+")   ? OP_ADD
                     : take_sign(reader, "-") ? OP_SUBTRACT
                                              : OP_VALUE;
        if (op == OP_VALUE)
            return left;
        const struct sweep_where *right = read_product(reader);
        left = right ? node(reader, op, left, right) : NULL;
    }
    return NULL;
}

static struct sweep_where *read_comparison(struct reader *reader) {
    /* longer signs first */
    static const enum op ops[] = {OP_UNEQUAL, OP_AT_MOST, OP_AT_LEAST, OP_LESS, OP_MORE, OP_EQUAL};
    struct sweep_where *left = read_sum(reader);
    for (size_t i = 0; left && i < COUNT_OF(ops); i++) {
        if (!take_sign(reader, op_signs[ops[i]]))
            continue;
        (void)(ops[i] == OP_EQUAL && take_sign(reader, "=")); /* "==" as in other languages */
        const struct sweep_where *right = read_sum(reader);
        return right ? node(reader, ops[i], left, right) : NULL;
    }
    return left;
}

static struct sweep_where *read_not(struct reader *reader) {
    if (!take_sign(reader, "not"))
        return read_comparison(reader);
    if (++reader->depth > DEPTH_MAX)
        return fail(reader, "nested too deeply", "");
    const struct sweep_where *inside = read_not(reader);
    reader->depth--;
    return inside ? node(reader, OP_NOT, inside, NULL) : NULL;
}

static struct sweep_where *read_and(struct reader *reader) {
    struct sweep_where *left = read_not(reader);
    while (left && take_sign(reader, "and")) {
        const struct sweep_where *right = read_not(reader);
        left = right ? node(reader, OP_AND, left, right) : NULL;
    }
    return left;
}

static struct sweep_where *read_or(struct reader *reader) {
    struct sweep_where *left = read_and(reader);
    while (left && take_sign(reader, "or")) {
        const struct sweep_where *right = read_and(reader);
        left = right ? node(reader, OP_OR, left, right) : NULL;
    }
    return left;
}

struct sweep_where *sweep_where_new(const char *expression, const char *const *names,
                                    int32_t names_count, struct arena *arena,
                                    struct sweep_where_error *error) {
    error->text[0] = '\0';
    struct reader reader = {
        .names = names, .names_count = names_count, .arena = arena, .error = error};
    reader.start = reader.at = arena_new_text(arena, expression);
    if (strlen(expression) > EXPRESSION_BYTES_MAX)
        return fail(&reader, "a constraint of more than 4096 bytes", "");
    struct sweep_where *where = read_or(&reader);
    skip_blanks(&reader);
    if (where && *reader.at != '\0')
        return fail(&reader, "expected a comparison, and, or, or the end", "");
    return where;
}

/* ---- walking */

struct result {
    bool is_truth, truth;
    struct sweep_quantity quantity;
};

struct walk {
    const struct sweep_quantity *const *values;
    bool *is_wrong;
    struct sweep_where_error *error;
};

static const char *kind_of(const struct result *result) {
    return result->is_truth ? "a comparison" : sweep_quantity_kind(&result->quantity);
}

static struct result wrong(struct walk *walk, enum op op, const struct result *a,
                           const struct result *b) {
    if (!*walk->is_wrong && b)
        (void)snprintf(walk->error->text, sizeof walk->error->text,
                       "\"%s\" does not go between %s and %s", op_signs[op], kind_of(a),
                       kind_of(b));
    else if (!*walk->is_wrong)
        (void)snprintf(walk->error->text, sizeof walk->error->text, "\"%s\" does not go before %s",
                       op_signs[op], kind_of(a));
    *walk->is_wrong = true;
    return (struct result){.is_truth = true};
}

static struct result truth(bool value) {
    return (struct result){.is_truth = true, .truth = value};
}

static bool is_plain(const struct result *result) {
    return !result->is_truth && !result->quantity.is_word && result->quantity.units == UNITS_NONE;
}

static struct result number_of_kind(const struct result *kind, double number) {
    struct result result = {.quantity = kind->quantity};
    result.quantity.number = number;
    return result;
}

static struct result calculate(struct walk *walk, enum op op, const struct result *a,
                               const struct result *b) {
    if (a->is_truth || b->is_truth || a->quantity.is_word || b->quantity.is_word)
        return wrong(walk, op, a, b);
    double x = a->quantity.number, y = b->quantity.number;
    bool is_alike = sweep_quantity_alike(&a->quantity, &b->quantity);
    if (op == OP_MULTIPLY && (is_plain(a) || is_plain(b)))
        return number_of_kind(is_plain(a) ? b : a, x * y);
    if (op == OP_DIVIDE && is_plain(b))
        return number_of_kind(a, x / y);
    if (op == OP_DIVIDE && is_alike)
        return (struct result){.quantity = {.number = x / y, .rest = "", .text = ""}};
    if ((op == OP_ADD || op == OP_SUBTRACT) && is_alike)
        return number_of_kind(a, op == OP_ADD ? x + y : x - y);
    return wrong(walk, op, a, b);
}

static bool is_ordered(enum op op, double x, double y) {
    return op == OP_LESS ? x < y : op == OP_AT_MOST ? x <= y : op == OP_MORE ? x > y : x >= y;
}

static struct result compare(struct walk *walk, enum op op, const struct result *a,
                             const struct result *b) {
    if (a->is_truth || b->is_truth)
        return wrong(walk, op, a, b);
    const struct sweep_quantity *x = &a->quantity, *y = &b->quantity;
    bool is_for_equality = op == OP_EQUAL || op == OP_UNEQUAL;
    if (x->is_word || y->is_word) {
        if (!is_for_equality)
            return wrong(walk, op, a, b);
        bool is_same = x->is_word && y->is_word && strcmp(x->text, y->text) == 0;
        return truth(is_same == (op == OP_EQUAL));
    }
    if (!sweep_quantity_alike(x, y))
        return wrong(walk, op, a, b);
    if (is_for_equality) /* what was written, or worked out to the last bit: no tolerance */
        return truth((x->number == y->number) == (op == OP_EQUAL));
    return truth(is_ordered(op, x->number, y->number));
}

static struct result evaluate(struct walk *walk, const struct sweep_where *where);

static struct result combine(struct walk *walk, const struct sweep_where *where) {
    struct result a = evaluate(walk, where->left), b = evaluate(walk, where->right);
    if (*walk->is_wrong)
        return truth(false);
    if (where->op != OP_AND && where->op != OP_OR)
        return where->op >= OP_EQUAL ? compare(walk, where->op, &a, &b)
                                     : calculate(walk, where->op, &a, &b);
    if (!a.is_truth || !b.is_truth)
        return wrong(walk, where->op, &a, &b);
    return truth(where->op == OP_AND ? a.truth && b.truth : a.truth || b.truth);
}

static struct result evaluate(struct walk *walk, const struct sweep_where *where) {
    if (where->op == OP_VALUE)
        return (struct result){.quantity = where->value};
    if (where->op == OP_AXIS)
        return (struct result){.quantity = *walk->values[where->axis]};
    if (where->op != OP_NOT && where->op != OP_NEGATE)
        return combine(walk, where);
    struct result inside = evaluate(walk, where->left);
    if (*walk->is_wrong)
        return truth(false);
    if (inside.is_truth != (where->op == OP_NOT) || (!inside.is_truth && inside.quantity.is_word))
        return wrong(walk, where->op, &inside, NULL);
    return where->op == OP_NOT ? truth(!inside.truth)
                               : number_of_kind(&inside, -inside.quantity.number);
}

bool sweep_where_holds(const struct sweep_where *where, const struct sweep_quantity *const *values,
                       bool *is_wrong, struct sweep_where_error *error) {
    *is_wrong = false;
    struct walk walk = {.values = values, .is_wrong = is_wrong, .error = error};
    struct result result = evaluate(&walk, where);
    if (!*is_wrong && !result.is_truth) {
        *is_wrong = true;
        (void)snprintf(error->text, sizeof error->text, "is %s; expected a comparison",
                       kind_of(&result));
    }
    return !*is_wrong && result.truth;
}
