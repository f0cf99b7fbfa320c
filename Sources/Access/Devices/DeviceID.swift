import Bytes
import Crypto

/// A browser, as a random number of 128 bits that its cookie carries.
package struct DeviceID: BitwiseCopyable, Hashable, Sendable {
    /// The first eight bytes, the first most significant.
    package let high: UInt64
    /// The last eight bytes.
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// 32 hexadecimal digits of either case; nil for anything else.
    package init?(hexadecimal text: String) {
        guard text.utf8.count == 32 else { return nil }
        var words: (high: UInt64, low: UInt64) = (0, 0)
        for digit in text.utf8 {
            guard let value = ASCII.hexValue(digit) else { return nil }
            words.high = words.high << 4 | words.low >> 60
            words.low = words.low << 4 | UInt64(value)
        }
        self.init(high: words.high, low: words.low)
    }

    /// No device: sessions that began where devices aren't told apart.
    package static let none = DeviceID(high: 0, low: 0)

    /// A device that nobody has seen before.
    package static func random() -> DeviceID {
        while true {
            let id = DeviceID(high: Random.word(), low: Random.word())
            if id != .none { return id }
        }
    }

    /// 32 lower-case digits. Allocates.
    package var hexadecimal: String {
        let bytes = bytes
        return String(decoding: Hexadecimal.encode(bytes.span), as: UTF8.self)
    }

    /// The bytes in order.
    package var bytes: InlineArray<16, UInt8> {
        InlineArray { index in
            let word = index < 8 ? high : low
            return UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (index & 7)))
        }
    }
}
