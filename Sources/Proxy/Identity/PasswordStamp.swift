import Bytes
import Crypto

/// What stands for a stored password where only its change matters: eight bytes of its SHA-256, which tell nothing of it.
enum PasswordStamp {
    static func make(_ stored: borrowing Span<UInt8>) -> UInt64 {
        SHA256.hash(stored).stamp
    }
}

extension Digest32 {
    /// Its first eight bytes: where it is enough to tell one secret from the next.
    var stamp: UInt64 {
        let bytes = bytes
        var stamp: UInt64 = 0
        for index in 0..<8 { stamp = stamp << 8 | UInt64(bytes[index]) }
        return stamp
    }
}
