/// Why an HTTP/2 connection ends. GOAWAY is queued already: write what `send` brings, then close.
package struct HTTP2Error: Error, Sendable, Equatable {
    /// The code in GOAWAY (RFC 9113, section 7).
    package let code: UInt32
    /// What was wrong, in plain words for the error log.
    package let reason: StaticString
    /// Whether the client was held to one of `HTTP2Bounds`: it counts as an attack.
    package var isAbuse: Bool { code == HTTP2Code.enhanceYourCalm }

    init(_ code: UInt32, _ reason: StaticString) {
        self.code = code
        self.reason = reason
    }

    package static func == (left: HTTP2Error, right: HTTP2Error) -> Bool {
        guard left.code == right.code else { return false }
        guard left.reason.utf8CodeUnitCount == right.reason.utf8CodeUnitCount else { return false }
        return unsafe left.reason.utf8Start == right.reason.utf8Start
            || left.reason.description == right.reason.description
    }

    static let rapidReset = HTTP2Error(HTTP2Code.enhanceYourCalm, "streams are reset too often")
    static let idleFrames = HTTP2Error(HTTP2Code.enhanceYourCalm, "too many frames that move nothing")
    static let blockTooLarge = HTTP2Error(HTTP2Code.enhanceYourCalm, "a header block far beyond the largest head")
    static let continuations = HTTP2Error(HTTP2Code.enhanceYourCalm, "too many CONTINUATION frames")
    static let floodedAcks = HTTP2Error(HTTP2Code.enhanceYourCalm, "answers to PING and SETTINGS aren't read")
    static let settingsEntries = HTTP2Error(HTTP2Code.enhanceYourCalm, "too many entries in SETTINGS")
    static let badPreface = HTTP2Error(HTTP2Code.protocolError, "the connection doesn't start with HTTP/2's preface")
    static let outOfMemory = HTTP2Error(HTTP2Code.internalError, "out of memory")
    static let broken = HTTP2Error(HTTP2Code.internalError, "the HTTP/2 session can't go on")

    /// A connection error that the codec found.
    static func protocolViolation(_ code: UInt32) -> HTTP2Error {
        switch code {
        case HTTP2Code.flowControlError: HTTP2Error(code, "flow control was violated")
        case HTTP2Code.compressionError: HTTP2Error(code, "a header block can't be decoded")
        case HTTP2Code.frameSizeError: HTTP2Error(code, "a frame has a wrong size")
        case HTTP2Code.streamClosed: HTTP2Error(code, "a frame came for a closed stream")
        case HTTP2Code.enhanceYourCalm: HTTP2Error(code, "too much of what costs nothing to send")
        default: HTTP2Error(code, "HTTP/2's rules were violated")
        }
    }
}

/// Error codes (RFC 9113, section 7).
package enum HTTP2Code {
    package static let noError: UInt32 = 0
    package static let protocolError: UInt32 = 1
    package static let internalError: UInt32 = 2
    package static let flowControlError: UInt32 = 3
    package static let streamClosed: UInt32 = 5
    package static let frameSizeError: UInt32 = 6
    package static let refusedStream: UInt32 = 7
    package static let cancel: UInt32 = 8
    package static let compressionError: UInt32 = 9
    package static let enhanceYourCalm: UInt32 = 0xB
    package static let http11Required: UInt32 = 0xD
}
