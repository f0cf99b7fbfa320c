import Bytes

/// Letters, digits and hyphens, eight bytes at a time: what nearly all names of fields and hosts are made of.
enum NameBytes {
    /// The highest bit of each byte that is no letter, digit or hyphen.
    @inline(__always)
    static func strays(_ word: UInt64) -> UInt64 {
        let low = word & 0x7F7F_7F7F_7F7F_7F7F
        let folded = low | 0x2020_2020_2020_2020
        // Sums of seven-bit values stay in their byte: the highest bit tells whether a limit was reached.
        let letter = (folded &+ 0x1F1F_1F1F_1F1F_1F1F) & ~(folded &+ 0x0505_0505_0505_0505)
        let digit = (low &+ 0x5050_5050_5050_5050) & ~(low &+ 0x4646_4646_4646_4646)
        let hyphen = ~((low ^ 0x2D2D_2D2D_2D2D_2D2D) &+ 0x7F7F_7F7F_7F7F_7F7F)
        return ~((letter | digit | hyphen) & ~word) & 0x8080_8080_8080_8080
    }

    /// Whether the bytes from `start` to `end`, of which there is at least one, are all of them. Eight bytes at least must
    /// follow `start`.
    @inline(__always)
    static func holds(_ bytes: borrowing Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        let count = end &- start
        if count < 8 {
            return strays(bytes.word(at: start)) &<< UInt64(truncatingIfNeeded: 64 &- count &* 8) == 0
        }
        // The last eight once more if need be.
        var found = strays(bytes.word(at: end &- 8))
        var index = start
        while index &+ 8 < end {
            found |= strays(bytes.word(at: index))
            index &+= 8
        }
        return found == 0
    }

    /// Where the first byte from `start` on stands that is no letter, digit or hyphen, or `end`, which must not pass the
    /// end of `bytes`. May stop short of it in the last seven of `bytes`.
    @inline(__always)
    static func end(_ bytes: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
        var index = start
        while index < end, index &+ 8 <= bytes.count {
            let strays = Self.strays(bytes.word(at: index))
            if strays != 0 { return min(index &+ strays.trailingZeroBitCount &>> 3, end) }
            index &+= 8
        }
        return min(index, end)
    }
}

extension Span where Element == UInt8 {
    /// The eight bytes from `index` on, which must be there; the first is the lowest.
    @inline(__always)
    func word(at index: Int) -> UInt64 {
        unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
    }
}

/// Finds the known field that a name spells, letter case aside, by a hash without collisions and a comparison of whole words.
@safe
struct FieldNameTable: @unchecked Sendable {
    static let shared = FieldNameTable()

    /// The longest known name.
    static let longest = 32

    /// Eight bytes of a name, and the bits of them that count: all but those by which letters' cases differ.
    private struct Part {
        var bytes: UInt64 = 0
        var mask: UInt64 = 0

        @inline(__always)
        func matches(_ word: UInt64) -> Bool { (word ^ bytes) & mask == 0 }
    }

    /// A known name: its first and its last eight bytes, which may overlap, and what longer ones have between.
    private struct Entry {
        var id = FieldID.other
        var count = 0
        var first = Part()
        var last = Part()
        var second = Part()
        var third = Part()
    }

    private static let bits: UInt64 = 9
    private let slots: UnsafeMutablePointer<Entry>
    /// Chosen so that no two known names hash alike.
    private let multiplier: UInt64

    private init() {
        let known = FieldID.allCases.filter { $0 != .other && $0 != .xForwardedOther }
        let keys = known.map { id -> UInt64 in
            // As `find` has them: the last byte highest, nothing below the first of a short name.
            let bytes = Self.bytes(of: id)
            var last: UInt64 = 0
            for byte in bytes { last = last >> 8 | UInt64(byte) << 56 }
            return Self.key(last, bytes.count)
        }
        var multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15
        while Set(keys.map { Self.slot($0, multiplier) }).count < keys.count {
            multiplier = multiplier &* 0x5851_F42D_4C95_7F2D &+ 0x1405_7B7E_F767_814E
        }
        self.multiplier = multiplier
        unsafe slots = .allocate(capacity: 1 << Self.bits)
        unsafe slots.initialize(repeating: Entry(), count: 1 << Self.bits)
        for (id, key) in zip(known, keys) { unsafe slots[Self.slot(key, multiplier)] = Self.entry(id) }
    }

    /// The known field that the `count` bytes from `start` on spell, or nil. At least eight bytes must follow `start`, and
    /// `count` must be positive.
    @inline(__always)
    func find(_ bytes: borrowing Span<UInt8>, _ start: Int, _ count: Int) -> FieldID? {
        let first = bytes.word(at: start)
        // Of a short name the bytes behind it are shifted out.
        let last =
            count < 8
            ? first &<< UInt64(truncatingIfNeeded: 64 &- count &* 8) : bytes.word(at: start &+ count &- 8)
        let entry = unsafe slots + Self.slot(Self.key(last, count), multiplier)
        guard unsafe entry.pointee.count == count, unsafe entry.pointee.first.matches(first) else { return nil }
        if count > 8 {
            guard unsafe entry.pointee.last.matches(last) else { return nil }
            if count > 16 {
                guard unsafe entry.pointee.second.matches(bytes.word(at: start &+ 8)) else { return nil }
                if count > 24 {
                    guard unsafe entry.pointee.third.matches(bytes.word(at: start &+ 16)) else { return nil }
                }
            }
        }
        return unsafe entry.pointee.id
    }

    /// Whether the name of letters, digits and hyphens that is none of the table starts with `x-forwarded-`. At least eight
    /// bytes must follow `start`.
    @inline(__always)
    func isForwarded(_ bytes: borrowing Span<UInt8>, _ start: Int, _ count: Int) -> Bool {
        // "x-forwar" and "rwarded-": the words overlap.
        count > 12 && bytes.word(at: start) | 0x2020_2020_2020_2020 == 0x7261_7772_6F66_2D78
            && bytes.word(at: start &+ 4) | 0x2020_2020_2020_2020 == 0x2D64_6564_7261_7772
    }

    /// What is hashed: the last eight bytes, letter case aside, and the length.
    @inline(__always)
    private static func key(_ last: UInt64, _ count: Int) -> UInt64 {
        (last | 0x2020_2020_2020_2020) &+ UInt64(truncatingIfNeeded: count)
    }

    @inline(__always)
    private static func slot(_ key: UInt64, _ multiplier: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* multiplier) &>> (64 &- bits))
    }

    private static func bytes(of id: FieldID) -> [UInt8] {
        let name = id.name
        return unsafe Array(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    private static func entry(_ id: FieldID) -> Entry {
        let bytes = bytes(of: id)
        precondition(bytes.count >= 2 && bytes.count <= longest)
        func part(_ start: Int) -> Part {
            var part = Part()
            for offset in 0..<8 where start + offset < bytes.count && start >= 0 {
                let byte = bytes[start + offset]
                part.bytes |= UInt64(byte) << UInt64(offset * 8)
                part.mask |= (ASCII.isLetter(byte) ? 0xDF : 0xFF) << UInt64(offset * 8)
            }
            return part
        }
        return Entry(
            id: id,
            count: bytes.count,
            first: part(0),
            last: part(bytes.count - 8),
            second: part(8),
            third: part(16)
        )
    }
}
