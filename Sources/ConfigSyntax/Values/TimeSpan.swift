/// Lengths of time as Nginx writes them: `500ms`, `90`, `1h30m`, `2d 6h`.
package enum TimeSpan {
    private static let units: [(name: String, milliseconds: UInt64)] = [
        ("y", 365 * 86_400_000), ("M", 30 * 86_400_000), ("w", 7 * 86_400_000), ("d", 86_400_000),
        ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Milliseconds. Units must fall from left to right, each at most once; a last number without one means seconds.
    ///
    /// At most about 292 years, so that nanoseconds fit in 63 bits.
    package static func milliseconds(_ text: String) throws(ValueError) -> UInt64 {
        let bytes = Array(text.utf8)
        let expected = "a time such as 500ms, 30s, 5m or 1h30m is expected"
        guard !bytes.isEmpty else { throw ValueError(expected) }
        var total: UInt64 = 0
        var index = 0
        var nextUnit = 0
        while index < bytes.count {
            let start = index
            while index < bytes.count, Numbers.isDigit(bytes[index]) { index += 1 }
            guard let count = UInt64(String(decoding: bytes[start..<index], as: UTF8.self)) else {
                throw ValueError(expected, part: start..<min(start + 1, bytes.count))
            }
            let unitStart = index
            while index < bytes.count, !Numbers.isDigit(bytes[index]), bytes[index] != 0x20 { index += 1 }
            let name = String(decoding: bytes[unitStart..<index], as: UTF8.self)
            while index < bytes.count, bytes[index] == 0x20 { index += 1 }
            let known = units.firstIndex { $0.name == (name.isEmpty ? "s" : name) }
            guard let unit = known, unit >= nextUnit, !name.isEmpty || index == bytes.count else {
                let reason = known == nil ? expected : "units go from the largest to the smallest, each once"
                throw ValueError(reason, part: start..<max(unitStart, index))
            }
            nextUnit = unit + 1
            let (product, overflow) = count.multipliedReportingOverflow(by: units[unit].milliseconds)
            total = overflow ? .max : total.addingReportingOverflow(product).partialValue
            guard !overflow, total <= UInt64(Int64.max) / 1_000_000, product <= total else {
                throw ValueError("the time is too long")
            }
        }
        return total
    }

    /// Milliseconds as a configuration would write them.
    package static func describe(milliseconds: UInt64) -> String {
        if milliseconds == 0 { return "0" }
        // Years and months differ in length, so nobody expects to see them.
        for unit in units.dropFirst(3) where milliseconds % unit.milliseconds == 0 {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }
}
