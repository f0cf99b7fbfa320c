/// Bytes by their names, and the classes that HTTP's grammar sorts them into.
///
/// Computed and inlinable: a stored constant would cost other modules a call, and a check that it is set, at each use.
@usableFromInline
package enum ASCII {
    @inlinable package static var tab: UInt8 { 0x09 }
    @inlinable package static var lineFeed: UInt8 { 0x0A }
    @inlinable package static var carriageReturn: UInt8 { 0x0D }
    @inlinable package static var space: UInt8 { 0x20 }
    @inlinable package static var quote: UInt8 { 0x22 }
    @inlinable package static var percent: UInt8 { 0x25 }
    @inlinable package static var comma: UInt8 { 0x2C }
    @inlinable package static var hyphen: UInt8 { 0x2D }
    @inlinable package static var dot: UInt8 { 0x2E }
    @inlinable package static var slash: UInt8 { 0x2F }
    @inlinable package static var zero: UInt8 { 0x30 }
    @inlinable package static var colon: UInt8 { 0x3A }
    @inlinable package static var semicolon: UInt8 { 0x3B }
    @inlinable package static var equals: UInt8 { 0x3D }
    @inlinable package static var question: UInt8 { 0x3F }
    @inlinable package static var at: UInt8 { 0x40 }
    @inlinable package static var backslash: UInt8 { 0x5C }
    @inlinable package static var underscore: UInt8 { 0x5F }

    @inlinable package static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    @inlinable package static func isUppercase(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }
    @inlinable package static func isLowercase(_ byte: UInt8) -> Bool { byte &- 0x61 < 26 }
    @inlinable package static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    /// `byte` with an upper-case letter turned into its lower-case one.
    @inlinable
    package static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// Eight bytes, those that are upper-case letters turned into their lower-case ones.
    @inlinable
    package static func lowercased(_ word: UInt64) -> UInt64 {
        // Sums of seven-bit values stay in their byte: the highest bit tells whether a limit was reached.
        let low = word & 0x7F7F_7F7F_7F7F_7F7F
        let letters = (low &+ 0x3F3F_3F3F_3F3F_3F3F) & ~(low &+ 0x2525_2525_2525_2525) & ~word
        return word | (letters & 0x8080_8080_8080_8080) &>> 2
    }

    /// The value of a hexadecimal digit, or nil.
    @inlinable
    package static func hexValue(_ byte: UInt8) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }

    /// The digit for a value from 0 to 15.
    @inlinable
    package static func lowercaseHexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? nibble &+ 0x30 : nibble &+ 0x57
    }

    /// The digit for a value from 0 to 15.
    @inlinable
    package static func uppercaseHexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? nibble &+ 0x30 : nibble &+ 0x37
    }

    /// Whether `byte` may stand in a token (RFC 9110, section 5.6.2).
    @inlinable package static func isToken(_ byte: UInt8) -> Bool {
        // Two 64-bit words, one bit for each byte below 128.
        let low: UInt64 = 0x03FF_6CFA_0000_0000
        let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE
        if byte < 64 { return (low >> UInt64(byte)) & 1 == 1 }
        if byte < 128 { return (high >> UInt64(byte &- 64)) & 1 == 1 }
        return false
    }

    /// Whether `byte` may stand in a field's value: visible, space, tab or 8-bit (RFC 9110, section 5.5).
    @inlinable package static func isFieldValue(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7F) || byte == 0x09
    }
}

extension Span where Element == UInt8 {
    /// Whether the bytes are those of `text`, letter case aside. `text` must be lower case.
    package func equalsIgnoringCase(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard self.count == count else { return false }
        return unsafe equalsIgnoringCase(Span(_unsafeStart: text.utf8Start, count: count))
    }

    /// Whether the bytes are those of `text`.
    @inlinable
    package func equals(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard self.count == count else { return false }
        return unsafe equals(Span(_unsafeStart: text.utf8Start, count: count))
    }

    /// Whether both hold the same bytes.
    @usableFromInline
    package func equals(_ other: borrowing Span<UInt8>) -> Bool {
        let count = count
        guard count == other.count else { return false }
        let left = unsafe bytes
        let right = unsafe other.bytes
        // Eight at a time, the last eight once more if need be: all offsets lie below `count`.
        if count >= 8 {
            var offset = 0
            while true {
                let one = unsafe left.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
                let two = unsafe right.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
                if one != two { return false }
                if offset == count &- 8 { return true }
                offset = Swift.min(offset &+ 8, count &- 8)
            }
        }
        if count >= 4 {
            let one = unsafe left.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt32.self)
            let two = unsafe right.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt32.self)
            if one != two { return false }
            let three = unsafe left.unsafeLoadUnaligned(fromUncheckedByteOffset: count &- 4, as: UInt32.self)
            let four = unsafe right.unsafeLoadUnaligned(fromUncheckedByteOffset: count &- 4, as: UInt32.self)
            return three == four
        }
        var index = 0
        while index < count {
            if unsafe self[unchecked: index] != other[unchecked: index] { return false }
            index &+= 1
        }
        return true
    }

    /// Whether both hold the same bytes, letter case aside.
    package func equalsIgnoringCase(_ other: borrowing Span<UInt8>) -> Bool {
        let count = count
        guard count == other.count else { return false }
        let left = unsafe bytes
        let right = unsafe other.bytes
        // Eight at a time, the last eight once more if need be: all offsets lie below `count`.
        var index = 0
        while count >= 8, index < count {
            let offset = Swift.min(index, count &- 8)
            let one = unsafe left.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            let two = unsafe right.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            if one != two, ASCII.lowercased(one) != ASCII.lowercased(two) { return false }
            index = offset &+ 8
        }
        while index < count {
            if unsafe ASCII.lowercased(self[unchecked: index]) != ASCII.lowercased(other[unchecked: index]) {
                return false
            }
            index &+= 1
        }
        return true
    }

    /// The index of the first `byte` in `range`, or nil.
    @inlinable
    package func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var index = range.lowerBound
        let raw = unsafe bytes
        let pattern = UInt64(byte) &* 0x0101_0101_0101_0101
        // Eight at a time: the lowest byte that is zero once `byte` is taken away borrows into its highest bit.
        while range.upperBound &- index >= 8 {
            let word = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
            let difference = UInt64(littleEndian: word) ^ pattern
            let found = (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
            if found != 0 { return index &+ (found.trailingZeroBitCount &>> 3) }
            index &+= 8
        }
        while index < range.upperBound {
            if unsafe self[unchecked: index] == byte { return index }
            index &+= 1
        }
        return nil
    }

    /// The bytes as an array. Allocates.
    package var array: [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count { unsafe buffer[index] = self[unchecked: index] }
            initialized = count
        }
    }

    /// The bytes as text, invalid UTF-8 replaced. Allocates.
    package var string: String {
        String(decoding: array, as: UTF8.self)
    }

    /// The value of a non-empty run of decimal digits, or nil for anything else and for what overflows.
    @inlinable
    package func decimalValue() -> Int? {
        guard count > 0, count <= 19 else { return nil }
        // So many digits stay below 2⁶⁴.
        var value: UInt64 = 0
        var index = 0
        while index < count {
            let digit = unsafe self[unchecked: index] &- 0x30
            guard digit < 10 else { return nil }
            value = value &* 10 &+ UInt64(digit)
            index &+= 1
        }
        return Int(exactly: value)
    }
}
