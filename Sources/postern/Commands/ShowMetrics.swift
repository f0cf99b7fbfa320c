import ArgumentParser
import Proxy

/// `postern metrics`
struct ShowMetrics: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Print the reference of all metrics (Markdown)."
    )

    func run() throws { Console.print(MetricsReference.markdown) }
}
