import ArgumentParser
import Configuration

/// `postern directives`
struct Directives: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the reference of all directives (Markdown), or what there is to know of one."
    )

    @Argument(help: "A directive's name, or how it begins.")
    var name: String?

    func run() throws {
        guard let name else { return Console.print(DirectiveReference.markdown) }
        let text = DirectiveReference.plain(prefix: name)
        if text.isEmpty { throw CommandError("no directive begins with \"\(name)\"") }
        Console.print(text)
    }
}
