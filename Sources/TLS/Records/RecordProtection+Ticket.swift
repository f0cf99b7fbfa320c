internal import Bytes
internal import COpenSSL

extension RecordProtection {
    /// Takes a ticket that OpenSSL has sealed for this session as the first record sent, which proves the key and the number.
    ///
    /// - Returns: whether one record and no more begins at `mark`, and it is a ticket (RFC 8446, 4.6.1) that opens.
    mutating func acceptTicket(_ emitted: borrowing Span<UInt8>, from mark: Int) -> Bool {
        let body = mark + RecordHeader.length
        guard emitted.count >= body, let length = try? RecordHeader.bodyLength(emitted, at: mark),
            emitted.count == body + length, length > RecordCipher.tagLength + 4
        else { return false }
        let end = emitted.count - RecordCipher.tagLength
        var content = ByteBuffer(capacity: end - body)
        var isOpened = false
        writer.turn(to: .open)
        _ = unsafe content.withWritable(minimum: end - body) { memory in
            var space = unsafe MutableSpan<UInt8>(_unsafeBytes: memory)
            isOpened =
                writer.begin(header: emitted.extracting(mark..<body))
                && writer.update(emitted, body..<end, into: &space, at: 0)
                && writer.finish(tag: emitted, end..<emitted.count)
            return end - body
        }
        writer.turn(to: .seal)
        writer.advance()
        let ticket = content.readable
        return isOpened && ticket[0] == UInt8(SSL3_MT_NEWSESSION_TICKET)
            && ticket[ticket.count - 1] == ContentType.handshake
    }
}
