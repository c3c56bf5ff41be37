/* A file that is not there leaves its fact out or its counter at 0: not every kernel has them all.
 */
#include "validation/calibrate/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { LINE_BYTES = 8192 };

/* The first line of `path` that begins with `start`, the `index`-th such one; false: none. */
static bool find_line(const char *path, const char *start, int32_t index, char line[LINE_BYTES]) {
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool is_found = false;
    while (!is_found && fgets(line, LINE_BYTES, file) != NULL)
        is_found = strncmp(line, start, strlen(start)) == 0 && index-- == 0;
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return is_found;
}

/* --- counters -----------------------------------------------------------------------------------
 */

static uint64_t stolen_ticks(void) {
    char line[LINE_BYTES];
    uint64_t ticks = 0;
    if (find_line("/proc/stat", "cpu ", 0, line))
        sscanf(line, "cpu %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &ticks);
    return ticks;
}

/* Two lines begin with `start`: the first names the columns, the second has the values. */
static uint64_t column(const char *path, const char *start, const char *wanted) {
    char names[LINE_BYTES], values[LINE_BYTES];
    if (!find_line(path, start, 0, names) || !find_line(path, start, 1, values))
        return 0;
    char *name_rest, *value_rest;
    char *name = strtok_r(names, " ", &name_rest), *value = strtok_r(values, " ", &value_rest);
    uint64_t count = 0;
    for (; name != NULL && value != NULL;
         name = strtok_r(NULL, " ", &name_rest), value = strtok_r(NULL, " ", &value_rest))
        if (strcmp(name, wanted) == 0)
            sscanf(value, "%" SCNu64, &count);
    return count;
}

/* /proc/PID/schedstat: on the processor, waiting for one, how often; of the first thread, which is
 * the gateway's only worker. */
static uint64_t wait_ns(pid_t pid) {
    char path[64], line[LINE_BYTES];
    uint64_t ns = 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
    if (pid > 0 && find_line(path, "", 0, line))
        sscanf(line, "%*u %" SCNu64, &ns);
    return ns;
}

struct machine_counters machine_read(pid_t gateway, pid_t generator) {
    return (struct machine_counters){.stolen_ticks = stolen_ticks(),
                                     .retransmits = column("/proc/net/snmp", "Tcp:", "RetransSegs"),
                                     .loss_probes =
                                         column("/proc/net/netstat", "TcpExt:", "TCPLossProbes"),
                                     .wait_ns = wait_ns(gateway),
                                     .generator_wait_ns = wait_ns(generator)};
}

/* --- facts --------------------------------------------------------------------------------------
 */

struct facts {
    struct profile *profile;
    struct arena *arena;
};

static void add(const struct facts *facts, const char *name, const char *text) {
    struct profile *profile = facts->profile;
    if (profile->machine_count == PROFILE_FACTS_MAX || text[0] == '\0')
        return;
    profile->machine[profile->machine_count++] =
        (struct profile_fact){name, arena_new_text(facts->arena, text)};
}

/* What follows the separator on the line that begins with `start`. */
static void add_from(const struct facts *facts, const char *name, const char *path,
                     const char *start) {
    char line[LINE_BYTES];
    if (!find_line(path, start, 0, line))
        return;
    const char *separator = start[0] == '\0' ? NULL : strchr(line, ':');
    const char *text = separator == NULL ? line : separator + 1;
    add(facts, name, text + strspn(text, " \t"));
}

void machine_describe(struct profile *profile, struct arena *arena) {
    struct facts facts = {profile, arena};
    struct utsname name;
    char text[LINE_BYTES];
    profile->machine_count = 0;
    if (uname(&name) == 0) {
        snprintf(text, sizeof text, "%s %s", name.sysname, name.release);
        add(&facts, "kernel", text);
        add(&facts, "architecture", name.machine);
    }
    add_from(&facts, "processor", "/proc/cpuinfo", "model name");
    snprintf(text, sizeof text, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    add(&facts, "processors", text);
    add_from(&facts, "memory", "/proc/meminfo", "MemTotal:");
    add_from(&facts, "clock_source",
             "/sys/devices/system/clocksource/clocksource0/current_clocksource", "");
    add_from(&facts, "hypervisor", "/sys/hypervisor/type", "");
    add_from(&facts, "loopback_mtu", "/sys/class/net/lo/mtu", "");
    add_from(&facts, "net.ipv4.tcp_congestion_control", "/proc/sys/net/ipv4/tcp_congestion_control",
             "");
    add_from(&facts, "net.ipv4.tcp_wmem", "/proc/sys/net/ipv4/tcp_wmem", "");
    add_from(&facts, "net.ipv4.tcp_rmem", "/proc/sys/net/ipv4/tcp_rmem", "");
    add_from(&facts, "net.ipv4.tcp_mem", "/proc/sys/net/ipv4/tcp_mem", "");
    add_from(&facts, "net.ipv4.tcp_notsent_lowat", "/proc/sys/net/ipv4/tcp_notsent_lowat", "");
    add_from(&facts, "net.core.wmem_max", "/proc/sys/net/core/wmem_max", "");
    add_from(&facts, "net.core.rmem_max", "/proc/sys/net/core/rmem_max", "");
    add_from(&facts, "net.core.somaxconn", "/proc/sys/net/core/somaxconn", "");
    add_from(&facts, "net.netfilter.nf_conntrack_max", "/proc/sys/net/netfilter/nf_conntrack_max",
             "");
}
