import Bytes
import FoundationEssentials
import Testing

@testable import Proxy

/// No input can forge a line, or end a field within one.
struct LogEscapingTests {
    private func escape(_ bytes: [UInt8], _ escape: AccessLogConfiguration.Escape) -> [UInt8] {
        var line = ByteBuffer(Array("kept\n".utf8))
        line.append(bytes)
        LogEscaping.apply(escape, from: 5, in: &line)
        return Array(line.readable.array.dropFirst(5))
    }

    private func text(_ string: String, _ escape: AccessLogConfiguration.Escape) -> String {
        String(decoding: self.escape(Array(string.utf8), escape), as: UTF8.self)
    }

    @Test(arguments: [
        ("plain text", "plain text"), ("a\"b", "a\\x22b"), ("a\\b", "a\\x5Cb"), ("a\nb\r", "a\\x0Ab\\x0D"),
        ("\t\u{7F}\0", "\\x09\\x7F\\x00"), ("é", "\\xC3\\xA9"), ("", ""),
    ])
    func standardEscapesAsNginxDoes(input: String, expected: String) { #expect(text(input, .standard) == expected) }

    @Test(arguments: [
        ("plain", "plain"), ("a\"b\\", "a\\\"b\\\\"), ("\n\r\t", "\\u000a\\u000d\\u0009"), ("é ☃", "é ☃"),
        ("\u{7F}", "\\u007f"),
    ])
    func jsonEscapesAsTheStandardWants(input: String, expected: String) { #expect(text(input, .json) == expected) }

    @Test(arguments: [("a\"b\\é", "a\"b\\é"), ("a\nb", "a\\x0Ab"), ("\0", "\\x00")])
    func noneStillKeepsLinesWhole(input: String, expected: String) { #expect(text(input, .none) == expected) }

    @Test(arguments: 0..<50) func randomBytesNeverEndALine(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let bytes = (0..<Int.random(in: 1...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        for escape in [AccessLogConfiguration.Escape.standard, .json, .none] {
            let output = self.escape(bytes, escape)
            #expect(!output.contains { $0 < 0x20 || $0 == 0x7F })
        }
        #expect(!self.escape(bytes, .standard).contains { $0 > 0x7E || $0 == 0x22 })
        // JSON says the same text, invalid UTF-8 replaced.
        let json = Array("[\"".utf8) + self.escape(bytes, .json) + Array("\"]".utf8)
        let decoded = try JSONDecoder().decode([String].self, from: Data(json))
        #expect(decoded == [String(decoding: bytes, as: UTF8.self)])
    }

    /// Unicode has line ends of its own, which some log readers honour.
    @Test func unicodeLineEndsAreNoNewLines() {
        let line = text("a\u{85}b\u{2028}c", .standard)
        #expect(line == "a\\xC2\\x85b\\xE2\\x80\\xA8c")
    }

    @Test func operatorsLinesStayWholeToo() {
        #expect(LogText.oneLine("a\nb\r\u{1B}[31m") == "a?b??[31m")
        #expect(LogText.oneLine("plain é") == "plain é")
        #expect(LogText.escape(Array("a\n\"\\é".utf8).span) == "a\\x0A\\x22\\x5C\\xC3\\xA9")
    }
}
