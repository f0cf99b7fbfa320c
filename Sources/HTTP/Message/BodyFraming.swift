/// How a message's body is delimited (RFC 9112, section 6.3).
package enum BodyFraming: Sendable, Equatable {
    /// No body.
    case none
    /// So many bytes; may be zero.
    case length(UInt64)
    /// The chunked transfer coding.
    case chunked
    /// All bytes until the connection closes; responses only.
    case untilClose
}

/// What a request asks its connection to become.
@frozen
@usableFromInline
package enum UpgradeRequest: Sendable, Equatable {
    case none
    /// RFC 6455.
    case webSocket
    /// HTTP/2 over clear text, which RFC 9113 has given up.
    case h2c
    /// Anything else, several protocols at once among it.
    case other

    /// Whether both are the same. Spelt out and inlinable, as the one that the compiler makes is called through a table.
    @inlinable
    package static func == (left: UpgradeRequest, right: UpgradeRequest) -> Bool {
        unsafe unsafeBitCast(left, to: UInt8.self) == unsafeBitCast(right, to: UInt8.self)
    }
}

/// The four forms of a request target (RFC 9112, section 3.2).
@frozen
@usableFromInline
package enum TargetForm: Sendable, Equatable {
    case origin, absolute, authority, asterisk

    /// Whether both are the same. Spelt out and inlinable, as the one that the compiler makes is called through a table.
    @inlinable
    package static func == (left: TargetForm, right: TargetForm) -> Bool {
        unsafe unsafeBitCast(left, to: UInt8.self) == unsafeBitCast(right, to: UInt8.self)
    }
}
