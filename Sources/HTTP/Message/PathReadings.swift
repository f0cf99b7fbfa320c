package import Bytes

/// The ways in which another server could read a path, one after the other.
///
/// Whoever decides policy by path checks that each of them leads to the same rules as the normal form. They are: the bytes
/// as they came; undecoded with dot segments resolved; decoded once; decoded twice. Each of the last three in every mix of:
/// an encoded slash separates or doesn't, a backslash does or doesn't, path parameters stay or go, slashes merge or don't;
/// as far as the path's facts give cause. At most 41 readings, each no longer than the path; repeats are possible.
package struct PathReadings: Sendable {
    private let facts: PathFacts
    private var isRawDone = false
    /// Which mix comes next: two bits for the decoding, then one bit for each choice.
    private var position: UInt8 = 0

    private static let end: UInt8 = 3 << 4

    /// Readings of a path that `PathNormalizer` found to have these facts. There are none for an empty set.
    package init(facts: PathFacts) {
        self.facts = facts
        if facts.isEmpty {
            isRawDone = true
            position = Self.end
        }
    }

    /// Replaces the content of `output` by the next reading of `path`, or answers false when there are no more.
    package mutating func next(_ path: borrowing Span<UInt8>, into output: inout ByteBuffer) -> Bool {
        if !isRawDone {
            isRawDone = true
            output.clear()
            output.append(path)
            return true
        }
        while position < Self.end {
            let mix = position
            position += 1
            guard var reader = reader(mix), path.count > 0 else { continue }
            output.clear()
            output.reserve(path.count)
            _ = reader.read(path, into: &output)
            return true
        }
        return false
    }

    /// The reader for a mix, or nil when it would read as another one does.
    private func reader(_ mix: UInt8) -> PathReader? {
        let slash = mix & 1 != 0
        let backslash = mix & 2 != 0
        let parameters = mix & 4 != 0
        let merges = mix & 8 != 0
        let decoding: PathReader.Decoding
        switch mix >> 4 {
        case 0: decoding = .never
        case 1: decoding = .once
        default: decoding = .twice
        }
        let isDouble = facts.contains(.doubleEncoding)
        if decoding == .once, !facts.contains(.escapes) { return nil }
        if decoding == .twice, !isDouble { return nil }
        if slash, decoding == .never || !(facts.contains(.encodedSlash) || isDouble) { return nil }
        if backslash, facts.isDisjoint(with: [.backslash, .encodedBackslash, .doubleEncoding]) { return nil }
        if parameters, facts.isDisjoint(with: [.semicolonSegment, .doubleEncoding]) { return nil }
        let emptying: PathFacts = [
            .emptySegments, .encodedSlash, .backslash, .encodedBackslash, .semicolonSegment, .doubleEncoding,
        ]
        if merges, facts.isDisjoint(with: emptying) { return nil }
        return PathReader(
            decoding: decoding,
            encodedSlashSeparates: slash,
            backslashSeparates: backslash,
            dropsParameters: parameters,
            mergesSlashes: merges
        )
    }
}
