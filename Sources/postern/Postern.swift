import ArgumentParser
import Glibc
import Proxy

/// The command line: subcommands, and Nginx's flags where a flag comes first.
@main
struct Postern: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postern",
        abstract: "A reverse proxy that guards the door of a gateway.",
        discussion: """
            Nginx's flags work on the bare command, so that service files and scripts keep working:
              postern [-c FILE] [-p PREFIX] [-e ERRORLOG] [-g DIRECTIVES] [-t|-T [-q]] [-v|-V] \
            [-s stop|quit|reload|reopen]
            """,
        version: "postern \(Version.text)",
        subcommands: [
            Run.self, Check.self, Probe.self, User.self, Key.self, Token.self, Sessions.self, Devices.self,
            Locked.self, Audit.self, Demo.self, Initialize.self, Directives.self, ShowMetrics.self, ShowVersion.self,
        ]
    )

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if NginxFlags.areMeant(by: arguments) { Glibc.exit(NginxCommand.run(arguments)) }
        main(arguments)
    }
}
