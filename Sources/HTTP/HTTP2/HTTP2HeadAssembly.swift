import Bytes

/// Makes a request's head of a header block's fields as they come (RFC 9113, section 8.3).
///
///     pseudo-fields ─▶ fields ─▶ finished
///         └──────────┴──▶ refused
///
/// What results is a head of HTTP/1 to whoever reads it: `GET /path HTTP/2.0`, `host`, then a line for each field, each read
/// back by the parser of HTTP/1, so that no field can say more in a line than it said in its block.
struct HTTP2HeadAssembly {
    private var method = ByteRange.empty
    private var scheme = ByteRange.empty
    private var authority = ByteRange.empty
    private var path = ByteRange.empty
    private var protocolName = ByteRange.empty
    /// Bits of the pseudo-fields that were there.
    private var seen: UInt8 = 0
    private var fieldCount = 0
    private var hostCount = 0
    private var isCookieOpen = false
    private var hasLine = false
    /// Bytes of the synthetic request line, its end left out.
    private var lineCount = 0

    private enum Pseudo {
        static let method: UInt8 = 1
        static let scheme: UInt8 = 2
        static let authority: UInt8 = 4
        static let path: UInt8 = 8
        static let `protocol`: UInt8 = 16
    }

    /// Takes one field. Once the head is refused nothing more is kept.
    mutating func add(
        _ name: borrowing Span<UInt8>,
        _ value: borrowing Span<UInt8>,
        _ limits: HeadLimits,
        to stream: Ref<HTTP2Stream>
    ) {
        if stream.value.refusal != nil { return }
        do throws(HeadError) {
            if name.count > 0, name[0] == ASCII.colon {
                try addPseudo(name, value, limits, stream)
            } else {
                if !hasLine { try writeLine(stream, limits) }
                try addField(name, value, limits, stream)
            }
        } catch {
            refuse(stream, error)
        }
    }

    /// The block is complete: checks the head as a whole. Whether it is refused says `stream.refusal`.
    mutating func finish(_ stream: Ref<HTTP2Stream>, endsStream: Bool, _ limits: HeadLimits) {
        if stream.value.refusal != nil { return }
        do throws(HeadError) {
            if !hasLine { try writeLine(stream, limits) }
            if isCookieOpen { try writeCookie(stream) }
            stream.value.headBytes.append("\r\n")
            stream.value.head.byteCount = stream.value.headBytes.writeIndex
            if stream.value.isExtendedConnect {
                try finishConnect(stream, endsStream)
            } else {
                try stream.value.head.finish(
                    stream.value.headBytes.written,
                    carrier: .http2(endsStream: endsStream)
                )
                if case .length(let count) = stream.value.head.body {
                    stream.value.expectedBody = Int64(clamping: count)
                }
            }
        } catch {
            refuse(stream, error)
        }
    }

    /// A WebSocket's stream is its body both ways, whatever a length would say.
    private func finishConnect(_ stream: Ref<HTTP2Stream>, _ endsStream: Bool) throws(HeadError) {
        if endsStream { throw .malformedPseudoField }
        try stream.value.head.finish(stream.value.headBytes.written, carrier: .http2(endsStream: true))
        stream.value.head.upgrade = .webSocket
    }

    // MARK: Pseudo-fields

    private mutating func addPseudo(
        _ name: borrowing Span<UInt8>,
        _ value: borrowing Span<UInt8>,
        _ limits: HeadLimits,
        _ stream: Ref<HTTP2Stream>
    ) throws(HeadError) {
        if hasLine { throw .malformedPseudoField }
        let bit: UInt8
        switch name.count {
        case 5 where name.equals(":path"): bit = Pseudo.path
        case 7 where name[1] == 0x6D && name.equals(":method"): bit = Pseudo.method
        case 7 where name.equals(":scheme"): bit = Pseudo.scheme
        case 9 where name.equals(":protocol"): bit = Pseudo.protocol
        case 10 where name.equals(":authority"): bit = Pseudo.authority
        default: throw .malformedPseudoField
        }
        if seen & bit != 0 { throw .malformedPseudoField }
        seen |= bit
        if bit == Pseudo.path, value.count > limits.requestLine { throw .requestLineTooLong }
        if value.count > limits.field { throw .fieldTooLong }
        let range = ByteRange(start: stream.value.text.writeIndex, count: value.count)
        stream.value.text.append(value)
        switch bit {
        case Pseudo.path: path = range
        case Pseudo.method: method = range
        case Pseudo.scheme: scheme = range
        case Pseudo.protocol: protocolName = range
        default: authority = range
        }
    }

    /// Checks the pseudo-fields as a whole, and writes the request line and `host`.
    private mutating func writeLine(_ stream: Ref<HTTP2Stream>, _ limits: HeadLimits) throws(HeadError) {
        hasLine = true
        appendLine(stream)
        let required = Pseudo.method | Pseudo.scheme | Pseudo.path
        let isConnect = stream.value.text.written.extracting(method.range).equals("CONNECT")
        if isConnect, seen & Pseudo.protocol == 0 { throw .connectMethod }
        guard seen & required == required else { throw .malformedPseudoField }
        if seen & Pseudo.protocol != 0 {
            guard isConnect else { throw .malformedPseudoField }
            let name = stream.value.text.written.extracting(protocolName.range)
            guard name.equalsIgnoringCase("websocket") else { throw .unknownProtocol }
            stream.value.isExtendedConnect = true
        }
        let schemeName = stream.value.text.written.extracting(scheme.range)
        if schemeName.equalsIgnoringCase("https") {
            stream.value.isPlainHTTP = false
        } else if schemeName.equalsIgnoringCase("http") {
            stream.value.isPlainHTTP = true
        } else {
            throw .malformedPseudoField
        }
        let verb = stream.value.isExtendedConnect ? 3 : Int(method.count)
        if path.isEmpty || verb == 0 { throw .malformedPseudoField }
        if lineCount + 2 > limits.requestLine { throw .requestLineTooLong }
        let target = ByteRange(start: verb + 1, count: Int(path.count))
        try stream.value.head.setMethod(ByteRange(start: 0, count: verb), in: stream.value.headBytes.written)
        try stream.value.head.setTarget(target, in: stream.value.headBytes.written)
        // Absolute and other forms have their own pseudo-fields here.
        switch stream.value.head.targetForm {
        case .origin, .asterisk: break
        case .absolute, .authority: throw .malformedTarget
        }
        if seen & Pseudo.authority != 0 { try writeAuthority(stream) }
    }

    private mutating func writeAuthority(_ stream: Ref<HTTP2Stream>) throws(HeadError) {
        let start = stream.value.headBytes.writeIndex
        stream.value.headBytes.append("host: ")
        stream.value.headBytes.append(stream.value.text.written, authority.range)
        stream.value.headBytes.append("\r\n")
        let value = ByteRange(start: start + 6, count: Int(authority.count))
        try stream.value.head.setAuthority(value, in: stream.value.headBytes.written)
        let entry = FieldEntry(name: ByteRange(start: start, count: 4), value: value, id: .host)
        guard stream.value.head.fields.append(entry) else { throw .tooManyFields }
    }

    /// The line that HTTP/1 would have had; what is missing is a hyphen.
    private mutating func appendLine(_ stream: Ref<HTTP2Stream>) {
        let isWebSocket = seen & Pseudo.protocol != 0
        if isWebSocket, stream.value.text.written.extracting(protocolName.range).equalsIgnoringCase("websocket") {
            stream.value.headBytes.append("GET")
        } else if method.isEmpty {
            stream.value.headBytes.append("-")
        } else {
            stream.value.headBytes.append(stream.value.text.written, method.range)
        }
        stream.value.headBytes.append(ASCII.space)
        if path.isEmpty {
            stream.value.headBytes.append("-")
        } else {
            stream.value.headBytes.append(stream.value.text.written, path.range)
        }
        stream.value.headBytes.append(" HTTP/2.0\r\n")
        lineCount = stream.value.headBytes.writeIndex - 2
    }

    // MARK: Fields

    private mutating func addField(
        _ name: borrowing Span<UInt8>,
        _ value: borrowing Span<UInt8>,
        _ limits: HeadLimits,
        _ stream: Ref<HTTP2Stream>
    ) throws(HeadError) {
        fieldCount += 1
        if fieldCount > limits.fieldCount { throw .tooManyFields }
        let line = name.count + value.count + 4
        if line > limits.field { throw .fieldTooLong }
        let start = stream.value.headBytes.writeIndex
        if start + line + stream.value.crumbs.writeIndex + 2 > limits.total { throw .headTooLong }
        if name.count == 6, name.equals("cookie") {
            try addCrumb(value, stream)
            return
        }
        let entry = try HTTP2FieldLine.append(name, value, to: &stream.value.headBytes)
        if entry.id == .host, !entry.isAlias {
            hostCount += 1
            if hostCount > 1 { throw .repeatedHost }
            if seen & Pseudo.authority != 0 {
                // Said twice and the same: once is enough.
                guard value.equalsIgnoringCase(stream.value.text.written.extracting(authority.range)) else {
                    throw .hostMismatch
                }
                stream.value.headBytes.truncate(to: start)
                return
            }
        }
        guard stream.value.head.fields.append(entry) else { throw .tooManyFields }
    }

    /// Crumbs become one field (RFC 9113, section 8.2.3).
    private mutating func addCrumb(_ value: borrowing Span<UInt8>, _ stream: Ref<HTTP2Stream>) throws(HeadError) {
        if HTTP2FieldLine.isPadded(value) { throw .fieldWhitespace }
        if LineScan.endOfValue(value, from: 0, bound: value.count) < value.count { throw .controlCharacter }
        if isCookieOpen {
            stream.value.crumbs.append("; ")
        } else {
            stream.value.crumbs.clear()
        }
        isCookieOpen = true
        stream.value.crumbs.append(value)
    }

    private func writeCookie(_ stream: Ref<HTTP2Stream>) throws(HeadError) {
        let start = stream.value.headBytes.writeIndex
        stream.value.headBytes.append("cookie: ")
        stream.value.headBytes.append(stream.value.crumbs.readable)
        stream.value.headBytes.append("\r\n")
        let entry = try HTTP2FieldLine.read(
            stream.value.headBytes.written,
            from: start,
            nameCount: 6,
            valueCount: stream.value.crumbs.readableCount
        )
        guard stream.value.head.fields.append(entry) else { throw .tooManyFields }
    }

    /// Keeps the request line for the log and nothing else.
    private mutating func refuse(_ stream: Ref<HTTP2Stream>, _ error: HeadError) {
        stream.value.refusal = error
        stream.value.isExtendedConnect = false
        if !hasLine {
            hasLine = true
            appendLine(stream)
        }
        stream.value.headBytes.truncate(to: lineCount)
        stream.value.head.reset()
        stream.value.crumbs.clear()
    }
}
