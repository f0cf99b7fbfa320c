import ArgumentParser
import Proxy

/// `postern key uses`
struct KeyUses: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uses",
        abstract: "Show when each key was used last, and how often.",
        discussion:
            "Asks the running proxy. A key that isn't listed was never used, or only in the last quarter of a second."
    )

    @OptionGroup var control: ControlOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let answer = try control.client().get("/v1/keys/uses")
        try Listing.print(answer, asJSON: json, ControlKeyUses.self) { $0.text($1) }
    }
}
