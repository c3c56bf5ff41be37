/* Worlds whose ceiling is known, to see what the procedures make of them. */
#ifndef HEADROOM_TESTS_STUDY_WORLDS_H
#define HEADROOM_TESTS_STUDY_WORLDS_H

#include "study/probe.h"

/* logit(late share) = logit(objective) + slope * log(scale / ceiling) + noise, then `due`
 * deliveries of which so many are late. */
struct logistic_world {
    double ceiling;
    double objective; /* late share at the ceiling */
    double slope;
    double noise;         /* standard deviation between probes, on the logit scale */
    double due;           /* deliveries in a probe */
    double wrong_share;   /* of the probes that report the other side of the ceiling */
    int64_t wrong_probe;  /* the number of one that does, from 1; 0: none */
    double draw_spread;   /* standard deviation of log(ceiling) between draws */
    double stream_spread; /* between streams */
    double refused_share; /* of the probes that are no measurements */
    int64_t stop_after;   /* probes; 0: never */
    double
        unstable_from;   /* scale from which on the verdict is unstable, late share 0; 0: nowhere */
    double rough_bias;   /* of log(ceiling), where a rough look is asked for */
    double lost_from;    /* scale from which on a tenth is lost, late share 0; 0: nowhere */
    int64_t mood_probes; /* probes until the machine's speed changes, and again; 0: it has none */
    double mood_factor;  /* slow over quick: of the yardstick, and of the ceiling the other way */
    bool begins_slow;
    int64_t unknown_every;    /* so many probes have one whose speed is not known; 0: none */
    int64_t mood_stays_after; /* moods change no more after so many probes; 0: they never stay */
    int64_t probes_count;     /* that it has answered; of these, rough ones: */
    int64_t rough_count;
    double highest_scale, lowest_scale; /* asked for; 0: none */
};
struct study_world logistic_world(struct logistic_world *world);

/* Constant service behind a Poisson stream, simulated customer by customer (Lindley), at scale =
 * utilisation. What was due and had not arrived by the window's end counts as late once its time is
 * over. */
struct md1_world {
    double service_s, within_s;
};
struct study_world md1_world(struct md1_world *world);

#endif
