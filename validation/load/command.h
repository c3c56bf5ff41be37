/* One line of standard input: what the generator is asked to do. */
#ifndef HEADROOM_VALIDATION_LOAD_COMMAND_H
#define HEADROOM_VALIDATION_LOAD_COMMAND_H

#include "models/spec/spec.h"
#include "sim/base/attributes.h"
#include "sim/base/text.h"
#include "validation/load/source.h"

#include <stdbool.h>
#include <stdint.h>

enum command_verb {
    COMMAND_CONNECT, /* {"do":"connect"} */
    COMMAND_PROBE,   /* {"do":"probe","scale":1.25,"warm_up_s":1,"measure_s":3,"replication":0} */
    COMMAND_BURST,   /* {"do":"burst","room":0,"rooms":1,"publishes":8,"bytes":128,"every_ms":5,
                        "warm_up_s":0.2,"measure_s":1} */
    COMMAND_DRAIN,   /* {"do":"drain","patience_s":10} */
    COMMAND_RAMP,    /* {"do":"ramp","connections_max":30000} */
    COMMAND_QUIT,    /* {"do":"quit"} */
};

struct command {
    enum command_verb verb;
    double scale;
    base_ns warm_up_ns, measure_ns, grace_ns, patience_ns, every_ns;
    base_ns start_ns; /* 0: in a moment */
    int64_t replication;
    int64_t connections_max;
    int64_t room, rooms, publishes, bytes;
};

/* What is not written comes from the scenario's window, or has the values above. False with `why`
 * for anything else than a command: an unknown word or key, a wrong type, a value out of range. */
bool command_parse(struct command *command, const char *line, const struct spec_window *window,
                   struct text *why) MUST_USE;
/* With every value written out. */
void command_write(const struct command *command, struct text *out);

#endif
