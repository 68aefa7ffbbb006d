// Internet, Unix and netlink sockets, and the TUN device.
#define _GNU_SOURCE
#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int answer(int value) { return value < 0 ? -errno : value; }

static int option(int fd, int level, int name, int value) {
    return answer(setsockopt(fd, level, name, &value, sizeof value));
}

// Addresses

static socklen_t to_kernel(const struct linux_address *address, struct sockaddr_storage *storage) {
    memset(storage, 0, sizeof *storage);
    if (address->family == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address->port);
        memcpy(&v4->sin_addr, address->bytes, 4);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address->port);
    v6->sin6_scope_id = address->scope;
    memcpy(&v6->sin6_addr, address->bytes, 16);
    return sizeof *v6;
}

static int from_kernel(const struct sockaddr *socket_address, struct linux_address *address) {
    memset(address, 0, sizeof *address);
    if (socket_address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)socket_address;
        address->family = 4;
        address->port = ntohs(v4->sin_port);
        memcpy(address->bytes, &v4->sin_addr, 4);
        return 0;
    }
    if (socket_address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)socket_address;
        address->family = 6;
        address->port = ntohs(v6->sin6_port);
        address->scope = v6->sin6_scope_id;
        memcpy(address->bytes, &v6->sin6_addr, 16);
        return 0;
    }
    return -EAFNOSUPPORT;
}

int linux_address_parse(const char *text, struct linux_address *address) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
    struct in_addr v4;
    // getaddrinfo reads "1.2" and "0x7f.1" as IPv4 addresses, as inet_aton does: only the plain form is meant here.
    if (!strchr(text, ':') && inet_pton(AF_INET, text, &v4) != 1) return -EINVAL;
    if (getaddrinfo(text, NULL, &hints, &found) != 0) return -EINVAL;
    int code = from_kernel(found->ai_addr, address);
    freeaddrinfo(found);
    return code;
}

int linux_address_format(const struct linux_address *address, char *text, size_t capacity) {
    struct sockaddr_storage storage;
    socklen_t length = to_kernel(address, &storage);
    if (getnameinfo((struct sockaddr *)&storage, length, text, (socklen_t)capacity, NULL, 0, NI_NUMERICHOST) != 0)
        return -EINVAL;
    return 0;
}

int linux_resolve(const char *host, uint16_t port, struct linux_address *addresses, int limit) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code != 0) return -1000 + code;
    int count = 0;
    for (struct addrinfo *each = found; each && count < limit; each = each->ai_next)
        if (from_kernel(each->ai_addr, &addresses[count]) == 0) addresses[count++].port = port;
    freeaddrinfo(found);
    return count;
}

const char *linux_resolve_error(int code) { return gai_strerror(code + 1000); }

// Internet sockets

int linux_tcp_socket(int family) {
    return answer(socket(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int linux_udp_socket(int family) {
    return answer(socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int linux_bind(int fd, const struct linux_address *address) {
    struct sockaddr_storage storage;
    socklen_t length = to_kernel(address, &storage);
    return answer(bind(fd, (struct sockaddr *)&storage, length));
}

int linux_listen(int fd, int backlog) { return answer(listen(fd, backlog)); }

int linux_accept(int fd, struct linux_address *peer) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    int accepted;
    do accepted = accept4(fd, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (accepted < 0 && errno == EINTR);
    if (accepted < 0) return -errno;
    int code = from_kernel((struct sockaddr *)&storage, peer);
    if (code < 0) close(accepted);
    return code < 0 ? code : accepted;
}

int linux_connect(int fd, const struct linux_address *address) {
    struct sockaddr_storage storage;
    socklen_t length = to_kernel(address, &storage);
    return answer(connect(fd, (struct sockaddr *)&storage, length));
}

int linux_local_address(int fd, struct linux_address *address) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0) return -errno;
    return from_kernel((struct sockaddr *)&storage, address);
}

int linux_peer_address(int fd, struct linux_address *address) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (getpeername(fd, (struct sockaddr *)&storage, &length) < 0) return -errno;
    return from_kernel((struct sockaddr *)&storage, address);
}

int linux_socket_error(int fd) {
    int code = 0;
    socklen_t length = sizeof code;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length) < 0) return -errno;
    return code;
}

int linux_set_nodelay(int fd, int on) { return option(fd, IPPROTO_TCP, TCP_NODELAY, on); }
int linux_set_user_timeout(int fd, uint32_t ms) { return option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)ms); }
int linux_set_keepalive(int fd, int on) { return option(fd, SOL_SOCKET, SO_KEEPALIVE, on); }
int linux_set_reuse_address(int fd) { return option(fd, SOL_SOCKET, SO_REUSEADDR, 1); }
int linux_set_v6only(int fd) { return option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1); }
int linux_set_mark(int fd, uint32_t mark) { return option(fd, SOL_SOCKET, SO_MARK, (int)mark); }
int linux_set_not_sent_low_water(int fd, uint32_t n) { return option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)n); }

int linux_set_buffers(int fd, int receive, int send) {
    int code = receive > 0 ? option(fd, SOL_SOCKET, SO_RCVBUF, receive) : 0;
    if (code < 0) return code;
    return send > 0 ? option(fd, SOL_SOCKET, SO_SNDBUF, send) : 0;
}

int linux_shutdown_write(int fd) { return answer(shutdown(fd, SHUT_WR)); }

int64_t linux_send(int fd, const void *bytes, size_t count) {
    ssize_t put;
    do put = send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (put < 0 && errno == EINTR);
    return put < 0 ? -errno : put;
}

// Unix sockets

static int unix_address(const char *path, struct sockaddr_un *address, socklen_t *length) {
    size_t count = strlen(path);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (count == 0 || count >= sizeof address->sun_path) return -ENAMETOOLONG;
    memcpy(address->sun_path, path, count);
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count);
    if (path[0] == '@')
        address->sun_path[0] = 0;
    else
        *length += 1;
    return 0;
}

int linux_unix_stream(void) { return answer(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }
int linux_unix_datagram(void) { return answer(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

int linux_unix_bind(int fd, const char *path) {
    struct sockaddr_un address;
    socklen_t length;
    int code = unix_address(path, &address, &length);
    return code < 0 ? code : answer(bind(fd, (struct sockaddr *)&address, length));
}

int linux_unix_connect(int fd, const char *path) {
    struct sockaddr_un address;
    socklen_t length;
    int code = unix_address(path, &address, &length);
    return code < 0 ? code : answer(connect(fd, (struct sockaddr *)&address, length));
}

int linux_unix_accept(int fd) {
    int accepted;
    do accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (accepted < 0 && errno == EINTR);
    return answer(accepted);
}

int linux_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -errno;
    *uid = credentials.uid;
    *gid = credentials.gid;
    *pid = credentials.pid;
    return 0;
}

int64_t linux_unix_send_to(int fd, const char *path, const void *bytes, size_t count) {
    struct sockaddr_un address;
    socklen_t length;
    int code = unix_address(path, &address, &length);
    if (code < 0) return code;
    ssize_t put = sendto(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, length);
    return put < 0 ? -errno : put;
}

// TUN and netlink

int linux_tun_attach(int fd, const char *name, char *actual, size_t capacity) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    if (strlen(name) >= sizeof request.ifr_name || capacity < sizeof request.ifr_name) return -ENAMETOOLONG;
    strcpy(request.ifr_name, name);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(fd, TUNSETIFF, &request) < 0) return -errno;
    memcpy(actual, request.ifr_name, sizeof request.ifr_name);
    return 0;
}

int linux_tun_open(const char *name, char *actual, size_t capacity) {
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -errno;
    int code = linux_tun_attach(fd, name, actual, capacity);
    if (code < 0) close(fd);
    return code < 0 ? code : fd;
}

int linux_netlink_route(uint32_t groups) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return -errno;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int code = -errno;
        close(fd);
        return code;
    }
    return fd;
}

int64_t linux_netlink_send(int fd, const void *bytes, size_t count) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t put = sendto(fd, bytes, count, 0, (struct sockaddr *)&kernel, sizeof kernel);
    return put < 0 ? -errno : put;
}

int64_t linux_netlink_receive(int fd, void *bytes, size_t count) {
    struct sockaddr_nl from;
    for (;;) {
        struct iovec part = {bytes, count};
        struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
        ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        // Any process may send to this socket; only the kernel has port 0.
        if (from.nl_pid != 0) continue;
        return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : got;
    }
}

int linux_interface_index(const char *name) {
    unsigned index = if_nametoindex(name);
    return index == 0 ? -errno : (int)index;
}

int linux_interface_mtu(const char *name) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    if (strlen(name) >= sizeof request.ifr_name) return -ENAMETOOLONG;
    strcpy(request.ifr_name, name);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int code = ioctl(fd, SIOCGIFMTU, &request) < 0 ? -errno : request.ifr_mtu;
    close(fd);
    return code;
}

int linux_unshare_network(void) { return answer(unshare(CLONE_NEWNET)); }
