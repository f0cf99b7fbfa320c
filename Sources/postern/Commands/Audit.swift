import ArgumentParser
import Proxy

/// `postern audit`
struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what was decided about people, keys and devices: when, by whom, from where."
    )

    @OptionGroup var control: ControlOptions
    @Flag(help: "Print JSON, the newest first.") var json = false
    @Option(help: "Entries shown, the newest of them.") var limit = 100

    func run() throws {
        let answer = try control.client().get("/v1/audit?limit=\(limit)")
        try Listing.print(answer, asJSON: json, ControlAudit.self) { $0.text($1) }
    }
}
