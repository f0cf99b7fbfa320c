import Bytes

/// Bytes that never change, that threads share without counting references, and that are overwritten when they go away.
@safe
package struct SecretBytes: ~Copyable, @unchecked Sendable {
    private let memory: UnsafeMutableBufferPointer<UInt8>

    package init(_ bytes: borrowing Span<UInt8>) {
        unsafe memory = .allocate(capacity: bytes.count)
        for index in 0..<bytes.count { unsafe memory[index] = bytes[index] }
    }

    deinit {
        unsafe wipeMemory(UnsafeMutableRawBufferPointer(memory))
        unsafe memory.deallocate()
    }

    package var count: Int { unsafe memory.count }

    /// Runs `body` with all bytes.
    package func withBytes<Result>(_ body: (borrowing Span<UInt8>) -> Result) -> Result {
        unsafe body(Span(_unsafeElements: UnsafeBufferPointer(memory)))
    }

    /// Runs `body` with the bytes in `range`.
    func withBytes<Result>(_ range: Range<Int>, _ body: (borrowing Span<UInt8>) -> Result) -> Result {
        unsafe body(Span(_unsafeElements: UnsafeBufferPointer(rebasing: memory[range])))
    }
}
