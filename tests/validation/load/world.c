#include "tests/validation/load/world.h"

#include "sim/base/check.h"

#include <stdio.h>
#include <string.h>

const char world_mixed[] =
    "{\"name\":\"mixed\","
    "\"objectives\":{\"delivery\":{\"within\":\"100ms\",\"share\":0.99}},"
    "\"populations\":{\"players\":{\"connections\":150},"
    "\"bad_wifi\":{\"connections\":70,\"receive\":{\"rate\":\"1Mbit/s\"}}},"
    "\"rooms\":{\"lobbies\":{\"size\":{\"constant\":11},\"members\":[\"players\",\"bad_wifi\"]}},"
    "\"traffic\":{\"chat\":{\"from\":\"players\",\"to\":\"lobbies\","
    "\"rate\":{\"poisson\":\"8/s per room\"},\"bytes\":{\"constant\":100}}},"
    "\"nodes\":{\"gateway\":{}},"
    "\"window\":{\"warm_up\":\"100ms\",\"measure\":\"1s\"}}";

void world_init(struct world *world, const char *scenario_json) {
    struct diag diag;
    struct text messages;
    diag_init(&diag);
    text_init(&messages);
    arena_init(&world->arena);
    struct spec_options options = {.file = "world"};
    bool is_read = spec_parse(&world->scenario, scenario_json, &options, &world->arena, &diag);
    diag_format(&diag, &messages);
    fputs(text_bytes(&messages), stderr);
    CHECK(is_read);
    text_fini(&messages);
    diag_fini(&diag);
    roster_init(&world->roster, &world->scenario, world->scenario.seed, &world->arena);
}

void world_fini(struct world *world) {
    arena_fini(&world->arena);
}
