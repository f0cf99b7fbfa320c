import Glibc

/// Paths and whole files, for commands.
enum Paths {
    /// The part before the last slash; `.` without one.
    static func directory(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Whether something is there, be it a broken link.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0
    }

    /// Makes a directory and those above it that are missing, with this mode.
    static func makeDirectories(_ path: String, mode: mode_t) throws(CommandError) {
        if path.isEmpty || path == "/" { return }
        if unsafe mkdir(path, mode) == 0 { return }
        if errno == ENOENT {
            try makeDirectories(directory(of: path), mode: mode)
            if unsafe mkdir(path, mode) == 0 { return }
        }
        let code = errno
        var status = stat()
        if code == EEXIST, unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
        errno = code
        throw .system("the directory can't be made", path)
    }

    /// Writes a file that must not be there yet; nothing half written stays behind.
    static func writeNew(_ path: String, _ text: String, mode: mode_t) throws(CommandError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .system("can't be made", path) }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = CommandError.system("can't be written", path)
                unsafe unlink(path)
                throw error
            }
            rest = rest.dropFirst(count)
        }
    }

    /// A small file's text, or nil if there is none.
    static func text(of path: String, limit: Int = 1 << 20) throws(CommandError) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("can't be read", path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= limit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system("can't be read", path) }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
        throw CommandError("\(path): longer than \(limit) bytes")
    }
}
