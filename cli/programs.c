/* The three programs are installed and built side by side; a PATH could find those of another
 * version. */
#include "cli/programs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *beside_us(const char *name, struct arena *arena) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0)
        return name;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = '\0';
    return arena_new_format(arena, "%s/%s", path, name);
}

bool programs_find(struct programs *programs, struct arena *arena) {
    programs->gateway = beside_us("headroom-gateway", arena);
    programs->load = beside_us("headroom-load", arena);
    if (access(programs->gateway, X_OK) != 0) {
        fprintf(stderr,
                "headroom: %s is missing: it is built with the wslay library (libwslay-dev)\n",
                programs->gateway);
        return false;
    }
    if (access(programs->load, X_OK) != 0) {
        fprintf(stderr, "headroom: %s is missing\n", programs->load);
        return false;
    }
    return true;
}
