/* Room numbers follow the order of the room groups in the scenarios below: 64 rooms of one, then
 * the rooms of 100 and of 300 and five of 1,000.
 *
 * Populations are merged evenly, so the members of a small one lie at equal distances among those
 * of a large one. Such a stride is the worst order to write in (a room of 1,000 with every sixth
 * connection cost a fifth more than one of connections in a row, and more than one in random order:
 * equal distances meet in the same sets of the cache), and nothing that a service would have. So
 * rooms that are to be measured have a population to themselves, nearly. */
#include "validation/calibrate/blocks.h"

#include "models/workload/roster.h"
#include "sim/base/check.h"
#include "sim/base/diag.h"

#include <inttypes.h>
#include <math.h>

enum {
    ONES = 64,
    ROOM_100 = ONES,
    ROOM_300 = ONES + 1,
    ROOM_1000 = ONES + 2, /* the first of five */
    AT_ONCE_100 = 0,
    AT_ONCE_1000 = 1,
    SCATTERED_ROOMS = 30,
    STANDING_ROOMS = 20,
    SMALL_SOCKETS = 2400,
    SMALL_ROOMS = 160, /* of 15 */
};

#define BURST(name, setting, room, rooms, members, publishes, bytes, visits)                       \
    {                                                                                              \
        name, BLOCKS_##setting, true, room, rooms, members, publishes, bytes,                      \
            (double)(rooms) * (members), 0.75, visits, NULL                                        \
    }

const struct blocks_cell blocks_cells[] = {
    /* Frames and bytes: as many bytes a write in one frame as in twenty, and in five as in one. */
    BURST("room of 1,000, 1 x 128 B", COALESCE, ROOM_1000, 1, 1000, 1, 128, 2),
    BURST("room of 1,000, 20 x 128 B", COALESCE, ROOM_1000, 1, 1000, 20, 128, 1),
    BURST("room of 1,000, 1 x 2,560 B", COALESCE, ROOM_1000, 1, 1000, 1, 2560, 1),
    BURST("room of 1,000, 5 x 1,638 B", COALESCE, ROOM_1000, 1, 1000, 5, 1638, 1),
    BURST("room of 1,000, 1 x 8,192 B", COALESCE, ROOM_1000, 1, 1000, 1, 8192, 1),
    BURST("room of 1,000, 2 x 64 B", COALESCE, ROOM_1000, 1, 1000, 2, 64, 1),
    /* Where rooms are hot a write carries scores of messages, and its ceiling hangs on what one of
     * them adds. */
    BURST("room of 1,000, 80 x 128 B", COALESCE, ROOM_1000, 1, 1000, 80, 128, 2),
    BURST("room of 1,000, 1 x 10,400 B", COALESCE, ROOM_1000, 1, 1000, 1, 10400, 1),
    BURST("room of 100, 400 x 128 B", COALESCE, ROOM_100, 1, 100, 400, 128, 2),
    BURST("room of 1,000, 40 x 1,024 B", COALESCE, ROOM_1000, 1, 1000, 40, 1024, 1),
    BURST("room of 300, 1 x 49,152 B", COALESCE, ROOM_300, 1, 300, 1, 49152, 1),
    /* Cache. */
    BURST("room of 100, 1 x 128 B", COALESCE, ROOM_100, 1, 100, 1, 128, 2),
    BURST("room of 100, 5 x 128 B", COALESCE, ROOM_100, 1, 100, 5, 128, 1),
    BURST("room of 300, 1 x 128 B", COALESCE, ROOM_300, 1, 300, 1, 128, 2),
    BURST("5 rooms of 1,000, 1 x 128 B", COALESCE, ROOM_1000, 5, 1000, 1, 128, 2),
    BURST("5 rooms of 1,000, 5 x 1,024 B", COALESCE, ROOM_1000, 5, 1000, 5, 1024, 2),
    BURST("30 rooms of 100 scattered, 1 x 128 B", SCATTERED, 0, SCATTERED_ROOMS, 100, 1, 128, 2),
    BURST("30 rooms of 100 scattered, 10 x 128 B", SCATTERED, 0, SCATTERED_ROOMS, 100, 10, 128, 2),
    /* Reads, publishes and bytes read: a room of one makes the write a small part. */
    BURST("rooms of 1, 1 x 128 B", COALESCE, 0, ONES, 1, 1, 128, 2),
    BURST("rooms of 1, 4 x 128 B", COALESCE, 0, ONES, 1, 4, 128, 1),
    BURST("rooms of 1, 16 x 128 B", COALESCE, 0, ONES, 1, 16, 128, 1),
    BURST("rooms of 1, 64 x 64 B", COALESCE, 0, ONES, 1, 64, 64, 1),
    BURST("rooms of 1, 4 x 2,048 B", COALESCE, 0, ONES, 1, 4, 2048, 1),
    BURST("rooms of 1, 1 x 8,192 B", COALESCE, 0, ONES, 1, 1, 8192, 1),
    /* The other discipline: a write for each publish, one after the other to the same sockets. */
    BURST("at once, room of 100, 5 x 128 B", AT_ONCE, AT_ONCE_100, 1, 100, 5, 128, 1),
    BURST("at once, room of 1,000, 2 x 1,024 B", AT_ONCE, AT_ONCE_1000, 1, 1000, 2, 1024, 1),
    /* What real cases look like: independent publishers, several reads a turn. */
    {"rooms of 15, half busy", BLOCKS_SMALL_ROOMS, false, 0, SMALL_ROOMS,
     SMALL_SOCKETS / SMALL_ROOMS, 1, 128, SMALL_SOCKETS, 0.5, 3, NULL},
    {"rooms of 15, busy", BLOCKS_SMALL_ROOMS, false, 0, SMALL_ROOMS, SMALL_SOCKETS / SMALL_ROOMS, 1,
     128, SMALL_SOCKETS, 0.85, 2, NULL},
    /* More than it could do one by one: turns of dozens of reads tell a turn from a read. */
    {"rooms of 15, overloaded", BLOCKS_SMALL_ROOMS, false, 0, SMALL_ROOMS,
     SMALL_SOCKETS / SMALL_ROOMS, 1, 128, SMALL_SOCKETS, 1.3, 2, NULL},
    {"rooms of 15, three times overloaded", BLOCKS_SMALL_ROOMS, false, 0, SMALL_ROOMS,
     SMALL_SOCKETS / SMALL_ROOMS, 1, 128, SMALL_SOCKETS, 3, 2, NULL},
    {"30 rooms of 100 scattered, many publishers", BLOCKS_SCATTERED, false, 0, SCATTERED_ROOMS, 100,
     1, 128, 100.0 * SCATTERED_ROOMS, 3, 2, NULL},
    /* What the kernel does not take. */
    {"half of 100 trickle, 5 x 128 B", BLOCKS_STALLED, true, 0, 1, 100, 5, 128, 100, 0.3, 2,
     "half of 100 trickle, 5 x 128 B, draining"},
    {"half of 100 trickle, 2 x 1,024 B", BLOCKS_STALLED, true, 0, 1, 100, 2, 1024, 100, 0.3, 2,
     "half of 100 trickle, 2 x 1,024 B, draining"},
};
const int32_t blocks_cells_count = sizeof blocks_cells / sizeof blocks_cells[0];

const struct blocks_cell blocks_pilot = BURST("pilot", COALESCE, ROOM_1000, 1, 1000, 1, 128, 1);
const struct blocks_cell blocks_standing = {"one of 5 stands still, 20 x 512 B",
                                            BLOCKS_STANDING,
                                            true,
                                            0,
                                            STANDING_ROOMS,
                                            5,
                                            20,
                                            512,
                                            100,
                                            0.2,
                                            1,
                                            NULL};
const struct blocks_cell blocks_quiet = {
    "one publish at a time", BLOCKS_QUIET, false, 0, 1, 10, 1, 128, 10, 0, 1, NULL};

/* --- scenarios ----------------------------------------------------------------------------------
 */

struct group { /* a population with rooms of its own */
    const char *name;
    int32_t connections, size;
    bool is_scattered;
};

static void write_head(struct text *out, const char *name, uint64_t seed) {
    text_addf(out,
              "{\"name\": \"calibrate-%s\", \"seed\": \"%" PRIu64 "\",\n"
              " \"objectives\": {\"delivery\": {\"within\": \"10ms\"}},\n",
              name, seed);
}

static void write_groups(struct text *out, const struct group *groups, int32_t count) {
    for (int32_t i = 0; i < count; i++)
        text_addf(out, "%s\"%s\": {\"connections\": %" PRId32 "}",
                  i == 0 ? " \"populations\": {" : ", ", groups[i].name, groups[i].connections);
    for (int32_t i = 0; i < count; i++)
        text_addf(out,
                  "%s\"%s\": {\"size\": {\"constant\": %" PRId32
                  "}, \"members\": [\"%s\"], \"placement\": \"%s\"}",
                  i == 0 ? "},\n \"rooms\": {" : ", ", groups[i].name, groups[i].size,
                  groups[i].name, groups[i].is_scattered ? "scattered" : "together");
    for (int32_t i = 0; i < count; i++)
        text_addf(out,
                  "%s\"%s\": {\"from\": \"%s\", \"to\": \"%s\", \"rate\": {\"poisson\": \"1/s per "
                  "room\"}, \"bytes\": {\"constant\": 128}}",
                  i == 0 ? "},\n \"traffic\": {" : ", ", groups[i].name, groups[i].name,
                  groups[i].name);
    text_add(out, "},\n");
}

static void write_tail(struct text *out, const char *node) {
    text_addf(out,
              " \"nodes\": {\"gateway\": {\"open_files\": 20000%s}},\n"
              " \"window\": {\"warm_up\": \"0s\", \"measure\": \"1s\"}}\n",
              node);
}

/* Half of a room reads about half of what it is sent, or one in five reads nothing at all. */
static void write_stalled(struct text *out, int32_t steady_count, int32_t slow_count,
                          const char *slow, int32_t size) {
    text_addf(out,
              " \"populations\": {\"steady\": {\"connections\": %" PRId32 "},\n"
              "  \"slow\": {\"connections\": %" PRId32 ", \"receive\": {%s}}},\n"
              " \"rooms\": {\"mixed\": {\"size\": {\"constant\": %" PRId32 "}, \"members\": "
              "[\"steady\", \"slow\"]}},\n"
              " \"traffic\": {\"none\": {\"from\": \"steady\", \"to\": \"mixed\", \"rate\": "
              "{\"poisson\": \"0.001/s in all\"}, \"bytes\": {\"constant\": 128}}},\n",
              steady_count, slow_count, slow, size);
    write_tail(out, ", \"send_buffer\": \"8KiB\", \"send_queue\": {\"policy\": \"close\", "
                    "\"limit\": \"256MiB\"}");
}

void blocks_write_scenario(enum blocks_setting setting, uint64_t seed, struct text *out) {
    static const struct group coalesce[] = {{"ones", ONES, 1, false},
                                            {"hundred", 100, 100, false},
                                            {"three", 300, 300, false},
                                            {"crowd", 5000, 1000, false}};
    static const struct group at_once[] = {{"hundred", 100, 100, false},
                                           {"thousand", 1000, 1000, false}};
    static const struct group small[] = {
        {"few", SMALL_SOCKETS, SMALL_SOCKETS / SMALL_ROOMS, false}};
    static const struct group quiet[] = {{"ten", 10, 10, false}};
    static const struct group scattered[] = {{"crowd", 100 * SCATTERED_ROOMS, 100, true}};
    switch (setting) {
    case BLOCKS_COALESCE:
        write_head(out, "coalesce", seed);
        write_groups(out, coalesce, COUNT_OF(coalesce));
        write_tail(out, "");
        break;
    case BLOCKS_SCATTERED:
        write_head(out, "scattered", seed);
        write_groups(out, scattered, 1);
        write_tail(out, "");
        break;
    case BLOCKS_AT_ONCE:
        write_head(out, "at-once", seed);
        write_groups(out, at_once, 2);
        write_tail(out, ", \"fan_out\": \"write_at_once\"");
        break;
    case BLOCKS_SMALL_ROOMS:
        write_head(out, "small-rooms", seed);
        write_groups(out, small, 1);
        write_tail(out, "");
        break;
    case BLOCKS_STALLED:
        write_head(out, "stalled", seed);
        write_stalled(out, 50, 50, "\"rate\": \"800kbit/s\", \"buffer\": \"8KiB\"", 100);
        break;
    case BLOCKS_STANDING:
        write_head(out, "standing", seed);
        write_stalled(out, 80, 20, "\"buffer\": \"8KiB\", \"stall\": {\"at\": \"0s\"}", 5);
        break;
    case BLOCKS_QUIET:
        write_head(out, "quiet", seed);
        write_groups(out, quiet, 1);
        write_tail(out, "");
        break;
    case BLOCKS_SETTINGS:
        break;
    }
}

static void parse_setting(enum blocks_setting setting, uint64_t seed,
                          struct spec_scenario *scenario, struct arena *arena) {
    struct text text;
    struct diag diag;
    text_init(&text);
    diag_init(&diag);
    blocks_write_scenario(setting, seed, &text);
    CHECK(spec_parse(scenario, text_bytes(&text), &(struct spec_options){.file = "calibrate"},
                     arena, &diag)); /* a test parses each */
    diag_fini(&diag);
    text_fini(&text);
}

static double scatter_of(const struct blocks_cell *cell, const struct roster *roster) {
    double sum = 0, members = 0;
    for (int32_t i = cell->room; i < cell->room + cell->rooms_count; i++) {
        const struct roster_room *room = &roster->rooms[i];
        sum += room->members_count *
               roster_scattered(roster->members + room->members_first, room->members_count, 1);
        members += room->members_count;
    }
    return sum / members;
}

void blocks_scatter(uint64_t seed, double scattered[]) {
    for (int32_t setting = 0; setting < BLOCKS_SETTINGS; setting++) {
        struct arena arena;
        struct spec_scenario scenario;
        struct roster roster;
        arena_init(&arena);
        parse_setting((enum blocks_setting)setting, seed, &scenario, &arena);
        roster_init(&roster, &scenario, scenario.seed, &arena);
        for (int32_t cell = 0; cell < blocks_cells_count; cell++)
            if (blocks_cells[cell].setting == (enum blocks_setting)setting)
                scattered[cell] = scatter_of(&blocks_cells[cell], &roster);
        arena_fini(&arena);
    }
}

bool blocks_may_block(enum blocks_setting setting) {
    return setting == BLOCKS_STALLED || setting == BLOCKS_STANDING;
}

/* --- order and rates ----------------------------------------------------------------------------
 */

int32_t blocks_shuffle(struct rng *rng, int32_t order[BLOCKS_MAX]) {
    int32_t count = 0;
    for (int32_t cell = 0; cell < blocks_cells_count; cell++)
        for (int32_t visit = 0; visit < blocks_cells[cell].visits && count < BLOCKS_MAX; visit++)
            order[count++] = cell;
    for (int32_t i = count - 1; i > 0; i--) {
        int32_t other = (int32_t)rng_below(rng, (uint64_t)i + 1), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    return count;
}

/* Costs of a machine whose write is 1,800 ns, from our own first measurements. They only choose how
 * often a cell publishes; the fit never sees them. */
base_ns blocks_expected_ns(const struct blocks_cell *cell, struct blocks_speed speed) {
    const double turn = 1500, read = 2500, publish = 600, byte_in = 0.8, write = 1800, byte = 0.25;
    double bytes = (double)cell->publishes * cell->bytes;
    double writes_each = cell->setting == BLOCKS_AT_ONCE ? cell->publishes : 1;
    return llround(speed.factor * (turn + read + publish * cell->publishes + byte_in * bytes +
                                   cell->members * (write * writes_each + byte * bytes)));
}

void blocks_write_command(const struct blocks_cell *cell, struct blocks_speed speed,
                          const struct blocks_times *times, struct text *out) {
    double every_s = base_seconds(blocks_expected_ns(cell, speed)) / cell->busy;
    if (cell->is_burst)
        text_addf(out,
                  "{\"do\":\"burst\",\"room\":%" PRId32 ",\"rooms\":%" PRId32
                  ",\"publishes\":%" PRId32 ",\"bytes\":%" PRId32 ",\"every_ms\":%.6f",
                  cell->room, cell->rooms_count, cell->publishes, cell->bytes, every_s * 1e3);
    else /* at scale 1 there is one publish a second in each room */
        text_addf(out, "{\"do\":\"probe\",\"scale\":%.6f",
                  cell->busy > 0 ? 1 / (every_s * cell->rooms_count) : 50);
    text_addf(out,
              ",\"warm_up_s\":%.6f,\"measure_s\":%.6f,\"start_ns\":\"%" PRId64 "\",\"grace_s\":2}",
              base_seconds(times->warm_up_ns), base_seconds(times->measure_ns), times->start_ns);
}
