package import Bytes

/// Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7). No locale, no time zones.
package enum HTTPDate {
    /// Bytes of every date.
    package static let count = 29

    private static let days: StaticString = "SunMonTueWedThuFriSat"
    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

    /// Appends the date of `seconds` since 1970, from year 0 to 9999; what lies outside is taken as the nearest of these.
    package static func append(unixSeconds seconds: Int64, to output: inout ByteBuffer) {
        let bounded = min(max(seconds, -62_167_219_200), 253_402_300_799)
        let (day, second) = bounded.quotientAndFloorRemainder(dividingBy: 86400)
        let date = civil(day: day)
        let weekday = (day + 4).quotientAndFloorRemainder(dividingBy: 7).remainder
        output.reserve(count)
        append(days, Int(weekday), to: &output)
        output.append(", ")
        append(twoDigits: date.day, to: &output)
        output.append(ASCII.space)
        append(months, Int(date.month - 1), to: &output)
        output.append(ASCII.space)
        append(twoDigits: date.year / 100, to: &output)
        append(twoDigits: date.year % 100, to: &output)
        output.append(ASCII.space)
        append(twoDigits: second / 3600, to: &output)
        output.append(ASCII.colon)
        append(twoDigits: second / 60 % 60, to: &output)
        output.append(ASCII.colon)
        append(twoDigits: second % 60, to: &output)
        output.append(" GMT")
    }

    /// Seconds since 1970 of a date in the form that `append` writes, or nil. The obsolete forms aren't read.
    package static func parse(_ bytes: borrowing Span<UInt8>) -> Int64? {
        guard bytes.count == count, bytes.extracting(3..<5).equals(", "), bytes[7] == ASCII.space,
            bytes[11] == ASCII.space, bytes[16] == ASCII.space, bytes[19] == ASCII.colon, bytes[22] == ASCII.colon,
            bytes.extracting(25..<29).equals(" GMT"),
            let weekday = position(of: bytes, at: 0, in: days), let month = position(of: bytes, at: 8, in: months),
            let day = number(bytes, 5, 2), let year = number(bytes, 12, 4), let hour = number(bytes, 17, 2),
            let minute = number(bytes, 20, 2), let second = number(bytes, 23, 2),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        let days = days(year: year, month: Int64(month) + 1, day: day)
        // A day that its month doesn't have comes back as another one; so does a wrong weekday.
        let back = civil(day: days)
        guard back.day == day, back.month == Int64(month) + 1,
            (days + 4).quotientAndFloorRemainder(dividingBy: 7).remainder == Int64(weekday)
        else { return nil }
        return days * 86400 + hour * 3600 + minute * 60 + second
    }

    // MARK: Calendar

    /// The civil date of a day counted from 1970. Years are counted from March, so that leap days come last.
    private static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = (day + 719_468).quotientAndFloorRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// The day, counted from 1970, of a civil date.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.quotientAndFloorRemainder(dividingBy: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    // MARK: Text

    private static func append(_ names: StaticString, _ index: Int, to output: inout ByteBuffer) {
        for offset in 0..<3 { output.append(unsafe names.utf8Start[index * 3 + offset]) }
    }

    private static func append(twoDigits value: Int64, to output: inout ByteBuffer) {
        output.append(UInt8(truncatingIfNeeded: value / 10) &+ ASCII.zero)
        output.append(UInt8(truncatingIfNeeded: value % 10) &+ ASCII.zero)
    }

    private static func number(_ bytes: borrowing Span<UInt8>, _ start: Int, _ count: Int) -> Int64? {
        bytes.extracting(start..<(start + count)).decimalValue().map(Int64.init)
    }

    private static func position(of bytes: borrowing Span<UInt8>, at start: Int, in names: StaticString) -> Int? {
        for index in 0..<(names.utf8CodeUnitCount / 3) {
            let name = unsafe names.utf8Start + index * 3
            if unsafe bytes[start] == name[0] && bytes[start + 1] == name[1] && bytes[start + 2] == name[2] {
                return index
            }
        }
        return nil
    }
}

extension Int64 {
    /// Quotient and remainder of a division that rounds down, so that the remainder is never negative.
    fileprivate func quotientAndFloorRemainder(dividingBy divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
