import Bytes
import Testing

@testable import HTTP

@Suite("Dates and phrases")
struct HTTPDateTests {
    static let dates: [(Int64, String)] = [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (1_767_225_599, "Wed, 31 Dec 2025 23:59:59 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ]

    @Test("Dates are written and read", arguments: dates)
    func roundTrip(seconds: Int64, text: String) {
        var output = ByteBuffer()
        HTTPDate.append(unixSeconds: seconds, to: &output)
        let written = output.readable.string
        #expect(written == text)
        let parsed = HTTPDate.parse(output.readable)
        #expect(parsed == seconds)
    }

    @Test("Days of four centuries come back")
    func days() {
        for day in stride(from: Int64(-200_000), to: 200_000, by: 37) {
            var output = ByteBuffer()
            HTTPDate.append(unixSeconds: day * 86400 + 3723, to: &output)
            let parsed = HTTPDate.parse(output.readable)
            #expect(parsed == day * 86400 + 3723)
        }
    }

    @Test(
        "What isn't a date",
        arguments: [
            "", "Sun, 06 Nov 1994 08:49:37 UTC", "Mon, 06 Nov 1994 08:49:37 GMT", "Thu, 30 Feb 2100 00:00:00 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994     ", "Sun, +6 Nov 1994 08:49:37 GMT",
        ]
    )
    func refused(text: String) {
        let parsed = HTTPDate.parse(Array(text.utf8).span)
        #expect(parsed == nil)
    }

    @Test("Far seconds don't trap", arguments: [Int64.min, Int64.max])
    func bounds(seconds: Int64) {
        var output = ByteBuffer()
        HTTPDate.append(unixSeconds: seconds, to: &output)
        let count = output.readableCount
        #expect(count == HTTPDate.count)
    }

    @Test("Phrases", arguments: [(200, "OK"), (429, "Too Many Requests"), (502, "Bad Gateway"), (299, "")])
    func phrases(status: Int, phrase: String) {
        #expect("\(Status.reason(status))" == phrase)
    }
}
