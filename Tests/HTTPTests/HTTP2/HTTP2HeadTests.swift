import Testing

@testable import HTTP

/// Request heads as an HTTP/2 client sends them.
struct HTTP2HeadTests {
    static func head(
        _ fields: [(String, String)],
        ends: Bool = true,
        _ settings: HTTP2Settings = HTTP2Settings()
    ) -> (events: [String], head: String, bytes: String) {
        let rig = SessionRig(settings)
        try? rig.receive(Frames.headers(1, Frames.block(fields), ends: ends))
        let (head, bytes) = rig.head(1)
        return (rig.events, head, bytes)
    }

    @Test("A head becomes the one that HTTP/1 would have sent")
    func becomesLines() {
        let (events, head, bytes) = Self.head(
            [(":method", "GET"), (":path", "/p?q"), (":scheme", "https"), (":authority", "A.example:8443")]
                + [("user-agent", "x"), ("accept", ""), ("te", "trailers"), ("x_a", "1")]
        )
        #expect(events == ["request 1"])
        #expect(
            bytes
                == "GET /p?q HTTP/2.0\r\nhost: A.example:8443\r\nuser-agent: x\r\naccept: \r\nte: trailers\r\nx_a: 1\r\n\r\n"
        )
        #expect(
            head
                == "get|GET|origin|/p?q|/p|q|A.example:8443|A.example|8443|1.1|none|keep=true|expect=false|upgrade=none"
                + "|\(bytes.utf8.count)|host host=A.example:8443|userAgent user-agent=x|accept accept=|te te=trailers|other~ x_a=1"
        )
    }

    static let accepted: [([(String, String)], Bool, String)] = [
        (Frames.get + [("host", "A")], true, "host host=a"),
        ([(":method", "GET"), (":path", "/"), (":scheme", "http"), ("host", "b:1")], true, "|b:1|b|1|"),
        ([(":scheme", "https"), (":method", "OPTIONS"), (":path", "*"), (":authority", "a")], true, "|asterisk|*|"),
        (Frames.post, false, "|chunked|"),
        (Frames.post + [("content-length", "5")], false, "|length(5)|"),
        (Frames.post + [("content-length", "0")], true, "|none|"),
        (
            Frames.get + [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3")], true,
            "cookie cookie=a=1; b=2; c=3"
        ),
        (Frames.get + [("cookie", "")], true, "cookie cookie="),
        (Frames.get + [("x", "tab\there")], true, "other x=tab\there"),
        (Frames.post + [("expect", "100-continue")], false, "expect=true"),
        (
            [
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/ws"),
                (":authority", "a"),
            ]
                + [("sec-websocket-version", "13")],
            false, "get|GET|origin|/ws|/ws|-|a|a|-|1.1|none|keep=true|expect=false|upgrade=webSocket"
        ),
    ]

    @Test("Heads that are accepted", arguments: accepted)
    func accepts(fields: [(String, String)], ends: Bool, part: String) {
        let (events, head, bytes) = Self.head(fields, ends: ends)
        #expect(events == ["request 1"])
        #expect(head.contains(part), "\(head)")
        #expect(bytes.hasSuffix("\r\n\r\n"))
    }

    static let refused: [([(String, String)], HeadError)] = [
        (Array(Frames.get.dropFirst()), .malformedPseudoField),
        (Array(Frames.get.dropLast()), .malformedPseudoField),
        ([], .malformedPseudoField),
        (Frames.get + [(":path", "/")], .malformedPseudoField),
        (Frames.get + [(":status", "200")], .malformedPseudoField),
        (Frames.get + [(":protocol", "websocket")], .malformedPseudoField),
        (Frames.get + [("x", "1"), (":extra", "1")], .malformedPseudoField),
        ([("x", "1")] + Frames.get, .malformedPseudoField),
        ([(":method", ""), (":scheme", "https"), (":authority", "a"), (":path", "/")], .malformedPseudoField),
        ([(":method", "GET"), (":scheme", "ftp"), (":authority", "a"), (":path", "/")], .malformedPseudoField),
        ([(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "")], .malformedPseudoField),
        ([(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "x")], .malformedTarget),
        ([(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "*")], .malformedTarget),
        ([(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "http://b/")], .malformedTarget),
        (
            [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/ HTTP/1.1\r\nx: y")],
            .malformedTarget
        ),
        (
            [(":method", "GET /x HTTP/1.1\r\n"), (":scheme", "https"), (":authority", "a"), (":path", "/")],
            .malformedMethod
        ),
        ([(":method", "GET"), (":scheme", "https"), (":authority", "a\r\nx: y"), (":path", "/")], .malformedHost),
        ([(":method", "GET"), (":scheme", "https"), (":authority", "u@a"), (":path", "/")], .malformedHost),
        ([(":method", "GET"), (":scheme", "https"), (":authority", ""), (":path", "/")], .malformedHost),
        ([(":method", "GET"), (":scheme", "https"), (":path", "/")], .missingHost),
        ([(":method", "CONNECT"), (":authority", "a:1")], .connectMethod),
        ([(":method", "TRACE"), (":scheme", "https"), (":authority", "a"), (":path", "/")], .traceMethod),
        (
            [
                (":method", "CONNECT"), (":protocol", "connect-udp"), (":scheme", "https"), (":path", "/"),
                (":authority", "a"),
            ],
            .unknownProtocol
        ),
        (
            [
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/"),
                (":authority", "a"),
            ],
            .malformedPseudoField
        ),
        (Frames.get + [("host", "b")], .hostMismatch),
        (Frames.get + [("expect", "a-miracle")], .unknownExpectation),
        (Frames.get + [("host", "a"), ("host", "a")], .repeatedHost),
        (Frames.get + [("X", "1")], .uppercaseName),
        (Frames.get + [("Cookie", "1")], .uppercaseName),
        (Frames.get + [("x-lOng-name-that-goes-on-and-on-and-on-and-on", "1")], .uppercaseName),
        (Frames.get + [("", "1")], .emptyName),
        (Frames.get + [("x:y", "1")], .malformedName),
        (Frames.get + [("x y", "1")], .spaceBeforeColon),
        (Frames.get + [("x\r\ny", "1")], .missingColon),
        (Frames.get + [("x\0", "1")], .nulByte),
        (Frames.get + [("x", " 1")], .fieldWhitespace),
        (Frames.get + [("x", "1\t")], .fieldWhitespace),
        (Frames.get + [("x", " ")], .fieldWhitespace),
        (Frames.get + [("x", "1\r\ny: 2")], .controlCharacter),
        (Frames.get + [("x", "1\n")], .bareLineFeed),
        (Frames.get + [("x", "1\r")], .bareCarriageReturn),
        (Frames.get + [("x", "1\0")], .nulByte),
        (Frames.get + [("cookie", "a\r\nb: c")], .controlCharacter),
        (Frames.get + [("cookie", "a"), ("cookie", " b")], .fieldWhitespace),
        (Frames.get + [("connection", "close")], .connectionFieldInHTTP2),
        (Frames.get + [("transfer-encoding", "chunked")], .connectionFieldInHTTP2),
        (Frames.get + [("upgrade", "h2c")], .connectionFieldInHTTP2),
        (Frames.get + [("keep-alive", "1")], .connectionFieldInHTTP2),
        (Frames.get + [("proxy-connection", "x")], .connectionFieldInHTTP2),
        (Frames.get + [("te", "gzip")], .connectionFieldInHTTP2),
        (Frames.get + [("content-length", "5")], .malformedContentLength),
        (Frames.get + [("content-length", "+0")], .malformedContentLength),
        (Frames.get + [("content-length", "0"), ("content-length", "0")], .repeatedContentLength),
        (Frames.get + [("content_length", "0")], .aliasedFramingField),
        (Frames.get + [("x", String(repeating: "v", count: 8192))], .fieldTooLong),
        (
            [
                (":method", "GET"), (":scheme", "https"), (":authority", "a"),
                (":path", "/" + String(repeating: "p", count: 8192)),
            ],
            .requestLineTooLong
        ),
        (
            Frames.get + (0..<5).map { ("x\($0)", String(repeating: "v", count: 8000)) },
            .headTooLong
        ),
        (Frames.get + (0..<101).map { _ in ("x", "v") }, .tooManyFields),
        (Frames.get + (0..<101).map { _ in ("cookie", "v") }, .tooManyFields),
        (Frames.get + (0..<5).map { _ in ("cookie", String(repeating: "v", count: 8000)) }, .headTooLong),
    ]

    @Test("Heads that are refused can be answered", arguments: refused)
    func refuses(fields: [(String, String)], error: HeadError) throws {
        let rig = SessionRig()
        // Large blocks go out as HEADERS and CONTINUATION.
        let block = Frames.block(fields)
        var bytes = Frames.frame(1, block.count <= 16_384 ? 5 : 1, stream: 1, Array(block.prefix(16_384)))
        var rest = Array(block.dropFirst(16_384))
        while !rest.isEmpty {
            bytes += Frames.frame(9, rest.count <= 16_384 ? 4 : 0, stream: 1, Array(rest.prefix(16_384)))
            rest = Array(rest.dropFirst(16_384))
        }
        try rig.receive(bytes)
        #expect(rig.events == ["refused 1 \(error)"])
        let line = rig.head(1).bytes
        #expect(!line.contains("\r\n") || error == .malformedTarget || error == .malformedMethod)
        rig.answer(1, "HTTP/1.1 \(error.status) Refused\r\nConnection: close\r\n\r\n")
        let frames = rig.frames()
        #expect(frames.contains { $0.type == 1 && $0.stream == 1 && $0.flags & 1 == 1 })
        // The next request isn't touched by it.
        try rig.receive(Frames.headers(3, Frames.block(Frames.get)))
        #expect(rig.events.last == "request 3")
    }

    @Test("A WebSocket's stream is known as one")
    func connects() throws {
        let rig = SessionRig()
        let fields = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/"),
            (":authority", "a"),
        ]
        try rig.receive(Frames.headers(1, Frames.block(fields), ends: false))
        let handle = try #require(rig.handles[1])
        #expect(handle.isExtendedConnect)
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"
        #expect(rig.submitReply(handle, head, ends: false))
        rig.write(1, [1, 2, 3])
        let frames = rig.frames().filter { $0.stream == 1 }
        #expect(frames.map(\.type) == [1, 0])
        // Indexed field 8 of the static table: `:status: 200`, and nothing else.
        #expect(frames[0].payload == [0x88])
        try rig.receive(Frames.data(1, [9, 9]))
        #expect(rig.read(1).body == [9, 9])
    }

    @Test("A head that trickles in is timed")
    func trickles() throws {
        let rig = SessionRig()
        let block = Frames.block(Frames.get)
        expectEqual(rig.box!.session.isReceivingHead, false)
        try rig.receive(Frames.frame(1, 1, stream: 1, Array(block.prefix(3))))
        expectEqual(rig.box!.session.isReceivingHead, true)
        let last = Frames.frame(9, 4, stream: 1, Array(block.dropFirst(3)))
        for byte in last.dropLast() {
            try rig.receive([byte])
            expectEqual(rig.box!.session.isReceivingHead, true)
        }
        #expect(rig.events.isEmpty)
        try rig.receive([last.last!])
        expectEqual(rig.box!.session.isReceivingHead, false)
        #expect(rig.events == ["request 1"])
    }
}
