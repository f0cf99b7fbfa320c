package import Bytes
internal import COpenSSL

/// What became of the record at the front of the ciphertext.
package enum RecordEvent: Sendable, Equatable {
    /// More has to come first.
    case incomplete
    /// Application data: `count` bytes of it went into the space given, what it had no room for into the buffer for the rest.
    case data(consumed: Int, count: Int)
    /// A message that is dealt with.
    case handled(consumed: Int)
    /// The peer ended its side in order.
    case closed(consumed: Int)
    /// Not application data, or wrong: only application data was asked for, and nothing has happened.
    case deferred
    /// The session has to end.
    case failed(RecordFailure)
}

/// The record layer of an established TLS 1.3 session (RFC 8446, 5 and 4.6.3): opens what came, seals what goes, and replaces
/// keys. It does no I/O; its bounds are those of the spans it is given.
package struct RecordProtection: ~Copyable {
    /// A key update that is to be sent.
    private enum OwedUpdate: UInt8 { case none, answer, request }

    /// Records under one key of AES-GCM, at most (RFC 8446, 5.5, allows 2^24.5).
    package static let updateInterval: UInt64 = 1 << 24
    /// Records without content in a row, at most.
    package static let emptyLimit = 32
    /// Key updates a peer may begin with; one more is earned by so many records of data.
    package static let updateAllowance = 16
    package static let recordsPerUpdate = 256

    package let suite: RecordSuite
    private var reader: RecordCipher
    var writer: RecordCipher
    private let secrets: SecretBytes
    /// Where the peer's secret lies, and where ours.
    private let (readOffset, writeOffset): (Int, Int)
    private var updateInterval: UInt64
    private var owed = OwedUpdate.none
    private var emptyCount = 0
    private var dataCount: UInt64 = 0
    private var updateCount: UInt64 = 0

    /// Takes over with both secrets, of which nobody else keeps a copy. nil where OpenSSL fails.
    init?(_ suite: RecordSuite, _ secrets: SecretBytes, isServer: Bool, updateInterval: UInt64) {
        let (client, server) = (0, TrafficSecrets.serverOffset)
        self.suite = suite
        self.secrets = secrets
        self.updateInterval = max(updateInterval, 2)
        (readOffset, writeOffset) = isServer ? (client, server) : (server, client)
        let length = suite.hash.length
        guard
            let reader = unsafe RecordCipher.make(
                suite,
                .open,
                secret: Span(_unsafeStart: secrets.start + readOffset, count: length)
            ),
            let writer = unsafe RecordCipher.make(
                suite,
                .seal,
                secret: Span(_unsafeStart: secrets.start + writeOffset, count: length)
            )
        else { return nil }
        self.reader = reader
        self.writer = writer
    }

    /// One side of a session with the two secrets given: for tests, which have no handshake.
    package init?(
        _ suite: RecordSuite,
        client: [UInt8],
        server: [UInt8],
        isServer: Bool,
        updateInterval: UInt64 = Self.updateInterval
    ) {
        guard client.count == suite.hash.length, server.count == suite.hash.length else { return nil }
        let secrets = SecretBytes(count: 2 * TrafficSecrets.serverOffset)
        for index in client.indices {
            unsafe secrets.start[index] = client[index]
            unsafe secrets.start[TrafficSecrets.serverOffset + index] = server[index]
        }
        self.init(suite, secrets, isServer: isServer, updateInterval: updateInterval)
    }

    // MARK: Opening

    /// Opens the record that begins at `start` of `ciphertext`.
    ///
    /// Its content goes into `space` from `position`; what there is no room for goes into `rest`, which must be empty. Bytes of
    /// `space` beyond those reported may be overwritten. With `onlyData`, anything else than application data is left for later.
    package mutating func open(
        _ ciphertext: borrowing Span<UInt8>,
        at start: Int,
        into space: inout MutableSpan<UInt8>,
        at position: Int,
        rest: inout ByteBuffer,
        onlyData: Bool
    ) -> RecordEvent {
        let available = ciphertext.count - start
        guard available >= RecordHeader.length else { return .incomplete }
        let length: Int
        do { length = try RecordHeader.bodyLength(ciphertext, at: start) } catch {
            return onlyData ? .deferred : .failed(error)
        }
        let consumed = RecordHeader.length + length
        guard available >= consumed else { return .incomplete }
        let inner = length - RecordCipher.tagLength
        guard inner > 0 else { return onlyData ? .deferred : .failed(.badRecord) }

        // Whoever has room for the content alone need not have it for the byte that says what it is.
        let direct = min(space.count - position, inner)
        var last = InlineArray<1, UInt8>(repeating: 0)
        guard decrypt(ciphertext, start, inner, into: &space, at: position, direct, &last, &rest) else {
            Self.wipe(&space, position..<(position + direct))
            rest.wipe()
            return onlyData ? .deferred : .failed(.badRecord)
        }

        // Content, its type, and zeros (RFC 8446, 5.4).
        var end = inner - 1
        if inner - direct == 1 {
            if last[0] == 0 { end -= 1 }
        } else {
            while end >= direct, rest.readable[end - direct] == 0 { end -= 1 }
        }
        if end < direct { while end >= 0, space[position + end] == 0 { end -= 1 } }
        guard end >= 0 else {
            rest.wipe()
            return onlyData ? .deferred : .failed(.noContentType)
        }
        let type =
            end < direct ? space[position + end] : inner - direct == 1 ? last[0] : rest.readable[end - direct]
        if inner > RecordHeader.contentLimit + 1 || type != ContentType.applicationData {
            defer { rest.wipe() }
            if onlyData { return .deferred }
            if inner > RecordHeader.contentLimit + 1 { return .failed(.overflow) }
            reader.advance()
            return control(type, end, space, position, direct, rest, consumed)
        }
        return data(count: end, direct: direct, rest: &rest, consumed: consumed, onlyData: onlyData)
    }

    /// Decrypts `direct` bytes into the space, and what lies beyond into `last` if it is one byte, else into `rest`.
    private func decrypt(
        _ ciphertext: borrowing Span<UInt8>,
        _ start: Int,
        _ inner: Int,
        into space: inout MutableSpan<UInt8>,
        at position: Int,
        _ direct: Int,
        _ last: inout InlineArray<1, UInt8>,
        _ rest: inout ByteBuffer
    ) -> Bool {
        let body = start + RecordHeader.length
        let (middle, end) = (body + direct, body + inner)
        guard reader.begin(header: ciphertext.extracting(start..<body)),
            reader.update(ciphertext, body..<middle, into: &space, at: position)
        else { return false }
        switch end - middle {
        case 0: break
        case 1:
            var tail = last.mutableSpan
            guard reader.update(ciphertext, middle..<end, into: &tail, at: 0) else { return false }
        default:
            var isDone = false
            _ = unsafe rest.withWritable(minimum: end - middle) { memory in
                var tail = unsafe MutableSpan<UInt8>(_unsafeBytes: memory)
                isDone = reader.update(ciphertext, middle..<end, into: &tail, at: 0)
                return isDone ? end - middle : 0
            }
            guard isDone else { return false }
        }
        return reader.finish(tag: ciphertext, end..<(end + RecordCipher.tagLength))
    }

    private mutating func data(
        count: Int,
        direct: Int,
        rest: inout ByteBuffer,
        consumed: Int,
        onlyData: Bool
    ) -> RecordEvent {
        if count == 0 {
            guard emptyCount < Self.emptyLimit else {
                rest.wipe()
                return onlyData ? .deferred : .failed(.tooManyEmpty)
            }
            emptyCount += 1
        } else {
            emptyCount = 0
        }
        rest.truncate(to: max(0, count - direct))
        reader.advance()
        dataCount += 1
        // The peer should have taken a new key long ago.
        if reader.sequence == updateInterval { owed = .request }
        return .data(consumed: consumed, count: min(count, direct))
    }

    // MARK: Messages

    /// Acts on an alert or a handshake message of `count` bytes.
    private mutating func control(
        _ type: UInt8,
        _ count: Int,
        _ space: borrowing MutableSpan<UInt8>,
        _ position: Int,
        _ direct: Int,
        _ rest: borrowing ByteBuffer,
        _ consumed: Int
    ) -> RecordEvent {
        var content = InlineArray<5, UInt8>(repeating: 0)
        for index in 0..<min(count, content.count) {
            content[index] = index < direct ? space[position + index] : rest.readable[index - direct]
        }
        switch type {
        case ContentType.alert:
            guard count > 0 else { return .failed(.unexpectedMessage) }
            guard count == 2 else { return .failed(.misshapen) }
            switch Int32(content[1]) {
            case SSL_AD_CLOSE_NOTIFY: return .closed(consumed: consumed)
            case SSL_AD_USER_CANCELLED:
                guard emptyCount < Self.emptyLimit else { return .failed(.tooManyEmpty) }
                emptyCount += 1
                return .handled(consumed: consumed)
            default: return .failed(.alert(content[1]))
            }
        case ContentType.handshake:
            guard count > 0, content[0] == UInt8(SSL3_MT_KEY_UPDATE) else { return .failed(.unexpectedMessage) }
            guard count == 5, content[1] == 0, content[2] == 0, content[3] == 1 else { return .failed(.misshapen) }
            guard content[4] < 2 else { return .failed(.illegalUpdate) }
            return updateReader(isRequested: content[4] == 1) ?? .handled(consumed: consumed)
        default: return .failed(.unexpectedMessage)
        }
    }

    private mutating func updateReader(isRequested: Bool) -> RecordEvent? {
        updateCount += 1
        guard updateCount <= UInt64(Self.updateAllowance) + dataCount / UInt64(Self.recordsPerUpdate) else {
            return .failed(.tooManyUpdates)
        }
        guard Self.renew(secrets, readOffset, suite, &reader) else { return .failed(.internal) }
        // One answer stands for all requests that came before it.
        if isRequested, owed == .none { owed = .answer }
        return nil
    }

    /// The next secret in the place of the last, and its key (RFC 8446, 7.2).
    private static func renew(
        _ secrets: SecretBytes,
        _ offset: Int,
        _ suite: RecordSuite,
        _ cipher: inout RecordCipher
    ) -> Bool {
        let length = suite.hash.length
        let secret = unsafe Span(_unsafeStart: secrets.start + offset, count: length)
        var schedule = KeySchedule(suite.hash, secret: secret)
        var next = schedule.expand(label: "traffic upd", length: length)
        schedule.wipe()
        for index in 0..<length { unsafe secrets.start[offset + index] = next[index] }
        TLS.wipe(&next)
        return cipher.setKey(suite, secret: secret)
    }

    private static func wipe(_ space: inout MutableSpan<UInt8>, _ range: Range<Int>) {
        for index in range { space[index] = 0 }
    }

    // MARK: Sealing

    /// A key update has to go before the next record.
    package var needsUpdate: Bool { owed != .none || writer.sequence >= updateInterval - 1 }

    /// Seals one record of `bytes` at `range`, at most 16 KiB, into `output` from `position`, which must have 22 bytes more.
    /// - Returns: the record's length; nil where OpenSSL fails, after which nothing can be sent any more.
    package mutating func seal(
        _ type: UInt8 = 23,
        _ bytes: borrowing Span<UInt8>,
        _ range: Range<Int>,
        into output: inout MutableSpan<UInt8>,
        at position: Int
    ) -> Int? {
        precondition(range.count <= RecordHeader.contentLimit)
        precondition(output.count - position >= range.count + RecordHeader.overhead)
        let length = range.count + 1 + RecordCipher.tagLength
        var header: InlineArray<5, UInt8> = [
            ContentType.applicationData, 3, 3, UInt8(length >> 8), UInt8(truncatingIfNeeded: length),
        ]
        for index in header.indices { output[position + index] = header[index] }
        let body = position + RecordHeader.length
        guard writer.begin(header: header.span), writer.update(bytes, range, into: &output, at: body) else {
            return nil
        }
        header[0] = type
        guard writer.update(header.span, 0..<1, into: &output, at: body + range.count),
            writer.finish(into: &output, at: body + range.count + 1)
        else { return nil }
        writer.advance()
        return RecordHeader.length + length
    }

    /// Seals a key update, at most 27 bytes, and takes the next key for what follows it.
    /// - Returns: as `seal`.
    package mutating func sealUpdate(into output: inout MutableSpan<UInt8>, at position: Int) -> Int? {
        let message: InlineArray<5, UInt8> = [UInt8(SSL3_MT_KEY_UPDATE), 0, 0, 1, owed == .request ? 1 : 0]
        guard let count = seal(ContentType.handshake, message.span, 0..<5, into: &output, at: position),
            Self.renew(secrets, writeOffset, suite, &writer)
        else { return nil }
        owed = .none
        return count
    }

    /// Seals an alert, 24 bytes.
    package mutating func sealAlert(_ number: UInt8, into output: inout MutableSpan<UInt8>, at position: Int) -> Int? {
        let isFatal = number != UInt8(SSL_AD_CLOSE_NOTIFY)
        let message: InlineArray<2, UInt8> = [isFatal ? 2 : 1, number]
        return seal(ContentType.alert, message.span, 0..<2, into: &output, at: position)
    }

    /// For tests, which can't wait so long.
    mutating func setUpdateInterval(_ interval: UInt64) { updateInterval = max(interval, 2) }
}
