import Glibc

/// A file that is replaced as a whole, so that no reader sees half of it and no other writer's change is lost.
///
/// Whoever has one holds a lock on the file's directory (`flock(2)`, so that a killed process leaves none behind). The new
/// text goes to a file beside it, is flushed to the disk, and is renamed over the old one. Permissions and owner stay;
/// access control lists and other extended attributes don't. A symbolic link stays and its target is replaced. All of it
/// blocks: for the command line.
struct LockedFile: ~Copyable {
    private let target: String
    private let directory: String
    private let name: String
    private let lock: FileSystem.Descriptor
    private let owner: stat?
    /// The file's text; nil when there is no file.
    let before: [UInt8]?

    /// Waits for the lock, then reads the file of at most `limit` bytes. One that doesn't exist is no error if `creating`.
    init(path: String, limit: Int, creating: Bool) throws(PasswordFileError) {
        let target = try FileSystem.resolved(path)
        let (directory, name) = FileSystem.split(target)
        let lock = try FileSystem.open(directory, O_RDONLY | O_DIRECTORY)
        let number = lock.number
        try FileSystem.retrying("flock", directory) { flock(number, LOCK_EX) }
        var found: (owner: stat, text: [UInt8])?
        do {
            let old = try FileSystem.open(target, O_RDONLY | O_NONBLOCK)
            found = (try FileSystem.status(old, target), try FileSystem.read(target, limit: limit))
        } catch .system(_, _, ENOENT) where creating {
            found = nil
        }
        self.target = target
        self.directory = directory
        self.name = name
        self.lock = lock
        owner = found?.owner
        before = found?.text
    }

    /// Puts `text` in the file's place. A file that wasn't there is made with mode 0600.
    func replace(with text: [UInt8]) throws(PasswordFileError) {
        // One name for all: the lock is ours, so what lies there was left by a process that was killed.
        let temporary = directory + "/." + name + ".postern-new"
        unsafe unlink(temporary)
        do {
            let file = try FileSystem.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            let number = file.number
            if let owner {
                if owner.st_uid != geteuid() || owner.st_gid != getegid() {
                    try FileSystem.retrying("fchown", target) { fchown(number, owner.st_uid, owner.st_gid) }
                }
                try FileSystem.retrying("fchmod", target) { fchmod(number, owner.st_mode & 0o7777) }
            }
            try FileSystem.write(text, to: file, temporary)
            try FileSystem.retrying("fsync", temporary) { fsync(number) }
            try FileSystem.retrying("rename", target) { unsafe rename(temporary, target) }
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        let number = lock.number
        try FileSystem.retrying("fsync", directory) { fsync(number) }
    }
}
