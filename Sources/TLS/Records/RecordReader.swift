package import Bytes

/// The receiving side of an established session: ciphertext in, plaintext out, and as little as possible kept between.
///
/// What is kept is an incomplete record, records that a caller had no room for, or the rest of one that it had room for in
/// part; each in storage of its own size, and none when all is delivered.
package struct RecordReader: ~Copyable {
    /// What a read brought.
    package enum Outcome: Sendable, Equatable {
        /// So many bytes of plaintext, at least one.
        case bytes(Int)
        /// Nothing before more has been received.
        case needsMore
        /// The peer said that nothing follows.
        case endOfStream
        case failed(RecordFailure)
    }

    package var protection: RecordProtection
    private var incoming: ByteBuffer
    private var rest = ByteBuffer()
    private var hasEnded = false

    /// Goes on after a handshake, with what was received beyond it.
    package init(_ protection: consuming RecordProtection, received: consuming ByteBuffer = ByteBuffer()) {
        self.protection = protection
        incoming = received
    }

    /// Ciphertext that is kept, in bytes.
    package var keptCount: Int { incoming.readableCount }

    /// A read would bring something without receiving more.
    package var isReady: Bool {
        if !rest.isEmpty || hasEnded { return true }
        return !incoming.isEmpty && RecordHeader.isReady(incoming.readable, at: 0)
    }

    /// Delivers from what is kept: as many records as `space` has room for.
    package mutating func read(into space: inout MutableSpan<UInt8>) -> Outcome {
        if !rest.isEmpty { return .bytes(deliverRest(into: &space)) }
        if hasEnded { return .endOfStream }
        if incoming.isEmpty { return .needsMore }
        var held = ByteBuffer()
        swap(&held, &incoming)
        var consumed = 0
        let outcome = Self.open(held.readable, &consumed, &protection, &rest, &hasEnded, into: &space)
        held.consume(consumed)
        if !held.isEmpty { swap(&held, &incoming) }
        return outcome
    }

    /// Delivers from `ciphertext`, which begins with a copy of what was kept; what is left of it is kept.
    package mutating func read(_ ciphertext: borrowing Span<UInt8>, into space: inout MutableSpan<UInt8>) -> Outcome {
        var consumed = 0
        let outcome = Self.open(ciphertext, &consumed, &protection, &rest, &hasEnded, into: &space)
        if consumed == ciphertext.count {
            if incoming.hasStorage { incoming = ByteBuffer() }
        } else {
            var left = ByteBuffer(capacity: ciphertext.count - consumed)
            left.append(ciphertext, consumed..<ciphertext.count)
            swap(&left, &incoming)
        }
        return outcome
    }

    /// Copies what is kept to the start of `space`, and says how much that is.
    package func copyKept(into space: inout MutableSpan<UInt8>) -> Int {
        space.copy(incoming, count: incoming.readableCount, to: 0)
        return incoming.readableCount
    }

    private mutating func deliverRest(into space: inout MutableSpan<UInt8>) -> Int {
        let count = min(space.count, rest.readableCount)
        space.copy(rest, count: count, to: 0)
        rest.consume(count)
        if rest.isEmpty { rest = ByteBuffer() }
        return count
    }

    private static func open(
        _ ciphertext: borrowing Span<UInt8>,
        _ consumed: inout Int,
        _ protection: inout RecordProtection,
        _ rest: inout ByteBuffer,
        _ hasEnded: inout Bool,
        into space: inout MutableSpan<UInt8>
    ) -> Outcome {
        var produced = 0
        while produced < space.count {
            let event = protection.open(
                ciphertext,
                at: consumed,
                into: &space,
                at: produced,
                rest: &rest,
                onlyData: produced > 0
            )
            switch event {
            case .incomplete: return produced > 0 ? .bytes(produced) : .needsMore
            case .data(let length, let count):
                consumed += length
                produced += count
            case .handled(let length): consumed += length
            case .closed(let length):
                consumed += length
                hasEnded = true
                return .endOfStream
            case .deferred: return .bytes(produced)
            case .failed(let failure): return .failed(failure)
            }
        }
        return .bytes(produced)
    }
}

extension MutableSpan<UInt8> {
    /// Copies the first `count` readable bytes of `buffer` to `position`.
    mutating func copy(_ buffer: borrowing ByteBuffer, count: Int, to position: Int) {
        precondition(count <= buffer.readableCount && position >= 0 && count <= self.count - position)
        if count == 0 { return }
        unsafe buffer.withReadable { bytes in
            unsafe withUnsafeMutableBytes { space in
                unsafe (space.baseAddress! + position).copyMemory(from: bytes.baseAddress!, byteCount: count)
            }
        }
    }
}
