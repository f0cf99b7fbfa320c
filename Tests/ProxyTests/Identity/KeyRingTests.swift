import Access
import TestSupport
import Testing

@testable import Proxy

@Suite struct KeyRingTests {
    private static func ring(_ count: Int) throws -> KeyRing {
        let entries = (0..<count).map {
            "{\"id\": \"k\($0)\", \"key\": \"secret-number-\($0)-of-many\", \"permissions\": [\"read\"]}"
        }
        let text = "{\"keys\": [\(entries.joined(separator: ","))]}"
        return KeyRing(try APIKeyFile.parse(Array(text.utf8).span).table)
    }

    private static func uses(_ ring: KeyRing) -> [String] {
        var uses: [String] = []
        ring.takeUses { uses.append("\($0) \($1) \($2)") }
        return uses
    }

    @Test(arguments: [1, 63, 64, 65, 200])
    func tellsEachUseOnce(_ count: Int) throws {
        let ring = try Self.ring(count)
        let indices = Array(ring.table.indices)
        #expect(Self.uses(ring).isEmpty)
        ring.note(indices[0], now: 5)
        ring.note(indices[count - 1], now: 7)
        ring.note(indices[count - 1], now: 9)
        #expect(Self.uses(ring) == (count == 1 ? ["k0 9 3"] : ["k0 5 1", "k\(count - 1) 9 2"]))
        #expect(Self.uses(ring).isEmpty)
        ring.note(indices[count / 2], now: 11)
        #expect(Self.uses(ring) == ["k\(count / 2) 11 1"])
    }
}
