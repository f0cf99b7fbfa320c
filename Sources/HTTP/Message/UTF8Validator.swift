/// Checks UTF-8 byte by byte (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
package struct UTF8Validator: Sendable {
    /// Continuation bytes still to come.
    private var missing: UInt8 = 0
    /// Bounds of the next byte while `missing` is above zero.
    private var low: UInt8 = 0x80
    private var high: UInt8 = 0xBF

    package init() {}

    /// Whether the bytes so far end with a whole character.
    package var isComplete: Bool { missing == 0 }

    /// Takes the next byte; false when it can't stand there, after which the validator is of no use.
    package mutating func accept(_ byte: UInt8) -> Bool {
        if missing > 0 {
            guard byte >= low, byte <= high else { return false }
            missing -= 1
            low = 0x80
            high = 0xBF
            return true
        }
        switch byte {
        case 0..<0x80: return true
        case 0xC2...0xDF: missing = 1
        case 0xE0...0xEF:
            missing = 2
            if byte == 0xE0 { low = 0xA0 }
            if byte == 0xED { high = 0x9F }
        case 0xF0...0xF4:
            missing = 3
            if byte == 0xF0 { low = 0x90 }
            if byte == 0xF4 { high = 0x8F }
        default: return false
        }
        return true
    }

    /// Takes all of `bytes`; false when one of them can't stand where it does.
    package mutating func accept(_ bytes: borrowing Span<UInt8>) -> Bool {
        for index in 0..<bytes.count {
            guard accept(unsafe bytes[unchecked: index]) else { return false }
        }
        return true
    }
}
