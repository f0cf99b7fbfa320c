import ArgumentParser
import ConfigSyntax
import Configuration
import EventLoop

/// `postern probe`
struct Probe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a Postern on this machine whether it answers: exit status 0 if it does, 1 if not.",
        discussion: """
            Asks for the health path of the configuration, or for a URL on loopback, and waits three seconds at the most. \
            Certificates are not verified. It is what a container's health check runs, since nothing else is in the image.
            """
    )

    @Argument(help: "What to ask for instead of the health path: http://localhost:8080/.postern/ready, say.")
    var url: String?

    @OptionGroup var options: ConfigurationOptions

    /// How long it waits; nanoseconds.
    static let patience: UInt64 = 3_000_000_000

    func run() throws {
        do throws(CommandError) {
            let began = Clock.monotonic()
            let target = try target()
            let status = try ProbeExchange.status(of: target, deadline: began + Self.patience)
            let milliseconds = (Clock.monotonic() - began) / 1_000_000
            guard (200..<300).contains(status) else { throw CommandError("\(target.url): answered \(status)") }
            Console.print("\(target.url): answered \(status) in \(milliseconds) ms")
        } catch {
            // One line: a health check's log shows just that.
            Console.complain("postern probe: \(error)")
            throw ExitCode.failure
        }
    }

    private func target() throws(CommandError) -> ProbeTarget {
        if let url { return try ProbeTarget(url: url) }
        let service = options.service
        guard let configuration = ConfigurationLoader.load(path: service.path, options: service.options).configuration
        else { throw CommandError("\(service.path) can't be used: postern check -c \(service.path)") }
        guard let target = ProbeTarget(configuration) else {
            throw CommandError(
                "\(service.path) has no health path that can be asked for: add \"health /health;\" to a server"
            )
        }
        return target
    }
}
