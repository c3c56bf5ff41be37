/* A job goes straight to a free server, else to the end of the ring, else it is lost. A server that
 * is done takes the first of the ring before it tells its job's owner, so that a job which comes
 * straight back queues behind those who wait. */
#include "sim/engine/station.h"

#include <math.h>
#include <string.h>

enum { FIRST_WAITING_PLACES = 16 };

struct station_job {
    base_ns arrived_ns, started_ns, service_ns;
    uint64_t tag;
};

void station_init(struct station *station, struct run *run, const struct station_options *options) {
    CHECK(options->servers >= 1 && options->servers <= STATION_SERVERS_MAX);
    CHECK(options->capacity == 0 || options->capacity >= options->servers);
    CHECK(options->capacity <= STATION_CAPACITY_MAX);
    size_t servers = (size_t)options->servers;
    *station = (struct station){
        .run = run,
        .options = *options,
        .waiting = ARENA_NEW(&run->arena, FIRST_WAITING_PLACES, struct station_job),
        .waiting_mask = FIRST_WAITING_PLACES - 1,
        .serving = ARENA_NEW(&run->arena, servers, struct station_job),
        .free_servers = ARENA_NEW(&run->arena, servers, int32_t),
        .free_count = options->servers};
    if (options->capacity == 0)
        station->options.capacity = STATION_CAPACITY_MAX;
    for (int32_t i = 0; i < options->servers; i++)
        station->free_servers[i] = options->servers - 1 - i;
    hist_init(&station->wait_ns);
    hist_init(&station->sojourn_ns);
    station->window_start_ns = run->now_ns;
    stats_time_weighted_init(&station->in_system, run->now_ns, 0);
    stats_time_weighted_init(&station->busy, run->now_ns, 0);
}

void station_fini(struct station *station) {
    hist_fini(&station->wait_ns);
    hist_fini(&station->sojourn_ns);
}

static int32_t busy_servers(const struct station *station) {
    return station->options.servers - station->free_count;
}

int32_t station_in_system(const struct station *station) {
    return busy_servers(station) + (int32_t)station->waiting_count;
}

static void note_levels(struct station *station, base_ns now_ns) {
    stats_time_weighted_set(&station->in_system, now_ns, station_in_system(station));
    stats_time_weighted_set(&station->busy, now_ns, busy_servers(station));
}

/* The old ring stays in the arena; all of them together are as large as the last. */
static void grow_ring(struct station *station) {
    uint32_t places = station->waiting_mask + 1, head = places - station->waiting_first;
    struct station_job *ring =
        ARENA_NEW(&station->run->arena, (size_t)places * 2, struct station_job);
    memcpy(ring, station->waiting + station->waiting_first, head * sizeof *ring);
    memcpy(ring + head, station->waiting, station->waiting_first * sizeof *ring);
    station->waiting = ring;
    station->waiting_first = 0;
    station->waiting_mask = places * 2 - 1;
}

static void push_waiting(struct station *station, struct station_job job) {
    if (station->waiting_count > station->waiting_mask)
        grow_ring(station);
    uint32_t place = (station->waiting_first + station->waiting_count++) & station->waiting_mask;
    station->waiting[place] = job;
}

static struct station_job pop_waiting(struct station *station) {
    struct station_job job = station->waiting[station->waiting_first];
    station->waiting_first = (station->waiting_first + 1) & station->waiting_mask;
    station->waiting_count--;
    return job;
}

static void serve_done(void *target, uint64_t server, base_ns now_ns);

static void start(struct station *station, int32_t server, struct station_job job) {
    job.started_ns = station->run->now_ns;
    station->serving[server] = job;
    hist_add(&station->wait_ns, job.started_ns - job.arrived_ns);
    (void)run_after(station->run, job.service_ns, serve_done, station, (uint64_t)server);
}

static base_ns later(base_ns a, base_ns b) {
    return a > b ? a : b;
}

static void serve_done(void *target, uint64_t server, base_ns now_ns) {
    struct station *station = target;
    struct station_job job = station->serving[server];
    station->done_count++;
    hist_add(&station->sojourn_ns, now_ns - job.arrived_ns);
    station->residence_ns += (double)(now_ns - later(job.arrived_ns, station->window_start_ns));
    if (station->waiting_count > 0)
        start(station, (int32_t)server, pop_waiting(station));
    else
        station->free_servers[station->free_count++] = (int32_t)server;
    note_levels(station, now_ns);
    if (station->options.done) {
        struct station_visit visit = {job.tag, job.arrived_ns, job.started_ns, now_ns};
        station->options.done(station->options.target, &visit);
    }
}

bool station_arrive(struct station *station, base_ns service_ns, uint64_t tag) {
    CHECK(service_ns >= 0);
    base_ns now_ns = station->run->now_ns;
    station->arrived_count++;
    if (station_in_system(station) == station->options.capacity) {
        station->lost_count++;
        return false;
    }
    struct station_job job = {.arrived_ns = now_ns, .service_ns = service_ns, .tag = tag};
    if (station->free_count > 0)
        start(station, station->free_servers[--station->free_count], job);
    else
        push_waiting(station, job);
    note_levels(station, now_ns);
    return true;
}

void station_restart(struct station *station) {
    base_ns now_ns = station->run->now_ns;
    station->window_start_ns = now_ns;
    station->arrived_count = station->lost_count = station->done_count = 0;
    station->residence_ns = 0;
    stats_time_weighted_restart(&station->in_system, now_ns);
    stats_time_weighted_restart(&station->busy, now_ns);
    hist_clear(&station->wait_ns);
    hist_clear(&station->sojourn_ns);
}

double station_mean_in_system(const struct station *station) {
    return stats_time_weighted_mean(&station->in_system, station->run->now_ns);
}

double station_utilisation(const struct station *station) {
    double busy = stats_time_weighted_mean(&station->busy, station->run->now_ns);
    return busy / (double)station->options.servers;
}

double station_loss_share(const struct station *station) {
    if (station->arrived_count == 0)
        return 0;
    return (double)station->lost_count / (double)station->arrived_count;
}

static double residence_until_now(const struct station *station, const struct station_job *job) {
    return (double)(station->run->now_ns - later(job->arrived_ns, station->window_start_ns));
}

static bool is_free(const struct station *station, int32_t server) {
    for (int32_t i = 0; i < station->free_count; i++)
        if (station->free_servers[i] == server)
            return true;
    return false;
}

double station_little_gap(const struct station *station) {
    double by_jobs = station->residence_ns;
    for (int32_t i = 0; i < station->options.servers; i++)
        if (!is_free(station, i))
            by_jobs += residence_until_now(station, &station->serving[i]);
    for (uint32_t i = 0; i < station->waiting_count; i++) {
        uint32_t place = (station->waiting_first + i) & station->waiting_mask;
        by_jobs += residence_until_now(station, &station->waiting[place]);
    }
    double window_ns = (double)(station->run->now_ns - station->window_start_ns);
    double by_level = station_mean_in_system(station) * window_ns;
    double larger = fmax(by_jobs, by_level);
    return larger > 0 ? fabs(by_jobs - by_level) / larger : 0;
}
