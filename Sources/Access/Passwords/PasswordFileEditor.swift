import Glibc

/// Changes an htpasswd file so that no reader sees half of it and no other writer's change is lost.
///
/// Whoever edits holds a lock on the file's directory (`flock(2)`, so that a killed process leaves none behind), writes the
/// new text to a file beside it, flushes that to the disk, and renames it over the old one. Permissions and owner stay;
/// access control lists and other extended attributes don't. A symbolic link stays and its target is replaced. All of it
/// blocks: for the command line. Hash the password before, so that the lock is held for moments only.
package struct PasswordFileEditor: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// The file's text as it is. Throws when it doesn't exist.
    package func read() throws(PasswordFileError) -> PasswordDocument {
        PasswordDocument(try FileSystem.read(path, limit: PasswordFile.maximumSize))
    }

    /// Applies `change` to what the file holds once the lock is ours. A file that doesn't exist is made with mode 0600 if
    /// `creating`. When `change` throws, or changes nothing, the file stays as it is.
    package func edit(
        creating: Bool = false,
        _ change: (inout PasswordDocument) throws(PasswordFileError) -> Void
    ) throws(PasswordFileError) {
        let target = try FileSystem.resolved(path)
        let (directory, name) = FileSystem.split(target)
        let lock = try FileSystem.open(directory, O_RDONLY | O_DIRECTORY)
        try FileSystem.retrying("flock", directory) { flock(lock.number, LOCK_EX) }

        var owner: stat?
        var document = PasswordDocument([])
        do {
            let old = try FileSystem.open(target, O_RDONLY | O_NONBLOCK)
            owner = try FileSystem.status(old, target)
            document = PasswordDocument(try FileSystem.read(target, limit: PasswordFile.maximumSize))
        } catch .system(_, _, ENOENT) where creating {
            owner = nil
        }
        let before = document
        try change(&document)
        if document == before, owner != nil { return }
        try replace(target, directory, name, with: document.text, like: owner, lock)
    }

    private func replace(
        _ target: String,
        _ directory: String,
        _ name: String,
        with text: [UInt8],
        like owner: stat?,
        _ lock: borrowing FileSystem.Descriptor
    ) throws(PasswordFileError) {
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
