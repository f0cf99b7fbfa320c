import Bytes

/// A request's head as ranges into the buffer that holds it, counted from the head's first byte.
///
/// Filled by `RequestHeadParser`, or for HTTP/2 by `setMethod`, `setTarget`, `setAuthority`, `appendField` and then
/// `finish`. Its storage is allocated once; `reset()` readies it for the next request.
package struct RequestHead: ~Copyable, Sendable {
    package internal(set) var method = Method.other
    package internal(set) var methodRange = ByteRange.empty
    package internal(set) var targetForm = TargetForm.origin
    /// The request target as it came.
    package internal(set) var target = ByteRange.empty
    /// The target's path as it came; never empty, `*` in asterisk-form. For an absolute target without a path it is a slash
    /// of the target's scheme.
    package internal(set) var path = ByteRange.empty
    /// What follows the target's first `?`, which may be nothing; nil without one.
    package internal(set) var query: ByteRange?
    /// Host and port as written in the target or in `Host`; empty if an HTTP/1.0 request has neither.
    package internal(set) var authority = ByteRange.empty
    /// The host of `authority`: brackets included, a last dot left out.
    package internal(set) var hostName = ByteRange.empty
    /// The port of `authority`, if written.
    package internal(set) var port: Int?
    /// 0 or 1; later versions of HTTP/1 count as 1, and HTTP/2 as 1.
    package internal(set) var minorVersion: UInt8 = 1
    package var fields: FieldTable
    /// Never `untilClose`.
    package internal(set) var body = BodyFraming.none
    /// Whether the client's connection may carry another request.
    package internal(set) var isKeepAlive = true
    /// Whether the client waits for 100 (Continue) before it sends a body.
    package internal(set) var expectsContinue = false
    package internal(set) var upgrade = UpgradeRequest.none
    /// Bytes of the whole head, empty lines before it and the one after it included.
    package internal(set) var byteCount = 0

    /// A head that holds up to `fieldCapacity` fields.
    package init(fieldCapacity: Int = 100) {
        fields = FieldTable(capacity: fieldCapacity)
    }

    /// The whole body has come, so that its length is known: it is passed on with that.
    package mutating func setLength(_ count: UInt64) { body = .length(count) }

    /// Forgets the request and keeps the storage.
    package mutating func reset() {
        method = .other
        methodRange = .empty
        targetForm = .origin
        target = .empty
        path = .empty
        query = nil
        authority = .empty
        hostName = .empty
        port = nil
        minorVersion = 1
        fields.removeAll()
        body = .none
        isKeepAlive = true
        expectsContinue = false
        upgrade = .none
        byteCount = 0
    }

    /// Sets the method: a token of 1 to 32 bytes.
    package mutating func setMethod(_ range: ByteRange, in bytes: borrowing Span<UInt8>) throws(HeadError) {
        guard range.count <= 32, TokenList.isToken(bytes, range.range) else { throw .malformedMethod }
        placeMethod(range, in: bytes)
    }

    /// Sets a method whose bytes are checked.
    mutating func placeMethod(_ range: ByteRange, in bytes: borrowing Span<UInt8>) {
        methodRange = range
        method = Method(bytes.extracting(range.range))
    }

    /// Sets the authority from `:authority`; `finish` compares it with `Host`.
    package mutating func setAuthority(_ range: ByteRange, in bytes: borrowing Span<UInt8>) throws(HeadError) {
        guard let parsed = Authority(bytes, range) else { throw .malformedHost }
        authority = range
        hostName = parsed.host
        port = parsed.port
    }

    /// Appends a field whose name and value stand in `bytes`, checking both (RFC 9110, section 5).
    package mutating func appendField(
        name: ByteRange,
        value: ByteRange,
        in bytes: borrowing Span<UInt8>
    ) throws(HeadError) {
        if name.isEmpty { throw .emptyName }
        guard TokenList.isToken(bytes, name.range) else { throw .malformedName }
        for index in value.range {
            let byte = bytes[index]
            if byte == 0 { throw .nulByte }
            if !ASCII.isFieldValue(byte) { throw .controlCharacter }
        }
        let (id, isAlias) = FieldID.classify(bytes.extracting(name.range))
        guard fields.append(FieldEntry(name: name, value: value, id: id, isAlias: isAlias)) else {
            throw .tooManyFields
        }
    }

    /// Sets target, path and query (RFC 9112, section 3.2). The method must be set before.
    ///
    /// Visible ASCII only; a `#` is refused, as no client sends one and servers differ in how they read it.
    package mutating func setTarget(_ range: ByteRange, in bytes: borrowing Span<UInt8>) throws(HeadError) {
        precondition(range.upperBound <= bytes.count)
        var mark: Int?
        for index in range.range {
            // The range lies in the bytes.
            let byte = unsafe bytes[unchecked: index]
            if byte &- 0x21 > 0x5D || byte == UInt8(ascii: "#") { throw .malformedTarget }
            if byte == ASCII.question, mark == nil { mark = index }
        }
        try placeTarget(range, mark: mark, in: bytes)
    }

    /// Sets a target whose bytes are checked and whose first `?` stands at `mark`.
    mutating func placeTarget(_ range: ByteRange, mark: Int?, in bytes: borrowing Span<UInt8>) throws(HeadError) {
        let start = range.lowerBound
        let end = range.upperBound
        guard start < end else { throw .malformedTarget }
        target = range
        let pathEnd = mark ?? end
        query = mark.map { ByteRange(($0 + 1)..<end) }
        if method == .connect {
            targetForm = .authority
            path = range
            return
        }
        let first = bytes[start]
        if first == ASCII.slash {
            targetForm = .origin
            path = ByteRange(start: start, count: pathEnd &- start)
            return
        }
        if first == UInt8(ascii: "*"), end - start == 1, method == .options {
            targetForm = .asterisk
            path = range
            return
        }
        try setAbsoluteTarget(start, pathEnd, bytes)
    }

    private mutating func setAbsoluteTarget(
        _ start: Int,
        _ mark: Int,
        _ bytes: borrowing Span<UInt8>
    ) throws(HeadError) {
        let scheme: Int
        if mark - start > 7, bytes.extracting(start..<(start + 7)).equalsIgnoringCase("http://") {
            scheme = 7
        } else if mark - start > 8, bytes.extracting(start..<(start + 8)).equalsIgnoringCase("https://") {
            scheme = 8
        } else {
            throw .malformedTarget
        }
        let host = start + scheme
        let slash = bytes.firstIndex(of: ASCII.slash, in: host..<mark) ?? mark
        targetForm = .absolute
        try setAuthority(ByteRange(host..<slash), in: bytes)
        path = slash < mark ? ByteRange(slash..<mark) : ByteRange(start: host - 1, count: 1)
    }
}
