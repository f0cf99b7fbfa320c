internal import COpenSSL

/// A version of the protocol, as `ssl_protocols` names it.
package enum TLSProtocol: UInt8, Sendable, CaseIterable, Comparable, CustomStringConvertible {
    case v1_0, v1_1, v1_2, v1_3

    /// The version called `TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`; nil for any other name.
    package init?(name: some StringProtocol) {
        guard let found = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = found
    }

    package var description: String {
        switch self {
        case .v1_0: "TLSv1"
        case .v1_1: "TLSv1.1"
        case .v1_2: "TLSv1.2"
        case .v1_3: "TLSv1.3"
        }
    }

    package static func < (left: TLSProtocol, right: TLSProtocol) -> Bool { left.rawValue < right.rawValue }

    /// Whether the version was withdrawn (RFC 8996).
    package var isObsolete: Bool { self < .v1_2 }

    var wireVersion: Int32 {
        switch self {
        case .v1_0: TLS1_VERSION
        case .v1_1: TLS1_1_VERSION
        case .v1_2: TLS1_2_VERSION
        case .v1_3: TLS1_3_VERSION
        }
    }

    var exclusion: UInt64 {
        switch self {
        case .v1_0: COPENSSL_OP_NO_TLSv1
        case .v1_1: COPENSSL_OP_NO_TLSv1_1
        case .v1_2: COPENSSL_OP_NO_TLSv1_2
        case .v1_3: COPENSSL_OP_NO_TLSv1_3
        }
    }
}

/// What may be spoken inside a session (ALPN, RFC 7301).
package enum ApplicationProtocol: UInt8, Sendable, Equatable {
    case http2, http11

    /// The identifiers offered for it, best first, each with its length before it.
    var wire: [UInt8] {
        switch self {
        case .http2: [2] + Array("h2".utf8)
        case .http11: [8] + Array("http/1.1".utf8) + [8] + Array("http/1.0".utf8)
        }
    }
}

/// Whether and how a client must prove itself with a certificate. The handshake asks for it; `judge` decides.
package enum ClientVerification: UInt8, Sendable, Equatable {
    /// None is asked for.
    case off
    /// One that is shown must verify.
    case optional
    /// One must be shown, and verify.
    case required
    /// One that is shown may come from an unknown issuer, whom somebody behind this server judges.
    case optionalNoCA
}
