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
        var index = start
        while index < line.writeIndex {
            if needsEscape(line.written[index], escape) {
                rewrite(escape, from: start, in: &line)
                return
            }
            index &+= 1
        }
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
