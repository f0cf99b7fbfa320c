import ArgumentParser
import Bytes
import Crypto

/// `postern token`
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a random token, such as a gateway's: 64 hexadecimal digits unless told otherwise."
    )

    @Flag(help: "Write base64 instead of hexadecimal digits.")
    var base64 = false

    @Option(name: .customLong("bytes"), help: "Random bytes, 16 to 1024.")
    var count = 32

    func validate() throws {
        guard (16...1024).contains(count) else { throw ValidationError("--bytes must be from 16 to 1024.") }
    }

    func run() throws { Console.print(text()) }

    /// A new token.
    func text() -> String {
        var random = Random.bytes(count)
        defer { wipe(&random) }
        let text = base64 ? Base64.encode(random.span) : Hexadecimal.encode(random.span)
        return String(decoding: text, as: UTF8.self)
    }
}
