import Bytes
import Crypto

/// The keys that Postern makes: `pk_`, 32 random bytes in base62, and a checksum that tells a typo from an unknown key.
package enum APIKeyText {
    /// What a presented key looks like.
    package enum Form: Sendable, Equatable {
        /// Not of this make.
        case foreign
        /// It starts as ours do, but its length or its checksum is wrong: somebody mistyped or cut it.
        case malformed
        case wellFormed
    }

    /// What our keys start with.
    package static let prefix = "pk_"
    /// Bytes of a key: the prefix, 43 of the secret, 6 of the checksum.
    package static let count = 52

    private static let prefixCount = 3
    private static let secretCount = 43
    private static let checksumCount = 6

    /// A new key of 256 random bits.
    package static func make() -> String {
        var random = Random.bytes(32)
        defer { wipe(&random) }
        return text(secret: random)
    }

    /// The key of 32 bytes of secret.
    static func text(secret: [UInt8]) -> String {
        precondition(secret.count == 32)
        var key = Array(prefix.utf8)
        defer { wipe(&key) }
        key += digits(of: secret, count: secretCount)
        let sum = checksum(key.span, until: key.count)
        key += digits(of: (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * $0)) }, count: checksumCount)
        return String(decoding: key, as: UTF8.self)
    }

    /// Tells typos from keys that aren't ours, without knowing any key. Allocates nothing.
    package static func form(_ text: borrowing Span<UInt8>) -> Form {
        guard text.count >= prefixCount, text.extracting(first: prefixCount).equals("pk_") else { return .foreign }
        guard text.count == count else { return .malformed }
        var stated: UInt64 = 0
        for index in prefixCount..<count {
            guard let digit = value(text[index]) else { return .malformed }
            if index >= prefixCount + secretCount { stated = stated * 62 + UInt64(digit) }
        }
        let sum = checksum(text, until: prefixCount + secretCount)
        return stated == UInt64(sum) ? .wellFormed : .malformed
    }

    /// The number that `bytes` are, most significant first, in so many base62 digits: 0–9, A–Z, a–z.
    private static func digits(of bytes: [UInt8], count: Int) -> [UInt8] {
        var number = bytes
        defer { wipe(&number) }
        var output = [UInt8](repeating: ASCII.zero, count: count)
        for position in output.indices.reversed() {
            var remainder = 0
            for index in number.indices {
                let dividend = remainder << 8 | Int(number[index])
                number[index] = UInt8(dividend / 62)
                remainder = dividend % 62
            }
            output[position] = digit(remainder)
        }
        return output
    }

    private static func digit(_ value: Int) -> UInt8 {
        switch value {
        case ..<10: UInt8(0x30 + value)
        case ..<36: UInt8(0x41 + value - 10)
        default: UInt8(0x61 + value - 36)
        }
    }

    private static func value(_ byte: UInt8) -> Int? {
        if ASCII.isDigit(byte) { return Int(byte) - 0x30 }
        if ASCII.isUppercase(byte) { return Int(byte) - 0x41 + 10 }
        if ASCII.isLowercase(byte) { return Int(byte) - 0x61 + 36 }
        return nil
    }

    /// CRC-32 (ISO 3309: reflected, polynomial 0x04C11DB7) of the bytes before `end`. By bits: a key has few.
    private static func checksum(_ text: borrowing Span<UInt8>, until end: Int) -> UInt32 {
        var sum = UInt32.max
        for index in 0..<end {
            sum ^= UInt32(text[index])
            for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 0 ? 0 : 0xEDB8_8320) }
        }
        return ~sum
    }
}
