// Descriptors, epoll, clocks, signals, threads and the process. Sockets, files and privileges have files of their own.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int answer(int value) { return value < 0 ? -errno : value; }

int linux_close(int fd) { return answer(close(fd)); }

int64_t linux_read(int fd, void *bytes, size_t count) {
    ssize_t got;
    do got = read(fd, bytes, count);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

int64_t linux_write(int fd, const void *bytes, size_t count) {
    ssize_t put;
    do put = write(fd, bytes, count);
    while (put < 0 && errno == EINTR);
    return put < 0 ? -errno : put;
}

int linux_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -errno : answer(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

static int poll_one(int fd, short events, int milliseconds) {
    struct pollfd entry = {.fd = fd, .events = events};
    int ready;
    do ready = poll(&entry, 1, milliseconds);
    while (ready < 0 && errno == EINTR);
    return answer(ready);
}

int linux_poll_writable(int fd, int milliseconds) { return poll_one(fd, POLLOUT, milliseconds); }
int linux_poll_readable(int fd, int milliseconds) { return poll_one(fd, POLLIN, milliseconds); }

int linux_eventfd(void) { return answer(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

int linux_timerfd(void) { return answer(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)); }

int linux_timerfd_set(int fd, int64_t microseconds) {
    struct itimerspec when = {{0, 0}, {microseconds / 1000000, microseconds % 1000000 * 1000}};
    return answer(timerfd_settime(fd, 0, &when, NULL));
}

int linux_pipe(int ends[2]) { return answer(pipe2(ends, O_CLOEXEC)); }

// epoll

static uint32_t to_epoll(uint32_t interest) {
    uint32_t events = 0;
    if (interest & LINUX_READABLE) events |= EPOLLIN | EPOLLRDHUP;
    if (interest & LINUX_WRITABLE) events |= EPOLLOUT;
    return events;
}

int linux_epoll_create(void) { return answer(epoll_create1(EPOLL_CLOEXEC)); }

static int control(int epoll, int operation, int fd, uint32_t interest, uint64_t token) {
    struct epoll_event event = {.events = to_epoll(interest), .data.u64 = token};
    return answer(epoll_ctl(epoll, operation, fd, &event));
}

int linux_epoll_add(int epoll, int fd, uint32_t interest, uint64_t token) {
    return control(epoll, EPOLL_CTL_ADD, fd, interest, token);
}

int linux_epoll_modify(int epoll, int fd, uint32_t interest, uint64_t token) {
    return control(epoll, EPOLL_CTL_MOD, fd, interest, token);
}

int linux_epoll_remove(int epoll, int fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

int linux_epoll_wait(int epoll, struct linux_event *events, int limit, int milliseconds) {
    struct epoll_event ready[256];
    if (limit > 256) limit = 256;
    int count = epoll_wait(epoll, ready, limit, milliseconds);
    // A signal is no event: the caller takes the time anew and waits again.
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        uint32_t from = ready[i].events, to = 0;
        if (from & (EPOLLIN | EPOLLRDHUP)) to |= LINUX_READABLE;
        if (from & EPOLLOUT) to |= LINUX_WRITABLE;
        if (from & EPOLLERR) to |= LINUX_ERROR;
        if (from & EPOLLHUP) to |= LINUX_HANGUP;
        events[i] = (struct linux_event){.token = ready[i].data.u64, .events = to};
    }
    return count;
}

// Signals

const int linux_signal_term = SIGTERM, linux_signal_int = SIGINT, linux_signal_hup = SIGHUP,
          linux_signal_quit = SIGQUIT, linux_signal_pipe = SIGPIPE, linux_signal_usr1 = SIGUSR1,
          linux_signal_usr2 = SIGUSR2;

static void fill(sigset_t *set, const int *signals, int count) {
    sigemptyset(set);
    for (int i = 0; i < count; i++) sigaddset(set, signals[i]);
}

int linux_block_signals(const int *signals, int count) {
    sigset_t set;
    fill(&set, signals, count);
    return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int linux_block_all_signals(void) {
    sigset_t set;
    sigfillset(&set);
    return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int linux_signalfd(const int *signals, int count) {
    sigset_t set;
    fill(&set, signals, count);
    return answer(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

int linux_signalfd_read(int fd) {
    struct signalfd_siginfo info;
    ssize_t got = read(fd, &info, sizeof info);
    if (got < 0) return -errno;
    return got == sizeof info ? (int)info.ssi_signo : -EIO;
}

int linux_ignore_signal(int number) { return signal(number, SIG_IGN) == SIG_ERR ? -errno : 0; }

// Time

static int64_t microseconds(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) < 0) return -errno;
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t linux_boot_time(void) { return microseconds(CLOCK_BOOTTIME); }
int64_t linux_wall_time(void) { return microseconds(CLOCK_REALTIME); }

// The process

int linux_random(void *bytes, size_t count) {
    uint8_t *at = bytes;
    while (count > 0) {
        ssize_t got = getrandom(at, count, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        at += got;
        count -= (size_t)got;
    }
    return 0;
}

int linux_descriptor_limit(uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}

int linux_set_descriptor_limit(uint64_t soft) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    limit.rlim_cur = soft;
    return answer(setrlimit(RLIMIT_NOFILE, &limit));
}

int64_t linux_page_size(void) { return sysconf(_SC_PAGESIZE); }

int64_t linux_cpu_microseconds(void) {
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) < 0) return 0;
    return (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
           used.ru_stime.tv_usec;
}

void *linux_map(size_t count) {
    void *memory = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void linux_unmap(void *memory, size_t count) { munmap(memory, count); }

int32_t linux_pid(void) { return getpid(); }
const char *linux_getenv(const char *name) { return getenv(name); }
const char *linux_error_name(int code) { return strerrorname_np(code); }
const char *linux_error_text(int code) { return strerrordesc_np(code); }

// Threads

struct start {
    void (*body)(void *);
    void *context;
    char name[16];
};

static void *run(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), start.name);
    start.body(start.context);
    return NULL;
}

int linux_thread_start(uint64_t *thread, const char *name, int detached, void (*body)(void *), void *context) {
    struct start *start = calloc(1, sizeof *start);
    if (!start) return -ENOMEM;
    start->body = body;
    start->context = context;
    strncpy(start->name, name, sizeof start->name - 1);
    // The child is born with every signal blocked, so that all of them reach the signalfd of the control loop.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t id;
    int code = pthread_create(&id, NULL, run, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code) {
        free(start);
        return -code;
    }
    if (detached) pthread_detach(id);
    *thread = (uint64_t)id;
    return 0;
}

int linux_thread_join(uint64_t thread) { return -pthread_join((pthread_t)thread, NULL); }
