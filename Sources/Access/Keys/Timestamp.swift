import Bytes

/// Instants as API key files have them: ISO 8601, in the profile of RFC 3339. Values are milliseconds since 1970, UTC.
package enum Timestamp {
    /// The instant that `text` is, such as `2026-12-31T00:00:00Z`, `2026-12-31T01:00:00.000+01:00` or `…+0100`; nil when it
    /// is none. Digits of a fraction beyond milliseconds are dropped. A second 60 is none.
    package static func parse(_ text: borrowing Span<UInt8>) -> Int64? {
        guard text.count >= 20, text[4] == ASCII.hyphen, text[7] == ASCII.hyphen, text[10] | 0x20 == UInt8(ascii: "t"),
            text[13] == ASCII.colon, text[16] == ASCII.colon,
            let year = number(text, 0..<4), let month = number(text, 5..<7), let day = number(text, 8..<10),
            let hour = number(text, 11..<13), let minute = number(text, 14..<16), let second = number(text, 17..<19),
            (1...12).contains(month), day >= 1, day <= days(inMonth: month, of: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var index = 19
        var milliseconds: Int64 = 0
        if text[index] == ASCII.dot || text[index] == ASCII.comma {
            let start = index + 1
            index = start
            while index < text.count, ASCII.isDigit(text[index]) {
                if index - start < 3 { milliseconds = milliseconds * 10 + Int64(text[index] - ASCII.zero) }
                index += 1
            }
            if index == start { return nil }
            for _ in min(index - start, 3)..<3 { milliseconds *= 10 }
        }
        guard let offset = offset(text, index) else { return nil }
        let days = days(beforeYear: year) + (1..<month).reduce(0) { $0 + self.days(inMonth: $1, of: year) } + day - 1
        let minutes = (days * 24 + hour) * 60 + minute - offset
        return (Int64(minutes) * 60 + Int64(second)) * 1000 + milliseconds
    }

    /// `2026-12-31T00:00:00Z`; with milliseconds when there are some. From year 0 to 9999: others are taken for the nearest.
    package static func text(_ milliseconds: Int64) -> String {
        let instant = min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999)
        let second = instant >= 0 ? instant / 1000 : (instant - 999) / 1000
        var day = Int(second >= 0 ? second / 86_400 : (second - 86_399) / 86_400)
        let time = Int(second) - day * 86_400
        var year = 1970 + day / 366
        while days(beforeYear: year) > day { year -= 1 }
        while days(beforeYear: year + 1) <= day { year += 1 }
        day -= days(beforeYear: year)
        var month = 1
        while day >= days(inMonth: month, of: year) {
            day -= days(inMonth: month, of: year)
            month += 1
        }
        let fraction = Int(instant - second * 1000)
        return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day + 1, 2))T\(digits(time / 3600, 2)):"
            + "\(digits(time / 60 % 60, 2)):\(digits(time % 60, 2))\(fraction == 0 ? "" : "." + digits(fraction, 3))Z"
    }

    /// Minutes east of Greenwich that the rest of the text says, or nil.
    private static func offset(_ text: borrowing Span<UInt8>, _ start: Int) -> Int? {
        guard start < text.count else { return nil }
        let count = text.count - start
        if text[start] | 0x20 == UInt8(ascii: "z") { return count == 1 ? 0 : nil }
        let sign: Int
        switch text[start] {
        case UInt8(ascii: "+"): sign = 1
        case ASCII.hyphen: sign = -1
        default: return nil
        }
        let hasColon = count == 6 && text[start + 3] == ASCII.colon
        guard count == 5 || hasColon, let hours = number(text, (start + 1)..<(start + 3)),
            let minutes = number(text, (text.count - 2)..<text.count), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 60 + minutes)
    }

    private static func number(_ text: borrowing Span<UInt8>, _ range: Range<Int>) -> Int? {
        text.extracting(range).decimalValue()
    }

    private static func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(count - text.count, 0)) + text
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970 to the first of a year, from year 0 on, in the calendar of today.
    private static func days(beforeYear year: Int) -> Int {
        // Shifted by whole cycles of 400 years, so that what is divided is never negative.
        let past = year + 399
        return past * 365 + past / 4 - past / 100 + past / 400 - 865_259
    }
}
