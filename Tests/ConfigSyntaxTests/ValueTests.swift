import ConfigSyntax
import Testing

struct ValueTests {
    @Test(
        arguments: [
            ("0", 0), ("512", 512), ("1k", 1024), ("64K", 65536), ("10m", 10 << 20), ("2M", 2 << 20), ("1g", 1 << 30),
            ("", nil), ("k", nil), ("1kb", nil), ("-1", nil), ("1.5m", nil), ("9999999999999g", nil),
            ("99999999999999999999", nil), ("+1", nil), (" 1", nil),
        ] as [(String, UInt64?)]
    )
    func sizes(text: String, expected: UInt64?) {
        #expect((try? Numbers.size(text)) == expected)
    }

    @Test(
        arguments: [
            ("0", 0), ("90", 90_000), ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000),
            ("1h30m", 5_400_000), ("1h 30m", 5_400_000), ("1h30", 3_630_000), ("1d", 86_400_000), ("1w", 604_800_000),
            ("1M", 2_592_000_000), ("1y", 31_536_000_000), ("1s500ms", 1500), ("1m500ms", 60_500),
            ("", nil), ("s", nil), ("1x", nil), ("1m1h", nil), ("1m1m", nil), ("1 1", nil), ("-1s", nil), ("1.5s", nil),
            ("999y", nil), ("99999999999999999999s", nil), ("9999999999999y", nil), ("300y", nil),
        ] as [(String, UInt64?)]
    )
    func times(text: String, expected: UInt64?) {
        #expect((try? TimeSpan.milliseconds(text)) == expected)
    }

    @Test(
        arguments: [
            ("10r/s", Rate(count: 10, per: .second)), ("30r/m", Rate(count: 30, per: .minute)),
            ("100r/h", Rate(count: 100, per: .hour)), ("1000r/d", Rate(count: 1000, per: .day)),
            ("0r/s", nil), ("10", nil), ("10r/w", nil), ("r/s", nil), ("10/s", nil), ("-1r/s", nil), ("1.5r/s", nil),
            ("1000001r/s", nil),
        ] as [(String, Rate?)]
    )
    func rates(text: String, expected: Rate?) {
        #expect((try? Rate.parse(text)) == expected)
    }

    @Test(
        arguments: [
            ("a.example", .host("a.example", port: nil)), ("a:80", .host("a", port: 80)),
            ("openclaw-gateway:18789", .host("openclaw-gateway", port: 18789)),
            ("127.0.0.1:8080", .host("127.0.0.1", port: 8080)), ("[::1]:80", .host("::1", port: 80)),
            ("[::1]", .host("::1", port: nil)), ("unix:/run/a.sock", .unix("/run/a.sock")),
            ("", nil), (":80", nil), ("a:", nil), ("a:0", nil), ("a:65536", nil), ("a:b", nil), ("::1", nil),
            ("[::1", nil),
            ("[::1]80", nil), ("[x]:80", nil), ("unix:a", nil), ("a b", nil), ("256.1.1.1:80", nil), ("a/b", nil),
        ] as [(String, HostPort?)]
    )
    func hosts(text: String, expected: HostPort?) {
        #expect((try? HostPort.parse(text)) == expected)
    }

    @Test(
        arguments: [
            ("192.0.2.1", [192, 0, 2, 1], 32, false), ("192.0.2.0/24", [192, 0, 2, 0], 24, false),
            ("192.0.2.129/25", [192, 0, 2, 128], 25, true), ("0.0.0.0/0", [0, 0, 0, 0], 0, false),
            ("2001:db8::/32", [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 12), 32, false),
        ] as [(String, [UInt8], Int, Bool)]
    )
    func ranges(text: String, bytes: [UInt8], prefix: Int, hadHostBits: Bool) throws {
        let range = try AddressPrefix.parse(text)
        #expect(range.bytes == bytes)
        #expect(range.prefixLength == prefix)
        #expect(range.hadHostBits == hadHostBits)
    }

    @Test(arguments: ["", "a", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "::/129", "1.2.3.4/x", "1.2.3.4/8/8"])
    func wrongRanges(text: String) {
        #expect(throws: ValueError.self) { try AddressPrefix.parse(text) }
    }

    @Test(arguments: [("on", true), ("off", false), ("yes", nil), ("ON", nil)] as [(String, Bool?)])
    func flags(text: String, expected: Bool?) {
        #expect((try? Numbers.flag(text)) == expected)
    }

    @Test(
        arguments: [
            (0, "0"), (1500, "1500ms"), (60_000, "1m"), (5_400_000, "90m"), (3_600_000, "1h"), (172_800_000, "2d"),
        ] as [(UInt64, String)]
    )
    func describesTimes(milliseconds: UInt64, expected: String) {
        #expect(TimeSpan.describe(milliseconds: milliseconds) == expected)
    }

    @Test func pointsAtTheWrongByte() throws {
        let file = SourceFile(name: "t", text: "a 12x4;")
        let word = try #require(Parser.parse(file).directives.first?.arguments.first)
        let error = #expect(throws: Diagnostic.self) {
            try word.value("number") { text throws(ValueError) in try Numbers.integer(text, in: 1...10) }
        }
        #expect(error?.message == "invalid number \"12x4\"")
        #expect(error?.range.column == 5)
        let tooBig = #expect(throws: ValueError.self) { try Numbers.integer("11", in: 1...10) }
        #expect(tooBig?.reason == "a number from 1 to 10 is expected")
        let tooSmall = #expect(throws: ValueError.self) { try Numbers.size("1k", in: 4096...8192) }
        #expect(tooSmall?.reason == "from 4k to 8k is expected")
    }
}
