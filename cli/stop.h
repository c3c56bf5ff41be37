/* Ctrl-C and SIGTERM end what is being done between two steps; what was done is kept. */
#ifndef HEADROOM_CLI_STOP_H
#define HEADROOM_CLI_STOP_H

#include <signal.h>

extern volatile sig_atomic_t stop_signal; /* 0, or the signal that came */

void stop_catch(void);
int stop_exit_code(void); /* 130 or 143 */

#endif
