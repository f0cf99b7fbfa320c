import Testing

@testable import Access

@Suite struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.001Z", 1), ("1970-01-01T00:00:00.1Z", 100),
        ("1970-01-01T00:00:00.1239999Z", 123), ("1969-12-31T23:59:59Z", -1000),
        ("2026-02-13T00:00:00.000Z", 1_770_940_800_000),
        ("2026-03-13T00:00:00.000Z", 1_773_360_000_000), ("2000-02-29T12:34:56Z", 951_827_696_000),
        ("2100-03-01T00:00:00Z", 4_107_542_400_000), ("2026-12-31T01:00:00+01:00", 1_798_675_200_000),
        ("2026-12-30T18:30:00-0530", 1_798_675_200_000), ("2026-12-31t00:00:00z", 1_798_675_200_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999), ("0000-01-01T00:00:00Z", -62_167_219_200_000),
    ])
    func `instants`(text: String, milliseconds: Int64) {
        #expect(Timestamp.parse(bytes(text).span) == milliseconds)
        let written = Timestamp.text(milliseconds)
        #expect(Timestamp.parse(bytes(written).span) == milliseconds)
        #expect(written.hasSuffix("Z"))
    }

    @Test(arguments: [
        "", "2026-12-31", "2026-12-31T00:00:00", "2026-12-31 00:00:00Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-12-31T24:00:00Z", "2026-12-31T00:60:00Z",
        "2026-12-31T00:00:60Z", "2026-12-31T00:00:00.Z", "2026-12-31T00:00:00ZZ", "2026-12-31T00:00:00+1",
        "2026-12-31T00:00:00+24:00", "2026-12-31T00:00:00+01:60", "+026-12-31T00:00:00Z", "2026-12-31T00:00:00+01-00",
        "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z", "2026-12-31T00:00:00.5", "1798675200000",
        "2026-12-31T00:00:00 Z",
    ])
    func `what is none`(text: String) {
        #expect(Timestamp.parse(bytes(text).span) == nil)
    }

    @Test func `text and value agree day by day`() {
        var day: Int64 = -800_000
        while day < 3_000_000 {
            let text = Timestamp.text(day * 86_400_000 + 123)
            if day > -719_528, day < 2_932_896 { #expect(Timestamp.parse(bytes(text).span) == day * 86_400_000 + 123) }
            day += 997
        }
        #expect(Timestamp.text(.max) == "9999-12-31T23:59:59.999Z")
        #expect(Timestamp.text(.min) == "0000-01-01T00:00:00Z")
        #expect(Timestamp.text(1_798_675_200_000) == "2026-12-31T00:00:00Z")
        #expect(Timestamp.text(-1) == "1969-12-31T23:59:59.999Z")
    }
}
