import Testing

@testable import HTTP

/// A connection's beginning and end.
struct HTTP2LifeTests {
    @Test("SETTINGS say what is offered")
    func greets() throws {
        let rig = SessionRig()
        let frames = rig.frames()
        let settings = try #require(frames.first { $0.type == 4 })
        var entries: [UInt32: UInt32] = [:]
        for offset in stride(from: 0, to: settings.payload.count, by: 6) {
            let id = UInt32(settings.payload[offset]) << 8 | UInt32(settings.payload[offset + 1])
            entries[id] = settings.number(offset + 2)
        }
        #expect(entries == [3: 128, 4: 65_535, 5: 16_384, 6: 32_768 + 3200, 8: 1, 9: 1])
        #expect(frames.contains { $0.type == 8 && $0.stream == 0 && $0.number() == (1 << 20) - 65_535 })
    }

    @Test("A connection ends in order")
    func shutsDown() throws {
        let rig = SessionRig()
        try rig.receive(Frames.headers(1, Frames.block(Frames.get)))
        _ = rig.frames()
        rig.box!.session.shutdown()
        #expect(rig.frames().filter { $0.type == 7 }.map { $0.number() } == [0x7FFF_FFFF])
        // What was on its way is served.
        try rig.receive(Frames.headers(3, Frames.block(Frames.get)))
        #expect(rig.events == ["request 1", "request 3"])
        rig.box!.session.shutdown()
        #expect(rig.frames().filter { $0.type == 7 }.map { $0.number() } == [3])
        // What comes now isn't.
        try rig.receive(Frames.headers(5, Frames.block(Frames.get)))
        #expect(rig.events == ["request 1", "request 3"])
        expectEqual(rig.isFinished, false)
        rig.answer(1)
        rig.answer(3)
        #expect(rig.frames().filter { $0.type == 1 }.map(\.stream) == [1, 3])
        expectEqual(rig.isFinished, true)
    }

    @Test("After so many requests the client is asked for another connection")
    func endsByRequests() throws {
        var settings = HTTP2Settings()
        settings.maxRequests = 3
        settings.maxConcurrentStreams = 2
        let rig = SessionRig(settings)
        _ = rig.frames()
        var lasts: [UInt32] = []
        for index in 0..<8 {
            try rig.receive(Frames.headers(UInt32(index * 2 + 1), Frames.block(Frames.get)))
            for id in rig.handles.keys { rig.answer(id) }
            lasts += rig.frames().filter { $0.type == 7 }.map { $0.number() }
            if rig.isFinished { break }
        }
        #expect(lasts.first == 0x7FFF_FFFF)
        #expect(rig.isFinished)
    }

    @Test("More streams than offered are refused")
    func refusesStreams() throws {
        var settings = HTTP2Settings()
        settings.maxConcurrentStreams = 2
        let rig = SessionRig(settings)
        for id in [UInt32(1), 3, 5] { try rig.receive(Frames.headers(id, Frames.block(Frames.get))) }
        #expect(rig.events == ["request 1", "request 3"])
        #expect(rig.frames().contains { $0.type == 3 && $0.stream == 5 && $0.number() == HTTP2Code.refusedStream })
    }

    @Test("Streams beyond the loop's room are refused")
    func refusesBeyondRoom() throws {
        let rig = SessionRig(streamLimit: 1)
        for id in [UInt32(1), 3] { try rig.receive(Frames.headers(id, Frames.block(Frames.get))) }
        #expect(rig.events == ["request 1"])
        #expect(rig.frames().contains { $0.type == 3 && $0.stream == 3 && $0.number() == HTTP2Code.refusedStream })
        rig.answer(1)
        _ = rig.send()
        try rig.receive(Frames.headers(5, Frames.block(Frames.get)))
        #expect(rig.events.last == "request 5")
    }

    @Test("A connection that is gone resets its streams")
    func abandons() throws {
        let rig = SessionRig()
        for id in [UInt32(1), 3] { try rig.receive(Frames.headers(id, Frames.block(Frames.post), ends: false)) }
        rig.release(3)
        rig.box!.session.abandon()
        rig.drainEvents()
        #expect(rig.events == ["request 1", "request 3", "reset 1 8"])
        #expect(rig.handles[1]?.isGone == true)
    }

    @Test("Handles outlive their session")
    func outlives() throws {
        let rig = SessionRig()
        try rig.receive(Frames.headers(1, Frames.block(Frames.post), ends: false) + Frames.data(1, [1]))
        rig.dropSession()
        let handle = try #require(rig.handles[1])
        #expect(handle.isGone)
        #expect(!rig.submitReply(handle, "HTTP/1.1 200 OK\r\n\r\n", ends: true))
        #expect(rig.read(1).result == .reset)
        handle.end()
        handle.reset(1)
        rig.release(1)
        #expect(rig.streamCount == 0)
    }

    @Test("Streams are used again")
    func recycles() throws {
        var settings = HTTP2Settings()
        settings.maxRequests = .max - 1000
        let rig = SessionRig(settings)
        for index in 0..<500 {
            try rig.receive(
                Frames.headers(UInt32(index * 2 + 1), Frames.block(Frames.post + [("n", "\(index)")]), ends: false)
                    + Frames.data(UInt32(index * 2 + 1), [UInt8(truncatingIfNeeded: index)], ends: true)
            )
            let id = Int32(index * 2 + 1)
            #expect(rig.head(id).bytes.contains("n: \(index)\r\n"))
            #expect(rig.read(id).body == [UInt8(truncatingIfNeeded: index)])
            rig.answer(id, "HTTP/1.1 200 OK\r\nN: \(index)\r\n\r\n", "x")
            _ = rig.send()
            #expect(rig.streamCount == 0)
        }
        expectEqual(rig.slotCount, 64)
        expectEqual(rig.box!.session.requests, 500)
    }

    @Test("After a client's GOAWAY its open streams end, and none begins once there is none", arguments: [true, false])
    func passesOverWhatFollowsGoAway(isWhole: Bool) throws {
        let goAway = Frames.frame(7, Frames.number(0) + Frames.number(0))
        let rig = SessionRig()
        try rig.receive(Frames.headers(1, Frames.block(Frames.post), ends: false))
        // With a stream open, more may come.
        let more = goAway + Frames.headers(3, Frames.block(Frames.get)) + Frames.data(1, [1], ends: true)
        for piece in isWhole ? [more] : more.map({ [$0] }) { try rig.receive(piece) }
        #expect(rig.events.filter { $0.hasPrefix("request") } == ["request 1", "request 3"])
        for id in rig.handles.keys { rig.answer(id) }
        _ = rig.send()
        let last = Frames.frame(6, Array(repeating: 0, count: 8)) + Frames.headers(5, Frames.block(Frames.get))
        for piece in isWhole ? [last] : last.map({ [$0] }) { try rig.receive(piece) }
        #expect(rig.events.filter { $0.hasPrefix("request") }.count == 2)
        let (isFinished, failure) = (rig.isFinished, rig.failure)
        #expect(isFinished && failure == nil)

        let other = SessionRig()
        let all = goAway + Frames.headers(1, Frames.block(Frames.get))
        for piece in isWhole ? [all] : all.map({ [$0] }) { try other.receive(piece) }
        _ = other.send()
        #expect(other.events.isEmpty)
        let isOtherFinished = other.isFinished
        #expect(isOtherFinished)
    }
}
