/* Whether bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef HEADROOM_VALIDATION_GATEWAY_UTF8_H
#define HEADROOM_VALIDATION_GATEWAY_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool utf8_is_valid(const char *bytes, size_t length);

#endif
