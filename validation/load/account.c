/* What was due, against what arrived.
 *
 * After the probe its source is walked once more, and every publish that was made is charged to
 * each of its recipients that was connected when the probe began. That costs nothing while the load
 * runs, needs no table of rooms by populations, and is exact: a client's due count comes from the
 * same pure function that the publishes came from. */
#include "validation/load/probe_state.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct account {        /* by local client */
    int64_t *due_bytes; /* whole probe, frame headers included */
    int64_t *due_window;
};

static void charge(struct probe *probe, struct account *account,
                   const struct plan_publish *publish) {
    struct clients *clients = probe->clients;
    const struct roster *roster = clients->roster;
    const struct roster_room *room = &roster->rooms[publish->room];
    base_ns due_ns = publish->due_ns + probe->start_ns;
    bool is_in_window = probe_in_window(probe, due_ns);
    char name[ROSTER_ROOM_NAME_BYTES];
    roster_room_name(publish->room, name);
    int64_t bytes = clients->options.wire->delivery_bytes(name, publish->bytes);
    bool is_taken = feed_takes_publish(clients_feed(clients), room->members_count, publish->room,
                                       (struct protocol_stamp){due_ns, (uint32_t)publish->number},
                                       publish->bytes);
    int64_t step = is_in_window ? (due_ns - probe->window_start_ns) / probe->report->step_ns : 0;
    if (step >= probe->report->steps_count)
        step = probe->report->steps_count - 1;
    for (int32_t i = 0; i < room->members_count; i++) {
        int32_t number = roster->members[room->members_first + i];
        int32_t local = clients_local(clients, number);
        if (local < 0 || !clients->client[local].was_there)
            continue;
        if (!is_taken) {
            probe->report->populations[roster->population[number]].withheld += is_in_window;
            continue;
        }
        account->due_bytes[local] += bytes;
        if (!is_in_window)
            continue;
        account->due_window[local]++;
        int32_t reader = clients->client[local].reader;
        if (reader >= 0 && clients->readers[reader].sample >= 0)
            probe->report->populations[roster->population[number]].steps[step].due++;
    }
}

static void walk(struct probe *probe, struct account *account) {
    struct arena arena;
    arena_init(&arena);
    struct source source;
    source_init(&source, probe->clients->roster, &probe->options->source, &arena);
    struct plan_publish publish;
    while (source_next(&source, &publish) &&
           publish.due_ns + probe->start_ns < probe->send_end_ns) {
        if (unsent_has(probe->options->unsent, publish.number))
            continue;
        if (clients_local(probe->clients, publish.client) >= 0 &&
            probe_in_window(probe, publish.due_ns + probe->start_ns))
            probe->report->publishes_due++;
        charge(probe, account, &publish);
    }
    arena_fini(&arena);
}

/* Deliveries due in the window that did not arrive: counted where the client was read in full, else
 * in proportion to the bytes. */
static int64_t missing_of(const struct clients *clients, const struct account *account,
                          int32_t local) {
    const struct client *client = &clients->client[local];
    if (client->reader >= 0) {
        int64_t missing =
            account->due_window[local] - clients->readers[client->reader].arrived_window;
        return missing > 0 ? missing : 0;
    }
    int64_t due_bytes = account->due_bytes[local], missing_bytes = due_bytes - client->bytes;
    if (missing_bytes <= 0)
        return 0;
    return llround((double)account->due_window[local] * (double)missing_bytes / (double)due_bytes);
}

static void settle_client(struct probe *probe, const struct account *account, int32_t local) {
    struct clients *clients = probe->clients;
    const struct client *client = &clients->client[local];
    if (!client->was_there)
        return;
    int32_t number = clients_roster_number(clients, local);
    struct load_population *population =
        &probe->report->populations[clients->roster->population[number]];
    population->clients++;
    population->due += account->due_window[local];
    if (client->reader < 0) {
        population->bulk_due_bytes += account->due_bytes[local];
        population->bulk_bytes += client->bytes;
    } else if (clients->readers[client->reader].sample >= 0) {
        population->sampled++;
    } else {
        population->parsed++;
    }
    int64_t missing = missing_of(clients, account, local);
    if (client->fd < 0 || probe->report->is_quiet)
        population->lost += missing;
    else
        population->pending += missing;
}

static void sum_steps(struct load_report *report) {
    for (int32_t p = 0; p < report->populations_count; p++) {
        struct load_population *population = &report->populations[p];
        for (int32_t s = 0; s < report->steps_count; s++) {
            population->due_sampled += population->steps[s].due;
            population->in_time_sampled += population->steps[s].in_time;
            population->arrived_sampled += population->steps[s].arrived;
        }
    }
}

/* --- the client whose p99 is the highest --- */

static int by_delay(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* The log sorted by client: delays of sample s are delays[first[s], first[s + 1]). */
static uint32_t *delays_by_sample(const struct probe *probe, int64_t *first) {
    uint32_t *delays = malloc(((size_t)probe->log_count + 1) * sizeof *delays);
    CHECK(delays);
    int32_t samples = probe->clients->samples_count;
    for (int64_t i = 0; i < probe->log_count; i++)
        first[probe->log[i].sample + 1]++;
    for (int32_t s = 0; s < samples; s++)
        first[s + 1] += first[s];
    int64_t *next = malloc(((size_t)samples + 1) * sizeof *next);
    CHECK(next);
    memcpy(next, first, ((size_t)samples + 1) * sizeof *next);
    for (int64_t i = 0; i < probe->log_count; i++)
        delays[next[probe->log[i].sample]++] = probe->log[i].delay;
    free(next);
    return delays;
}

static void find_worst_clients(struct probe *probe) {
    struct clients *clients = probe->clients;
    int64_t *first = calloc((size_t)clients->samples_count + 2, sizeof *first);
    CHECK(first);
    uint32_t *delays = delays_by_sample(probe, first);
    for (int32_t s = 0; s < clients->samples_count; s++) {
        int64_t count = first[s + 1] - first[s];
        if (count == 0)
            continue;
        qsort(delays + first[s], (size_t)count, sizeof *delays, by_delay);
        int64_t rank = (99 * count + 99) / 100 - 1; /* nearest rank */
        int32_t client = clients->readers[clients->samples[s]].client;
        struct load_population *population =
            &probe->report
                 ->populations[clients->roster->population[clients_roster_number(clients, client)]];
        population->worst_client_p99_ms =
            fmax(population->worst_client_p99_ms,
                 base_ms((base_ns)delays[first[s] + rank] * PROBE_LOG_UNIT_NS));
    }
    free(delays);
    free(first);
}

void probe_account(struct probe *probe) {
    struct clients *clients = probe->clients;
    size_t count = (size_t)clients->count + 1;
    struct account account = {.due_bytes = calloc(count, sizeof(int64_t)),
                              .due_window = calloc(count, sizeof(int64_t))};
    CHECK(account.due_bytes && account.due_window);
    walk(probe, &account);
    for (int32_t local = 0; local < clients->count; local++)
        settle_client(probe, &account, local);
    sum_steps(probe->report);
    find_worst_clients(probe);
    for (int32_t code = 0; code < CLIENTS_CLOSE_CODES; code++)
        if (clients->closed_by_code[code] > 0)
            load_report_add_close(probe->report, code, clients->closed_by_code[code]);
    probe->report->refused = clients->refused_count;
    free(account.due_bytes);
    free(account.due_window);
}
