import Glibc

/// How some files looked at one moment; two stamps differ when a file was written, replaced or removed between them.
package struct CertificateStamp: Sendable, Equatable {
    private struct Entry: Sendable, Equatable {
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var size: Int64 = -1
        var modified: [Int] = []
        var changed: [Int] = []
    }

    private var entries: [Entry] = []

    init(_ paths: [String]) {
        for path in paths {
            var status = stat()
            var entry = Entry()
            if unsafe stat(path, &status) == 0 {
                entry.device = UInt64(status.st_dev)
                entry.inode = UInt64(status.st_ino)
                entry.size = Int64(status.st_size)
                entry.modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
                entry.changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
            }
            entries.append(entry)
        }
    }
}
