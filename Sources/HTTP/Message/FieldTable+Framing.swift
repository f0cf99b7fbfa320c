import Bytes

/// What the `Connection` fields of a message ask for.
struct ConnectionOptions {
    var close = false
    var keepAlive = false
    var upgrade = false
}

extension FieldTable {
    /// The body's length from `Content-Length`, nil without one. One field of digits only (RFC 9112, section 6.3).
    func contentLength(_ bytes: borrowing Span<UInt8>) throws(HeadError) -> UInt64? {
        if containsAlias(of: .contentLength) { throw .aliasedFramingField }
        guard let index = first(.contentLength) else { return nil }
        if isRepeated(.contentLength) { throw .repeatedContentLength }
        guard let value = bytes.extracting(self[index].value.range).decimalValue() else {
            throw .malformedContentLength
        }
        return UInt64(value)
    }

    /// Whether the body is chunked: one `Transfer-Encoding` that is `chunked` and nothing else.
    func isChunked(_ bytes: borrowing Span<UInt8>, minorVersion: UInt8) throws(HeadError) -> Bool {
        if containsAlias(of: .transferEncoding) { throw .aliasedFramingField }
        guard let index = first(.transferEncoding) else { return false }
        if isRepeated(.transferEncoding) { throw .repeatedTransferEncoding }
        if minorVersion == 0 { throw .transferEncodingInHTTP10 }
        let value = bytes.extracting(self[index].value.range)
        if value.equalsIgnoringCase("chunked") { return true }
        // Why it is refused decides the status: a good list that ends in chunked holds a coding we don't know.
        var list = TokenList(0..<value.count)
        var chunked = 0
        var last = 0..<0
        while let member = list.next(value) {
            if !TokenList.isToken(value, member) { throw .chunkedNotLast }
            if value.extracting(member).equalsIgnoringCase("chunked") { chunked += 1 }
            last = member
        }
        guard chunked == 1, !list.hadEmptyMember, value.extracting(last).equalsIgnoringCase("chunked") else {
            throw .chunkedNotLast
        }
        // The list `, chunked` is told from `gzip, chunked` by its empty member.
        throw .unknownTransferCoding
    }

    /// Reads all `Connection` fields and marks the fields that they nominate (RFC 9110, section 7.6.1).
    ///
    /// The proxy's own identity fields can't be nominated; naming what frames or routes the message is an error.
    mutating func readConnection(_ bytes: borrowing Span<UInt8>) throws(HeadError) -> ConnectionOptions {
        var options = ConnectionOptions()
        guard let only = first(.connection) else { return options }
        if !isRepeated(.connection) {
            // The whole list, nearly always.
            let value = bytes.extracting(self[only].value.range)
            if value.count == 10, value.equalsIgnoringCase("keep-alive") {
                options.keepAlive = true
                return options
            }
            if value.count == 5, value.equalsIgnoringCase("close") {
                options.close = true
                return options
            }
        }
        var nominations = 0
        var position: Int? = only
        while let index = position {
            var list = TokenList(self[index].value.range)
            while let member = list.next(bytes) {
                guard TokenList.isToken(bytes, member) else { throw .malformedConnection }
                let option = bytes.extracting(member)
                if option.equalsIgnoringCase("keep-alive") {
                    options.keepAlive = true
                } else if option.equalsIgnoringCase("close") {
                    options.close = true
                } else if option.equalsIgnoringCase("upgrade") {
                    options.upgrade = true
                } else {
                    nominations += 1
                    if nominations > 32 { throw .tooManyNominations }
                    try nominate(member, bytes)
                }
            }
            position = next(.connection, after: index)
        }
        return options
    }

    private mutating func nominate(_ name: Range<Int>, _ bytes: borrowing Span<UInt8>) throws(HeadError) {
        let id = FieldID.classify(bytes, name.lowerBound, name.count)
        switch id {
        case .host, .contentLength, .transferEncoding: throw .nominatedFramingField
        default: break
        }
        if id.isIdentity { return }
        for index in 0..<count where self[index].id == id {
            if id == .other {
                let other = self[index].name
                guard Int(other.count) == name.count,
                    normalizedNameEquals(bytes.extracting(other.range), bytes.extracting(name))
                else { continue }
            }
            self[index].isNominated = true
        }
    }

    /// What a request asks to be upgraded to, `Connection: upgrade` left aside.
    func requestedUpgrade(_ bytes: borrowing Span<UInt8>) -> UpgradeRequest {
        guard let index = first(.upgrade) else { return .none }
        if isRepeated(.upgrade) { return .other }
        let value = bytes.extracting(self[index].value.range)
        if value.equalsIgnoringCase("websocket") { return .webSocket }
        if value.equalsIgnoringCase("h2c") { return .h2c }
        return .other
    }
}

/// The members of a comma-separated list, one after the other (RFC 9110, section 5.6.1).
package struct TokenList {
    private var index: Int
    private let end: Int
    /// Whether an empty member was passed over so far. The end of an empty value or after a last comma counts as one.
    package private(set) var hadEmptyMember = false
    private var isAtEnd = false

    /// The list at `range` of the bytes that `next` is called with.
    package init(_ range: Range<Int>) {
        index = range.lowerBound
        end = range.upperBound
    }

    /// The next member without white space around it, or nil at the end. Empty members are passed over.
    package mutating func next(_ bytes: borrowing Span<UInt8>) -> Range<Int>? {
        while !isAtEnd {
            var start = index
            while index < end, bytes[index] != ASCII.comma { index &+= 1 }
            var stop = index
            if index < end { index &+= 1 } else { isAtEnd = true }
            while start < stop, bytes[start] == ASCII.space || bytes[start] == ASCII.tab { start &+= 1 }
            while stop > start, bytes[stop &- 1] == ASCII.space || bytes[stop &- 1] == ASCII.tab { stop &-= 1 }
            if start < stop { return start..<stop }
            hadEmptyMember = true
        }
        return nil
    }

    /// Whether the bytes at `range` are a token.
    package static func isToken(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        for index in range where !ASCII.isToken(bytes[index]) { return false }
        return !range.isEmpty
    }
}
