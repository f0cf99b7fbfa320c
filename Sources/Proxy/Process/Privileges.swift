import EventLoop
import Glibc

/// Rights of the process.
enum Privileges {
    /// Changes to the configured account, for good. Nothing when none is configured or the process isn't root's.
    ///
    /// Log files go to that account too, so that it can open them anew after a rotation.
    static func drop(
        _ settings: ProcessSettings,
        errorLog: ErrorLogSettings,
        logs: LogWriter,
        stateDirectory: String?
    ) throws(StartError) {
        guard let user = settings.user, geteuid() == 0 else { return }
        guard let account = unsafe getpwnam(user) else { throw StartError("user \"\(user)\" doesn't exist") }
        let userID = unsafe account.pointee.pw_uid
        var groupID = unsafe account.pointee.pw_gid
        if let name = settings.group {
            guard let group = unsafe getgrnam(name) else { throw StartError("group \"\(name)\" doesn't exist") }
            groupID = unsafe group.pointee.gr_gid
        }
        logs.hand(to: userID, groupID)
        if case .file(let path) = errorLog.destination { _ = unsafe chown(path, userID, groupID) }
        // Its parent may be root's alone.
        if let stateDirectory {
            _ = unsafe mkdir(stateDirectory, 0o700)
            hand(stateDirectory, to: userID, groupID)
        }
        guard unsafe initgroups(user, groupID) == 0, setgid(groupID) == 0, setuid(userID) == 0 else {
            throw StartError("can't change to user \"\(user)\": \(describeErrno())")
        }
        if userID != 0, setuid(0) == 0 { throw StartError("rights of root could be taken back after giving them up") }
    }

    /// Gives root's own directory to an account. One of anybody else's stays theirs, which is an error where it is used.
    private static func hand(_ directory: String, to user: uid_t, _ group: gid_t) {
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_uid == 0 else { return }
        _ = fchown(descriptor, user, group)
    }

    /// Sets the number of descriptors that may be open: as configured, else as many as allowed.
    static func raiseDescriptorLimit(_ limit: Int?, _ log: OperatorLog) {
        do throws(SystemError) {
            if let limit {
                try DescriptorLimit.set(UInt64(limit))
            } else {
                _ = try DescriptorLimit.raiseToMaximum()
            }
        } catch {
            log.warning("the number of open descriptors can't be set: \(error)")
        }
    }
}

/// The file that tells which process serves.
enum PIDFile {
    static func write(_ path: String) -> Bool {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let text = Array("\(getpid())\n".utf8)
        return unsafe text.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) } == text.count
    }

    static func remove(_ path: String) { unsafe unlink(path) }
}
