import Testing

@testable import HTTP

/// Request bodies: length, windows, trailers.
struct HTTP2BodyTests {
    @Test("A body is read as it comes, up to its end")
    func reads() throws {
        let rig = SessionRig()
        try rig.receive(Frames.headers(1, Frames.block(Frames.post), ends: false))
        #expect(rig.read(1).result == .wantsRead)
        try rig.receive(Frames.data(1, [1, 2]) + Frames.data(1, [3]))
        #expect(rig.events == ["request 1", "readable 1"])
        #expect(rig.read(1).body == [1, 2, 3])
        try rig.receive(Frames.data(1, [4], ends: true))
        #expect(rig.events.last == "readable 1")
        let last = rig.read(1)
        #expect(last.body == [4] && last.result == .end)
        #expect(rig.handles[1]?.isRequestComplete == true)
    }

    static let lengths: [(String, [[UInt8]], Bool)] = [
        ("3", [[1, 2], [3]], true),
        ("0", [[]], true),
        ("3", [[1, 2]], false),
        ("3", [[1, 2, 3], [4]], false),
        ("0", [[1]], false),
    ]

    @Test("Content-Length is held against DATA", arguments: lengths)
    func countsLength(length: String, pieces: [[UInt8]], isGood: Bool) throws {
        let rig = SessionRig()
        try rig.receive(Frames.headers(1, Frames.block(Frames.post + [("content-length", length)]), ends: false))
        for (index, piece) in pieces.enumerated() {
            try rig.receive(Frames.data(1, piece, ends: index == pieces.count - 1))
        }
        if isGood {
            #expect(rig.read(1).result == .end)
        } else {
            #expect(rig.read(1).result == .reset)
            #expect(rig.frames().contains { $0.type == 3 && $0.number() == HTTP2Code.protocolError })
            #expect(rig.events.last == "reset 1 1")
        }
    }

    static let trailers: [([(String, String)], Bool, String?)] = [
        ([("x-sum", "1"), ("y", "2")], true, "x-sum: 1\r\ny: 2\r\n"),
        ([], true, ""),
        ([("x-sum", "1")], false, nil),
        ([("content-length", "1")], true, nil),
        ([("x-forwarded-for", "1")], true, nil),
        ([(":path", "/")], true, nil),
        ([("X", "1")], true, nil),
        ([("x", "1\r\n")], true, nil),
        (Array(repeating: ("x", "1"), count: 33), true, nil),
        ([("x", String(repeating: "v", count: 8192))], true, nil),
    ]

    @Test("Trailers come as lines, and only at the end", arguments: trailers)
    func takesTrailers(fields: [(String, String)], ends: Bool, lines: String?) throws {
        let rig = SessionRig()
        try rig.receive(
            Frames.headers(1, Frames.block(Frames.post), ends: false) + Frames.data(1, [1])
                + Frames.headers(1, Frames.block(fields), ends: ends)
        )
        if let lines {
            let (body, result) = rig.read(1)
            #expect(body == [1] && result == .end)
            #expect(rig.trailers(1) == lines)
        } else {
            #expect(rig.read(1).result == .reset)
            #expect(rig.frames().contains { $0.type == 3 && $0.number() == HTTP2Code.protocolError })
        }
    }

    @Test("A stalled stream holds its window; others go on")
    func stalls() throws {
        let rig = SessionRig()
        for id in [UInt32(1), 3] { try rig.receive(Frames.headers(id, Frames.block(Frames.post), ends: false)) }
        let piece = [UInt8](repeating: 7, count: 16_384)
        // Nobody reads stream 1: three pieces and the rest of its window.
        for _ in 0..<3 { try rig.receive(Frames.data(1, piece)) }
        try rig.receive(Frames.data(1, Array(piece.prefix(65_535 - 3 * 16_384))))
        expectEqual(rig.box!.session.bufferedBytes, 65_535)
        #expect(!rig.frames().contains { $0.type == 8 && $0.stream == 1 })
        // A megabyte passes beside it.
        var given = 0
        for _ in 0..<64 {
            try rig.receive(Frames.data(3, piece))
            #expect(rig.read(3).body.count == piece.count)
            given += rig.frames().filter { $0.type == 8 && $0.stream == 3 }.reduce(0) { $0 + Int($1.number()) }
        }
        #expect(given > 64 * 16_384 - 65_535)
        expectEqual(rig.box!.session.bufferedBytes, 65_535)
        // One byte more is the client's error.
        try rig.receive(Frames.data(1, [0]))
        #expect(rig.frames().contains { $0.type == 3 && $0.stream == 1 && $0.number() == HTTP2Code.flowControlError })
    }

    @Test("Unread bodies beyond the bound are held against the connection's window")
    func withholds() throws {
        var settings = HTTP2Settings()
        settings.bufferedLimit = 32_768
        settings.connectionWindow = 98_304
        let rig = SessionRig(settings)
        _ = rig.frames()
        let piece = [UInt8](repeating: 7, count: 16_384)
        for id in [UInt32(1), 3, 5] { try rig.receive(Frames.headers(id, Frames.block(Frames.post), ends: false)) }
        // Two pieces are given back at once, less than what is worth an update; all fill the window.
        for round in 0..<6 { try rig.receive(Frames.data([1, 3, 5][round % 3], piece)) }
        let given = rig.frames().filter { $0.type == 8 && $0.stream == 0 }.reduce(0) { $0 + Int($1.number()) }
        #expect(given <= 32_768)
        expectEqual(rig.box!.session.bufferedBytes, 6 * 16_384)
        for id in [Int32(1), 3, 5] { _ = rig.read(id) }
        let rest = rig.frames().filter { $0.type == 8 && $0.stream == 0 }.reduce(0) { $0 + Int($1.number()) }
        #expect(given + rest > 98_304 / 2)
        expectEqual(rig.box!.session.bufferedBytes, 0)
    }

    @Test("What comes for a stream that was let go is dropped, and given back to the connection")
    func drops() throws {
        let rig = SessionRig()
        try rig.receive(Frames.headers(1, Frames.block(Frames.post), ends: false))
        rig.answer(1)
        let frames = rig.frames()
        #expect(frames.contains { $0.type == 3 && $0.stream == 1 && $0.number() == HTTP2Code.noError })
        try rig.receive(Frames.data(1, [1, 2, 3]))
        expectEqual(rig.box!.session.bufferedBytes, 0)
        expectEqual(rig.box!.session.openStreams, 0)
        #expect(rig.events == ["request 1"])
    }
}
