import ArgumentParser
/// `postern init`
struct Initialize: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "init")
}
