internal import Bytes
internal import COpenSSL
package import EventLoop

/// Encrypting and sending.
extension TLSSession {
    /// Encrypts and sends `bytes`, as much as the socket takes.
    ///
    /// After `.bytes` with less than all, or `.wantsWrite`, the next write must begin with the first byte not yet taken: that byte may
    /// have been encrypted already. Ciphertext the socket doesn't take is kept: one record of it at most where
    /// OpenSSL encrypts, four where Postern does.
    package mutating func write(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        if let early = unsafe beginWrite(bytes) { return early }
        if unsafe session == nil { return unsafe writeRecords(bytes) }
        var taken = owesByte ? 1 : 0
        owesByte = false
        while taken < bytes.count, unsafe transport.pointee.pending.isEmpty || taken == 0 {
            let count = unsafe SSL_write(session, bytes.baseAddress! + taken, Int32(clamping: bytes.count - taken))
            guard count > 0 else {
                let result = classify(count, .write)
                if taken > 0, result == .wantsWrite || result == .wantsRead { break }
                return result
            }
            taken += Int(count)
        }
        return endWrite(taken)
    }

    /// Sends what earlier calls kept back, without new bytes.
    package mutating func flush() -> HandshakeResult { flushPending(.write) }

    /// Gets rid of what waits from earlier; nil when writing may go on.
    private mutating func beginWrite(_ bytes: UnsafeRawBufferPointer) -> IOResult? {
        guard state == .established else { return refusal(.write) }
        if unsafe bytes.isEmpty { return .bytes(0) }
        clearErrors()
        // What waits without a byte owed is small, a ticket say, and goes out together with the first record.
        guard owesByte else { return nil }
        switch flushPending(.write) {
        case .done: return nil
        case .wantsRead, .wantsWrite: return .wantsWrite
        case .failed(let error): return .failed(SystemError("send", code: error.systemCode))
        }
    }

    /// Holds a byte back while ciphertext waits, so that the caller comes again when the descriptor is writable.
    mutating func endWrite(_ taken: Int) -> IOResult {
        owesByte = unsafe !transport.pointee.pending.isEmpty
        let reported = owesByte ? taken - 1 : taken
        return reported > 0 ? .bytes(reported) : .wantsWrite
    }
}
