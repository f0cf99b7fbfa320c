import ArgumentParser
import Configuration

/// `postern directives`
struct Directives: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the reference of all directives and variables (Markdown), or what there is to know of one."
    )

    @Argument(help: "A directive's name, or a variable's with its dollar sign, or how one begins.")
    var name: String?

    func run() throws {
        guard let name else { return Console.print(DirectiveReference.markdown) }
        let text = DirectiveReference.plain(prefix: name)
        if text.isEmpty {
            throw CommandError("no \(name.hasPrefix("$") ? "variable" : "directive") begins with \"\(name)\"")
        }
        Console.print(text)
    }
}
