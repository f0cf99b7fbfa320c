import Testing

@testable import Proxy

struct LocationTreeTests {
    /// The same by its definition: an exact match, else the longest prefix.
    private func model(_ matches: [LocationMatch], _ path: [UInt8]) -> Int {
        var best = -1
        var length = -1
        for (index, match) in matches.enumerated() {
            switch match {
            case .exact(let exact): if exact == path { return index }
            case .prefix(let prefix):
                if path.starts(with: prefix), prefix.count > length { (best, length) = (index, prefix.count) }
            }
        }
        return best
    }

    private func find(_ matches: [LocationMatch], _ path: [UInt8]) -> Int {
        let arena = Arena.kept()
        return LocationTree(matches.enumerated().map { ($1, $0) }, arena: arena).find(path.span)
    }

    @Test(arguments: [
        ("/", 0), ("/a", 1), ("/ab", 1), ("/a/", 2), ("/a/b", 2), ("/b", 0), ("/exact", 3), ("/exact/", 0),
        ("/exac", 0),
        ("/both", 5), ("/both/x", 4), ("/bot", 0), ("", -1), ("x", -1), ("/A", 0),
    ])
    func exactWinsOverPrefixAndLongOverShort(path: String, expected: Int) {
        let matches: [LocationMatch] = [
            .prefix(Array("/".utf8)), .prefix(Array("/a".utf8)), .prefix(Array("/a/".utf8)),
            .exact(Array("/exact".utf8)),
            .prefix(Array("/both".utf8)), .exact(Array("/both".utf8)),
        ]
        #expect(find(matches, Array(path.utf8)) == expected)
    }

    @Test func findsNothingWithoutLocations() {
        #expect(find([], Array("/".utf8)) == -1)
    }

    @Test(arguments: 0..<40) func agreesWithTheModelOnRandomPaths(seed: UInt64) {
        var random = SplitMix(seed: seed)
        // Few letters, so that paths share long prefixes; the last rounds have many children at one node.
        let letters = seed < 30 ? Array("/ab".utf8) : Array(UInt8(0x21)...0x7E)
        func path(_ limit: Int) -> [UInt8] {
            [0x2F] + (0..<Int.random(in: 0...limit, using: &random)).map { _ in letters.randomElement(using: &random)! }
        }
        var matches: [LocationMatch] = []
        for _ in 0..<Int.random(in: 1...120, using: &random) {
            let match: LocationMatch = Bool.random(using: &random) ? .exact(path(6)) : .prefix(path(6))
            if !matches.contains(match) { matches.append(match) }
        }
        let arena = Arena.kept()
        let tree = LocationTree(matches.enumerated().map { ($1, $0) }, arena: arena)
        for _ in 0..<500 {
            let path = path(9)
            #expect(tree.find(path.span) == model(matches, path))
        }
        for match in matches { #expect(tree.find(match.path.span) == model(matches, match.path)) }
    }
}

/// Random numbers that repeat.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
