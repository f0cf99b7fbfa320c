import Bytes

/// Steps over a field's name eight bytes at a time and keeps it, in lower case, as whole words: names of letters, digits and
/// hyphens need no second look to be told apart.
struct FieldNameScan {
    /// Bytes of a name that the words hold.
    static let capacity = 32

    /// The name's bytes so far in lower case, the first byte lowest, zeros behind the last.
    private(set) var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    /// Where the first byte stands that is no letter, digit or hyphen; or where the words were full.
    private(set) var end: Int

    /// Scans from `start`, below `bound`; no byte at or after `bound` is looked at. `bound` must be 8 at least and must not
    /// pass the end of `bytes`.
    @inline(__always)
    init(_ bytes: borrowing Span<UInt8>, from start: Int, bound: Int) {
        let raw = unsafe bytes.bytes
        end = start
        var index = 0
        while index < 4 {
            var word: UInt64
            if end &+ 8 <= bound {
                word = unsafe UInt64(
                    littleEndian: raw.unsafeLoadUnaligned(fromUncheckedByteOffset: end, as: UInt64.self)
                )
            } else {
                // The last bytes: loaded from further ahead, so that nothing past the bound is read.
                let missing = end &+ 8 &- bound
                if missing >= 8 { return }
                word = unsafe UInt64(
                    littleEndian: raw.unsafeLoadUnaligned(fromUncheckedByteOffset: bound &- 8, as: UInt64.self)
                )
                word &>>= UInt64(truncatingIfNeeded: missing &* 8)
            }
            let strays = Self.strays(word)
            var folded = word | 0x2020_2020_2020_2020
            let count = strays.trailingZeroBitCount &>> 3
            if strays != 0 { folded &= (1 &<< UInt64(truncatingIfNeeded: count &* 8)) &- 1 }
            switch index {
            case 0: words.0 = folded
            case 1: words.1 = folded
            case 2: words.2 = folded
            default: words.3 = folded
            }
            end &+= count
            if strays != 0 { return }
            index &+= 1
        }
    }

    /// The highest bit of each byte that is no letter, digit or hyphen.
    @inline(__always)
    private static func strays(_ word: UInt64) -> UInt64 {
        let low = word & 0x7F7F_7F7F_7F7F_7F7F
        let folded = low | 0x2020_2020_2020_2020
        // Sums of seven-bit values stay in their byte: the highest bit tells whether a limit was reached.
        let letter = (folded &+ 0x1F1F_1F1F_1F1F_1F1F) & ~(folded &+ 0x0505_0505_0505_0505)
        let digit = (low &+ 0x5050_5050_5050_5050) & ~(low &+ 0x4646_4646_4646_4646)
        let hyphen = ~((low ^ 0x2D2D_2D2D_2D2D_2D2D) &+ 0x7F7F_7F7F_7F7F_7F7F)
        return ~((letter | digit | hyphen) & ~word) & 0x8080_8080_8080_8080
    }

    /// The byte at `offset` of the name in lower case.
    @inline(__always)
    func letter(_ offset: Int) -> UInt8 {
        let word: UInt64 =
            switch offset &>> 3 {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        return UInt8(truncatingIfNeeded: word &>> UInt64(truncatingIfNeeded: (offset & 7) &* 8))
    }
}

/// The known names as words, as `FieldNameScan` has them.
@safe
struct FieldNameWords: @unchecked Sendable {
    static let shared = FieldNameWords()

    /// Four words for each identifier.
    private let words: UnsafeMutablePointer<UInt64>

    private init() {
        unsafe words = UnsafeMutablePointer<UInt64>.allocate(capacity: 64 * 4)
        unsafe words.initialize(repeating: 0, count: 64 * 4)
        for id in FieldID.allCases {
            let name = id.name
            precondition(name.utf8CodeUnitCount <= FieldNameScan.capacity)
            for index in 0..<name.utf8CodeUnitCount {
                let byte = unsafe UInt64(name.utf8Start[index])
                unsafe words[Int(id.rawValue) * 4 + index / 8] |= byte << UInt64(index % 8 * 8)
            }
        }
    }

    /// Whether `id` has the scanned name.
    @inline(__always)
    func matches(_ id: FieldID, _ scan: FieldNameScan) -> Bool {
        // Identifiers are below 64.
        let name = unsafe words + Int(id.rawValue) &* 4
        let first = unsafe (name[0] ^ scan.words.0) | (name[1] ^ scan.words.1)
        let second = unsafe (name[2] ^ scan.words.2) | (name[3] ^ scan.words.3)
        return first | second == 0
    }

    /// Whether the scanned name starts with `x-forwarded-`.
    @inline(__always)
    func isForwarded(_ scan: FieldNameScan) -> Bool {
        let name = unsafe words + Int(FieldID.xForwardedOther.rawValue) &* 4
        return unsafe name[0] == scan.words.0 && name[1] == scan.words.1 & 0xFFFF_FFFF
    }
}
