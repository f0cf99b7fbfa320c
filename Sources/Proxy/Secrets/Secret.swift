import Access

/// A secret's value: shared by whoever needs it, overwritten when the last of them lets go. Nothing prints it.
package final class Secret: Sendable, CustomStringConvertible, CustomReflectable {
    private let bytes: SecretBytes

    init(_ bytes: borrowing Span<UInt8>) { self.bytes = SecretBytes(bytes) }

    /// How many bytes it has; at least one.
    package var count: Int { bytes.count }

    /// Runs `body` with the value, which may stand in a field as it is. It must not be copied to where it isn't wiped.
    package func withBytes<Result>(_ body: (borrowing Span<UInt8>) -> Result) -> Result { bytes.withBytes(body) }

    package var description: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
