import Bytes

/// Why a chunked body is refused. The connection can't be used after it.
package enum BodyError: Error, Sendable, Equatable {
    case malformedChunkSize, chunkSizeTooLarge, chunkLineTooLong, extensionsTooLong, malformedExtension
    case bareLineFeed, bareCarriageReturn, missingChunkEnd
    case malformedTrailer, forbiddenTrailer, trailersTooLong, tooManyTrailers

    /// What was wrong, in plain words for the error log.
    package var reason: StaticString {
        switch self {
        case .malformedChunkSize: "a chunk's size isn't hexadecimal"
        case .chunkSizeTooLarge: "a chunk's size has more than 16 digits or passes 2^63"
        case .chunkLineTooLong: "a chunk's size line is longer than 4096 bytes"
        case .extensionsTooLong: "the chunk extensions of one body pass 64 KiB"
        case .malformedExtension: "a control character in a chunk's extension"
        case .bareLineFeed: "a line of the chunked coding ends in LF without CR"
        case .bareCarriageReturn: "a CR that no LF follows in the chunked coding"
        case .missingChunkEnd: "a chunk's bytes aren't followed by CRLF"
        case .malformedTrailer: "a malformed trailer field"
        case .forbiddenTrailer: "a trailer field that frames, routes or authenticates"
        case .trailersTooLong: "the trailers are longer than 8 KiB"
        case .tooManyTrailers: "more than 32 trailer fields"
        }
    }
}

/// What a chunked body holds next. `consumed` bytes of the input are done with.
package enum ChunkedEvent: Sendable, Equatable {
    /// Body bytes at `range` of the input, at least one; `consumed` is its upper bound.
    case data(range: Range<Int>, consumed: Int)
    /// More input is needed. Within the trailers the unconsumed bytes must come again, with more after them.
    case needMore(consumed: Int)
    /// The body has ended. `trailers` are the field lines, each with its CRLF, the last empty line left out.
    case end(consumed: Int, trailers: Range<Int>?)
}

/// Reads the chunked transfer coding (RFC 9112, section 7.1), CRLF only.
///
///     size ─▶ extension ─▶ lineFeed ─▶ data ─▶ dataCR ─▶ dataLF ─▶ size
///       └──────────▲──────────┘  └──(0)──▶ trailers ─▶ ended
///
/// Extensions are checked and dropped. Trailers that frame, route, authenticate or identify are refused. They are handed on
/// in one piece: until they are complete, `decode` consumes none of them, so the caller's buffer must hold 8 KiB.
package struct ChunkedDecoder: Sendable {
    private enum State: Sendable {
        case size, `extension`, lineFeed, data, dataCR, dataLF, trailers, ended
    }

    /// Bytes of a size line, its CRLF included.
    package static let maximumLine = 4096
    /// Bytes of all extensions of one body.
    package static let maximumExtensions = 65536
    /// Bytes of the trailer section, its empty line included.
    package static let maximumTrailers = 8192
    /// Fields of the trailer section.
    package static let maximumTrailerCount = 32

    private var state = State.size
    private var remaining: UInt64 = 0
    private var digits = 0
    private var lineCount = 0
    private var extensionCount = 0
    private var progress = LineProgress()
    private var trailerCount = 0

    package init() {}

    /// Readies the decoder for another body.
    package mutating func reset() { self = ChunkedDecoder() }

    /// Whether the body has ended.
    package var isEnded: Bool { state == .ended }

    /// Reads on in `bytes`, which go on where the last event's `consumed` left off.
    package mutating func decode(_ bytes: borrowing Span<UInt8>) throws(BodyError) -> ChunkedEvent {
        var index = 0
        // `index` is checked to be below the number of bytes before each access.
        while index < bytes.count {
            switch state {
            case .data:
                let available = bytes.count &- index
                let count = remaining < UInt64(available) ? Int(remaining) : available
                remaining -= UInt64(count)
                if remaining == 0 { state = .dataCR }
                return .data(range: index..<(index + count), consumed: index + count)
            case .trailers:
                return try decodeTrailers(bytes, from: index)
            case .ended:
                return .end(consumed: index, trailers: nil)
            case .size, .extension, .lineFeed, .dataCR, .dataLF:
                try step(unsafe bytes[unchecked: index])
                index &+= 1
            }
        }
        return state == .ended ? .end(consumed: index, trailers: nil) : .needMore(consumed: index)
    }

    /// Takes one byte of the coding's own lines.
    private mutating func step(_ byte: UInt8) throws(BodyError) {
        switch state {
        case .size:
            lineCount += 1
            if let value = ASCII.hexValue(byte) {
                digits += 1
                guard digits <= 16, remaining < 1 << 59 else { throw .chunkSizeTooLarge }
                remaining = remaining << 4 | UInt64(value)
                return
            }
            guard digits > 0 else { throw .malformedChunkSize }
            switch byte {
            case ASCII.semicolon: state = .extension
            case ASCII.carriageReturn: state = .lineFeed
            case ASCII.lineFeed: throw .bareLineFeed
            default: throw .malformedChunkSize
            }
        case .extension:
            lineCount += 1
            extensionCount += 1
            if byte == ASCII.carriageReturn {
                state = .lineFeed
            } else if byte == ASCII.lineFeed {
                throw .bareLineFeed
            } else if !ASCII.isFieldValue(byte) {
                throw .malformedExtension
            } else if lineCount > Self.maximumLine - 2 {
                throw .chunkLineTooLong
            } else if extensionCount > Self.maximumExtensions {
                throw .extensionsTooLong
            }
        case .lineFeed:
            guard byte == ASCII.lineFeed else { throw .bareCarriageReturn }
            state = remaining > 0 ? .data : .trailers
            digits = 0
            lineCount = 0
        case .dataCR:
            guard byte == ASCII.carriageReturn else { throw .missingChunkEnd }
            state = .dataLF
        case .dataLF:
            guard byte == ASCII.lineFeed else { throw .missingChunkEnd }
            state = .size
        case .data, .trailers, .ended:
            break
        }
    }

    private mutating func decodeTrailers(
        _ bytes: borrowing Span<UInt8>,
        from start: Int
    ) throws(BodyError) -> ChunkedEvent {
        let section = bytes.extracting(start..<bytes.count)
        guard progress.mayContinue(section, limit: Self.maximumTrailers - progress.lineStart) else {
            return .needMore(consumed: start)
        }
        while true {
            let bound = min(section.count, Self.maximumTrailers)
            let line: FieldLine
            do {
                line = try FieldLine.read(section, from: progress.lineStart, bound: bound, .crlf, .shared)
            } catch {
                switch error {
                case .bareLineFeed: throw .bareLineFeed
                case .bareCarriageReturn: throw .bareCarriageReturn
                default: throw .malformedTrailer
                }
            }
            switch line {
            case .field(let entry, let next):
                if entry.id.isForbiddenInTrailers { throw .forbiddenTrailer }
                trailerCount += 1
                if trailerCount > Self.maximumTrailerCount { throw .tooManyTrailers }
                progress.lineStart = next
            case .end(let next):
                state = .ended
                let fields = start..<(start + progress.lineStart)
                return .end(consumed: start + next, trailers: fields.isEmpty ? nil : fields)
            case .incomplete:
                if bound == Self.maximumTrailers { throw .trailersTooLong }
                progress.wait(section)
                return .needMore(consumed: start)
            }
        }
    }
}

extension FieldID {
    /// Whether a field, in any spelling, may not come after the body it would have governed (RFC 9110, section 6.5.1).
    package var isForbiddenInTrailers: Bool {
        if isIdentity || isHopByHop { return true }
        switch self {
        case .host, .contentLength, .expect, .authorization, .cookie, .setCookie, .origin, .wwwAuthenticate, .xAPIKey,
            .contentType, .contentEncoding, .contentRange, .range, .location, .refresh, .cacheControl, .date,
            .retryAfter, .secWebSocketKey, .secWebSocketVersion, .secWebSocketAccept, .secWebSocketProtocol,
            .secWebSocketExtensions, .secFetchSite, .secFetchMode, .strictTransportSecurity, .xAccelRedirect,
            .xAccelBuffering, .xAccelExpires, .xAccelLimitRate, .xAccelCharset, .via:
            return true
        default:
            return false
        }
    }
}
