import Glibc

/// What tells one state of a file from another without reading it.
package struct FileStamp: Equatable, Sendable {
    package let device: UInt64
    package let inode: UInt64
    /// Bytes.
    package let size: Int
    /// Nanoseconds since 1970 of the last change to the content.
    package let modified: Int
    /// Nanoseconds since 1970 of the last change to content or metadata.
    package let changed: Int

    /// The stamp of the file at `path`, symbolic links followed; nil when there is none or it can't be looked at.
    package init?(path: String) {
        var status = stat()
        // A string passed as it is would be copied to the heap; this is asked on the request path.
        guard unsafe path.withCString({ unsafe stat($0, &status) }) == 0 else { return nil }
        self.init(status)
    }

    /// The stamp of an open file: the one to keep for content read from it.
    package init?(descriptor: Int32) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int(status.st_size)
        modified = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
        changed = status.st_ctim.tv_sec &* 1_000_000_000 &+ status.st_ctim.tv_nsec
    }
}

/// Tells when a file's state differs from the one last seen. Looks when asked, by stat(2): works on every file system.
package struct FileWatcher: Sendable {
    package let path: String
    /// The state last seen; nil while there is no file.
    package private(set) var stamp: FileStamp?

    /// Watches `path` from its state as it is now.
    package init(path: String) {
        self.path = path
        stamp = FileStamp(path: path)
    }

    /// Whether the file was changed, replaced, removed or made since the last call.
    package mutating func hasChanged() -> Bool {
        let current = FileStamp(path: path)
        if current == stamp { return false }
        stamp = current
        return true
    }
}
