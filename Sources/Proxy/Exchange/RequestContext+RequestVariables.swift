import Bytes
import EventLoop
import HTTP

extension RequestContext {
    /// Appends a variable of the request's head.
    func appendRequest(_ operation: CompiledTemplate.Operation, to output: inout ByteBuffer) {
        switch operation.code {
        case .args:
            if let query = exchange.value.head.query {
                output.append(exchange.value.headBytes.written, query.range)
            }
        case .isArgs:
            if let query = exchange.value.head.query, query.count > 0 { output.append(ASCII.question) }
        case .uri: exchange.value.withPath { output.append($0) }
        case .requestURI: appendTarget(to: &output)
        case .request: appendRequestLine(to: &output)
        case .requestMethod: output.append(exchange.value.headBytes.written, exchange.value.head.methodRange.range)
        case .serverProtocol: output.append(protocolName)
        case .requestID: appendIdentifier(to: &output)
        case .requestLength: output.append(decimal: exchange.value.requestBytes)
        case .contentLength: appendField(.contentLength, to: &output)
        case .contentType: appendField(.contentType, to: &output)
        case .requestField:
            appendField(FieldID(rawValue: UInt8(operation.index)) ?? .other, named: operation.text, to: &output)
        case .argument: appendArgument(operation.text, to: &output)
        case .cookie: appendCookie(operation.text, to: &output)
        default: break
        }
    }

    /// Path and query as they came; of a target in absolute form too, whose host is no part of it.
    func appendTarget(to output: inout ByteBuffer) {
        let bytes = exchange.value.headBytes.written
        output.append(bytes, exchange.value.head.path.range)
        guard let query = exchange.value.head.query else { return }
        output.append(ASCII.question)
        output.append(bytes, query.range)
    }

    /// The request line as it came; of a head that could not be read, its first line.
    func appendRequestLine(to output: inout ByteBuffer) {
        let head = exchange.value.head.methodRange
        guard head.count > 0 else {
            output.append(exchange.value.headBytes.written)
            return
        }
        output.append(exchange.value.headBytes.written, head.range)
        output.append(ASCII.space)
        output.append(exchange.value.headBytes.written, exchange.value.head.target.range)
        output.append(ASCII.space)
        output.append(protocolName)
    }

    /// As `$server_protocol` has it.
    private var protocolName: StaticString {
        if exchange.value.isStream { return "HTTP/2.0" }
        return exchange.value.head.minorVersion == 0 ? "HTTP/1.0" : "HTTP/1.1"
    }

    /// The request's host in lower case without its port, or the server's name when there is none.
    func appendHost(to output: inout ByteBuffer) {
        let range = exchange.value.head.hostName
        if range.count > 0 {
            output.append(lowercasing: exchange.value.headBytes.written.extracting(range.range))
        } else if let server = exchange.value.server {
            output.append(server.value.primaryName)
        }
    }

    /// Thirty-two hexadecimal digits.
    func appendIdentifier(to output: inout ByteBuffer) {
        let id = exchange.value.id
        Self.appendFixed(id.0, to: &output)
        Self.appendFixed(id.1, to: &output)
    }

    private static func appendFixed(_ word: UInt64, to output: inout ByteBuffer) {
        var shift: UInt64 = 64
        while shift > 0 {
            shift -= 4
            output.append(ASCII.lowercaseHexDigit(UInt8(truncatingIfNeeded: (word >> shift) & 0xF)))
        }
    }

    /// The field's value; several of one name are joined by a comma, as Nginx does.
    private func appendField(_ id: FieldID, to output: inout ByteBuffer) {
        var index = exchange.value.head.fields.first(id)
        var isFirst = true
        while let position = index {
            let field = exchange.value.head.fields[position]
            if !field.isAlias {
                if !isFirst { output.append(id == .cookie ? "; " : ", ") }
                isFirst = false
                output.append(exchange.value.headBytes.written, field.value.range)
            }
            index = exchange.value.head.fields.next(id, after: position)
        }
    }

    private func appendField(_ id: FieldID, named name: Frozen<UInt8>, to output: inout ByteBuffer) {
        if id != .other {
            appendField(id, to: &output)
            return
        }
        var isFirst = true
        for position in 0..<exchange.value.head.fields.count {
            let field = exchange.value.head.fields[position]
            guard field.id == .other, !field.isAlias else { continue }
            let span = exchange.value.headBytes.written
            guard name.withSpan({ $0.equalsIgnoringCase(span.extracting(field.name.range)) }) else { continue }
            if !isFirst { output.append(", ") }
            isFirst = false
            output.append(span, field.value.range)
        }
    }

    private func appendArgument(_ name: Frozen<UInt8>, to output: inout ByteBuffer) {
        guard let query = exchange.value.head.query else { return }
        let span = exchange.value.headBytes.written.extracting(query.range)
        var start = 0
        while start <= span.count {
            let end = span.firstIndex(of: 0x26, in: start..<span.count) ?? span.count
            let equals = span.firstIndex(of: ASCII.equals, in: start..<end) ?? end
            if name.withSpan({ $0.equalsIgnoringCase(span.extracting(start..<equals)) }) {
                if equals < end { output.append(span, (equals + 1)..<end) }
                return
            }
            start = end + 1
        }
    }

    private func appendCookie(_ name: Frozen<UInt8>, to output: inout ByteBuffer) {
        var index = exchange.value.head.fields.first(.cookie)
        while let position = index {
            let field = exchange.value.head.fields[position]
            let span = exchange.value.headBytes.written.extracting(field.value.range)
            var start = 0
            while start < span.count {
                let end = span.firstIndex(of: ASCII.semicolon, in: start..<span.count) ?? span.count
                let equals = span.firstIndex(of: ASCII.equals, in: start..<end) ?? end
                if equals < end, name.withSpan({ $0.equalsIgnoringCase(span.extracting(start..<equals)) }) {
                    output.append(span, (equals + 1)..<end)
                    return
                }
                start = end + 1
                while start < span.count, span[start] == ASCII.space { start += 1 }
            }
            index = exchange.value.head.fields.next(.cookie, after: position)
        }
    }
}
