import Bytes

/// The fields that the proxy knows by name; all others are `other`.
///
/// At most 64 of them, so that a table's presence set is one word.
@usableFromInline
package enum FieldID: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    /// Any name that has no case of its own.
    case other = 0
    case host
    case connection
    case contentLength
    case transferEncoding
    case expect
    case upgrade
    case authorization
    case cookie
    case origin
    case te
    case trailer
    case keepAlive
    case proxyConnection
    case proxyAuthorization
    case proxyAuthenticate
    case forwarded
    case xForwardedFor
    case xForwardedProto
    case xForwardedHost
    case xForwardedPort
    case xForwardedUser
    case xRealIP
    case xRequestID
    case xAPIKey
    case xOpenClawScopes
    case userAgent
    case referer
    case accept
    case acceptEncoding
    case secWebSocketKey
    case secWebSocketVersion
    case secWebSocketAccept
    case secWebSocketProtocol
    case secWebSocketExtensions
    case secFetchSite
    case secFetchMode
    case location
    case refresh
    case server
    case date
    case setCookie
    case contentType
    case contentEncoding
    case contentRange
    case range
    case via
    case http2Settings
    case retryAfter
    case wwwAuthenticate
    case cacheControl
    case entityTag
    case lastModified
    case strictTransportSecurity
    case xAccelRedirect
    case xAccelBuffering
    case xAccelExpires
    case xAccelLimitRate
    case xAccelCharset
    case xForwardedSSL
    /// Any further name that starts with `x-forwarded-`.
    case xForwardedOther

    /// Whether both are the same. Spelt out, as the one that comes with raw values is generic and called through a table.
    @inlinable
    package static func == (left: FieldID, right: FieldID) -> Bool {
        unsafe unsafeBitCast(left, to: UInt8.self) == unsafeBitCast(right, to: UInt8.self)
    }

    /// The name in lower case; empty for `other`, the common prefix for `xForwardedOther`.
    package var name: StaticString {
        switch self {
        case .other: ""
        case .host: "host"
        case .connection: "connection"
        case .contentLength: "content-length"
        case .transferEncoding: "transfer-encoding"
        case .expect: "expect"
        case .upgrade: "upgrade"
        case .authorization: "authorization"
        case .cookie: "cookie"
        case .origin: "origin"
        case .te: "te"
        case .trailer: "trailer"
        case .keepAlive: "keep-alive"
        case .proxyConnection: "proxy-connection"
        case .proxyAuthorization: "proxy-authorization"
        case .proxyAuthenticate: "proxy-authenticate"
        case .forwarded: "forwarded"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedProto: "x-forwarded-proto"
        case .xForwardedHost: "x-forwarded-host"
        case .xForwardedPort: "x-forwarded-port"
        case .xForwardedUser: "x-forwarded-user"
        case .xRealIP: "x-real-ip"
        case .xRequestID: "x-request-id"
        case .xAPIKey: "x-api-key"
        case .xOpenClawScopes: "x-openclaw-scopes"
        case .userAgent: "user-agent"
        case .referer: "referer"
        case .accept: "accept"
        case .acceptEncoding: "accept-encoding"
        case .secWebSocketKey: "sec-websocket-key"
        case .secWebSocketVersion: "sec-websocket-version"
        case .secWebSocketAccept: "sec-websocket-accept"
        case .secWebSocketProtocol: "sec-websocket-protocol"
        case .secWebSocketExtensions: "sec-websocket-extensions"
        case .secFetchSite: "sec-fetch-site"
        case .secFetchMode: "sec-fetch-mode"
        case .location: "location"
        case .refresh: "refresh"
        case .server: "server"
        case .date: "date"
        case .setCookie: "set-cookie"
        case .contentType: "content-type"
        case .contentEncoding: "content-encoding"
        case .contentRange: "content-range"
        case .range: "range"
        case .via: "via"
        case .http2Settings: "http2-settings"
        case .retryAfter: "retry-after"
        case .wwwAuthenticate: "www-authenticate"
        case .cacheControl: "cache-control"
        case .entityTag: "etag"
        case .lastModified: "last-modified"
        case .strictTransportSecurity: "strict-transport-security"
        case .xAccelRedirect: "x-accel-redirect"
        case .xAccelBuffering: "x-accel-buffering"
        case .xAccelExpires: "x-accel-expires"
        case .xAccelLimitRate: "x-accel-limit-rate"
        case .xAccelCharset: "x-accel-charset"
        case .xForwardedSSL: "x-forwarded-ssl"
        case .xForwardedOther: "x-forwarded-"
        }
    }

    /// The identifier's own bit in a set of identifiers.
    @inlinable @inline(__always)
    package var bit: UInt64 { 1 &<< UInt64(unsafe unsafeBitCast(self, to: UInt8.self)) }

    /// Those that say who a client is or where it came from, a bit for each: the proxy sets these, and strips a client's own.
    @inlinable @inline(__always)
    package static var identityBits: UInt64 {
        forwarded.bit | xForwardedFor.bit | xForwardedProto.bit | xForwardedHost.bit | xForwardedPort.bit
            | xForwardedUser.bit | xForwardedSSL.bit | xForwardedOther.bit | xRealIP.bit | xRequestID.bit
            | xOpenClawScopes.bit
    }

    /// Those that concern one connection only and are never forwarded as they came, a bit for each (RFC 9110, section
    /// 7.6.1). `Trailer` is none of them: it tells of the trailers, which are forwarded too.
    @inlinable @inline(__always)
    package static var hopByHopBits: UInt64 {
        connection.bit | keepAlive.bit | proxyConnection.bit | te.bit | transferEncoding.bit | upgrade.bit
            | http2Settings.bit | proxyAuthenticate.bit | proxyAuthorization.bit
    }

    /// Whether the field is one of `identityBits`.
    @inlinable package var isIdentity: Bool { Self.identityBits & bit != 0 }

    /// Whether the field is one of `hopByHopBits`.
    @inlinable package var isHopByHop: Bool { Self.hopByHopBits & bit != 0 }
}
