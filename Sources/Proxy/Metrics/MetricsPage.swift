import Bytes

/// A page of metrics, ready to be sent.
final class MetricsPage: Sendable {
    /// How the text is written.
    enum Format: UInt8, CaseIterable {
        /// Prometheus' text format, version 0.0.4.
        case prometheus
        /// OpenMetrics 1.0.0.
        case openMetrics

        var contentType: StaticString {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    let format: Format
    /// Empty when too many ask at once.
    let text: [UInt8]

    init(_ format: Format, _ text: [UInt8]) {
        self.format = format
        self.text = text
    }

    func append(to output: inout ByteBuffer) {
        let text = text
        output.append(text.span)
    }
}

extension MetricsPage {
    /// The text for what was found.
    convenience init(_ format: Format, _ snapshot: MetricsSnapshot) {
        var text = Text(format: format)
        for family in MetricFamily.all { text.append(family, snapshot) }
        if format == .openMetrics { text.bytes += Array("# EOF\n".utf8) }
        self.init(format, text.bytes)
    }

    private struct Text {
        let format: Format
        var bytes: [UInt8] = []

        init(format: Format) {
            self.format = format
            bytes.reserveCapacity(1 << 16)
        }

        mutating func append(_ family: MetricFamily, _ snapshot: MetricsSnapshot) {
            // OpenMetrics names a counter without its ending, and its value with it.
            let isBare = format == .openMetrics && family.kind == .counter
            let name = isBare ? String(family.name.dropLast("_total".count)) : family.name
            append("# HELP \(name) ")
            appendEscaped(family.help, quotes: format == .openMetrics)
            append("\n# TYPE \(name) \(family.kind)\n")
            for sample in family.samples(snapshot) {
                append(family.name)
                var separator = "{"
                for (label, value) in zip(family.labels, sample.labels) {
                    append("\(separator)\(label)=\"")
                    appendEscaped(value, quotes: true)
                    append("\"")
                    separator = ","
                }
                append(family.labels.isEmpty ? " " : "} ")
                append(sample.value)
                append("\n")
            }
        }

        private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

        private mutating func appendEscaped(_ text: String, quotes: Bool) {
            for byte in text.utf8 {
                switch byte {
                case 0x5C: append("\\\\")
                case 0x0A: append("\\n")
                case 0x22 where quotes: append("\\\"")
                default: bytes.append(byte)
                }
            }
        }
    }
}
