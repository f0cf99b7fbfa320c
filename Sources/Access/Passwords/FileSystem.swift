import Bytes
import Glibc

/// The few file operations that an htpasswd file needs, `EINTR` and `errno` taken care of. All block.
enum FileSystem {
    /// A descriptor that is closed when it goes away.
    struct Descriptor: ~Copyable {
        let number: Int32
        deinit { close(number) }
    }

    static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(PasswordFileError) -> Descriptor {
        Descriptor(number: try retrying("open", path) { unsafe Glibc.open(path, flags | O_CLOEXEC, mode) })
    }

    /// The whole of a regular file of at most `limit` bytes.
    static func read(_ path: String, limit: Int) throws(PasswordFileError) -> [UInt8] {
        try readWithMode(path, limit: limit).bytes
    }

    /// The whole of a regular file of at most `limit` bytes, and its permission bits.
    static func readWithMode(_ path: String, limit: Int) throws(PasswordFileError) -> (bytes: [UInt8], mode: mode_t) {
        // Not to hang on a FIFO.
        let file = try open(path, O_RDONLY | O_NONBLOCK)
        let status = try status(file, path)
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegularFile(path: path) }
        guard status.st_size <= limit else { throw .tooLarge(bytes: Int(status.st_size)) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = try retrying("read", path) { unsafe Glibc.read(file.number, &chunk, chunk.count) }
            if count == 0 { return (bytes, status.st_mode & 0o7777) }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else { throw .tooLarge(bytes: bytes.count) }
        }
    }

    static func write(_ bytes: [UInt8], to file: borrowing Descriptor, _ path: String) throws(PasswordFileError) {
        let number = file.number
        var written = 0
        while written < bytes.count {
            let start = written
            written += try retrying("write", path) {
                unsafe bytes.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress! + start, $0.count - start) }
            }
        }
    }

    static func status(_ file: borrowing Descriptor, _ path: String) throws(PasswordFileError) -> stat {
        var status = stat()
        let number = file.number
        _ = try retrying("fstat", path) { unsafe fstat(number, &status) }
        return status
    }

    /// The path with all symbolic links followed; the path itself when it doesn't exist.
    static func resolved(_ path: String) throws(PasswordFileError) -> String {
        guard let real = unsafe realpath(path, nil) else {
            if errno == ENOENT { return path }
            throw .system(operation: "realpath", path: path, code: errno)
        }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }

    /// Directory and name.
    static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let directory = path[..<slash]
        return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
    }

    @discardableResult
    static func retrying<Value: FixedWidthInteger & SignedInteger>(
        _ operation: String,
        _ path: String,
        _ call: () -> Value
    ) throws(PasswordFileError) -> Value {
        while true {
            let result = call()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw .system(operation: operation, path: path, code: code) }
        }
    }
}
