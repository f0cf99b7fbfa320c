import COpenSSL
import Glibc

/// SHA-256 (FIPS 180-4), one shot or by parts. Allocates nothing; a copy goes on independently.
package struct SHA256: Sendable {
    private var context = SHA256_CTX()

    /// Starts a message.
    package init() { unsafe postern_sha256_init(&context) }

    /// Adds bytes to the message.
    package mutating func update(_ bytes: borrowing Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe postern_sha256_update(&context, $0.baseAddress, $0.count) }
    }

    /// Ends the message and wipes what was kept of it. The value is of no use afterwards.
    package mutating func finish() -> Digest32 {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        unsafe withUnsafeMutableBytes(of: &words) { output in
            unsafe postern_sha256_final(&context, output.baseAddress!.assumingMemoryBound(to: UInt8.self))
        }
        unsafe explicit_bzero(&context, MemoryLayout<SHA256_CTX>.size)
        return Digest32(
            (
                UInt64(littleEndian: words.0), UInt64(littleEndian: words.1),
                UInt64(littleEndian: words.2), UInt64(littleEndian: words.3)
            )
        )
    }

    /// The digest of one message.
    package static func hash(_ bytes: borrowing Span<UInt8>) -> Digest32 {
        var digest = SHA256()
        digest.update(bytes)
        return digest.finish()
    }
}
