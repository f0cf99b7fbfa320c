package import Bytes
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

    /// Encrypts `bytes` into `scratch` and sends its content with one call, at most 64 KiB or so at a time.
    ///
    /// For bodies: a record carries 16 KiB, and `write` without `scratch` makes a system call for each. What holds for that one
    /// holds here; 64 KiB of ciphertext may be kept. `scratch` belongs to the loop, is empty, and is empty again afterwards.
    package mutating func write(_ bytes: UnsafeRawBufferPointer, coalescing scratch: inout ByteBuffer) -> IOResult {
        guard bytes.count > Self.recordLength, unsafe session != nil else { return unsafe write(bytes) }
        if let early = unsafe beginWrite(bytes) { return early }
        var taken = owesByte ? 1 : 0
        owesByte = false
        while taken < bytes.count, unsafe transport.pointee.pending.isEmpty || taken == 0 {
            let batch = min(bytes.count - taken, Self.coalescedLength)
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[taken..<(taken + batch)])
            let result = unsafe encrypt(rest, into: &scratch)
            let transport = unsafe transport
            guard unsafe transport.pointee.flushScratch(&scratch) else {
                scratch.clear()
                let error = fail(unsafe Self.systemFailure(.write, transport.pointee.failure))
                return .failed(SystemError("send", code: error.systemCode))
            }
            guard case .bytes(let count) = result else {
                if taken > 0, result == .wantsWrite || result == .wantsRead { break }
                return result
            }
            taken += count
        }
        return endWrite(taken)
    }

    /// Sends what earlier calls kept back, without new bytes.
    package mutating func flush() -> HandshakeResult { flushPending(.write) }

    private static let recordLength = 16 * 1024
    private static let coalescedLength = 4 * recordLength - 1024

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

    private mutating func encrypt(_ bytes: UnsafeRawBufferPointer, into scratch: inout ByteBuffer) -> IOResult {
        var taken = 0
        var failure: IOResult?
        let transport = unsafe transport
        let session = unsafe session
        if unsafe !transport.pointee.pending.isEmpty {
            unsafe scratch.append(transport.pointee.pending.readable)
            unsafe transport.pointee.pending = ByteBuffer()
        }
        unsafe withUnsafeMutablePointer(to: &scratch) { lent in
            unsafe transport.pointee.scratch = lent
            while taken < bytes.count {
                let count = unsafe SSL_write(session, bytes.baseAddress! + taken, Int32(bytes.count - taken))
                guard count > 0 else {
                    failure = classify(count, .write)
                    break
                }
                taken += Int(count)
            }
            unsafe transport.pointee.scratch = nil
        }
        return taken > 0 ? .bytes(taken) : failure ?? .wantsWrite
    }
}
