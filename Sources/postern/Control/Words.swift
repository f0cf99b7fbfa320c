import Glibc
import Proxy

/// Moments and texts as people read them.
struct Words {
    /// Milliseconds since 1970, UTC.
    let now: Int64

    /// `3 min ago`, `in 2 h`, `now`; in days from two on.
    func distance(to time: ControlTime) -> String {
        let seconds = (time.milliseconds - now) / 1000
        guard seconds.magnitude >= 1 else { return "now" }
        let amount = Self.amount(Int64(seconds.magnitude))
        return seconds < 0 ? "\(amount) ago" : "in \(amount)"
    }

    private static func amount(_ seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) days"
        }
    }

    /// `2026-11-23 02:38`, in the local time zone.
    static func local(_ time: ControlTime, withSeconds: Bool = false) -> String {
        var seconds = time_t(time.milliseconds / 1000)
        var parts = unsafe tm()
        unsafe localtime_r(&seconds, &parts)
        func padded(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let day = unsafe "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
        let minute = unsafe "\(day) \(padded(parts.tm_hour)):\(padded(parts.tm_min))"
        return withSeconds ? unsafe "\(minute):\(padded(parts.tm_sec))" : minute
    }

    /// A text that can do nothing to a terminal: what controls it, or turns the direction of writing, is a question mark.
    ///
    /// A browser names itself as it likes.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
                        "?"
                    default: scalar
                    }
                }
            )
        )
    }

    /// The beginning of a text, at most so many characters.
    static func short(_ text: String, _ count: Int) -> String {
        text.count > count ? text.prefix(count - 1) + "…" : text
    }

    /// `1 session`, `2 sessions`.
    static func count(_ number: Int, _ noun: String) -> String { number == 1 ? "1 \(noun)" : "\(number) \(noun)s" }
}

/// Rows under headings, the columns aligned.
struct TextTable {
    private let headings: [String]
    private var rows: [[String]] = []

    init(_ headings: [String]) { self.headings = headings }

    /// Adds a row; what isn't there is a hyphen.
    mutating func add(_ cells: [String]) {
        rows.append(cells.map { $0.isEmpty ? "-" : Words.printable($0) })
    }

    var text: String {
        let widths = headings.indices.map { column in
            ([headings] + rows).map { $0[column].count }.max() ?? 0
        }
        return ([headings] + rows).map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            return line + "\n"
        }.joined()
    }
}
