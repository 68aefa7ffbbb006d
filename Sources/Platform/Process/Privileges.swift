// Becoming nobody, with CAP_NET_ADMIN and nothing else.
//
// Capabilities and no_new_privs belong to threads: drop before any thread is started, then every later one inherits
// the little that is left. Order: forget groups, group, user (keeping permitted capabilities over the change), reduce
// to CAP_NET_ADMIN, no_new_privs, not dumpable (so no core file and no /proc/self/mem holds keys, D17); then read
// back what the kernel says, because a drop that did not happen must not pass for one.
//
// In a user namespace made by `unshare -Urn` there is one mapped user and setgroups is forbidden. There is nothing to
// become there, and the namespace confines the process already: that is told apart by a typed error.

import CLinux

/// What the calling thread may do.
package struct ProcessPrivileges: Hashable, Sendable {
    package let uid: UInt32
    package let gid: UInt32
    package let supplementaryGroups: Int
    /// Bit n is capability n.
    package let permitted: UInt64
    package let effective: UInt64
    package let noNewPrivileges: Bool
    package let isDumpable: Bool

    package static let netAdmin: UInt64 = 1 << UInt64(LINUX_CAP_NET_ADMIN)

    package var hasNetAdmin: Bool { effective & Self.netAdmin != 0 }

    /// Asks the kernel.
    package static func current() throws(PlatformError) -> ProcessPrivileges {
        var (permitted, effective): (UInt64, UInt64) = (0, 0)
        try check(linux_capabilities(&permitted, &effective), "capget")
        return ProcessPrivileges(
            uid: linux_uid(), gid: linux_gid(),
            supplementaryGroups: Int(try check(linux_groups_count(), "getgroups")),
            permitted: permitted, effective: effective,
            noNewPrivileges: try check(linux_no_new_privileges(), "prctl") == 1,
            isDumpable: try check(linux_dumpable(), "prctl") == 1)
    }
}

/// Why privileges were not dropped.
package enum PrivilegeError: Error, Hashable, Sendable {
    /// The process is not root: it has nothing to drop.
    case notRoot
    /// This user namespace maps no other user or forbids setgroups (`unshare -Urn`); nothing was changed.
    case confinedNamespace
    /// The user to become does not exist.
    case noSuchUser(String)
    /// A step failed. Some may have been done: the process must end.
    case failed(PlatformError)
    /// Every call succeeded, yet the kernel reports more than was asked for: the process must end.
    case notEffective(ProcessPrivileges)
}

package enum Privileges {
    /// Becomes `user`, keeping CAP_NET_ADMIN if the process has it and `keepsNetAdmin` is set. No way back.
    package static func drop(
        to user: String = "nobody", keepsNetAdmin: Bool = true
    ) throws(PrivilegeError) -> ProcessPrivileges {
        guard linux_uid() == 0 else { throw .notRoot }
        var (uid, gid): (UInt32, UInt32) = (0, 0)
        guard linux_user_id(user, &uid, &gid) == 0 else { throw .noSuchUser(user) }
        guard maps(uid, in: "/proc/self/uid_map"), maps(gid, in: "/proc/self/gid_map"), allowsGroups() else {
            throw .confinedNamespace
        }
        let before = try step { () throws(PlatformError) in try ProcessPrivileges.current() }
        let kept = keepsNetAdmin ? before.permitted & ProcessPrivileges.netAdmin : 0
        try step { () throws(PlatformError) in
            try check(linux_drop_bounding_except(kept), "PR_CAPBSET_DROP")
            try check(linux_keep_capabilities(1), "PR_SET_KEEPCAPS")
            try check(linux_clear_groups(), "setgroups")
            try check(linux_set_gid(gid), "setresgid")
            try check(linux_set_uid(uid), "setresuid")
            try check(linux_set_capabilities(kept, kept), "capset")
            try check(linux_keep_capabilities(0), "PR_SET_KEEPCAPS")
        }
        try harden()
        let after = try step { () throws(PlatformError) in try ProcessPrivileges.current() }
        guard after.uid == uid, after.gid == gid, after.supplementaryGroups == 0, after.permitted == kept,
            after.effective == kept, after.noNewPrivileges, !after.isDumpable
        else { throw .notEffective(after) }
        return after
    }

    /// What every daemon does, root or not: no_new_privs and no core dump. (A change of user makes a process
    /// dumpable or not by the kernel's own rules, so `drop` repeats it.)
    package static func harden() throws(PrivilegeError) {
        try step { () throws(PlatformError) in
            try check(linux_set_no_new_privileges(), "PR_SET_NO_NEW_PRIVS")
            try check(linux_set_dumpable(0), "PR_SET_DUMPABLE")
        }
    }

    /// Whether an id exists in this user namespace. Lines are "inside outside count".
    private static func maps(_ id: UInt32, in path: String) -> Bool {
        guard let bytes = try? Files.read(path, limit: 65_536) else { return true }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains { line in
            let numbers = line.split(separator: " ").compactMap { UInt64($0) }
            return numbers.count == 3 && UInt64(id) >= numbers[0] && UInt64(id) - numbers[0] < numbers[2]
        }
    }

    private static func allowsGroups() -> Bool {
        guard let bytes = try? Files.read("/proc/self/setgroups", limit: 64) else { return true }
        return bytes.starts(with: Array("allow".utf8))
    }

    @discardableResult
    private static func step<Value>(
        _ body: () throws(PlatformError) -> Value
    ) throws(PrivilegeError) -> Value {
        do { return try body() } catch { throw .failed(error) }
    }
}
