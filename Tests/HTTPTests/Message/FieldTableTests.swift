import Testing

@testable import HTTP

@Suite("Field tables")
struct FieldTableTests {
    private static func entry(_ id: FieldID, isAlias: Bool = false) -> FieldEntry {
        FieldEntry(name: .empty, value: .empty, id: id, isAlias: isAlias)
    }

    @Test("The index finds exact spellings in order")
    func index() {
        var table = FieldTable(capacity: 6)
        for (id, isAlias) in [
            (FieldID.cookie, false), (.xRealIP, true), (.host, false), (.cookie, true), (.cookie, false),
            (.other, false),
        ] {
            let isAppended = table.append(Self.entry(id, isAlias: isAlias))
            #expect(isAppended)
        }
        let overflows = !table.append(Self.entry(.date))
        #expect(overflows)
        let cookies = [table.first(.cookie), table.next(.cookie, after: 0), table.next(.cookie, after: 4)]
        #expect(cookies == [0, 4, nil])
        let others = [table.first(.xRealIP), table.next(.host, after: 2), table.first(.date), table.first(.host)]
        #expect(others == [nil, nil, nil, 2])
        let repeated = [table.isRepeated(.cookie), table.isRepeated(.host)]
        #expect(repeated == [true, false])
        let aliased = [FieldID.xRealIP, .cookie, .host].map { id in table.containsAlias(of: id) }
        #expect(aliased == [true, true, false])
        #expect(table.count == 6)

        table.removeAll()
        let emptied = [
            table.isEmpty, !table.hasAliases, table.first(.cookie) == nil, !table.containsAlias(of: .xRealIP),
        ]
        #expect(emptied == [true, true, true, true])
        _ = table.append(Self.entry(.cookie))
        let again = [table.first(.cookie) == 0, !table.isRepeated(.cookie)]
        #expect(again == [true, true])
    }

    @Test("Identifiers fit the index")
    func identifiers() {
        #expect(FieldID.allCases.allSatisfy { $0.rawValue < 64 })
    }

    @Test("Names are equal to their aliases")
    func aliases() {
        let name = Array("X-Real-IP".utf8)
        for other in ["x_real_ip", "X.REAL.ip", "x-real-ip"] {
            let isEqual = normalizedNameEquals(name.span, Array(other.utf8).span)
            #expect(isEqual)
        }
        for other in ["x-real-iq", "x-real-i", "x-real-ip2"] {
            let isEqual = normalizedNameEquals(name.span, Array(other.utf8).span)
            #expect(!isEqual)
        }
    }
}
