/* A node is called by its kind and its number from 1 on, "gateway-3", as reports call it; the only
 * one of its kind by the kind's name alone. */
#include "models/spec/spec.h"

#include <inttypes.h>
#include <string.h>

int64_t spec_node_index(const struct spec_node *kind, const char *name) {
    size_t length = strlen(kind->name);
    if (kind->count == 1)
        return strcmp(kind->name, name) == 0 ? 0 : -1;
    if (strncmp(kind->name, name, length) != 0 || name[length] != '-')
        return -1;
    const char *digits = name + length + 1;
    size_t count = strspn(digits, "0123456789");
    bool is_number = count > 0 && count < 10 && digits[count] == '\0' && digits[0] != '0';
    int64_t number = is_number ? strtoimax(digits, NULL, 10) : 0;
    return number >= 1 && number <= kind->count ? number - 1 : -1;
}
