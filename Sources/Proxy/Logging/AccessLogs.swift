import Bytes
import HTTP

/// Writes a request's line to each log of its location.
struct AccessLogs: Sendable {
    let writer: LogWriter

    func log(_ request: RequestContext, worker: Int) {
        let exchange = request.exchange
        // Most requests of a server without logs end here: no reference is counted before that is known.
        guard let location = exchange.value.location, !location.value.logs.isEmpty,
            let runtime = exchange.value.runtime
        else { return }
        for index in 0..<location.value.logs.count {
            let use = location.value.logs[index]
            if use.isConditional, !holds(use.condition, request) { continue }
            let log = runtime.logs[Int(use.log)]
            let line = request.environment
            line.value.line.clear()
            Self.append(log, request, to: &line.value.line)
            line.value.line.append(ASCII.lineFeed)
            runtime.logSinks[Int(log.index)].rings[worker].append(line.value.line.readable)
        }
        writer.notify()
    }

    /// Whether a condition's text is neither empty nor `0`.
    private func holds(_ condition: CompiledTemplate, _ request: RequestContext) -> Bool {
        let buffer = request.environment
        buffer.value.line.clear()
        request.append(condition, to: &buffer.value.line)
        let text = buffer.value.line.readable
        return !(text.count == 0 || (text.count == 1 && text[0] == ASCII.zero))
    }

    /// The log's line for a request, without its line feed.
    static func append(_ log: LogRuntime, _ request: RequestContext, to line: inout ByteBuffer) {
        for index in 0..<log.format.operations.count {
            let operation = log.format.operations[index]
            let start = line.writeIndex
            request.append(operation, to: &line)
            if operation.code == .literal { continue }
            if line.writeIndex == start {
                if log.escape == .standard { line.append(ASCII.hyphen) }
            } else {
                LogEscaping.apply(log.escape, from: start, in: &line)
            }
        }
    }
}

/// Makes variables safe to stand in a log line.
enum LogEscaping {
    /// Escapes what was appended from `start` on, if anything in it needs it.
    static func apply(_ escape: AccessLogConfiguration.Escape, from start: Int, in line: inout ByteBuffer) {
        let end = line.writeIndex
        if clean(line.written, from: start, escape) < end { rewrite(escape, from: start, in: &line) }
    }

    /// The first byte from `start` on that needs escaping, or the number of bytes.
    private static func clean(
        _ bytes: borrowing Span<UInt8>,
        from start: Int,
        _ escape: AccessLogConfiguration.Escape
    ) -> Int {
        precondition(start >= 0 && start <= bytes.count)
        var index = start
        while index &+ 8 <= bytes.count {
            let word = unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
            if !isPlain(word) { break }
            index &+= 8
        }
        while index < bytes.count, !needsEscape(bytes[index], escape) { index &+= 1 }
        return index
    }

    /// Whether eight bytes are visible ASCII or spaces without quotes and backslashes, which no log escapes.
    private static func isPlain(_ word: UInt64) -> Bool {
        let low = word & 0x7F7F_7F7F_7F7F_7F7F
        // Each sum sets the highest bit of its byte where all is well; none leaves its byte.
        let visible = (low &+ 0x6060_6060_6060_6060) & ~(low &+ 0x0101_0101_0101_0101)
        let noQuote = (low ^ 0x2222_2222_2222_2222) &+ 0x7F7F_7F7F_7F7F_7F7F
        let noBackslash = (low ^ 0x5C5C_5C5C_5C5C_5C5C) &+ 0x7F7F_7F7F_7F7F_7F7F
        return visible & noQuote & noBackslash & ~word & 0x8080_8080_8080_8080 == 0x8080_8080_8080_8080
    }

    private static func needsEscape(_ byte: UInt8, _ escape: AccessLogConfiguration.Escape) -> Bool {
        switch escape {
        case .standard: byte < 0x20 || byte > 0x7E || byte == ASCII.quote || byte == ASCII.backslash
        case .json: byte < 0x20 || byte > 0x7E || byte == ASCII.quote || byte == ASCII.backslash
        case .none: byte < 0x20 || byte == 0x7F
        }
    }

    private static func rewrite(
        _ escape: AccessLogConfiguration.Escape,
        from start: Int,
        in line: inout ByteBuffer
    ) {
        var rest = line.written.extracting(start..<line.writeIndex).array
        line.truncate(to: start)
        // Bytes that aren't UTF-8 have no place in JSON.
        if escape == .json { rest = Array(String(decoding: rest, as: UTF8.self).utf8) }
        for byte in rest {
            switch escape {
            case .standard where needsEscape(byte, escape), .none where needsEscape(byte, escape):
                line.append("\\x")
                line.append(ASCII.uppercaseHexDigit(byte >> 4))
                line.append(ASCII.uppercaseHexDigit(byte & 0xF))
            case .json where byte == ASCII.quote || byte == ASCII.backslash:
                line.append(ASCII.backslash)
                line.append(byte)
            case .json where byte < 0x20 || byte == 0x7F:
                line.append("\\u00")
                line.append(ASCII.lowercaseHexDigit(byte >> 4))
                line.append(ASCII.lowercaseHexDigit(byte & 0xF))
            case .standard, .json, .none:
                line.append(byte)
            }
        }
    }
}
