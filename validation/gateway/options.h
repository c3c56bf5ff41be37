/* The gateway's settings: filled from a scenario's node or from a command line, and written back as
 * one.
 *
 * `measure` and `calibrate` fill a struct from the scenario and start the program with
 * gateway_options_write's words, so both ends read the same rows (options.def). */
#ifndef HEADROOM_VALIDATION_GATEWAY_OPTIONS_H
#define HEADROOM_VALIDATION_GATEWAY_OPTIONS_H

#include "models/spec/spec.h"
#include "sim/base/arena.h"
#include "sim/base/time.h"

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

enum { GATEWAY_LIST_MAX = 32, GATEWAY_WORKERS_MAX = 64 };

struct gateway_list {
    const char *items[GATEWAY_LIST_MAX]; /* borrowed; outlive the options */
    int32_t count;
};

struct gateway_options {
    int64_t port;
    const char *bind; /* texts are borrowed and outlive the options; NULL: not set */
    int64_t workers;
    int64_t open_files;
    int64_t connections_max; /* 0: admission_connections_max */
    enum spec_fan_out fan_out;
    struct spec_turn turn;
    int64_t send_buffer;
    int64_t session;
    struct spec_send_queue send_queue;
    struct spec_batch batch;
    struct spec_feed feed;
    bool presence;
    enum spec_presence_mode presence_mode;
    base_ns presence_debounce, presence_broadcast, presence_down, presence_permdown;
    int64_t presence_silent;
    struct gateway_list origins;
    const char *token;
    base_ns idle_timeout;
    base_ns handshake_timeout;
    int64_t cpu;
    const char *stats;
    const char *turns;
    const char *congestion;
    bool echo;
    enum spec_backplane_kind backplane;
    struct gateway_list backplane_at;
    int64_t backplane_port;
    enum spec_channels backplane_channels;
    int64_t backplane_buffer;
    base_ns backplane_deadline;
};

/* The scenario language's own defaults; port 0, any processor, 60 s idle, 5 s for the handshake. */
void gateway_options_init(struct gateway_options *options);
/* What a scenario says of its node. Its clients may be silent for as long as they like and read in
 * bulk, without answering pings: idle_timeout becomes "never". The rest is left as it is. */
void gateway_options_from_node(struct gateway_options *options, const struct spec_node *node);

/* And of presence, where it has that. */
void gateway_options_from_presence(struct gateway_options *options,
                                   const struct spec_scenario *scenario);

/* Sets one option from its text ("turn-read", "16KiB"). False with `why` in `arena`. */
bool gateway_options_set(struct gateway_options *options, const char *name, const char *text,
                         struct arena *arena, const char **why) MUST_USE;

enum {
    GATEWAY_OPTIONS_MAX = 65,
    GATEWAY_WORDS_MAX = 2 + GATEWAY_OPTIONS_MAX + 2 * GATEWAY_LIST_MAX
};
/* `program` and one "--name=value" for every option that is set, ended by NULL: an argv. Returns
 * the count. */
int32_t gateway_options_write(const struct gateway_options *options, const char *program,
                              struct arena *arena, char *words[GATEWAY_WORDS_MAX]);

/* The options of --help and of the manual page, ended by an empty one, and the words above them. */
void gateway_options_table(struct argp_option table[GATEWAY_OPTIONS_MAX]);
extern const char gateway_options_doc[];

/* Parses a command line with argp; prints and exits on --help and on mistakes (64). */
void gateway_options_parse(struct gateway_options *options, int argc, char **argv,
                           struct arena *arena);

#endif
