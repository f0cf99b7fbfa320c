import Bytes

/// How a field's name folds for comparison: letters to lower case, `_` and `.` to `-`, as CGI-like servers read them.
enum FieldName {
    /// One character for each byte: what it folds to, or a space when it can't stand in a token.
    private static let folds: StaticString = """
                                        \
         ! #$%&'  *+ -- 0123456789      \
         abcdefghijklmnopqrstuvwxyz   ^-\
        `abcdefghijklmnopqrstuvwxyz | ~ \
                                        \
                                        \
                                        \
                                       \u{20}
        """

    /// What `byte` folds to, or a space when it can't stand in a token.
    static func fold(_ byte: UInt8) -> UInt8 {
        // The table holds 256 bytes, one for each value.
        unsafe folds.utf8Start[Int(byte)]
    }

    /// Bytes in the table, for the test that proves it whole.
    static var tableCount: Int { folds.utf8CodeUnitCount }

    /// What a byte outside of tokens folds to.
    static let invalid = ASCII.space

    /// Whether `name` from `start` on for `count` bytes folds to `text`'s first `count` bytes. Bounds are the caller's.
    static func matches(_ bytes: borrowing Span<UInt8>, _ start: Int, _ text: StaticString, count: Int) -> Bool {
        let other = unsafe text.utf8Start
        var index = 0
        while index < count {
            if unsafe fold(bytes[unchecked: start &+ index]) != other[index] { return false }
            index &+= 1
        }
        return true
    }
}

extension FieldID {
    /// Which field `name` means, letter case aside and `_` and `.` taken as `-`; and whether it is spelt with one of these.
    package static func classify(_ name: borrowing Span<UInt8>) -> (FieldID, isAlias: Bool) {
        var isAlias = false
        for index in 0..<name.count {
            let byte = unsafe name[unchecked: index]
            if byte == ASCII.underscore || byte == ASCII.dot { isAlias = true }
        }
        return (classify(name, 0, name.count), isAlias)
    }

    /// Which field the `count` bytes from `start` on mean. The range must lie in `bytes`.
    static func classify(_ bytes: borrowing Span<UInt8>, _ start: Int, _ count: Int) -> FieldID {
        // Each offset asked for is below `count`.
        let guess = candidate(count) { unsafe FieldName.fold(bytes[unchecked: start &+ $0]) }
        if guess != .other {
            // A candidate's name has exactly `count` bytes.
            if FieldName.matches(bytes, start, guess.name, count: count) { return guess }
        }
        if count > 12, FieldName.matches(bytes, start, FieldID.xForwardedOther.name, count: 12) {
            return .xForwardedOther
        }
        return .other
    }

    /// The only field that a name of this length and letters can be; asks only for letters below `count`.
    @inline(__always)
    private static func candidate(_ count: Int, _ letter: (Int) -> UInt8) -> FieldID {
        switch count {
        case 2: return .te
        case 3: return .via
        case 4:
            switch letter(0) {
            case UInt8(ascii: "h"): return .host
            case UInt8(ascii: "d"): return .date
            case UInt8(ascii: "e"): return .entityTag
            default: return .other
            }
        case 5: return .range
        case 6:
            switch letter(0) {
            case UInt8(ascii: "e"): return .expect
            case UInt8(ascii: "c"): return .cookie
            case UInt8(ascii: "o"): return .origin
            case UInt8(ascii: "a"): return .accept
            case UInt8(ascii: "s"): return .server
            default: return .other
            }
        case 7:
            switch letter(4) {
            case UInt8(ascii: "a"): return .upgrade
            case UInt8(ascii: "l"): return .trailer
            case UInt8(ascii: "r"): return .referer
            case UInt8(ascii: "e"): return .refresh
            default: return .other
            }
        case 8: return .location
        case 9:
            switch letter(3) {
            case UInt8(ascii: "w"): return .forwarded
            case UInt8(ascii: "e"): return .xRealIP
            case UInt8(ascii: "p"): return .xAPIKey
            default: return .other
            }
        case 10:
            switch letter(0) {
            case UInt8(ascii: "c"): return .connection
            case UInt8(ascii: "k"): return .keepAlive
            case UInt8(ascii: "u"): return .userAgent
            case UInt8(ascii: "s"): return .setCookie
            default: return .other
            }
        case 11: return .retryAfter
        case 12:
            switch letter(0) {
            case UInt8(ascii: "x"): return .xRequestID
            case UInt8(ascii: "c"): return .contentType
            default: return .other
            }
        case 13:
            switch letter(2) {
            case UInt8(ascii: "t"): return .authorization
            case UInt8(ascii: "n"): return .contentRange
            case UInt8(ascii: "c"): return .cacheControl
            case UInt8(ascii: "s"): return .lastModified
            default: return .other
            }
        case 14:
            switch letter(10) {
            case UInt8(ascii: "n"): return .contentLength
            case UInt8(ascii: "s"): return .secFetchSite
            case UInt8(ascii: "m"): return .secFetchMode
            case UInt8(ascii: "i"): return .http2Settings
            default: return .other
            }
        case 15:
            switch letter(14) {
            case UInt8(ascii: "r"): return .xForwardedFor
            case UInt8(ascii: "g"): return .acceptEncoding
            case UInt8(ascii: "s"): return .xAccelExpires
            case UInt8(ascii: "t"): return .xAccelCharset
            case UInt8(ascii: "l"): return .xForwardedSSL
            default: return .other
            }
        case 16:
            switch letter(12) {
            case UInt8(ascii: "t"): return .proxyConnection
            case UInt8(ascii: "h"): return .xForwardedHost
            case UInt8(ascii: "p"): return .xForwardedPort
            case UInt8(ascii: "u"): return .xForwardedUser
            case UInt8(ascii: "d"): return .contentEncoding
            case UInt8(ascii: "c"): return .wwwAuthenticate
            case UInt8(ascii: "r"): return .xAccelRedirect
            default: return .other
            }
        case 17:
            switch letter(3) {
            case UInt8(ascii: "n"): return .transferEncoding
            case UInt8(ascii: "o"): return .xForwardedProto
            case UInt8(ascii: "p"): return .xOpenClawScopes
            case UInt8(ascii: "-"): return .secWebSocketKey
            case UInt8(ascii: "c"): return .xAccelBuffering
            default: return .other
            }
        case 18:
            switch letter(0) {
            case UInt8(ascii: "p"): return .proxyAuthenticate
            case UInt8(ascii: "x"): return .xAccelLimitRate
            default: return .other
            }
        case 19: return .proxyAuthorization
        case 20: return .secWebSocketAccept
        case 21: return .secWebSocketVersion
        case 22: return .secWebSocketProtocol
        case 24: return .secWebSocketExtensions
        case 25: return .strictTransportSecurity
        default: return .other
        }
    }
}

/// Whether two names are the same field to any reader: letter case aside, `_` and `.` taken as `-`.
package func normalizedNameEquals(_ left: borrowing Span<UInt8>, _ right: borrowing Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    for index in 0..<left.count {
        if unsafe FieldName.fold(left[unchecked: index]) != FieldName.fold(right[unchecked: index]) { return false }
    }
    return true
}
