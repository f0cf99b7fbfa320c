import EventLoop
import Glibc
import TestSupport
import Testing

@testable import Proxy

struct OperatorLogTests {
    /// `/dev/full` is a disk without room.
    @Test(arguments: [false, true])
    func linesOfAFullDiskGoElsewhereAndTheCauseIsSaidOnce(hasThread: Bool) throws {
        let directory = try TemporaryDirectory()
        let fallback = unsafe open(directory.path("fallback"), O_WRONLY | O_APPEND | O_CREAT, 0o600)
        try #require(fallback >= 0)
        defer { close(fallback) }
        var settings = ErrorLogSettings()
        settings.destination = .file("/dev/full")
        let log = try OperatorLog(settings, fallback: fallback)
        if hasThread { try log.start() }
        for number in 0..<3 { log.error("line \(number)") }
        log.stop()
        let text = try directory.read("fallback")
        #expect(text.ranges(of: "No space left on device").count == 1)
        #expect(text.contains("[crit]"))
        for number in 0..<3 { #expect(text.ranges(of: "line \(number)\n").count == 1) }
    }

    @Test(arguments: [false, true])
    func linesGoToTheFile(hasThread: Bool) throws {
        let directory = try TemporaryDirectory()
        var settings = ErrorLogSettings()
        settings.destination = .file(directory.path("error.log"))
        let log = try OperatorLog(settings, fallback: -1)
        if hasThread { try log.start() }
        log.error("two\nlines")
        if hasThread { #expect(TestProxy.wait { (try? directory.read("error.log").isEmpty) == false }) }
        log.stop()
        #expect(try directory.read("error.log").hasSuffix(": two?lines\n"))
    }

    /// A reload may change both; what can't be opened changes neither.
    @Test(arguments: [false, true])
    func anotherFileAndLevelAreTakenOver(hasThread: Bool) throws {
        let directory = try TemporaryDirectory()
        var settings = ErrorLogSettings()
        settings.destination = .file(directory.path("one.log"))
        let log = try OperatorLog(settings, fallback: -1)
        if hasThread { try log.start() }
        log.error("first")
        log.info("unsaid")
        settings.destination = .file(directory.path("none/two.log"))
        settings.level = .info
        #expect(throws: SystemError.self) { try log.adopt(settings) }
        log.error("second")
        log.info("unsaid")
        settings.destination = .file(directory.path("two.log"))
        try log.adopt(settings)
        log.info("third")
        settings.destination = .off
        try log.adopt(settings)
        log.error("unsaid")
        log.stop()
        func words(_ name: String) throws -> [String] {
            try directory.read(name).split(separator: "\n").map { String($0.split(separator: " ").last ?? "") }
        }
        #expect(try words("one.log") == ["first", "second"])
        #expect(try words("two.log") == ["third"])
    }
}
