import ArgumentParser
import Proxy

/// `postern locked`
struct Locked: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show who is locked out after wrong credentials, and let them try again.",
        subcommands: [ListLocked.self, ClearLocked.self]
    )
}

/// `postern locked list`
struct ListLocked: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List who is locked out.")

    @OptionGroup var control: ControlOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let answer = try control.client().get("/v1/locked")
        try Listing.print(answer, asJSON: json, ControlLocks.self) { $0.text($1) }
    }
}

/// `postern locked clear`
struct ClearLocked: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "clear", abstract: "Take one lock off, or all.")

    @OptionGroup var control: ControlOptions
    @Argument(help: "An address or a user, from the list; all without one.") var subject: String?

    func run() throws {
        let body = subject.map { ["subject": $0] } ?? [:]
        let answer = try control.client().post("/v1/locked/clear", body, for: ControlCleared.self)
        Console.print("took \(Words.count(answer.cleared, "lock")) off")
    }
}
