/* The three programs are installed and built side by side; a PATH could find those of another
 * version. */
#include "cli/programs.h"

#include "cli/files.h"

#include <stdio.h>
#include <unistd.h>

bool programs_find(struct programs *programs, struct arena *arena) {
    programs->gateway = files_beside_program("headroom-gateway", arena);
    programs->load = files_beside_program("headroom-load", arena);
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
