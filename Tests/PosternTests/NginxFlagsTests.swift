import Configuration
import Glibc
import Testing

@testable import postern

struct NginxFlagsTests {
    @Test(arguments: [
        (["-t"], true), (["-tq"], true), (["-c", "x"], true), (["-?"], true), (["-V"], true), (["-x"], true),
        ([], false), (["run", "-c", "x"], false), (["--help"], false), (["-h"], false), (["--version"], false),
    ])
    func `a single-dash flag in front means Nginx's command line`(arguments: [String], isMeant: Bool) {
        #expect(NginxFlags.areMeant(by: arguments) == isMeant)
    }

    @Test func `all flags at once`() throws {
        let flags = try NginxFlags([
            "-t", "-q", "-c", "a.conf", "-p", "/srv/", "-e", "stderr", "-g", "daemon off;", "-s", "reload",
        ])
        #expect(flags.tests && flags.isQuiet && !flags.dumps)
        #expect(flags.configurationPath == "/srv/a.conf")
        #expect(flags.prefixDirectory == "/srv")
        #expect(flags.errorLog == "stderr")
        #expect(flags.directives == "daemon off;")
        #expect(flags.request == .reload)
    }

    @Test func `letters and values may be joined`() throws {
        let flags = try NginxFlags(["-tqca.conf", "-sstop"])
        #expect(flags.tests && flags.isQuiet)
        #expect(flags.config == "a.conf")
        #expect(flags.request == .stop)
        #expect(try NginxFlags(["-T"]).tests)
        #expect(try NginxFlags(["-V"]).showsVersion)
    }

    @Test(arguments: [
        (["-x"], "invalid option: \"x\""),
        (["-t", "word"], "invalid option: \"word\""),
        (["-"], "invalid option: \"-\""),
        (["-c"], "option \"-c\" requires file name"),
        (["-e"], "option \"-e\" requires file name"),
        (["-p"], "option \"-p\" requires directory name"),
        (["-g"], "option \"-g\" requires parameter"),
        (["-s"], "option \"-s\" requires parameter"),
        (["-s", "restart"], "invalid option: \"-s restart\""),
    ])
    func `mistakes are told in Nginx's words`(arguments: [String], message: String) {
        #expect(throws: CommandError(message)) { try NginxFlags(arguments) }
    }

    @Test(arguments: [
        ([], "/etc/postern/proxy.conf"),
        (["-p", "/srv"], "/srv/proxy.conf"),
        (["-p", "/srv", "-c", "a.conf"], "/srv/a.conf"),
        (["-p", "/srv", "-c", "/etc/a.conf"], "/etc/a.conf"),
        (["-c", "a.conf"], "a.conf"),
    ])
    func `a relative file starts at the prefix`(arguments: [String], path: String) throws {
        #expect(try NginxFlags(arguments).configurationPath == path)
    }

    @Test(arguments: [
        ("123\n", 123), ("7", 7), ("0\n", nil), ("-1\n", nil), ("", nil), ("12 34\n", nil), ("x\n", nil),
        ("99999999999\n", nil),
    ])
    func `only one process's number is taken from a pid file`(text: String, number: pid_t?) {
        #expect(NginxCommand.processID(in: text) == number)
    }

    @Test func `each request has its signal`() {
        #expect(NginxFlags.Request.allCases.map(\.signal) == [SIGTERM, SIGQUIT, SIGUSR1, SIGHUP])
    }
}
