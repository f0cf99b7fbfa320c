import Bytes

/// A request method (RFC 9110, section 9). Methods are told apart by letter case; unknown ones are `other`.
package enum Method: UInt8, Sendable {
    case other, get, head, post, put, delete, options, patch, connect, trace

    /// The method that `token` spells.
    package init(_ token: borrowing Span<UInt8>) {
        switch token.count {
        case 3:
            self = token.equals("GET") ? .get : token.equals("PUT") ? .put : .other
        case 4:
            self = token.equals("POST") ? .post : token.equals("HEAD") ? .head : .other
        case 5:
            self = token.equals("PATCH") ? .patch : token.equals("TRACE") ? .trace : .other
        case 6:
            self = token.equals("DELETE") ? .delete : .other
        case 7:
            self = token.equals("OPTIONS") ? .options : token.equals("CONNECT") ? .connect : .other
        default:
            self = .other
        }
    }

    /// Whether a repeated request does what a single one does (RFC 9110, section 9.2.2).
    package var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .other, .post, .patch, .connect: false
        }
    }

    /// Whether the method only reads (RFC 9110, section 9.2.1).
    package var isSafe: Bool {
        switch self {
        case .get, .head, .options, .trace: true
        case .other, .post, .put, .delete, .patch, .connect: false
        }
    }
}
