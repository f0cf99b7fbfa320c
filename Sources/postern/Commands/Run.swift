import ArgumentParser
import Configuration
import Proxy

/// Where a configuration is.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "The configuration file.")
    var config = Service.standardPath

    @Option(
        name: .shortAndLong,
        help: "Where relative paths of logs and the pid file start. (default: beside the file)"
    )
    var prefix: String?

    var service: Service { Service(path: config, options: LoadOptions(prefix: prefix)) }
}

/// `postern run`
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve, in the foreground.",
        discussion: """
            SIGHUP reloads, SIGQUIT drains, SIGTERM and SIGINT stop, SIGUSR1 opens the logs anew. \
            Warnings about the file are shown at the start; notes only by `postern check`.
            """
    )

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        throw ExitCode(options.service.run())
    }
}
