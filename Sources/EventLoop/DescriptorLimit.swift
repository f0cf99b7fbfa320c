import CLinux
import Glibc

/// How many descriptors the process may hold (RLIMIT_NOFILE, getrlimit(2)).
package enum DescriptorLimit {
    /// The limit in force and the one it may be raised to.
    package static func current() throws(SystemError) -> (soft: UInt64, hard: UInt64) {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        guard unsafe clinux_get_descriptor_limit(&soft, &hard) == 0 else { throw SystemError("getrlimit", code: errno) }
        return (soft, hard)
    }

    /// Puts the limit at `count`. Above the hard limit, that is raised too, which only a privileged process may do.
    package static func set(_ count: UInt64) throws(SystemError) {
        let hard = try current().hard
        guard clinux_set_descriptor_limit(count, max(count, hard)) == 0 else {
            throw SystemError("setrlimit", code: errno)
        }
    }

    /// Raises the limit as far as the process may, and answers what it is then.
    package static func raiseToMaximum() throws(SystemError) -> UInt64 {
        let (soft, hard) = try current()
        if soft < hard { try set(hard) }
        return hard
    }
}
