import Limits
import Testing

@testable import Access

@Suite struct ProvedKeyTests {
    private let hasher = SipHash128()

    private func table() throws -> APIKeyTable {
        let entries = ["one", "two"].map {
            "{\"id\": \"\($0)\", \"hash\": \"\(hashText($0))\", \"permissions\": [\"read\"]}"
        }
        return try APIKeyFile.parse(bytes("{\"keys\": [\(entries.joined(separator: ","))]}").span).table
    }

    @Test func knowsTheVeryKeyThatWasProved() throws {
        let table = try table()
        let found = table.find(bytes("two").span)
        let index = try #require(found)
        var proved = ProvedKey()
        #expect(proved.matches(bytes("two").span, table: table.number, hasher) == nil)
        #expect(proved.matches(bytes("").span, table: table.number, hasher) == nil)
        proved.remember(bytes("two").span, table, hasher, index)
        #expect(proved.matches(bytes("two").span, table: table.number, hasher) == index)
        for other in ["", "one", "tw", "twoo", String(repeating: "two", count: 1000)] {
            #expect(proved.matches(bytes(other).span, table: table.number, hasher) == nil, "\(other)")
        }
        proved.forget()
        #expect(proved.matches(bytes("two").span, table: table.number, hasher) == nil)
    }

    @Test func aFileReadAnewIsAnotherTable() throws {
        let table = try table()
        var proved = ProvedKey()
        let found = table.find(bytes("two").span)
        proved.remember(bytes("two").span, table, hasher, try #require(found))
        let next = try self.table()
        #expect(proved.matches(bytes("two").span, table: next.number, hasher) == nil)
    }
}
