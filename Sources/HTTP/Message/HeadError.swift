/// Why a message's head is refused. The connection can't be used after it.
package enum HeadError: Error, Sendable, Equatable, CaseIterable {
    // Lines
    case bareLineFeed, bareCarriageReturn, foldedLine, nulByte, controlCharacter
    // Request line and status line
    case malformedRequestLine, malformedMethod, malformedTarget, malformedVersion, missingVersion, unsupportedVersion
    case connectMethod, traceMethod, malformedStatusLine
    // Fields
    case missingColon, spaceBeforeColon, emptyName, malformedName
    // Fields of HTTP/2
    case malformedPseudoField, uppercaseName, fieldWhitespace, unknownProtocol
    // Framing
    case repeatedContentLength, malformedContentLength, lengthWithTransferEncoding, repeatedTransferEncoding
    case chunkedNotLast, unknownTransferCoding, transferEncodingInHTTP10, aliasedFramingField
    // Connection
    case malformedConnection, nominatedFramingField, tooManyNominations, connectionFieldInHTTP2
    // Host
    case missingHost, repeatedHost, malformedHost, hostMismatch
    // Expectations
    case unknownExpectation
    // Sizes
    case requestLineTooLong, fieldTooLong, headTooLong, tooManyFields

    /// The status to answer a client with. For an upstream's message the answer is 502, whatever the error.
    package var status: Int {
        switch self {
        case .connectMethod, .traceMethod: 405
        case .requestLineTooLong: 414
        case .unknownExpectation: 417
        case .fieldTooLong, .headTooLong, .tooManyFields: 431
        case .unknownTransferCoding, .unknownProtocol: 501
        case .unsupportedVersion: 505
        default: 400
        }
    }

    /// What was wrong, in plain words for the error log.
    package var reason: StaticString {
        switch self {
        case .bareLineFeed: "a line ends in LF without CR"
        case .bareCarriageReturn: "a CR that no LF follows"
        case .foldedLine: "a field continues on a second line"
        case .nulByte: "a NUL byte in the head"
        case .controlCharacter: "a control character in the head"
        case .malformedRequestLine: "the request line isn't method, target and version"
        case .malformedMethod: "the method isn't a token of at most 32 bytes"
        case .malformedTarget: "the request target isn't a path, an http URI or *"
        case .malformedVersion: "the version isn't HTTP/1.0 or HTTP/1.1"
        case .missingVersion: "the request line has no version (HTTP/0.9)"
        case .unsupportedVersion: "the version of HTTP isn't 1"
        case .connectMethod: "CONNECT asks for a tunnel, which isn't offered"
        case .traceMethod: "TRACE would show a client what is between it and the gateway"
        case .malformedStatusLine: "the status line isn't version, three digits and reason"
        case .missingColon: "a field without a colon"
        case .spaceBeforeColon: "white space between a field's name and its colon"
        case .emptyName: "a field without a name"
        case .malformedName: "a field's name isn't a token"
        case .malformedPseudoField: "a pseudo-field is missing, unknown, repeated, out of place or malformed"
        case .uppercaseName: "a field's name has upper-case letters in a message of HTTP/2"
        case .fieldWhitespace: "white space around a field's value in a message of HTTP/2"
        case .unknownProtocol: "CONNECT to a protocol other than websocket"
        case .repeatedContentLength: "more than one Content-Length"
        case .malformedContentLength: "Content-Length isn't a decimal number below 2^63"
        case .lengthWithTransferEncoding: "both Content-Length and Transfer-Encoding"
        case .repeatedTransferEncoding: "more than one Transfer-Encoding"
        case .chunkedNotLast: "Transfer-Encoding doesn't end in a single chunked"
        case .unknownTransferCoding: "a transfer coding other than chunked"
        case .transferEncodingInHTTP10: "Transfer-Encoding in a message of HTTP/1.0"
        case .aliasedFramingField: "Content-Length or Transfer-Encoding spelt with _ or ."
        case .malformedConnection: "Connection isn't a list of tokens"
        case .nominatedFramingField: "Connection names Host, Content-Length or Transfer-Encoding"
        case .tooManyNominations: "Connection names more than 32 fields"
        case .connectionFieldInHTTP2: "a field of HTTP/1 connections in a message of HTTP/2"
        case .missingHost: "a request without Host"
        case .repeatedHost: "more than one Host"
        case .malformedHost: "Host isn't a name or address with an optional port"
        case .hostMismatch: "Host differs from the target's authority"
        case .unknownExpectation: "Expect asks for something other than 100-continue"
        case .requestLineTooLong: "the request line is too long"
        case .fieldTooLong: "a field is too long"
        case .headTooLong: "the head is too long"
        case .tooManyFields: "too many fields"
        }
    }
}

/// How large a head may grow, in bytes and fields.
package struct HeadLimits: Sendable, Equatable {
    /// Bytes of the request line (or status line), line end included.
    package var requestLine: Int
    /// Bytes of one field, line end included.
    package var field: Int
    /// Bytes of the whole head, empty lines included.
    package var total: Int
    /// Fields. A table's capacity bounds them too.
    package var fieldCount: Int

    package init(requestLine: Int = 8192, field: Int = 8192, total: Int = 32768, fieldCount: Int = 100) {
        self.requestLine = requestLine
        self.field = field
        self.total = total
        self.fieldCount = fieldCount
    }
}

/// What ends a line of a head.
package enum LineEnds: Sendable {
    /// CRLF only (RFC 9112 with its leniency left out).
    case crlf
    /// CRLF or a bare LF, as Nginx reads heads.
    case lenient
}
