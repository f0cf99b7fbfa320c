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

@Suite("Names compared as words")
struct FieldNameTableTests {
    /// What the reader of lines makes of a name: the field it means, by words where it can.
    private func read(_ line: String, bound: Int? = nil) throws -> FieldEntry? {
        let bytes = Array(line.utf8)
        let line = try FieldLine.read(bytes.span, from: 0, bound: bound ?? bytes.count, .crlf, .shared)
        guard case .field(let entry, _) = line else { return nil }
        return entry
    }

    @Test("Every known name means the same by words as by letters, in any case", arguments: FieldID.allCases)
    func known(_ id: FieldID) throws {
        let name = id == .other ? "x-unknown" : "\(id.name)"
        for spelling in [name, name.uppercased(), name.capitalized(), name + "z", "z" + name] {
            let (meaning, isAlias) = FieldID.classify(Array(spelling.utf8).span)
            // With a short value the last bytes are loaded from further ahead, with a long one not.
            for value in ["", "v", String(repeating: "v", count: 40)] {
                let entry = try #require(try read("\(spelling): \(value)\r\n"))
                #expect(entry.id == meaning && entry.isAlias == isAlias && Int(entry.name.count) == spelling.utf8.count)
            }
        }
    }

    @Test("Every byte is taken as part of a name, as its end, or refused, wherever it stands")
    func bytes() {
        for position in 0..<40 {
            for byte in UInt8.min...UInt8.max where byte != ASCII.colon {
                var line = Array("abcdefgh-jklmnop-rstuvwx-z012345-789abcd: v\r\n".utf8)
                line[position] = byte
                let result = Result { try FieldLine.read(line.span, from: 0, bound: line.count, .crlf, .shared) }
                let isToken = ASCII.isToken(byte)
                switch result {
                case .success(.field(let entry, _)):
                    #expect(isToken && entry.name.count == 40 && entry.isAlias == (byte == 0x5F || byte == 0x2E))
                case .success: Issue.record("\(byte) at \(position) ended the name")
                case .failure: #expect(!isToken, "\(byte) at \(position)")
                }
            }
        }
    }

    @Test("No byte at or after the bound counts")
    func bound() throws {
        let line = "content-length: 12\r\n"
        for bound in 0..<line.utf8.count { #expect(try read(line, bound: bound) == nil) }
    }
}

extension String {
    fileprivate func capitalized() -> String {
        split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: "-")
    }
}
