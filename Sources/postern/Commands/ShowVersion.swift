import ArgumentParser
import Proxy

/// `postern version`
struct ShowVersion: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() { Console.print("postern \(Version.text)") }
}
