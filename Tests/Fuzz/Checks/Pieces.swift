/// Cuts an input into pieces whose lengths follow from a seed.
struct Pieces {
    private var state: UInt32

    /// A seed of 0 makes every piece one byte long, 255 all of them endless.
    init(seed: UInt8) { state = UInt32(seed) }

    /// How many more bytes come next, at least one.
    mutating func next() -> Int {
        if state == 0 { return 1 }
        if state == 255 { return .max }
        state = state &* 1_664_525 &+ 1_013_904_223
        let roll = state >> 24
        // Mostly short pieces, now and then a long one.
        return roll < 200 ? Int(roll % 7) + 1 : Int(roll)
    }
}

/// An input whose first byte says how the rest is to be read.
struct Prefixed {
    let option: UInt8
    let rest: [UInt8]

    /// Without input, option and rest are zero and empty.
    init(_ input: [UInt8]) {
        option = input.first ?? 0
        // A copy of its own, so that AddressSanitizer notices a read past its end.
        rest = Array(input.dropFirst())
    }
}

/// Holds what comes of an input in pieces against what comes of it whole.
enum Splits {
    /// `read` is given the bytes and the seed of their pieces, `isRefusal` and `isIncomplete` look at what it answers.
    ///
    /// A reader of lines that come in pieces may leave a line that can't be right unread until its end arrives. So where the
    /// whole input is refused and the pieces wait for more, both are given a line's end, after which they must agree.
    static func compare<Outcome: Equatable>(
        _ bytes: [UInt8],
        seed: UInt8,
        read: ([UInt8], UInt8) throws(Broken) -> Outcome,
        isRefusal: (Outcome) -> Bool,
        isIncomplete: (Outcome) -> Bool
    ) throws(Broken) {
        let whole = try read(bytes, 255)
        for seed in [0, seed] {
            let inPieces = try read(bytes, seed)
            if inPieces == whole { continue }
            try hold(isRefusal(whole) && isIncomplete(inPieces), "whole: \(whole); in pieces: \(inPieces)")
            let ended = bytes + [0x0D, 0x0A]
            let (late, early) = (try read(ended, seed), try read(ended, 255))
            try hold(late == early && isRefusal(late), "with its end: whole: \(early); in pieces: \(late)")
        }
    }
}
