import Glibc

/// A failed system call: its name and `errno`.
package struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The value of `errno`.
    package let code: Int32
    /// What was tried, as a manual page's name: `connect`, `accept4`.
    package let operation: StaticString

    package init(_ operation: StaticString, code: Int32) {
        self.operation = operation
        self.code = code
    }

    package var description: String {
        "\(operation): \(unsafe String(cString: strerror(code)))"
    }

    package static func == (left: SystemError, right: SystemError) -> Bool { left.code == right.code }
}
