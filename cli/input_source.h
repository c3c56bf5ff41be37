/* Where what went into a figure comes from: one list of words for all answers that say so. */
#ifndef HEADROOM_CLI_INPUT_SOURCE_H
#define HEADROOM_CLI_INPUT_SOURCE_H

#include "models/spec/profile.h"

enum input_source {
    INPUT_MEASURED, /* a cost, by a calibration */
    INPUT_PUBLISHED,
    INPUT_ASSUMED,  /* a cost that nobody measured, or a field that the scenario calls uncertain */
    INPUT_DEFAULT,  /* a field that nobody wrote */
    INPUT_STATED,   /* a field that the scenario states */
    INPUT_DECLARED, /* a range that the scenario declares (plan.uncertain) */
    INPUT_SOURCES
};

const char *input_source_name(enum input_source source); /* "measured" ... */
enum input_source input_source_of(enum profile_source source);

#endif
