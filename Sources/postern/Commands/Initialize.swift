import Access
import ArgumentParser
import Bytes
import Upstream

/// `postern init`
struct Initialize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a configuration to begin with: proxy.conf, a self-signed certificate, a first user.",
        discussion: """
            Nothing that is there is overwritten. The last lines are the user and the generated password. A directory below \
            /etc gets a file that keeps its state in /var/lib/postern and is controlled by /run/postern/control.sock; any \
            other has all of it to itself.
            """
    )

    @Argument(help: "The directory, which is made if it isn't there.", completion: .directory)
    var directory = "/etc/postern"

    @Option(help: "The name people reach it by.")
    var name = "localhost"

    @Option(help: "The port to listen on; with 443, port 80 redirects.")
    var port: UInt16 = 443

    @Option(help: "The gateway, as HOST:PORT.")
    var gateway = "127.0.0.1:18789"

    @Option(help: "The first user's name.")
    var user = "admin"

    func validate() throws {
        guard Certificate.isName(name) else { throw ValidationError("\"\(name)\" is no host name.") }
        guard port > 0 else { throw ValidationError("--port must be from 1 to 65535.") }
        if let flaw = UserName.flaw(Array(user.utf8).span) { throw ValidationError("--user: \(flaw).") }
        // What else is wrong with it, the check at the end tells.
        guard !gateway.isEmpty, !gateway.contains(where: { ";{}\"'#$\\".contains($0) || $0.isWhitespace }) else {
            throw ValidationError("--gateway must be HOST:PORT.")
        }
    }

    func run() throws {
        let path = directory + "/proxy.conf"
        let users = directory + "/htpasswd"
        for file in [path, users] where Paths.exists(file) {
            throw CommandError("\(file) is there already; nothing was changed")
        }
        try Paths.makeDirectories(directory, mode: 0o755)
        let certificate = Certificate(in: directory)
        if try certificate.exists() {
            Console.print("kept \(certificate.chain) and its key")
        } else {
            try certificate.make(name: name)
            Console.print("made \(certificate.chain) and its key, self-signed")
        }
        let password = try FirstUser.make(user, in: users)
        Console.print("made \(users)")
        var starter = StarterConfiguration(name: name, port: port, gateway: gateway)
        starter.isSystem = directory.hasPrefix("/etc/")
        try Paths.writeNew(path, starter.text, mode: 0o644)
        Console.print("made \(path)")
        Console.print("next: postern check -c \(path); postern run -c \(path)")
        Console.print("user \(user)\npassword \(password)")
    }
}
