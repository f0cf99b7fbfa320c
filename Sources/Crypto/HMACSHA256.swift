import Bytes
import COpenSSL
import Glibc

/// HMAC-SHA-256 (RFC 2104) with a key that is prepared once.
///
/// The key is two half-finished SHA-256 states; a message starts from copies of them on the caller's stack, so that any
/// number of threads use one key and a short message costs two or three compressions.
package struct HMACSHA256: Sendable {
    private let inner: SHA256
    private let outer: SHA256

    /// A key of any length; 32 bytes or more give the full strength.
    package init(key: borrowing Span<UInt8>) {
        var block = InlineArray<64, UInt8>(repeating: 0)
        if key.count > 64 {
            let digest = SHA256.hash(key).bytes
            for index in 0..<32 { block[index] = digest[index] }
        } else {
            for index in 0..<key.count { block[index] = key[index] }
        }
        for index in 0..<64 { block[index] ^= 0x36 }
        var inner = SHA256()
        inner.update(block.span)
        for index in 0..<64 { block[index] ^= 0x36 ^ 0x5C }
        var outer = SHA256()
        outer.update(block.span)
        var span = block.mutableSpan
        unsafe span.withUnsafeMutableBytes { unsafe wipeMemory($0) }
        self.inner = inner
        self.outer = outer
    }

    /// A key of 32 random bytes, which nobody else will ever know.
    package static func random() -> HMACSHA256 {
        var key = InlineArray<32, UInt8>(repeating: 0)
        var span = key.mutableSpan
        Random.fill(&span)
        let made = HMACSHA256(key: span.span)
        unsafe span.withUnsafeMutableBytes { unsafe wipeMemory($0) }
        return made
    }

    /// Starts a message to be given by parts.
    package func message() -> Message { Message(digest: inner, outer: outer) }

    /// The code of one message.
    package func authenticate(_ bytes: borrowing Span<UInt8>) -> Digest32 {
        var message = message()
        message.update(bytes)
        return message.finish()
    }

    /// A message under way.
    package struct Message: Sendable {
        fileprivate var digest: SHA256
        fileprivate var outer: SHA256

        /// Adds bytes to the message.
        package mutating func update(_ bytes: borrowing Span<UInt8>) { digest.update(bytes) }

        /// Adds the count as four bytes, least significant first, then the bytes: so that no two lists of fields give the
        /// same message.
        package mutating func update(lengthPrefixed bytes: borrowing Span<UInt8>) {
            let count = UInt32(bytes.count)
            let prefix: InlineArray<4, UInt8> = InlineArray { UInt8(truncatingIfNeeded: count >> UInt32(8 * $0)) }
            digest.update(prefix.span)
            digest.update(bytes)
        }

        /// Ends the message and wipes what was kept of it.
        package mutating func finish() -> Digest32 {
            let inside = digest.finish().bytes
            outer.update(inside.span)
            return outer.finish()
        }
    }
}
