import Testing

@testable import HTTP

/// Replies as nghttp2's client reads them.
struct HTTP2ReplyTests {
    let rig = SessionRig(greets: false)
    let client = CodecClient()

    @Test("A reply's head loses what is HTTP/1's")
    func converts() throws {
        let id = client.request(Frames.get)
        client.exchange(with: rig)
        rig.answer(
            id,
            "HTTP/1.1 404 Not Found\r\nServer: postern\r\nConnection: close\r\nContent-Length: 5\r\nX-Empty:\r\n"
                + "Transfer-Encoding: chunked\r\nKeep-Alive: 1\r\nUpgrade: x\r\nProxy-Connection: x\r\nSet-Cookie: A=B; C\r\n\r\n",
            "hello"
        )
        client.exchange(with: rig)
        let reply = try #require(client.replies[id])
        #expect(
            reply.fields == [":status: 404", "server: postern", "content-length: 5", "x-empty: ", "set-cookie: A=B; C"]
        )
        #expect(reply.body == Array("hello".utf8) && reply.closed == 0)
        expectEqual(rig.box!.session.openStreams, 0)
    }

    @Test("Names of any length come in lower case, values as they are", arguments: 1...40)
    func lowercasesNames(count: Int) throws {
        let name = String("AbC-dEfGH1ZXY-kLmNoPqRsTuVw-Z2AbCdEfGhIj".prefix(count))
        let id = client.request(Frames.get)
        client.exchange(with: rig)
        // The last name's end is the head's, but for a few bytes.
        rig.answer(id, "HTTP/1.1 200 OK\r\n\(name): A:B C\r\nY:Z\r\n\(name):\r\n\r\n", "")
        client.exchange(with: rig)
        let reply = try #require(client.replies[id])
        let lower = name.lowercased()
        #expect(reply.fields == [":status: 200", "\(lower): A:B C", "y: Z", "\(lower): "])
    }

    static let noFields = [":a: b", "NoColon", "No Colon: b", "A long name with spaces: b", "Abcdefgh\u{1}ij: b"]

    @Test("A head ends where a line is no field", arguments: noFields)
    func endsAtNoField(line: String) throws {
        let id = client.request(Frames.get)
        client.exchange(with: rig)
        rig.answer(id, "HTTP/1.1 200 OK\r\nX-First: 1\r\n\(line)\r\nX-Second: 2\r\n\r\n", "")
        client.exchange(with: rig)
        let reply = try #require(client.replies[id])
        #expect(reply.fields == [":status: 200", "x-first: 1"])
    }

    @Test("Interim replies, body and trailers come in order")
    func ordersParts() throws {
        let id = client.request(Frames.get)
        client.exchange(with: rig)
        let handle = try #require(rig.handles[id])
        #expect(rig.submitInterim(handle, "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"))
        #expect(rig.submitInterim(handle, "HTTP/1.1 103 Early Hints\r\nLink: b\r\n\r\n"))
        #expect(rig.submitReply(handle, "HTTP/1.1 200 OK\r\nTrailer: X\r\n\r\n", ends: false))
        rig.write(id, [1, 2, 3])
        handle.end(trailers: Array("X-Sum: 6\r\nY: z\r\n".utf8).span)
        rig.release(id)
        client.exchange(with: rig)
        let reply = try #require(client.replies[id])
        #expect(reply.interims == [[":status: 103", "link: a"], [":status: 103", "link: b"]])
        #expect(reply.fields == [":status: 200", "trailer: X"])
        #expect(reply.body == [1, 2, 3])
        #expect(reply.trailers == ["x-sum: 6", "y: z"])
        #expect(reply.closed == 0)
    }

    static let trailerTexts: [(String, [String])] = [
        ("", []), ("Connection: x\r\n", []), ("A: b\r\n", ["a: b"]),
    ]

    @Test("Trailers without a body before them", arguments: trailerTexts)
    func endsWithTrailers(text: String, expected: [String]) throws {
        let id = client.request(Frames.get)
        client.exchange(with: rig)
        let handle = try #require(rig.handles[id])
        rig.submitReply(handle, "HTTP/1.1 200 OK\r\n\r\n", ends: false)
        client.exchange(with: rig)
        handle.end(trailers: Array(text.utf8).span)
        client.exchange(with: rig)
        #expect(client.replies[id]?.trailers == expected)
        #expect(client.replies[id]?.closed == 0)
    }

    @Test("A long body passes in pieces; writing waits for room")
    func streams() throws {
        let body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let id = client.request(Frames.get)
        client.exchange(with: rig)
        let handle = try #require(rig.handles[id])
        rig.submitReply(handle, "HTTP/1.1 200 OK\r\n\r\n", ends: false)
        var rest = body
        var rounds = 0
        while !rest.isEmpty, rounds < 1000 {
            rounds += 1
            let piece = Array(rest.prefix(10_000))
            let left = rig.write(id, piece)
            rest = left + rest.dropFirst(piece.count)
            #expect(handle.unsentCount <= 32_768)
            if !left.isEmpty {
                rig.events = []
                client.exchange(with: rig)
                #expect(rig.events == ["writable 1"])
            }
        }
        handle.end()
        client.exchange(with: rig)
        #expect(client.replies[id]?.body == body && client.replies[id]?.closed == 0)
    }

    @Test("Sending stops at the limit and goes on where it stopped", arguments: [1, 100, 9000, 20_000])
    func limits(limit: Int) throws {
        let body = (0..<50_000).map { UInt8(truncatingIfNeeded: $0) }
        let id = client.request(Frames.get)
        client.exchange(with: rig)
        rig.answer(id, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "")
        let other = client.request(Frames.get)
        client.exchange(with: rig)
        let handle = try #require(rig.handles[other])
        rig.submitReply(handle, "HTTP/1.1 200 OK\r\n\r\n", ends: false)
        rig.write(other, body)
        handle.end()
        while rig.wantsWrite {
            let piece = rig.send(limit: limit)
            #expect(piece.count <= limit + 9 + 16_384)
            if piece.isEmpty { break }
            _ = client.take(piece)
        }
        #expect(client.replies[other]?.body == body)
    }

    @Test("Streams take turns")
    func takesTurns() throws {
        let ids = (0..<3).map { _ in client.request(Frames.get) }
        client.exchange(with: rig)
        for id in ids {
            rig.handles[id]?.submitReply(Array("HTTP/1.1 200 OK\r\n\r\n".utf8).span, ends: false)
            rig.write(id, [UInt8](repeating: 1, count: 48_000))
            rig.handles[id]?.end()
        }
        client.exchange(with: rig)
        let first = client.order.prefix(3)
        #expect(Set(first) == Set(ids), "\(client.order)")
        for id in ids { #expect(client.replies[id]?.body.count == 48_000) }
    }

    @Test("Streams that began with little take turns, too")
    func takesTurnsInParts() throws {
        let ids = (0..<3).map { _ in client.request(Frames.get) }
        client.exchange(with: rig)
        for id in ids {
            rig.handles[id]?.submitReply(Array("HTTP/1.1 200 OK\r\n\r\n".utf8).span, ends: false)
            rig.write(id, [1])
        }
        client.exchange(with: rig)
        client.order.removeAll()
        for id in ids { rig.write(id, [UInt8](repeating: 1, count: 40_000)) }
        client.exchange(with: rig)
        let first = client.order.prefix(3)
        #expect(Set(first) == Set(ids), "\(client.order)")
    }

    @Test("A stream whose window is shut waits; others go on")
    func waitsForWindow() throws {
        let client = CodecClient(window: 10)
        let slow = client.request(Frames.get)
        let quick = client.request(Frames.get)
        client.exchange(with: rig)
        for id in [slow, quick] {
            rig.handles[id]?.submitReply(Array("HTTP/1.1 200 OK\r\n\r\n".utf8).span, ends: false)
        }
        rig.write(slow, [UInt8](repeating: 1, count: 1000))
        rig.write(quick, [1, 2, 3])
        for id in [slow, quick] { rig.handles[id]?.end() }
        _ = client.take(rig.send())
        #expect(client.replies[quick]?.body == [1, 2, 3])
        #expect(client.replies[slow]?.body.count == 10)
        client.open(slow, window: 2000)
        client.exchange(with: rig)
        #expect(client.replies[slow]?.body.count == 1000)
    }

    @Test("A reply that is let go unended is broken off")
    func breaksOff() throws {
        let id = client.request(Frames.get)
        client.exchange(with: rig)
        rig.handles[id]?.submitReply(Array("HTTP/1.1 200 OK\r\n\r\n".utf8).span, ends: false)
        rig.write(id, [1])
        rig.release(id)
        client.exchange(with: rig)
        #expect(client.replies[id]?.closed == HTTP2Code.internalError)
    }

    @Test("The client's reset ends a stream that the loop holds")
    func hearsReset() throws {
        let id = client.request(Frames.get)
        client.exchange(with: rig)
        rig.handles[id]?.submitReply(Array("HTTP/1.1 200 OK\r\n\r\n".utf8).span, ends: false)
        client.exchange(with: rig)
        client.reset(id, HTTP2Code.cancel)
        client.exchange(with: rig)
        #expect(rig.events == ["request 1", "reset 1 8"])
        #expect(rig.handles[id]?.isGone == true)
        #expect(rig.write(id, [1]) == [1])
        #expect(rig.read(id).result == .reset)
    }

    @Test("A request that was reset before the loop heard of it is never heard of")
    func forgetsReset() throws {
        let rig = SessionRig()
        try rig.receive(Frames.headers(1, Frames.block(Frames.get)) + Frames.reset(1))
        #expect(rig.events.isEmpty)
        #expect(rig.streamCount == 0)
    }

    @Test("An upload goes up while its answer comes down")
    func runsBothWays() throws {
        let body = [UInt8](repeating: 3, count: 300_000)
        let id = client.request(Frames.post, body: body)
        _ = try rig.receive(client.send())
        rig.handles[id]?.submitReply(Array("HTTP/1.1 200 OK\r\n\r\n".utf8).span, ends: false)
        var echoed = 0
        for _ in 0..<200 where echoed < body.count {
            let piece = rig.read(id).body
            echoed += piece.count
            var left = piece
            while !left.isEmpty {
                left = rig.write(id, left)
                client.exchange(with: rig)
            }
            client.exchange(with: rig)
        }
        rig.handles[id]?.end()
        client.exchange(with: rig)
        #expect(client.replies[id]?.body == body && client.replies[id]?.closed == 0)
    }
}
