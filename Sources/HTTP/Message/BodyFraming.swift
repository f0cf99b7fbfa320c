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
package enum UpgradeRequest: Sendable, Equatable {
    case none
    /// RFC 6455.
    case webSocket
    /// HTTP/2 over clear text, which RFC 9113 has given up.
    case h2c
    /// Anything else, several protocols at once among it.
    case other
}

/// The four forms of a request target (RFC 9112, section 3.2).
package enum TargetForm: Sendable, Equatable {
    case origin, absolute, authority, asterisk
}
