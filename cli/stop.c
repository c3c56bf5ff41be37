/* A second signal of the same kind ends the program at once. */
#include "cli/stop.h"

#include "cli/options.h"

#include <stddef.h>

volatile sig_atomic_t stop_signal;

static void note(int number) {
    stop_signal = number;
}

void stop_catch(void) {
    struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int stop_exit_code(void) {
    return stop_signal == SIGTERM ? EXIT_TERMINATED : EXIT_INTERRUPTED;
}
