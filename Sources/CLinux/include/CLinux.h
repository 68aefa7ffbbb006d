// Linux's calls in the shape that Swift can use: no variadic call, no macro, no packed union, no errno.
//
// Every function answers a value that is zero or more, or -errno. None of them decides anything: what to do about
// an answer is said in Platform, which alone imports this.
#pragma once
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

// An internet address as the sockets take it. `family` is 4 or 6; an IPv4 address stands in the first 4 bytes.
struct linux_address {
    uint8_t bytes[16];
    uint32_t scope;
    uint16_t port;
    uint8_t family;
};

// A descriptor that epoll says is ready.
struct linux_event {
    uint64_t token;
    uint32_t events;
};

enum {
    LINUX_READABLE = 1,
    LINUX_WRITABLE = 2,
    LINUX_ERROR = 4,
    LINUX_HANGUP = 8,
};

// Descriptors.
int linux_close(int fd);
int64_t linux_read(int fd, void *bytes, size_t count);
int64_t linux_write(int fd, const void *bytes, size_t count);
int linux_set_nonblocking(int fd);
// Waits until `fd` takes bytes: 1, or 0 after `milliseconds`.
int linux_poll_writable(int fd, int milliseconds);
int linux_poll_readable(int fd, int milliseconds);
int linux_eventfd(void);
int linux_timerfd(void);
// Fires once after `microseconds`; 0 disarms.
int linux_timerfd_set(int fd, int64_t microseconds);
int linux_pipe(int ends[2]);

// epoll.
int linux_epoll_create(void);
int linux_epoll_add(int epoll, int fd, uint32_t interest, uint64_t token);
int linux_epoll_modify(int epoll, int fd, uint32_t interest, uint64_t token);
int linux_epoll_remove(int epoll, int fd);
int linux_epoll_wait(int epoll, struct linux_event *events, int limit, int milliseconds);

// Internet sockets.
int linux_tcp_socket(int family);
int linux_udp_socket(int family);
int linux_bind(int fd, const struct linux_address *address);
int linux_listen(int fd, int backlog);
int linux_accept(int fd, struct linux_address *peer);
int linux_connect(int fd, const struct linux_address *address);
int linux_local_address(int fd, struct linux_address *address);
int linux_peer_address(int fd, struct linux_address *address);
// The error that a nonblocking connect ended with: 0 or the errno, positive.
int linux_socket_error(int fd);
int linux_set_nodelay(int fd, int on);
int linux_set_user_timeout(int fd, uint32_t milliseconds);
int linux_set_keepalive(int fd, int on);
int linux_set_reuse_address(int fd);
int linux_set_v6only(int fd);
int linux_set_mark(int fd, uint32_t mark);
int linux_set_not_sent_low_water(int fd, uint32_t bytes);
int linux_set_buffers(int fd, int receive, int send);
int linux_shutdown_write(int fd);
int64_t linux_send(int fd, const void *bytes, size_t count);

// Numeric text only, a zone (fe80::1%eth0) allowed; 0 or -EINVAL.
int linux_address_parse(const char *text, struct linux_address *address);
// Writes the address without its port, NUL-terminated; `capacity` at least 64.
int linux_address_format(const struct linux_address *address, char *text, size_t capacity);
// Looks a name up by getaddrinfo and blocks while it does. Answers the count, or EAI's code as -1000 + code.
int linux_resolve(const char *host, uint16_t port, struct linux_address *addresses, int limit);
const char *linux_resolve_error(int code);

// Unix sockets. A path that begins with '@' names an abstract socket.
int linux_unix_stream(void);
int linux_unix_datagram(void);
int linux_unix_bind(int fd, const char *path);
int linux_unix_connect(int fd, const char *path);
int linux_unix_accept(int fd);
int linux_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid);
int64_t linux_unix_send_to(int fd, const char *path, const void *bytes, size_t count);

// TUN and netlink.
int linux_tun_open(const char *name, char *actual, size_t capacity);
// Gives a TUN descriptor whose interface was deleted a new one: 0 or -errno.
int linux_tun_attach(int fd, const char *name, char *actual, size_t capacity);
int linux_netlink_route(uint32_t groups);
int64_t linux_netlink_send(int fd, const void *bytes, size_t count);
int64_t linux_netlink_receive(int fd, void *bytes, size_t count);
int linux_interface_index(const char *name);
int linux_unshare_network(void);
// A running interface's MTU.
int linux_interface_mtu(const char *name);

// Signals. `signals` are numbers; the mask is the calling thread's and its children's.
int linux_block_signals(const int *signals, int count);
int linux_block_all_signals(void);
int linux_signalfd(const int *signals, int count);
int linux_signalfd_read(int fd);
int linux_ignore_signal(int signal);

// Time, in microseconds.
int64_t linux_boot_time(void);
int64_t linux_wall_time(void);

// Files.
int linux_open_read(const char *path);
int linux_open_directory(const char *path);
int linux_open_lock(const char *path, uint32_t mode);
int linux_open_append(const char *path, uint32_t mode);
int linux_create_exclusive(const char *path, uint32_t mode);
int linux_fsync(int fd);
int linux_rename(const char *from, const char *to);
int linux_link(const char *from, const char *to);
// A child that waits until `keep` (answered, positive) is closed, by the process's end at the latest, and then removes
// these sockets if they are still the files that they are now. The caller keeps `pid` to wait for.
int linux_spawn_remover(const char *const *paths, int count, int32_t *pid);
// Waits for the child's end.
int linux_wait(int32_t pid);
// A copy of a text for a list of texts; to be freed.
char *linux_copy_text(const char *text);
void linux_free(void *memory);
int linux_unlink(const char *path);
int linux_mkdir(const char *path, uint32_t mode);
int linux_rmdir(const char *path);
int linux_chmod(const char *path, uint32_t mode);
int linux_fchmod(int fd, uint32_t mode);
int linux_chown(const char *path, uint32_t uid, uint32_t gid);
int linux_fchown(int fd, uint32_t uid, uint32_t gid);
int linux_lock_exclusive(int fd);
int linux_access_write(const char *path);
int linux_realpath(const char *path, char *resolved, size_t capacity);
struct linux_file_status {
    int64_t size;
    int64_t modified;
    int64_t changed;
    uint64_t device;
    uint64_t inode;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
};
int linux_stat(const char *path, struct linux_file_status *status);
int linux_fstat(int fd, struct linux_file_status *status);
// Calls `body` for each name; a body that answers other than 0 ends the walk.
int linux_list_directory(const char *path, int (*body)(const char *name, void *context), void *context);
int linux_mount_tmpfs(const char *path, const char *options);
int linux_unmount(const char *path);

// Users and privileges.
int linux_group_id(const char *name, uint32_t *gid);
int linux_user_id(const char *name, uint32_t *uid, uint32_t *gid);
_Noreturn void linux_exit(int status);
int linux_clear_groups(void);
int linux_groups_count(void);
int linux_set_gid(uint32_t gid);
int linux_set_uid(uint32_t uid);
uint32_t linux_uid(void);
uint32_t linux_gid(void);
int linux_keep_capabilities(int on);
int linux_set_capabilities(uint64_t permitted, uint64_t effective);
int linux_capabilities(uint64_t *permitted, uint64_t *effective);
int linux_drop_bounding_except(uint64_t kept);
int linux_set_no_new_privileges(void);
int linux_no_new_privileges(void);
int linux_set_dumpable(int on);
int linux_dumpable(void);
enum { LINUX_CAP_NET_ADMIN = 12 };

// The process.
int linux_random(void *bytes, size_t count);
int linux_descriptor_limit(uint64_t *soft, uint64_t *hard);
int linux_set_descriptor_limit(uint64_t soft);
int64_t linux_page_size(void);
// User and system time of all threads of this process.
int64_t linux_cpu_microseconds(void);
// Zeroed memory that takes no room before it is written to; NULL if there is none.
void *linux_map(size_t count);
void linux_unmap(void *memory, size_t count);
int32_t linux_pid(void);
const char *linux_getenv(const char *name);
const char *linux_error_name(int code);
const char *linux_error_text(int code);
// A detached (1) or joinable (0) thread that runs body(context) with every signal blocked.
int linux_thread_start(uint64_t *thread, const char *name, int detached, void (*body)(void *context), void *context);
int linux_thread_join(uint64_t thread);

// Numbers that are macros.
extern const int linux_signal_term, linux_signal_int, linux_signal_hup, linux_signal_quit, linux_signal_pipe,
    linux_signal_usr1, linux_signal_usr2;
