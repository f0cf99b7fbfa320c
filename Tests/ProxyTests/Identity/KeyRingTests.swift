import Access
import Bytes
import Limits
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

    @Test func knowsWhatItsKeysMayDo() throws {
        let text = """
            {"keys": [
              {"id": "first", "key": "secret-number-1-of-many", "permissions": ["read"], "rate_limit": 100},
              {"id": "second", "key": "secret-number-2-of-many", "permissions": ["write"],
               "expires_at": "2026-03-13T00:00:00Z"}
            ]}
            """
        let ring = KeyRing(try APIKeyFile.parse(Array(text.utf8).span).table)
        let names = PermissionTable.standard
        let keys = ring.table.indices.map { ring.key($0) }
        let permissions = keys.map { $0.value.permissions }
        let bursts = keys.map { $0.value.rule?.burst }
        let isExpired = { (key: Int, now: Int64) in keys[key].value.isExpired(now: now) }
        #expect(
            permissions
                == [names.place(named: "read"), names.place(named: "write")].map { PermissionSet(place: $0 ?? 63) }
        )
        #expect(bursts == [99, nil])
        #expect(!isExpired(0, .max - 1))
        #expect(!isExpired(1, 1_773_359_999_999) && isExpired(1, 1_773_360_000_000))
        for (index, id) in zip(ring.table.indices, ["first", "second"]) {
            var output = ByteBuffer(capacity: 4)
            ring.appendID(ring.key(index), to: &output)
            #expect(output.readable.string == id)
            let stamp = ring.key(index).value.stamp
            #expect(stamp == ring.table[index].digest.stamp)
        }
    }
}
