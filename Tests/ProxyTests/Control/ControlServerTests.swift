import EventLoop
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Proxy

@Suite struct ControlServerTests {
    private let directory: TemporaryDirectory
    private let reports = Reports()
    private var path: String { directory.path("run/control.sock") }

    private final class Reports: Sendable {
        let all = Mutex<[String]>([])
    }

    init() throws { directory = try TemporaryDirectory() }

    private func serve(
        _ actions: ControlActions = ControlRouteTests.Notes().actions,
        _ change: (inout ControlLimits) -> Void = { _ in }
    ) throws -> ControlServer {
        var limits = ControlLimits()
        change(&limits)
        let reports = reports
        return try ControlServer(path: path, actions: actions, limits: limits) { text in
            reports.all.withLock { $0.append(text) }
        }
    }

    private func client() throws -> TestClient { try TestClient(try #require(SocketAddress(path: path))) }

    /// What comes back for these bytes until the end.
    private func answer(to text: String) throws -> String {
        let client = try client()
        try client.send(Array(text.utf8))
        return String(decoding: try client.readToEnd(), as: UTF8.self)
    }

    @Test func aRequestIsAnsweredAndTheConnectionClosed() throws {
        let server = try serve()
        defer { server.stop() }
        #expect(
            try answer(to: "GET /v1/audit HTTP/1.1\r\nHost: x\r\n\r\n")
                == "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n"
                + "Cache-Control: no-store\r\nConnection: close\r\n\r\n{\"entries\":[]}"
        )
    }

    @Test func aBodyThatTricklesInIsRead() throws {
        let server = try serve()
        defer { server.stop() }
        let client = try client()
        let body = #"{"subject":"::1"}"#
        let head = "POST /v1/locked/clear HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        for byte in Array((head + body).utf8) { try client.send([byte]) }
        #expect(String(decoding: try client.readToEnd(), as: UTF8.self).hasSuffix(#"{"cleared":2}"#))
    }

    @Test func whoWaitsForLeaveToSendABodyGetsIt() throws {
        let server = try serve()
        defer { server.stop() }
        let text = "POST /v1/locked/clear HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
        #expect(try answer(to: text).hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\nHost: x\n\n", "400 Bad Request"),
        ("nonsense\r\n\r\n", "400 Bad Request"),
        ("GET /v1/none HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"),
        ("PUT /v1/audit HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed\r\n"),
        ("POST /v1/devices/clear HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411 Length"),
        ("POST /v1/devices/clear HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", "413 Content Too Large"),
        ("GET /v1/audit HTTP/1.1\r\nHost: x\r\nA: " + String(repeating: "a", count: 8192), "431 "),
    ])
    func whatIsNoRequestIsRefused(_ text: String, _ status: String) throws {
        let server = try serve()
        defer { server.stop() }
        let answer = try answer(to: text)
        #expect(answer.hasPrefix("HTTP/1.1 " + status), "\(answer)")
        #expect(answer.contains("\r\n\r\n{\"error\":\""))
    }

    @Test func thePathsMethodIsNamed() throws {
        let server = try serve()
        defer { server.stop() }
        #expect(try answer(to: "PUT /v1/audit HTTP/1.1\r\nHost: x\r\n\r\n").contains("\r\nAllow: GET\r\n"))
    }

    @Test func whoSaysNothingIsLetGo() throws {
        let server = try serve { $0.wait = 20 }
        defer { server.stop() }
        #expect(try client().readToEnd() == [])
        #expect(try answer(to: "GET /v1/audit HTTP/1.1\r\n") == "")
    }

    @Test func thereIsRoomForSoMany() throws {
        let server = try serve { $0.connections = 2 }
        defer { server.stop() }
        let first = try client()
        let second = try client()
        #expect(try client().readToEnd().starts(with: Array("HTTP/1.1 503 Service Unavailable\r\n".utf8)))
        try first.send(Array("GET /v1/audit HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        #expect(try first.readToEnd().starts(with: Array("HTTP/1.1 200 OK".utf8)))
        // There is room again as soon as the first one's thread has ended.
        #expect(
            Patience.until {
                (try? answer(to: "GET /v1/audit HTTP/1.1\r\nHost: x\r\n\r\n").hasPrefix("HTTP/1.1 200")) == true
            }
        )
        _ = second
    }

    @Test func theSocketIsForItsOwnerAlone() throws {
        let server = try serve()
        defer { server.stop() }
        #expect(try Files.mode(path) == 0o600)
    }

    @Test func aSocketThatIsLeftOverIsReplacedAndOneInUseIsNot() throws {
        let server = try serve()
        #expect(throws: SystemError("bind", code: EADDRINUSE)) { _ = try serve() }
        server.stop()
        #expect(try Files.names(in: directory.path("run")) == [])
        // As a process leaves it that was killed.
        do { _ = try Listener.listen(on: try #require(SocketAddress(path: path))) }
        let next = try serve()
        #expect(try answer(to: "GET /v1/audit HTTP/1.1\r\nHost: x\r\n\r\n").hasPrefix("HTTP/1.1 200"))
        next.stop()
        #expect(reports.all.withLock { $0 } == [])
    }

    @Test func anothersSocketStays() throws {
        let server = try serve()
        #expect(unsafe unlink(path) == 0)
        let other = try Listener.listen(on: try #require(SocketAddress(path: path)))
        server.stop()
        #expect(try Files.names(in: directory.path("run")) == ["control.sock"])
        other.close()
    }

    @Test func aStopEndsWhoWaitsAndLetsWorkBeFinished() throws {
        let entered = Monitor(false)
        let mayGoOn = Monitor(false)
        var actions = ControlActions()
        actions.locked = { _, _ throws(ControlFailure) in
            entered.withLock { $0 = true }
            entered.notifyAll()
            mayGoOn.wait { $0 ? () : nil }
            return ControlLocks(locked: [])
        }
        let server = try serve(actions)
        let idle = try client()
        let busy = try client()
        try busy.send(Array("GET /v1/locked HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        entered.wait { $0 ? () : nil }
        let thread = try WorkerThread(name: "stop") { server.stop() }
        #expect(try idle.readToEnd() == [])
        mayGoOn.withLock { $0 = true }
        mayGoOn.notifyAll()
        #expect(try busy.readToEnd().starts(with: Array("HTTP/1.1 200 OK".utf8)))
        thread.join()
    }
}
