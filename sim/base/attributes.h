/* Compiler attributes used across the tree, under one name each. */
#ifndef HEADROOM_SIM_BASE_ATTRIBUTES_H
#define HEADROOM_SIM_BASE_ATTRIBUTES_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
