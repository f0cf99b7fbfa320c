import EventLoop
import Glibc

/// A directory of its own that is removed, with all that is in it, when nobody needs it any more.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        var template = Array("/tmp/postern-test-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer -> Bool in
            guard let start = buffer.baseAddress else { return false }
            return unsafe mkdtemp(start) != nil
        }
        guard made else { throw SystemError("mkdtemp", code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        Self.remove(path)
    }

    /// Removes what is at `path`, a directory's content first; links are removed, not followed.
    private static func remove(_ path: String) {
        if unsafe unlink(path) == 0 { return }
        for name in (try? Files.names(in: path)) ?? [] { remove(path + "/" + name) }
        _ = unsafe rmdir(path)
    }

    /// The path of `name` in the directory.
    package func path(_ name: String) -> String { path + "/" + name }

    /// Writes a file and answers its path.
    @discardableResult
    package func write(_ text: String, to name: String, mode: UInt32 = 0o600) throws -> String {
        try write(Array(text.utf8), to: name, mode: mode)
    }

    /// Writes a file and answers its path.
    @discardableResult
    package func write(_ bytes: [UInt8], to name: String, mode: UInt32 = 0o600) throws -> String {
        try Files.write(bytes, to: path(name), mode: mode)
        return path(name)
    }

    /// The text of a file in the directory.
    package func read(_ name: String) throws -> String { try Files.text(path(name)) }
}
