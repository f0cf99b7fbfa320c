import Access
import ArgumentParser
import Configuration
import DemoGateway
import EventLoop
import Glibc
import Proxy

/// `postern demo`
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve an embedded stand-in for a gateway, with a page to log in to.",
        discussion: """
            What is missing in the directory is made: a certificate, a user with a generated password, proxy.conf. \
            The last lines are the address, the user and the password; Ctrl-C ends everything.
            """
    )

    @Option(name: .shortAndLong, help: "The port to listen on.")
    var port: UInt16 = 8443

    @Option(name: .shortAndLong, help: "Where certificates, users and proxy.conf are.", completion: .directory)
    var directory = "postern-demo"

    @Option(help: "The embedded gateway's port on 127.0.0.1; 0 takes a free one.")
    var gatewayPort: UInt16 = 0

    func validate() throws {
        guard port > 0 else { throw ValidationError("--port must be from 1 to 65535.") }
    }

    func run() throws {
        try Paths.makeDirectories(directory, mode: 0o700)
        let certificate = Certificate(in: directory)
        if try !certificate.exists() { try certificate.make(name: "localhost") }
        let (user, password) = try login()

        // Before the gateway's thread starts, which would otherwise take signals that are the supervisor's.
        _ = try SignalSource([SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGCHLD])
        let gateway = try prepare()
        defer { gateway?.stop() }
        let status = Service(path: configurationPath).run {
            Console.print("address https://localhost:\(port)\nuser \(user)\npassword \(password)")
        }
        throw ExitCode(status)
    }

    private var configurationPath: String { directory + "/proxy.conf" }

    /// The first user, who is made if there is no file yet, and the password as far as it is known.
    private func login() throws -> (user: String, password: String) {
        let users = directory + "/htpasswd"
        let note = directory + "/password"
        if !Paths.exists(users) {
            let password = try FirstUser.make("demo", in: users)
            unsafe unlink(note)
            try Paths.writeNew(note, password + "\n", mode: 0o600)
            return ("demo", password)
        }
        guard let user = try PasswordFileEditor(path: users).read().names.first else {
            throw CommandError("\(users) has no users: postern user add \(users) demo --generate")
        }
        if let known = try Paths.text(of: note)?.split(separator: "\n").first.map(String.init),
            try FirstUser.isValid(known, of: user, in: users)
        {
            return (user, known)
        }
        return (user, "(not known here; postern user passwd \(users) \(user) --generate makes another)")
    }

    /// Starts the gateway and sees that the configuration leads to it.
    private func prepare() throws -> DemoGateway? {
        if let text = try Paths.text(of: configurationPath), DemoConfiguration(text) == nil {
            return try prepareEdited()
        }
        let gateway = try start(SocketAddress(ipv4: 0x7F00_0001, port: gatewayPort))
        let text = DemoConfiguration(port: port, gatewayPort: gateway.port).text
        unsafe unlink(configurationPath)
        try Paths.writeNew(configurationPath, text, mode: 0o644)
        return gateway
    }

    /// Somebody's own file stays as it is; what it says counts.
    private func prepareEdited() throws -> DemoGateway? {
        // Without a usable configuration the service says what is wrong.
        guard let configuration = ConfigurationLoader.load(path: configurationPath).configuration else { return nil }
        guard configuration.listeners.contains(where: { $0.address.port == port }) else {
            throw CommandError(
                "\(configurationPath) was edited and doesn't listen on port \(port): "
                    + "give its port with --port, or remove the file"
            )
        }
        guard let address = DemoConfiguration.gatewayAddress(configuration) else { return nil }
        return try start(address)
    }

    private func start(_ address: SocketAddress) throws(CommandError) -> DemoGateway {
        var options = DemoGateway.Options()
        options.authentication = .trustedProxy
        let gateway = DemoGateway(address: address, options: options)
        do throws(SystemError) { try gateway.start() } catch {
            throw CommandError("the embedded gateway can't listen on \(address): \(error)")
        }
        return gateway
    }
}
