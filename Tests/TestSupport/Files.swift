import EventLoop
import Glibc

/// Whole files, for tests.
package enum Files {
    /// The content of the file at `path`.
    package static func bytes(_ path: String) throws -> [UInt8] {
        let raw = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard raw >= 0 else { throw SystemError("open", code: errno) }
        let file = OwnedDescriptor(adopting: raw)
        var result: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(file.raw, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read", code: errno) }
            if count == 0 { return result }
            result += part[..<count]
        }
    }

    /// The text of the file at `path`.
    package static func text(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }

    /// Makes or replaces the content of the file at `path`.
    package static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws {
        let raw = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard raw >= 0 else { throw SystemError("open", code: errno) }
        let file = OwnedDescriptor(adopting: raw)
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { memory in
                unsafe Glibc.write(file.raw, memory.baseAddress.map { unsafe $0 + done }, memory.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("write", code: errno) }
            done += count
        }
    }

    /// The names in a directory, sorted, `.` and `..` left out.
    package static func names(in directory: String) throws -> [String] {
        guard let stream = unsafe opendir(directory) else { throw SystemError("opendir", code: errno) }
        defer { _ = unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The permission bits of what is at `path`.
    package static func mode(_ path: String) throws -> UInt32 {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw SystemError("stat", code: errno) }
        return status.st_mode & 0o7777
    }

    /// Makes a directory with just these permissions.
    package static func makeDirectory(_ path: String, mode: UInt32) throws {
        guard unsafe mkdir(path, mode) == 0, unsafe chmod(path, mode) == 0 else {
            throw SystemError("mkdir", code: errno)
        }
    }
}
