import COpenSSL
import Glibc

/// SHA-1 (FIPS 180-4): for what others prescribe, such as the WebSocket handshake; no new use.
package struct SHA1: Sendable {
    private var context = SHA_CTX()

    /// Starts a message.
    package init() { unsafe postern_sha1_init(&context) }

    /// Adds bytes to the message.
    package mutating func update(_ bytes: borrowing Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe postern_sha1_update(&context, $0.baseAddress, $0.count) }
    }

    /// Ends the message and wipes what was kept of it. The value is of no use afterwards.
    package mutating func finish() -> InlineArray<20, UInt8> {
        var output = InlineArray<20, UInt8>(repeating: 0)
        var span = output.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer { unsafe postern_sha1_final(&context, $0.baseAddress) }
        unsafe explicit_bzero(&context, MemoryLayout<SHA_CTX>.size)
        return output
    }

    /// The digest of one message.
    package static func hash(_ bytes: borrowing Span<UInt8>) -> InlineArray<20, UInt8> {
        var digest = SHA1()
        digest.update(bytes)
        return digest.finish()
    }
}
