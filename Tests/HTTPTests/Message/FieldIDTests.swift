import Bytes
import Testing

@testable import HTTP

@Suite("Field names")
struct FieldIDTests {
    @Test("The folding table agrees with the grammar for every byte")
    func table() {
        #expect(FieldName.tableCount == 256)
        for value in 0...255 {
            let byte = UInt8(value)
            var expected = ASCII.isToken(byte) ? ASCII.lowercased(byte) : FieldName.invalid
            if expected == ASCII.underscore || expected == ASCII.dot { expected = ASCII.hyphen }
            #expect(FieldName.fold(byte) == expected, "byte \(value)")
        }
    }

    @Test("Every name is found in any letter case and by its aliases", arguments: FieldID.allCases)
    func classification(id: FieldID) {
        if id == .other || id == .xForwardedOther { return }
        let name = "\(id.name)"
        #expect(classify(name) == (id, false))
        #expect(classify(name.uppercased()) == (id, false))
        #expect(classify(name + "x").0 != id)
        #expect(classify("x" + name).0 == .other)
        if name.contains("-") {
            #expect(classify(String(name.map { $0 == "-" ? "_" : $0 })) == (id, true))
            #expect(classify(String(name.map { $0 == "-" ? "." : $0 })) == (id, true))
        }
    }

    @Test("Further forwarding names are told by their prefix")
    func prefix() {
        #expect(classify("X-Forwarded-Groups") == (.xForwardedOther, false))
        #expect(classify("x_forwarded-email") == (.xForwardedOther, true))
        #expect(classify("x-forwarded-").0 == .other)
        #expect(classify("x-forwarder-a").0 == .other)
        #expect(classify("").0 == .other)
    }

    private func classify(_ name: String) -> (FieldID, Bool) {
        let bytes = Array(name.utf8)
        let result = FieldID.classify(bytes.span)
        return (result.0, result.isAlias)
    }
}
