import Glibc

/// A file descriptor with one owner, closed when that owner lets go of it.
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// The descriptor's number, valid as long as this value lives.
    package let raw: Int32

    /// Takes over `raw`, which nobody else may close from here on.
    package init(adopting raw: Int32) { self.raw = raw }

    deinit { _ = Glibc.close(raw) }

    /// Gives the descriptor up without closing it: the caller closes it.
    package consuming func release() -> Int32 {
        let raw = self.raw
        discard self
        return raw
    }

    /// Closes the descriptor now.
    package consuming func close() {}
}
