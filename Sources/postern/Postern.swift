import ArgumentParser

/// The command line.
@main
struct Postern: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postern",
        abstract: "A reverse proxy that guards the door of a gateway.",
        subcommands: [Run.self]
    )
}
