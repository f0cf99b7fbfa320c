import EventLoop
import Glibc
import TestSupport
import Testing

@testable import Store

/// What was confirmed is in the file, however the process ended.
@Suite struct KillTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.path("state") }
    private var file: String { path + "/state.db" }

    init() throws { directory = try TemporaryDirectory() }

    /// As the program's groups have it.
    private static let kept: Int64 = 20
    private static let window: Int64 = 4

    @Test func twoHundredKillsLoseNothing() throws {
        var confirmed: Int64 = -1
        var killsWhileWriting = 0
        let start = Clock.monotonic()
        for round in 0..<200 {
            let before = try newest()
            let first = before + 1
            var process = try WriterProcess([path, "\(first)"])
            // Mostly while it writes; sometimes while it starts and takes up what the last one left.
            if round % 5 != 0 { process.waitForOutput() }
            usleep(UInt32.random(in: 0..<40_000))
            process.kill()
            let lines = process.lines()
            #expect(lines.allSatisfy { Int64($0) != nil }, "\(lines.suffix(1))")
            if let last = lines.last.flatMap(Int64.init) {
                confirmed = last
                killsWhileWriting += 1
            }
            try check(confirmed: confirmed, from: first)
        }
        let seconds = Double((Clock.monotonic() - start) / 1_000_000) / 1000
        print("200 kills, \(killsWhileWriting) of them while writing, \(confirmed + 1) groups, \(seconds) s")
        #expect(killsWhileWriting >= 150)
    }

    /// The number of the newest group in the file, or -1.
    private func newest() throws -> Int64 {
        guard FileStamp(path: file) != nil else { return -1 }
        return try StoreFile.open(path: file).audit(limit: 1).first?.time ?? -1
    }

    private func check(confirmed: Int64, from first: Int64) throws {
        // A kill before the file was made.
        if FileStamp(path: file) == nil { return #expect(confirmed == -1) }
        let file = try StoreFile.open(path: file)
        let flaws = try file.flaws()
        #expect(flaws == [])
        let contents = try file.contents(now: 0)
        let newest = try file.audit(limit: 1).first?.time ?? -1
        // Those of this process, and some before it.
        let entries = try file.audit(limit: Int(newest - first) + 50)
        // All that was confirmed, and of what was under way nothing or all.
        #expect(newest >= confirmed)
        #expect(newest <= max(confirmed, first - 1) + Self.window)
        let groups = newest < 0 ? [] : Array(max(0, newest - Self.kept + 1)...newest)
        #expect(contents.sessions.map(\.createdAt).sorted() == groups)
        #expect(contents.devices.map(\.approvedAt).sorted() == groups)
        #expect(entries.map(\.time) == (max(0, first - 49)..<(newest + 1)).reversed())
        #expect(contents.deviceKey?.first.map { Int64($0) } == (newest < 0 ? nil : newest & 0xFF))
        // Changes that nobody waited for come in their order, too, and never after what was committed later.
        #expect((contents.keyUses.first?.count ?? -1) >= newest)
    }

    @Test func aProcessThatMayWriteNoMoreGoesOnOnceItMay() throws {
        var process = try WriterProcess([path, "full"])
        let lines = process.lines()
        try #require(lines.count == 2 && lines[1] == "goes on", "\(lines)")
        let fitted = try #require(lines[0].split(separator: " ").last.flatMap { Int($0) })
        #expect(fitted > 10)
        let file = try StoreFile.open(path: file)
        let flaws = try file.flaws()
        #expect(flaws == [])
        let contents = try file.contents(now: 0)
        #expect(contents.devices.count == fitted + 1)
    }
}
