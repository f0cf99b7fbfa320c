/// Readers for the kinds of numbers a configuration holds.
package enum Numbers {
    /// Decimal digits, nothing else, within bounds.
    package static func integer(
        _ text: String,
        in bounds: ClosedRange<UInt64> = 0...UInt64(Int64.max)
    ) throws(ValueError) -> UInt64 {
        guard !text.isEmpty else { throw ValueError("a number is expected") }
        guard let wrong = text.utf8.enumerated().first(where: { !isDigit($0.element) }) else {
            guard let value = UInt64(text), bounds.contains(value) else {
                throw ValueError(
                    bounds.upperBound >= UInt64(Int64.max)
                        ? "a number of at least \(bounds.lowerBound) is expected"
                        : "a number from \(bounds.lowerBound) to \(bounds.upperBound) is expected"
                )
            }
            return value
        }
        throw ValueError("a number is expected", part: wrong.offset..<wrong.offset + 1)
    }

    /// Bytes: digits, then nothing, `k`, `m` or `g` in either case.
    package static func size(
        _ text: String,
        in bounds: ClosedRange<UInt64> = 0...UInt64(Int64.max)
    ) throws(ValueError) -> UInt64 {
        let shift: UInt64
        switch text.utf8.last {
        case UInt8(ascii: "k"), UInt8(ascii: "K"): shift = 10
        case UInt8(ascii: "m"), UInt8(ascii: "M"): shift = 20
        case UInt8(ascii: "g"), UInt8(ascii: "G"): shift = 30
        default: shift = 0
        }
        let digits = shift == 0 ? text[...] : text.dropLast()
        guard !digits.isEmpty, let wrong = digits.utf8.enumerated().first(where: { !isDigit($0.element) }) else {
            guard !digits.isEmpty, let count = UInt64(digits), count <= UInt64(Int64.max) >> shift else {
                throw ValueError("a size such as 512, 64k, 10m or 1g is expected")
            }
            guard bounds.contains(count << shift) else {
                throw ValueError(
                    bounds.upperBound >= UInt64(Int64.max)
                        ? "at least \(describe(bytes: bounds.lowerBound)) is expected"
                        : "from \(describe(bytes: bounds.lowerBound)) to \(describe(bytes: bounds.upperBound)) is expected"
                )
            }
            return count << shift
        }
        throw ValueError("a size such as 512, 64k, 10m or 1g is expected", part: wrong.offset..<wrong.offset + 1)
    }

    /// `on` or `off`.
    package static func flag(_ text: String) throws(ValueError) -> Bool {
        switch text {
        case "on": return true
        case "off": return false
        default: throw ValueError("it must be \"on\" or \"off\"")
        }
    }

    /// A size as a configuration would write it.
    package static func describe(bytes: UInt64) -> String {
        if bytes > 0, bytes % (1 << 30) == 0 { return "\(bytes >> 30)g" }
        if bytes > 0, bytes % (1 << 20) == 0 { return "\(bytes >> 20)m" }
        if bytes > 0, bytes % (1 << 10) == 0 { return "\(bytes >> 10)k" }
        return "\(bytes)"
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
