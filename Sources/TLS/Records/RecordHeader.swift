/// What a record carries (RFC 8446, 5.1).
enum ContentType {
    static let changeCipherSpec: UInt8 = 20
    static let alert: UInt8 = 21
    static let handshake: UInt8 = 22
    static let applicationData: UInt8 = 23
}

/// The five bytes before a protected record (RFC 8446, 5.2).
enum RecordHeader {
    static let length = 5
    /// Content of one record, in bytes.
    static let contentLimit = 1 << 14
    /// What follows a header, in bytes: content, its type, padding and tag.
    static let bodyLimit = contentLimit + 256
    /// What sealing adds to content: header, type and tag.
    static let overhead = length + 1 + RecordCipher.tagLength

    /// The length of the body that follows the header at `start` of `bytes`, at least five bytes of which are there.
    static func bodyLength(
        _ bytes: borrowing Span<UInt8>,
        at start: Int
    ) throws(RecordFailure) -> Int {
        if bytes[start] != ContentType.applicationData { throw .unexpectedRecord }
        if bytes[start + 1] != 3 || bytes[start + 2] != 3 { throw .wrongVersion }
        let length = Int(bytes[start + 3]) << 8 | Int(bytes[start + 4])
        if length > bodyLimit { throw .overflow }
        if length == 0 { throw .emptyRecord }
        return length
    }

    /// Whether there is enough at `start` of `bytes` to say something about: a whole record, or a header that is wrong.
    static func isReady(_ bytes: borrowing Span<UInt8>, at start: Int) -> Bool {
        let available = bytes.count - start
        guard available >= length else { return false }
        do { return available - length >= (try bodyLength(bytes, at: start)) } catch { return true }
    }
}
