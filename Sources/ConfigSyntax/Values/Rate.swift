/// How often something may happen: `10r/s`, `10r/m`, `100r/h`, `1000r/d`.
package struct Rate: Sendable, Equatable {
    package let count: UInt64
    package let period: Period

    /// What `count` is counted over.
    package enum Period: String, Sendable {
        case second = "s"
        case minute = "m"
        case hour = "h"
        case day = "d"

        /// Its length.
        package var nanoseconds: UInt64 {
            switch self {
            case .second: 1_000_000_000
            case .minute: 60_000_000_000
            case .hour: 3_600_000_000_000
            case .day: 86_400_000_000_000
            }
        }
    }

    package init(count: UInt64, per period: Period) {
        self.count = count
        self.period = period
    }

    /// The time from one to the next, rounded down.
    package var interval: UInt64 { period.nanoseconds / count }

    /// From 1 to a million in each period.
    package static func parse(_ text: String) throws(ValueError) -> Rate {
        let expected = ValueError("a rate such as 10r/s, 30r/m, 100r/h or 1000r/d is expected")
        guard text.utf8.count > 3, let period = Period(rawValue: String(text.suffix(1))) else { throw expected }
        guard text.dropLast().hasSuffix("r/") else { throw expected }
        let digits = text.dropLast(3)
        guard digits.utf8.allSatisfy(Numbers.isDigit), let count = UInt64(digits) else { throw expected }
        guard (1...1_000_000).contains(count) else { throw ValueError("from 1 to 1000000 requests are expected") }
        return Rate(count: count, per: period)
    }
}
