import ArgumentParser
import ConfigSyntax
import Configuration
import Glibc
import Proxy

/// The bare command with Nginx's flags; what it says has Nginx's form, for scripts that read it.
struct NginxCommand {
    private let flags: NginxFlags
    private let service: Service

    /// Does what the flags ask for; the exit status.
    static func run(_ arguments: [String]) -> Int32 {
        do throws(CommandError) {
            let flags = try NginxFlags(arguments)
            return NginxCommand(flags).run()
        } catch {
            Console.complain("postern: \(error)")
            return 1
        }
    }

    private init(_ flags: NginxFlags) {
        self.flags = flags
        service = Service(
            path: flags.configurationPath,
            options: LoadOptions(prefix: flags.prefixDirectory, directives: flags.directives, errorLog: flags.errorLog)
        )
    }

    private func run() -> Int32 {
        if flags.showsHelp {
            Console.print(Postern.helpMessage())
            return 0
        }
        if flags.showsVersion {
            // Nginx writes these to standard error, and scripts read them there.
            Console.complain("postern version: postern/\(Version.text)")
            if flags.showsBuild { Console.complain("TLS SNI support enabled\nconfigure arguments:") }
            return 0
        }
        if flags.tests { return test() }
        if let request = flags.request { return send(request) }
        return service.run()
    }

    /// `-t` and `-T`
    private func test() -> Int32 {
        let inspection = Inspection(service)
        let shown = inspection.diagnostics.filter { flags.isQuiet ? $0.severity == .error : $0.severity != .note }
        if !shown.isEmpty { Console.complain(DiagnosticRenderer().render(shown)) }
        guard inspection.isUsable else {
            Console.complain("postern: configuration file \(service.path) test failed")
            return 1
        }
        if !flags.isQuiet {
            Console.complain("postern: the configuration file \(service.path) syntax is ok")
            Console.complain("postern: configuration file \(service.path) test is successful")
        }
        if flags.dumps {
            for file in inspection.outcome.tree.files {
                Console.print("# configuration file \(file.name):\n" + String(decoding: file.bytes, as: UTF8.self))
                Console.print("")
            }
        }
        return 0
    }

    /// `-s`
    private func send(_ request: NginxFlags.Request) -> Int32 {
        let outcome = ConfigurationLoader.load(path: service.path, options: service.options)
        guard let configuration = outcome.configuration else {
            Console.complain(DiagnosticRenderer().render(outcome.diagnostics.filter { $0.severity == .error }))
            return 1
        }
        do throws(CommandError) {
            guard let path = configuration.process.pidFile else {
                throw CommandError(
                    "\(service.path) names no pid file, so the running process can't be found: add \"pid FILE;\""
                )
            }
            guard let text = try Paths.text(of: path, limit: 64) else {
                throw CommandError("open() \"\(path)\" failed: there is no such file, so nothing seems to run")
            }
            guard let process = Self.processID(in: text) else {
                throw CommandError("invalid PID number \"\(text.prefix { $0 != "\n" })\" in \"\(path)\"")
            }
            guard kill(process, request.signal) == 0 else {
                throw .system("process \(process) can't be signalled", path)
            }
            return 0
        } catch {
            Console.complain("postern: \(error)")
            return 1
        }
    }

    /// The number in a pid file; nil for what can't be one process (0 and negative numbers mean groups).
    static func processID(in text: String) -> pid_t? {
        let number = text.split(whereSeparator: \.isWhitespace)
        guard number.count == 1, let process = pid_t(number[0]), process > 0 else { return nil }
        return process
    }
}

extension NginxFlags.Request {
    /// The signal that asks for it.
    var signal: Int32 {
        switch self {
        case .stop: SIGTERM
        case .quit: SIGQUIT
        case .reload: SIGHUP
        case .reopen: SIGUSR1
        }
    }
}
