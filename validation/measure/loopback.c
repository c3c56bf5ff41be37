/* unshare(), then two requests to the kernel: the interface up, and its two local routes replaced
 * by the same with RTAX_QUICKACK (rtnetlink(7), ip-route(8) `quickack`). Without root the namespace
 * is made inside a user namespace, in which this user keeps their number and owns the network. */
#include "validation/measure/loopback.h"

#include "sim/base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Which namespace this process is in is the process's own state, as its descriptors are. */
static bool is_private;

static bool fail(char why[LOOPBACK_WHY_BYTES], const char *what) {
    snprintf(why, LOOPBACK_WHY_BYTES, "%s: %s", what, strerror(errno));
    return false;
}

/* --- the namespace --- */

static bool write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return is_written;
}

static bool map_to_root(const char *path, unsigned number) {
    char line[64];
    snprintf(line, sizeof line, "0 %u 1", number);
    return write_file(path, line);
}

static bool unshare_network(void) {
    if (unshare(CLONE_NEWNET) == 0)
        return true;
    unsigned user = getuid(), group = getgid(); /* inside they are nobody until they are mapped */
    return errno == EPERM && unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 &&
           write_file("/proc/self/setgroups", "deny") && map_to_root("/proc/self/uid_map", user) &&
           map_to_root("/proc/self/gid_map", group);
}

/* --- its loopback --- */

static bool bring_up(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool is_up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close(fd);
    return is_up;
}

struct route {
    const char *destination;
    unsigned char prefix_bits;
};

static void write_route(struct nlmsghdr *request, struct route route) {
    request->nlmsg_type = RTM_NEWROUTE;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_REPLACE | NLM_F_ACK;
    struct rtmsg *message = mnl_nlmsg_put_extra_header(request, sizeof *message);
    *message = (struct rtmsg){.rtm_family = AF_INET,
                              .rtm_dst_len = route.prefix_bits,
                              .rtm_table = RT_TABLE_LOCAL,
                              .rtm_protocol = RTPROT_KERNEL,
                              .rtm_scope = RT_SCOPE_HOST,
                              .rtm_type = RTN_LOCAL};
    mnl_attr_put_u32(request, RTA_DST, inet_addr(route.destination));
    mnl_attr_put_u32(request, RTA_PREFSRC, htonl(INADDR_LOOPBACK));
    mnl_attr_put_u32(request, RTA_OIF, if_nametoindex("lo"));
    struct nlattr *metrics = mnl_attr_nest_start(request, RTA_METRICS);
    mnl_attr_put_u32(request, RTAX_QUICKACK, 1);
    mnl_attr_nest_end(request, metrics);
}

static bool replace_route(struct mnl_socket *netlink, struct route route) {
    char buffer[1024];
    struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
    write_route(request, route);
    if (mnl_socket_sendto(netlink, request, request->nlmsg_len) < 0)
        return false;
    ssize_t length = mnl_socket_recvfrom(netlink, buffer, sizeof buffer);
    return length > 0 && mnl_cb_run(buffer, (size_t)length, 0, 0, NULL, NULL) >= 0;
}

static bool acknowledge_at_once(void) {
    static const struct route routes[] = {{"127.0.0.0", 8}, {"127.0.0.1", 32}};
    struct mnl_socket *netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (netlink == NULL)
        return false;
    bool is_done = mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) == 0;
    for (size_t i = 0; i < COUNT_OF(routes) && is_done; i++)
        is_done = replace_route(netlink, routes[i]);
    mnl_socket_close(netlink);
    return is_done;
}

bool loopback_enter(char why[LOOPBACK_WHY_BYTES]) {
    if (is_private)
        return true;
    if (!unshare_network())
        return fail(why, "no network namespace for this user");
    if (!bring_up())
        return fail(why, "the loopback of the new network namespace did not come up");
    if (!acknowledge_at_once())
        return fail(why, "the routes of the new network namespace could not be set");
    is_private = true;
    return true;
}

const char *loopback_acknowledgements(void) {
    return is_private ? "every segment, at once" : "as the kernel likes";
}
