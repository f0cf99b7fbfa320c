import Glibc

/// Why a file could not be read.
package enum FileLoadError: Error, Sendable, Equatable {
    /// A system call failed with this `errno`.
    case system(Int32)
    /// It isn't a regular file, or pipe, or device that could be read to its end within the size limit.
    case tooLong
    case isDirectory

    /// For a diagnostic: "No such file or directory".
    package var description: String {
        switch self {
        case .system(let code): unsafe String(cString: strerror(code))
        case .tooLong: "the file is too long"
        case .isDirectory: "it is a directory"
        }
    }
}

/// Where configuration files come from; tests give their own.
package protocol FileLoader {
    /// The whole file, at most `limit` bytes.
    func read(_ path: String, limit: Int) throws(FileLoadError) -> [UInt8]
    /// Paths that match a shell pattern, sorted by bytes.
    func paths(matching pattern: String) -> [String]
}

/// Reads from the file system.
package struct SystemFileLoader: FileLoader, Sendable {
    package init() {}

    package func read(_ path: String, limit: Int) throws(FileLoadError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(errno) }
        if status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory }
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(errno) }
            if count == 0 { return result }
            result += chunk[..<count]
            if result.count > limit { throw .tooLong }
        }
    }

    package func paths(matching pattern: String) -> [String] {
        var matches = unsafe glob_t()
        defer { unsafe globfree(&matches) }
        guard unsafe glob(pattern, 0, nil, &matches) == 0 else { return [] }
        var result: [String] = []
        for index in 0..<min(Int(unsafe matches.gl_pathc), SyntaxLimits.files + 1) {
            if let path = unsafe matches.gl_pathv[index] { unsafe result.append(String(cString: path)) }
        }
        return result.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }
}
