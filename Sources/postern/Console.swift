import Glibc

/// What the commands say.
enum Console {
    /// Writes text to standard output at once, with a line feed at its end.
    static func print(_ text: String) { write(text, to: 1) }

    /// Writes text to standard error at once, with a line feed at its end.
    static func complain(_ text: String) { write(text, to: 2) }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array((text.hasSuffix("\n") ? text : text + "\n").utf8)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                return
            }
        }
    }
}

/// Why a command failed, in words for people; the exit status is 1.
struct CommandError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// A failed system call on a file; reads `errno`.
    static func system(_ what: String, _ path: String) -> CommandError {
        CommandError("\(path): \(what): \(unsafe String(cString: strerror(errno)))")
    }
}
