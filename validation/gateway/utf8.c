/* Sixteen ASCII bytes at a time, since that is what nearly all messages are; else by the table of
 * RFC 3629, 4: the first byte says how many follow and what the second may be, the rest are 80..BF.
 */
#include "validation/gateway/utf8.h"

#include <stdint.h>
#include <string.h>

static bool is_ascii_16(const unsigned char *bytes) {
    uint64_t words[2];
    memcpy(words, bytes, sizeof words);
    return ((words[0] | words[1]) & UINT64_C(0x8080808080808080)) == 0;
}

struct lead {
    unsigned char first, last, second_low, second_high, length;
};

static const struct lead leads[] = {
    {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* Bytes of the character that begins here; 0: none does. */
static size_t character_bytes(const unsigned char *bytes, size_t left) {
    size_t i = 0;
    while (i < sizeof leads / sizeof *leads && bytes[0] > leads[i].last)
        i++;
    if (i == sizeof leads / sizeof *leads || bytes[0] < leads[i].first || left < leads[i].length)
        return 0;
    const struct lead *lead = &leads[i];
    if (lead->length > 1 && (bytes[1] < lead->second_low || bytes[1] > lead->second_high))
        return 0;
    for (size_t k = 2; k < lead->length; k++)
        if ((bytes[k] & 0xc0) != 0x80)
            return 0;
    return lead->length;
}

bool utf8_is_valid(const char *text, size_t length) {
    const unsigned char *bytes = (const unsigned char *)text;
    size_t i = 0;
    while (i < length) {
        if (length - i >= 16 && is_ascii_16(bytes + i)) {
            i += 16;
            continue;
        }
        size_t step = character_bytes(bytes + i, length - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}
