internal import Bytes
internal import COpenSSL
internal import EventLoop
internal import Glibc

/// Reading and writing after the hand-over.
extension TLSSession {
    /// Receives where nothing is kept that can be delivered, and delivers.
    mutating func readRecords(into memory: UnsafeMutableRawBufferPointer) -> IOResult {
        var space = unsafe MutableSpan<UInt8>(_unsafeBytes: memory)
        var outcome = unsafe transport.pointee.records?.read(into: &space) ?? RecordReader.Outcome.endOfStream
        while outcome == .needsMore {
            if let result = receiveRecords(into: &space, &outcome) { return result }
        }
        switch outcome {
        case .bytes(let count):
            sendOwedUpdate()
            return .bytes(count)
        case .endOfStream: return .endOfStream
        case .needsMore: return wantsRead()
        case .failed(let failure): return end(with: failure)
        }
    }

    /// One receive. A result is final; without one `outcome` tells.
    private mutating func receiveRecords(
        into space: inout MutableSpan<UInt8>,
        _ outcome: inout RecordReader.Outcome
    ) -> IOResult? {
        let transport = unsafe transport
        let scratch = unsafe ThreadScratch.current
        var ciphertext = unsafe MutableSpan<UInt8>(_unsafeBytes: scratch)
        var kept = 0
        if let count = unsafe transport.pointee.records?.copyKept(into: &ciphertext) { kept = count }
        let wanted = Self.receiveLength(room: space.count, kept: kept)
        let received = unsafe transport.pointee.receive(scratch.baseAddress! + kept, wanted - kept)
        if received == 0 {
            isTruncated = true
            return .endOfStream
        }
        if received < 0 {
            let code = unsafe transport.pointee.failure
            if code == 0 { return wantsRead() }
            fail(Self.systemFailure(.read, code))
            return .failed(SystemError("recv", code: code))
        }
        let bytes = unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(rebasing: scratch[..<(kept + received)]))
        // Part of a record only: another receive tells whether the rest, or the end, is there too. The event that told of this
        // part may have told of the end as well, and won't again.
        outcome = unsafe transport.pointee.records?.read(bytes, into: &space) ?? .endOfStream
        return nil
    }

    /// How much ciphertext to ask for: what yields as much as there is room for, in whole records, and one at least.
    private static func receiveLength(room: Int, kept: Int) -> Int {
        let records = max(1, room / RecordHeader.contentLimit)
        let wanted = records * (RecordHeader.contentLimit + RecordHeader.overhead)
        let least = RecordHeader.length + RecordHeader.bodyLimit
        return min(ThreadScratch.capacity, wanted > kept ? wanted : least)
    }

    /// Nothing can be read. Nobody may ever write: what waits goes now.
    private mutating func wantsRead() -> IOResult {
        let transport = unsafe transport
        if owesByte { return .wantsRead }
        sendOwedUpdate()
        if case .failed(let code) = unsafe transport.pointee.flush() {
            return .failed(SystemError("send", code: fail(Self.systemFailure(.write, code)).systemCode))
        }
        return .wantsRead
    }

    // MARK: Writing

    /// Seals as many records as a batch holds and sends them with one call, and again while the socket takes them whole.
    mutating func writeRecords(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        let transport = unsafe transport
        let source = unsafe Span<UInt8>(_unsafeBytes: bytes)
        let scratch = unsafe ThreadScratch.current
        var space = unsafe MutableSpan<UInt8>(_unsafeBytes: scratch)
        var taken = owesByte ? 1 : 0
        owesByte = false
        repeat {
            guard let filled = seal(source, from: &taken, into: &space) else { return end(with: .internal) }
            let batch = unsafe UnsafeRawBufferPointer(rebasing: scratch[..<filled])
            let sent = unsafe transport.pointee.transmit(batch)
            if sent < 0 {
                let error = fail(unsafe Self.systemFailure(.write, transport.pointee.failure))
                return .failed(SystemError("send", code: error.systemCode))
            }
            if sent < filled { unsafe transport.pointee.keep(UnsafeRawBufferPointer(rebasing: batch[sent...])) }
        } while unsafe taken < source.count && transport.pointee.pending.isEmpty
        return endWrite(taken)
    }

    /// Fills the scratch with what waits, a key update if one is due, and records of `source` from `taken`.
    /// - Returns: its length; nil where OpenSSL fails.
    private func seal(_ source: borrowing Span<UInt8>, from taken: inout Int, into space: inout MutableSpan<UInt8>)
        -> Int?
    {
        var filled = 0
        // A ticket, an alert, a key update: whatever waits is small when writing may go on, and goes first.
        let waiting = unsafe transport.pointee.pending.readableCount
        if waiting > 0 {
            guard waiting <= space.count - RecordHeader.contentLimit - 2 * RecordHeader.overhead - 8 else { return nil }
            unsafe space.copy(transport.pointee.pending, count: waiting, to: 0)
            unsafe transport.pointee.pending = ByteBuffer()
            filled = waiting
        }
        while taken < source.count {
            let count = min(source.count - taken, RecordHeader.contentLimit)
            guard space.count - filled >= count + 2 * RecordHeader.overhead + 8 else { break }
            if unsafe transport.pointee.records?.protection.needsUpdate == true {
                guard let length = unsafe transport.pointee.records?.protection.sealUpdate(into: &space, at: filled)
                else {
                    return nil
                }
                filled += length
            }
            guard
                let length = unsafe transport.pointee.records?.protection.seal(
                    ContentType.applicationData,
                    source,
                    taken..<(taken + count),
                    into: &space,
                    at: filled
                )
            else { return nil }
            filled += length
            taken += count
        }
        return filled
    }

    // MARK: Messages

    /// Answers a key update, unless something waits already: then the next write does.
    private mutating func sendOwedUpdate() {
        guard unsafe transport.pointee.records?.protection.needsUpdate == true,
            unsafe transport.pointee.pending.isEmpty
        else { return }
        var message = InlineArray<32, UInt8>(repeating: 0)
        var space = message.mutableSpan
        let sealed = unsafe transport.pointee.records?.protection.sealUpdate(into: &space, at: 0)
        if let sealed { emit(message.span.extracting(0..<sealed)) }
    }

    /// Queues an alert and sends it if the socket takes it.
    mutating func sendAlert(_ number: UInt8) {
        var message = InlineArray<32, UInt8>(repeating: 0)
        var space = message.mutableSpan
        let sealed = unsafe transport.pointee.records?.protection.sealAlert(number, into: &space, at: 0)
        if let sealed { emit(message.span.extracting(0..<sealed)) }
    }

    private func emit(_ record: borrowing Span<UInt8>) {
        unsafe record.withUnsafeBytes { bytes in
            unsafe transport.pointee.keep(bytes)
            _ = unsafe transport.pointee.flush()
        }
    }

    /// Tells the peer why, once, and ends the session.
    private mutating func end(with failure: RecordFailure) -> IOResult {
        if let alert = failure.alert { sendAlert(alert) }
        let code = failure.code
        fail(TLSError(.read, category: TLSError.category(of: code), code: code))
        return .failed(SystemError("SSL_read", code: EPROTO))
    }
}
