import Testing

@testable import HTTP

/// What a client may do without getting anywhere, and where it ends.
struct HTTP2FloodTests {
    static let second: UInt64 = 1_000_000_000

    /// Feeds rounds of frames until the session ends; answers the round and the error.
    static func flood(
        _ rig: SessionRig,
        rounds: Int,
        writes: Bool = true,
        _ make: (Int) -> [UInt8]
    ) -> (round: Int, error: HTTP2Error?) {
        for round in 0..<rounds {
            do throws(HTTP2Error) { try rig.receive(make(round)) } catch { return (round, error) }
            for id in rig.handles.keys { rig.answer(id) }
            if writes {
                rig.output = rig.send()
                if let failure = rig.failure { return (round, failure) }
            }
        }
        return (rounds, nil)
    }

    static func isCalmed(_ rig: SessionRig) -> Bool {
        // Told in what it sent last, or in what it has to send.
        let frames = Frames.read(rig.output) + rig.frames()
        let isTold = frames.contains { $0.type == 7 && $0.number(4) == HTTP2Code.enhanceYourCalm }
        return isTold && rig.isFinished
    }

    struct Flood: CustomTestStringConvertible, Sendable {
        var name: String
        var bound: ClosedRange<Int>
        var reason: String
        var frames: @Sendable (Int) -> [UInt8]
        var testDescription: String { name }
    }

    static let floods: [Flood] = [
        Flood(name: "rapid reset", bound: 200...256, reason: "streams are reset too often") { round in
            let id = UInt32(round * 2 + 1)
            return Frames.headers(id, Frames.block(Frames.get)) + Frames.reset(id)
        },
        Flood(name: "made-you-reset by a length", bound: 200...256, reason: "streams are reset too often") { round in
            let id = UInt32(round * 2 + 1)
            return Frames.headers(id, Frames.block(Frames.post + [("content-length", "1")]), ends: false)
                + Frames.data(id, [1, 2])
        },
        Flood(name: "made-you-reset by the window's overflow", bound: 200...256, reason: "streams are reset too often")
        {
            let id = UInt32($0 * 2 + 1)
            return Frames.headers(id, Frames.block(Frames.post), ends: false) + Frames.windowUpdate(id, 0x7FFF_FFFF)
        },
        Flood(name: "refused heads", bound: 200...256, reason: "streams are reset too often") { round in
            Frames.headers(UInt32(round * 2 + 1), Frames.block([(":method", "GET")]))
        },
        Flood(name: "PING", bound: 1000...1024, reason: "too many frames that move nothing") { _ in
            Frames.frame(6, Array(repeating: 0, count: 8))
        },
        Flood(name: "SETTINGS", bound: 1000...1024, reason: "too many frames that move nothing") { _ in Frames.settings
        },
        Flood(name: "PRIORITY", bound: 1000...1024, reason: "too many frames that move nothing") { round in
            Frames.frame(2, stream: UInt32(round * 2 + 1), Frames.number(0) + [15])
        },
        Flood(name: "window drip", bound: 1000...1024, reason: "too many frames that move nothing") { _ in
            Frames.windowUpdate(0, 1)
        },
        Flood(name: "unknown frames", bound: 1000...1200, reason: "too many frames that move nothing") { _ in
            Frames.frame(0xFA, [UInt8](repeating: 0, count: 55))
        },
        Flood(name: "HEADERS of a closed stream", bound: 1000...1030, reason: "too many frames that move nothing") {
            $0 < 2 ? Frames.headers(UInt32(3 - 2 * $0), Frames.block(Frames.get)) : Frames.headers(1, [])
        },
        Flood(name: "empty DATA", bound: 1000...1024, reason: "too many frames that move nothing") { round in
            round == 0 ? Frames.headers(1, Frames.block(Frames.post), ends: false) : Frames.data(1, [])
        },
        Flood(name: "DATA of padding", bound: 1000...1024, reason: "too many frames that move nothing") { round in
            round == 0
                ? Frames.headers(1, Frames.block(Frames.post), ends: false) : Frames.frame(0, 8, stream: 1, [1, 0])
        },
    ]

    @Test("A flood is ended by its bound", arguments: floods)
    func ends(flood: Flood) throws {
        let rig = SessionRig()
        let holdsStream = flood.name.contains("DATA")
        var end = (round: 0, error: HTTP2Error?.none)
        if holdsStream {
            for round in 0..<5000 {
                do throws(HTTP2Error) { try rig.receive(flood.frames(round)) } catch {
                    end = (round, error)
                    break
                }
                _ = rig.send()
            }
        } else {
            end = Self.flood(rig, rounds: 5000, flood.frames)
        }
        #expect(flood.bound.contains(end.round), "ended in round \(end.round)")
        #expect(end.error?.reason.description == flood.reason && end.error?.isAbuse == true)
        #expect(Self.isCalmed(rig))
    }

    @Test("The same at a pace that a client may have goes on", arguments: floods)
    func goesOn(flood: Flood) throws {
        if flood.name.contains("DATA") { return }
        var settings = HTTP2Settings()
        settings.maxRequests = 100_000
        let patient = SessionRig(settings)
        let end = Self.flood(patient, rounds: 2000) { round in
            patient.now += Self.second / 30
            return flood.frames(round)
        }
        #expect(end.error == nil, "ended in round \(end.round): \(end.error?.reason.description ?? "")")
    }

    @Test("Frames that move bytes earn what a window's updates cost")
    func earns() throws {
        let rig = SessionRig()
        try rig.receive(Frames.headers(1, Frames.block(Frames.post), ends: false))
        for _ in 0..<5000 {
            try rig.receive(Frames.data(1, [UInt8](repeating: 1, count: 512)) + Frames.windowUpdate(0, 1))
            _ = rig.read(1)
            _ = rig.send()
        }
    }

    @Test("Bytes on their way to a stream that we reset are no flood, more of them are")
    func forgivesInFlight() throws {
        let rig = SessionRig()
        let bytes = [UInt8](repeating: 0, count: 16_000)
        for id: UInt32 in [1, 3] {
            try rig.receive(Frames.headers(id, Frames.block(Frames.post), ends: false))
            rig.release(Int32(id))
            _ = rig.send()
            for _ in 0..<3 {
                try rig.receive(Frames.data(id, bytes))
                _ = rig.send()
            }
        }
        for _ in 0..<100 where rig.failure == nil {
            try rig.receive(Frames.data(1, bytes))
            rig.output += rig.send()
        }
        #expect(rig.failure == .idleFrames)
        #expect(Frames.read(rig.output).filter { $0.type == 7 }.map { $0.number(4) } == [HTTP2Code.enhanceYourCalm])
    }

    @Test("CONTINUATION without end", arguments: [[], [0x00]] as [[UInt8]])
    func endsContinuation(payload: [UInt8]) throws {
        let rig = SessionRig()
        try rig.receive(Frames.frame(1, 0, stream: 1, Frames.block(Frames.get)))
        let end = Self.flood(rig, rounds: 100) { _ in Frames.frame(9, 0, stream: 1, payload) }
        #expect(end.round <= 16 && end.error?.isAbuse == true)
        #expect(Self.isCalmed(rig))
    }

    @Test("A header bomb is ended by the bytes it decodes to")
    func endsBomb() throws {
        let rig = SessionRig()
        // A field of nearly 4,096 bytes goes into the table; each byte after it stands for it.
        let large = [UInt8(0x40)] + Frames.text([0x78]) + Frames.text([UInt8](repeating: 0x61, count: 4000))
        let block = Frames.block(Frames.get) + large + [UInt8](repeating: 0xBE, count: 10_000)
        #expect(throws: HTTP2Error.blockTooLarge) { try rig.receive(Frames.headers(1, block)) }
        #expect(rig.events.isEmpty)
        #expect(Self.isCalmed(rig))
        #expect(rig.streamCount <= 1)
    }

    @Test("A bomb in trailers, and one for a stream that is gone", arguments: [true, false])
    func endsLateBomb(isGone: Bool) throws {
        let rig = SessionRig()
        try rig.receive(Frames.headers(1, Frames.block(Frames.post), ends: false))
        if isGone { rig.answer(1) }
        let large = [UInt8(0x40)] + Frames.text([0x78]) + Frames.text([UInt8](repeating: 0x61, count: 4000))
        let error = #expect(throws: HTTP2Error.self) {
            for _ in 0..<100 {
                try rig.receive(Frames.headers(1, large + [UInt8](repeating: 0xBE, count: 10_000), ends: false))
            }
        }
        #expect(error != nil)
    }

    @Test("Answers that nobody reads don't pile up")
    func endsUnreadAcks() {
        var settings = HTTP2Settings()
        settings.bounds.idleFrameBurst = 1_000_000
        let rig = SessionRig(settings)
        let end = Self.flood(rig, rounds: 5000, writes: false) { _ in Frames.frame(6, Array(repeating: 0, count: 8)) }
        #expect(end.error == .floodedAcks && end.round <= 1001)
    }

    struct Violation: CustomTestStringConvertible, Sendable {
        var name: String
        var bytes: [UInt8]
        var code: UInt32
        var testDescription: String { name }
    }

    static let violations: [Violation] = [
        Violation(name: "DATA on stream 0", bytes: Frames.data(0, [1]), code: 1),
        Violation(name: "DATA on an idle stream", bytes: Frames.data(1, [1]), code: 1),
        Violation(name: "an even stream", bytes: Frames.headers(2, Frames.block(Frames.get)), code: 1),
        Violation(name: "a frame too large", bytes: Frames.frame(0xFA, [UInt8](repeating: 0, count: 16_385)), code: 6),
        Violation(name: "PING of 7 bytes", bytes: Frames.frame(6, Array(repeating: 0, count: 7)), code: 6),
        Violation(name: "HPACK garbage", bytes: Frames.headers(1, [255, 255, 255, 255, 255, 15]), code: 9),
        Violation(name: "CONTINUATION alone", bytes: Frames.frame(9, 4, stream: 1), code: 1),
        Violation(name: "the window's overflow", bytes: Frames.windowUpdate(0, 0x7FFF_FFFF), code: 3),
        Violation(name: "a window's update by nothing", bytes: Frames.windowUpdate(0, 0), code: 1),
        Violation(name: "PUSH_PROMISE", bytes: Frames.frame(5, 4, stream: 1, Frames.number(2)), code: 1),
    ]

    @Test("A violation ends the connection with its code", arguments: violations)
    func violates(violation: Violation) throws {
        let rig = SessionRig()
        try rig.receive(violation.bytes)
        let codes = rig.frames().filter { $0.type == 7 }.map { $0.number(4) }
        #expect(codes == [violation.code])
        expectEqual(rig.failure?.code, violation.code)
        for id in rig.handles.keys { rig.answer(id) }
        _ = rig.send()
        expectEqual(rig.isFinished, true)
    }

    @Test("What ends a connection is named, however much came along behind it", arguments: violations)
    func namesViolation(violation: Violation) throws {
        let rig = SessionRig()
        let rest = (0..<5000).flatMap { Frames.headers(UInt32(2 * $0 + 1), Frames.block(Frames.get)) }
        try rig.receive(violation.bytes + rest)
        let codes = rig.frames().filter { $0.type == 7 }.map { $0.number(4) }
        #expect(codes == [violation.code])
        #expect(rig.failure == .protocolViolation(violation.code))
        for id in rig.handles.keys { rig.answer(id) }
        expectEqual(rig.isFinished, true)
    }

    static let prefaces = ["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "\u{16}\u{3}\u{1}"]

    @Test("Another protocol's first bytes are refused", arguments: prefaces)
    func refusesPreface(text: String) {
        let rig = SessionRig(greets: false)
        #expect(throws: HTTP2Error.badPreface) { try rig.receive(Array(text.utf8)) }
    }
}

extension Frames {
    static func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] { frame(type, 0, stream: 0, payload) }
}
