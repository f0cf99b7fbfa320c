/// One metric: its name by the conventions of Prometheus, what it means, and where its values come from.
struct MetricFamily: Sendable {
    enum Kind: String, Sendable { case counter, gauge }

    /// A value with what its labels say, in the order of `MetricFamily.labels`.
    struct Sample {
        var labels: [String] = []
        let value: String

        init(_ labels: [String] = [], _ value: UInt64) {
            self.labels = labels
            self.value = String(value)
        }

        init(_ labels: [String] = [], seconds: Double) {
            self.labels = labels
            self.value = "\(seconds)"
        }
    }

    let name: String
    let kind: Kind
    /// One line.
    let help: String
    let labels: [String]
    let samples: @Sendable (MetricsSnapshot) -> [Sample]

    init(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        labels: [String] = [],
        _ samples: @escaping @Sendable (MetricsSnapshot) -> [Sample]
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
        self.samples = samples
    }

    /// A metric of one value.
    static func one(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        _ value: @escaping @Sendable (MetricsSnapshot) -> UInt64
    ) -> MetricFamily {
        MetricFamily(name, kind, help) { [Sample(value($0))] }
    }

    /// A counter with a value for each of a fixed list of causes.
    static func causes<Cause: Sendable>(
        _ name: String,
        _ help: String,
        label: String = "cause",
        _ causes: [(Cause, String)],
        _ counter: @escaping @Sendable (Cause) -> Counter
    ) -> MetricFamily {
        MetricFamily(name, .counter, help, labels: [label]) { snapshot in
            causes.map { Sample([$1], snapshot.sum(counter($0))) }
        }
    }

    /// Every metric, in the order of the page.
    static let all = groups.flatMap(\.families)

    static let groups: [(title: String, families: [MetricFamily])] = [
        ("The process", process), ("Connections", connections), ("Requests", requests), ("HTTP/2", http2),
        ("Limits", limits), ("Callers", callers), ("Logins", passwords),
        ("Upstreams", upstreams), ("Resources", resources),
    ]
}

extension MetricFamily.Sample {
    init(_ value: UInt64) { self.init([], value) }
}

/// A case's name as a label has it: `bareLineFeed` is `bare-line-feed`, `hostInHTTP2` is `host-in-http2`.
func labelText(_ cause: some Any) -> String {
    var text = ""
    var isInWord = false
    for character in "\(cause)" {
        if character.isUppercase, isInWord { text += "-" }
        isInWord = !character.isUppercase
        text += character.lowercased()
    }
    return text
}

/// Each case with its name as a label has it.
func labelled<Cause: CaseIterable>(_ causes: Cause.Type) -> [(Cause, String)] {
    Cause.allCases.map { ($0, labelText($0)) }
}
