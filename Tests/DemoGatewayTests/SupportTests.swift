import EventLoop
import TestSupport
import Testing

@Suite struct SupportTests {
    @Test func aScriptIsFollowedAndRecorded() throws {
        let upstream = try ScriptedUpstream([
            [.readHead, .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), .wait, .send("ok"), .readToEnd],
            [.read(3), .reset],
        ])
        let client = try TestClient(upstream.address)
        try client.request("GET", "/a")
        #expect(try client.readHead().status == 200)
        #expect(client.pending.isEmpty)
        upstream.proceed()
        #expect(try client.read(2) == Array("ok".utf8))
        client.shutdownWrite()
        let second = try TestClient(upstream.address)
        try second.send("abc")
        #expect(try second.isAtEnd())
        #expect(upstream.waitUntilFinished(2))
        #expect(upstream.records[0].text == "GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        #expect(upstream.records[1].text == "abc")
        let third = try TestClient(upstream.address)
        #expect(try third.isAtEnd())
    }

    @Test func aClientGivesUpInTime() throws {
        let upstream = try ScriptedUpstream(.readToEnd)
        let client = try TestClient(upstream.address, timeout: 20_000_000)
        #expect(throws: TestError.self) { try client.read(1) }
    }

    @Test func goldenFilesAreSplitAtTheirMark() throws {
        let directory = try TemporaryDirectory()
        let file = try GoldenFile(path: directory.write("in\nput\n----------\nout\nput\n", to: "a.golden"))
        #expect(file.input == "in\nput\n")
        #expect(file.expected == "out\nput\n")
        try file.check("out\nput")
        withKnownIssue { try file.check("out\npot\n") }
        #expect(try GoldenFile(path: directory.write("only\n", to: "b.golden")).expected.isEmpty)
    }

    @Test func temporaryDirectoriesGoAway() throws {
        var path = ""
        do {
            let directory = try TemporaryDirectory()
            path = directory.path
            try directory.write("x", to: "file")
            #expect(try directory.read("file") == "x")
            #expect(FileStamp(path: path) != nil)
        }
        #expect(FileStamp(path: path) == nil)
    }

    @Test func theManualClockMovesOnDemand() {
        let clock = ManualClock(now: 5)
        #expect(clock.advance(seconds: 1) == 1_000_000_005)
        #expect(clock.advance(milliseconds: 2) == 1_002_000_005)
        #expect(clock.now == 1_002_000_005)
    }
}
