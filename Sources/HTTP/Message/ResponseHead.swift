import Bytes

/// A response's head as ranges into the buffer that holds it, counted from the head's first byte.
///
/// Its storage is allocated once; `reset()` readies it for the next response.
package struct ResponseHead: ~Copyable, Sendable {
    /// 100 to 599.
    package internal(set) var status = 0
    /// The reason phrase; often empty.
    package internal(set) var reason = ByteRange.empty
    /// 0 or 1; later versions of HTTP/1 count as 1.
    package internal(set) var minorVersion: UInt8 = 1
    package var fields: FieldTable
    package internal(set) var body = BodyFraming.none
    /// Whether the connection may carry another request once the body has ended.
    package internal(set) var isKeepAlive = false
    /// Whether `Connection` says `upgrade`; a 101 without it switches nothing.
    package internal(set) var upgrade = UpgradeRequest.none
    /// Bytes of the whole head, the empty line included.
    package internal(set) var byteCount = 0

    /// A head that holds up to `fieldCapacity` fields.
    package init(fieldCapacity: Int = 100) {
        fields = FieldTable(capacity: fieldCapacity)
    }

    /// Whether another head follows this one: 1xx, except for 101 (Switching Protocols).
    package var isInformational: Bool { status < 200 && status != 101 }

    /// Forgets the response and keeps the storage.
    package mutating func reset() {
        status = 0
        reason = .empty
        minorVersion = 1
        fields.removeAll()
        body = .none
        isKeepAlive = false
        upgrade = .none
        byteCount = 0
    }

    /// Checks the head as a whole and derives framing and keep-alive (RFC 9112, section 6.3).
    mutating func finish(_ bytes: borrowing Span<UInt8>, answering method: Method) throws(HeadError) {
        let isChunked = try fields.isChunked(bytes, minorVersion: minorVersion)
        let length = try fields.contentLength(bytes)
        if isChunked, length != nil { throw .lengthWithTransferEncoding }
        if method == .head || status < 200 || status == 204 || status == 304 {
            body = .none
        } else if isChunked {
            body = .chunked
        } else if let length {
            body = .length(length)
        } else {
            body = .untilClose
        }
        let options = try fields.readConnection(bytes)
        isKeepAlive = !options.close && (minorVersion > 0 || options.keepAlive) && body != .untilClose && status != 101
        upgrade = options.upgrade ? fields.requestedUpgrade(bytes) : .none
    }
}
