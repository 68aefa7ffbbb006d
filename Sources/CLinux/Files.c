// Files, users, groups and capabilities.
#define _GNU_SOURCE
#include "CLinux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int answer(int value) { return value < 0 ? -errno : value; }

// O_NONBLOCK: a FIFO in the place of a file must not hang the daemon at start.
int linux_open_read(const char *path) { return answer(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)); }
int linux_open_directory(const char *path) { return answer(open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)); }

int linux_open_append(const char *path, uint32_t mode) {
    return answer(open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode));
}

int linux_open_lock(const char *path, uint32_t mode) {
    return answer(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode));
}

int linux_create_exclusive(const char *path, uint32_t mode) {
    return answer(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
}

int linux_fsync(int fd) { return answer(fsync(fd)); }
int linux_rename(const char *from, const char *to) { return answer(rename(from, to)); }
int linux_link(const char *from, const char *to) { return answer(link(from, to)); }
int linux_unlink(const char *path) { return answer(unlink(path)); }
int linux_mkdir(const char *path, uint32_t mode) { return answer(mkdir(path, mode)); }
int linux_rmdir(const char *path) { return answer(rmdir(path)); }
int linux_chmod(const char *path, uint32_t mode) { return answer(chmod(path, mode)); }
int linux_fchmod(int fd, uint32_t mode) { return answer(fchmod(fd, mode)); }
int linux_chown(const char *path, uint32_t uid, uint32_t gid) { return answer(chown(path, uid, gid)); }
int linux_fchown(int fd, uint32_t uid, uint32_t gid) { return answer(fchown(fd, uid, gid)); }
int linux_lock_exclusive(int fd) { return answer(flock(fd, LOCK_EX | LOCK_NB)); }
int linux_access_write(const char *path) { return answer(faccessat(AT_FDCWD, path, W_OK, AT_EACCESS)); }

int linux_realpath(const char *path, char *resolved, size_t capacity) {
    char *found = realpath(path, NULL);
    if (!found) return -errno;
    int code = strlen(found) < capacity ? 0 : -ENAMETOOLONG;
    if (code == 0) strcpy(resolved, found);
    free(found);
    return code;
}

static void convert(const struct stat *from, struct linux_file_status *to) {
    to->size = from->st_size;
    to->modified = (int64_t)from->st_mtim.tv_sec * 1000000 + from->st_mtim.tv_nsec / 1000;
    to->changed = (int64_t)from->st_ctim.tv_sec * 1000000 + from->st_ctim.tv_nsec / 1000;
    to->device = from->st_dev;
    to->inode = from->st_ino;
    to->mode = from->st_mode;
    to->uid = from->st_uid;
    to->gid = from->st_gid;
}

int linux_stat(const char *path, struct linux_file_status *status) {
    struct stat found;
    if (stat(path, &found) < 0) return -errno;
    convert(&found, status);
    return 0;
}

int linux_fstat(int fd, struct linux_file_status *status) {
    struct stat found;
    if (fstat(fd, &found) < 0) return -errno;
    convert(&found, status);
    return 0;
}

int linux_list_directory(const char *path, int (*body)(const char *, void *), void *context) {
    DIR *directory = opendir(path);
    if (!directory) return -errno;
    struct dirent *entry;
    int code = 0;
    while (code == 0 && (errno = 0, entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) code = body(entry->d_name, context);
    if (code == 0 && errno != 0) code = -errno;
    closedir(directory);
    return code < 0 ? code : 0;
}

int linux_mount_tmpfs(const char *path, const char *options) {
    return answer(mount("tmpfs", path, "tmpfs", 0, options));
}
int linux_unmount(const char *path) { return answer(umount2(path, MNT_DETACH)); }

// Users and privileges

int linux_group_id(const char *name, uint32_t *gid) {
    struct group entry, *found = NULL;
    char buffer[16384];
    int code = getgrnam_r(name, &entry, buffer, sizeof buffer, &found);
    if (code != 0) return -code;
    if (!found) return -ENOENT;
    *gid = found->gr_gid;
    return 0;
}

int linux_user_id(const char *name, uint32_t *uid, uint32_t *gid) {
    struct passwd entry, *found = NULL;
    char buffer[16384];
    int code = getpwnam_r(name, &entry, buffer, sizeof buffer, &found);
    if (code != 0) return -code;
    if (!found) return -ENOENT;
    *uid = found->pw_uid;
    *gid = found->pw_gid;
    return 0;
}

int linux_clear_groups(void) { return answer(setgroups(0, NULL)); }
int linux_groups_count(void) { return answer(getgroups(0, NULL)); }
int linux_set_gid(uint32_t gid) { return answer(setresgid(gid, gid, gid)); }
int linux_set_uid(uint32_t uid) { return answer(setresuid(uid, uid, uid)); }
uint32_t linux_uid(void) { return geteuid(); }
uint32_t linux_gid(void) { return getegid(); }
int linux_keep_capabilities(int on) { return answer(prctl(PR_SET_KEEPCAPS, on, 0, 0, 0)); }

int linux_set_capabilities(uint64_t permitted, uint64_t effective) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, 0},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), 0},
    };
    return answer((int)syscall(SYS_capset, &header, data));
}

int linux_capabilities(uint64_t *permitted, uint64_t *effective) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) return -errno;
    *permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    *effective = (uint64_t)data[1].effective << 32 | data[0].effective;
    return 0;
}

int linux_drop_bounding_except(uint64_t kept) {
    for (int capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1 || kept >> capability & 1) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return -errno;
    }
    return 0;
}

int linux_set_no_new_privileges(void) { return answer(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }
int linux_no_new_privileges(void) { return answer(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); }
int linux_set_dumpable(int on) { return answer(prctl(PR_SET_DUMPABLE, on, 0, 0, 0)); }
int linux_dumpable(void) { return answer(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)); }

void linux_exit(int status) { exit(status); }

// What is left of the parent's rights after it became nobody: removing its own sockets. The child takes no orders: it
// only learns that the pipe was closed. Between fork and _exit it calls nothing that is not async-signal-safe.

enum { REMOVER_LIMIT = 16 };

int linux_spawn_remover(const char *const *paths, int count, int32_t *pid) {
    struct stat before[REMOVER_LIMIT];
    if (count > REMOVER_LIMIT) return -E2BIG;
    for (int i = 0; i < count; i++)
        if (lstat(paths[i], &before[i]) < 0) return -errno;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    pid_t child = fork();
    if (child < 0) {
        int code = -errno;
        close(ends[0]);
        close(ends[1]);
        return code;
    }
    if (child > 0) {
        close(ends[0]);
        *pid = child;
        return ends[1];
    }
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_NAME, "vmeshd-remover", 0, 0, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    uint64_t kept = UINT64_C(1) << CAP_DAC_OVERRIDE;
    linux_drop_bounding_except(kept);
    linux_set_capabilities(kept, kept);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (ends[0] > 0) syscall(SYS_close_range, 0U, (unsigned)ends[0] - 1, 0U);
    syscall(SYS_close_range, (unsigned)ends[0] + 1, ~0U, 0U);
    if (chdir("/") < 0) _exit(1);
    char byte;
    ssize_t got;
    do got = read(ends[0], &byte, 1);
    while (got > 0 || (got < 0 && errno == EINTR));
    for (int i = 0; i < count; i++) {
        struct stat now;
        if (lstat(paths[i], &now) == 0 && S_ISSOCK(now.st_mode) && now.st_ino == before[i].st_ino &&
            now.st_dev == before[i].st_dev)
            unlink(paths[i]);
    }
    _exit(0);
}

char *linux_copy_text(const char *text) { return strdup(text); }
void linux_free(void *memory) { free(memory); }

int linux_wait(int32_t pid) {
    int status;
    pid_t got;
    do got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : 0;
}
