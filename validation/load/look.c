/* Looking at connections: the sampled ones promptly and in full, the others in bulk.
 *
 * In bulk, recv(MSG_TRUNC) lets the kernel throw the bytes away and say how many they were. A
 * client with a rate takes what its rate allows in RATE_CHUNK_NS, at most, and is then taken up
 * with it: the k-th byte of what it took has arrived k / rate later, and it does not look again
 * before the last has. That is the receiver of the models: empty_at = max(empty_at, now) + bytes /
 * rate. A token bucket would save up while the client idles and deliver the next message at once.
 */
#include "validation/load/probe_state.h"

#include "models/workload/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CLOSE_ABNORMAL = 1006, CLOSE_UNSEEN = 0, RATE_BYTES_MIN = 512 };
#define RATE_CHUNK_NS (5 * BASE_NS_PER_MS)

static bool is_gone(int error) {
    return error != EAGAIN && error != EINTR;
}

/* --- what a reader understands --- */

static void note_error(struct probe *probe, const char *text, size_t length) {
    struct load_report *report = probe->report;
    if (report->server_errors++ > 0)
        return;
    length = length < LOAD_ERROR_BYTES - 1 ? length : LOAD_ERROR_BYTES - 1;
    memcpy(report->first_error, text, length);
    report->first_error[length] = '\0';
}

static void note_gap(struct probe *probe, base_ns arrived_ns) {
    if (arrived_ns >= probe->window_start_ns && probe->last_delivery_ns < probe->window_end_ns) {
        base_ns from = probe->last_delivery_ns > probe->window_start_ns ? probe->last_delivery_ns
                                                                        : probe->window_start_ns;
        base_ns to = arrived_ns < probe->window_end_ns ? arrived_ns : probe->window_end_ns;
        if (to - from > probe->report->longest_gap_ns)
            probe->report->longest_gap_ns = to - from;
    }
    if (arrived_ns > probe->last_delivery_ns)
        probe->last_delivery_ns = arrived_ns;
}

void probe_end_gap(struct probe *probe) {
    note_gap(probe, probe->window_end_ns);
}

/* Of the room "r17": how much longer than elsewhere a delivery may take. */
static base_ns allowance_of(const struct probe *probe, const char *room) {
    const struct spec_feed *feed = clients_feed(probe->clients);
    if (feed_allowance_ns(feed, INT64_MAX) == 0)
        return 0;
    const struct roster *roster = probe->clients->roster;
    long number = strtol(room + 1, NULL, 10);
    return number >= 0 && number < roster->rooms_count
               ? feed_allowance_ns(feed, roster->rooms[number].members_count)
               : 0;
}

static void time_delivery(struct probe *probe, const struct reader *reader, base_ns due_ns,
                          base_ns allowance_ns, base_ns arrived_ns) {
    struct load_report *report = probe->report;
    int32_t number = clients_roster_number(probe->clients, reader->client);
    struct load_population *population =
        &report->populations[probe->clients->roster->population[number]];
    base_ns delay_ns = arrived_ns > due_ns ? arrived_ns - due_ns : 0;
    int32_t index = (int32_t)((due_ns - probe->window_start_ns) / report->step_ns);
    struct load_step *step =
        &population->steps[index < report->steps_count ? index : report->steps_count - 1];
    step->arrived++;
    step->in_time += delay_ns <= probe->options->within_ns + allowance_ns;
    step->delay_sum_ms += base_ms(delay_ns);
    if (reader->has_habits && receiver_stalls(&reader->habits)) {
        step->standing++;
        step->standing_delay_sum_ms += base_ms(delay_ns);
    }
    hist_add(&population->latency, delay_ns);
    if (probe->log_count < probe->log_max) {
        base_ns units = delay_ns / PROBE_LOG_UNIT_NS;
        probe->log[probe->log_count++] =
            (struct probe_log){reader->sample, units > UINT32_MAX ? UINT32_MAX : (uint32_t)units};
    }
}

static void deliver(struct probe *probe, struct reader *reader, base_ns arrived_ns) {
    const char *room;
    size_t room_length;
    struct protocol_stamp stamp;
    if (!protocol_read_delivery(reader->inbound.head, reader->inbound.head_length, &room,
                                &room_length, &stamp)) {
        if (attend_is_notice(reader->inbound.head, reader->inbound.head_length))
            return;
        note_error(probe, reader->inbound.head, reader->inbound.head_length);
        return;
    }
    if (stamp.due_ns < probe->start_ns) {
        probe->report->stale++;
        return;
    }
    if (reader->sample >= 0)
        note_gap(probe, arrived_ns);
    if (!probe_in_window(probe, stamp.due_ns))
        return;
    reader->arrived_window++;
    /* A reader that was woken from a stall for the end's sake has lost nothing, but how long it
     * would have taken is not known. */
    bool was_stalled = probe->is_draining && !reader->is_reading;
    if (reader->sample >= 0 && !was_stalled)
        time_delivery(probe, reader, stamp.due_ns, allowance_of(probe, room), arrived_ns);
}

/* Through the outbox, so that it cannot land in the middle of a publish. */
static bool say_control(struct probe *probe, int32_t local, uint8_t opcode, const char *payload,
                        size_t length) {
    struct outbox *outbox = &probe->clients->outbox[local];
    uint8_t *out = outbox_reserve(outbox, length + WIRE_OVERHEAD_MAX);
    if (!out)
        return false;
    outbox_commit(outbox, probe->clients->options.wire->write_control(out, opcode, payload, length,
                                                                      probe->mask));
    probe_touch(probe, local);
    return true;
}

void probe_ping_samples(struct probe *probe) {
    struct clients *clients = probe->clients;
    probe->has_pinged = true;
    for (int32_t i = 0; i < clients->samples_count; i++) {
        struct reader *reader = &clients->readers[clients->samples[i]];
        if (clients->client[reader->client].fd >= 0 &&
            say_control(probe, reader->client, WIRE_PING, "", 0)) {
            reader->is_pinged = true;
            probe->pings_left++;
        }
    }
}

static void end_ping(struct probe *probe, struct reader *reader) {
    probe->pings_left -= reader->is_pinged;
    reader->is_pinged = false;
}

static void lose(struct probe *probe, int32_t local, int32_t code) {
    int32_t reader = probe->clients->client[local].reader;
    if (reader >= 0)
        end_ping(probe, &probe->clients->readers[reader]);
    clients_closed(probe->clients, local, code);
}

/* Every frame in `bytes`; `ns_per_byte` > 0: of a reader with a rate. */
static void understand(struct probe *probe, struct reader *reader, const uint8_t *bytes,
                       size_t length, double ns_per_byte) {
    const struct wire *wire = probe->clients->options.wire;
    for (size_t used = 0; used < length;) {
        enum inbound_event event;
        used += wire->feed(&reader->inbound, bytes + used, length - used, &event);
        switch (event) {
        case INBOUND_MORE:
            break;
        case INBOUND_PONG:
            end_ping(probe, reader);
            break;
        case INBOUND_MESSAGE:
            deliver(probe, reader, probe->now_ns + (base_ns)((double)used * ns_per_byte));
            break;
        case INBOUND_PING:
            say_control(probe, reader->client, WIRE_PONG, reader->inbound.control,
                        reader->inbound.control_length);
            break;
        case INBOUND_CLOSE:
            lose(probe, reader->client, reader->inbound.close_code);
            return;
        case INBOUND_BROKEN:
            note_error(probe, "broken frame", strlen("broken frame"));
            lose(probe, reader->client, CLOSE_ABNORMAL);
            return;
        }
    }
}

/* --- one connection --- */

/* Bytes that the reader may take now; 0: it does not look. */
static size_t allowance(struct probe *probe, struct reader *reader) {
    if (!reader->has_habits || probe->is_draining)
        return PROBE_BUFFER_BYTES;
    base_ns since_start_ns = probe->now_ns - probe->start_ns;
    if (since_start_ns >= reader->change_ns) {
        reader->is_reading = receiver_is_reading(&reader->habits, since_start_ns);
        reader->change_ns = receiver_next_change(&reader->habits, since_start_ns);
    }
    if (!reader->is_reading || probe->now_ns < reader->busy_until_ns)
        return 0;
    double chunk = reader->habits.bytes_per_s * base_seconds(RATE_CHUNK_NS);
    return chunk >= PROBE_BUFFER_BYTES ? PROBE_BUFFER_BYTES
           : chunk < RATE_BYTES_MIN    ? RATE_BYTES_MIN
                                       : (size_t)chunk;
}

/* Adds a look at this client to the batch, if it looks at all now. */
static void plan_look(struct probe *probe, struct probe_batch *batch, int32_t local) {
    struct client *client = &probe->clients->client[local];
    if (client->fd < 0)
        return;
    struct ring_look *look = &batch->looks[batch->count];
    *look = (struct ring_look){.fd = client->fd, .length = PROBE_BULK_BYTES};
    if (client->reader >= 0) {
        size_t allowed = allowance(probe, &probe->clients->readers[client->reader]);
        if (allowed == 0)
            return;
        look->buffer = probe->buffer + (size_t)batch->count * PROBE_BUFFER_BYTES;
        look->length = (uint32_t)allowed;
    }
    batch->local[batch->count++] = local;
}

static void hear(struct probe *probe, struct reader *reader, const uint8_t *bytes, size_t length) {
    double ns_per_byte = probe->is_draining ? 0 : 1e9 / reader->habits.bytes_per_s;
    if (ns_per_byte > 0)
        reader->busy_until_ns = probe->now_ns + (base_ns)((double)length * ns_per_byte);
    understand(probe, reader, bytes, length, ns_per_byte);
}

static void end_look(struct probe *probe, struct probe_looks *looks, int32_t local,
                     const struct ring_look *look) {
    struct client *client = &probe->clients->client[local];
    if (look->result > 0) {
        looks->found++;
        looks->bytes += look->result;
        client->bytes += look->result;
        if (client->reader >= 0)
            hear(probe, &probe->clients->readers[client->reader], look->buffer,
                 (size_t)look->result);
        return;
    }
    looks->empty++;
    if (look->result == 0 || is_gone(-look->result))
        lose(probe, local, client->reader >= 0 ? CLOSE_ABNORMAL : CLOSE_UNSEEN);
}

static void count_slice(struct probe_looks *looks, const struct probe_looks *before,
                        base_ns took_ns) {
    looks->ns += took_ns;
    if (looks->found == before->found) {
        looks->idle_ns += took_ns;
        looks->idle_empty += looks->empty - before->empty;
    }
}

/* One batch: the time when it is back is when all of it has arrived. */
static void look(struct probe *probe, struct probe_batch *batch, struct probe_looks *looks,
                 base_ns began_ns) {
    struct probe_looks before = *looks;
    ring_receive(&probe->ring, batch->looks, batch->count);
    probe_tick(probe);
    for (int32_t i = 0; i < batch->count; i++)
        end_look(probe, looks, batch->local[i], &batch->looks[i]);
    if (looks->found > before.found) {
        probe->last_bytes_ns = probe->now_ns;
        probe_tick(probe);
    }
    count_slice(looks, &before, probe->now_ns - began_ns);
}

/* --- passes --- */

/* A pass is over: how long since the last one was. */
static void end_pass(struct probe *probe, struct hist *passes, base_ns *began_ns) {
    if (*began_ns >= probe->window_start_ns && probe->now_ns < probe->window_end_ns)
        hist_add(passes, probe->now_ns - *began_ns);
    *began_ns = probe->now_ns;
}

void probe_look_at_samples(struct probe *probe, int32_t count) {
    struct clients *clients = probe->clients;
    struct probe_batch batch;
    base_ns began_ns = probe->now_ns;
    bool is_pass_over = false;
    batch.count = 0;
    for (int32_t i = 0; i < count; i++) {
        plan_look(probe, &batch, clients->readers[clients->samples[probe->sample_next]].client);
        if (++probe->sample_next == clients->samples_count) {
            probe->sample_next = 0;
            is_pass_over = true;
        }
    }
    look(probe, &batch, &probe->costs.sample, began_ns);
    if (is_pass_over)
        end_pass(probe, &probe->report->generator.sample_look, &probe->sample_pass_ns);
}

void probe_look_at_others(struct probe *probe, int32_t count) {
    struct clients *clients = probe->clients;
    struct probe_batch batch;
    base_ns began_ns = probe->now_ns;
    bool is_pass_over = false;
    batch.count = 0;
    for (int32_t i = 0; i < count; i++) {
        plan_look(probe, &batch, clients->others[probe->other_next]);
        if (++probe->other_next == clients->others_count) {
            probe->other_next = 0;
            is_pass_over = true;
        }
    }
    look(probe, &batch, &probe->costs.bulk, began_ns);
    if (is_pass_over)
        end_pass(probe, &probe->report->generator.bulk_sweep, &probe->other_pass_ns);
}
