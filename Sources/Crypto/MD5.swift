import COpenSSL
import Glibc

/// MD5 (RFC 1321): for `$apr1$` alone.
struct MD5: Sendable {
    private var context = MD5_CTX()

    /// Starts a message.
    init() { unsafe postern_md5_init(&context) }

    /// Adds bytes to the message.
    mutating func update(_ bytes: borrowing Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe postern_md5_update(&context, $0.baseAddress, $0.count) }
    }

    /// Ends the message and wipes what was kept of it. The value is of no use afterwards.
    mutating func finish() -> InlineArray<16, UInt8> {
        var output = InlineArray<16, UInt8>(repeating: 0)
        var span = output.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer { unsafe postern_md5_final(&context, $0.baseAddress) }
        unsafe explicit_bzero(&context, MemoryLayout<MD5_CTX>.size)
        return output
    }

    /// The digest of one message.
    static func hash(_ bytes: borrowing Span<UInt8>) -> InlineArray<16, UInt8> {
        var digest = MD5()
        digest.update(bytes)
        return digest.finish()
    }
}
