import DemoGateway
import EventLoop
import TestSupport
import Testing

@Suite struct WebSocketTests {
    static func connect(
        token: String? = nil,
        device: String? = nil,
        protocol version: Int = 4
    ) -> TestFrame {
        let auth = token.map { #""auth":{"token":"\#($0)"},"# } ?? ""
        let device = device.map { #""device":{"id":"\#($0)","publicKey":"k","signature":"s","signedAt":1},"# } ?? ""
        return .text(
            #"{"type":"req","id":"7","method":"connect","params":{"minProtocol":\#(version),"maxProtocol":\#(version),"#
                + #""client":{"id":"openclaw-control-ui","version":"1","platform":"web","mode":"webchat"},"# + auth
                + device
                + #""role":"operator","scopes":["operator.read"],"caps":[]}}"#
        )
    }

    /// A client that has gone through the handshake.
    static func open(_ gateway: Gateway) throws -> TestClient {
        let client = try gateway.client()
        let response = try client.upgrade()
        #expect(response.status == 101)
        _ = try client.readFrame()
        try client.send(connect())
        let hello = try client.readFrame()
        #expect(hello.text.contains("hello-ok"))
        return client
    }

    @Test(arguments: ["/", "/base/path", "/__openclaw__/worker"])
    func handshake(target: String) throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        let response = try client.upgrade(target)
        #expect(response.status == 101)
        #expect(response["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        let challenge = try client.readFrame()
        #expect(challenge.opcode == 1 && challenge.isFinal)
        #expect(challenge.text.hasPrefix(#"{"event":"connect.challenge","payload":{"nonce":""#))
        try client.send(Self.connect())
        let hello = try client.readFrame()
        for part in [
            #""id":"7""#, #""ok":true"#, #""type":"hello-ok""#, #""protocol":4"#, #""maxPayload":26214400"#,
            #""tickIntervalMs":15000"#, #""auth":{"role":"operator","scopes":["operator.read"]}"#,
        ] {
            #expect(hello.text.contains(part), "\(part) in \(hello.text)")
        }
        try client.send(TestFrame.text("hello"))
        #expect(try client.readFrame() == .text("hello"))
        #expect(gateway.statistics.webSockets == 1)
    }

    struct Refusal: Sendable {
        var authentication = DemoGateway.Options.Authentication.open
        var pairing = DemoGateway.Options.Pairing.notRequired
        let frame: TestFrame
        let text: String
    }

    static let refusals = [
        Refusal(authentication: .token("right"), frame: connect(token: "wrong"), text: "AUTH_TOKEN_MISMATCH"),
        Refusal(authentication: .token("right"), frame: connect(), text: "AUTH_TOKEN_MISMATCH"),
        Refusal(authentication: .trustedProxy, frame: connect(), text: "trusted_proxy_user_missing"),
        Refusal(pairing: .required(devices: ["a"]), frame: connect(device: "b"), text: "PAIRING_REQUIRED"),
        Refusal(pairing: .required(devices: ["a"]), frame: connect(), text: #""code":"NOT_PAIRED""#),
        Refusal(frame: connect(protocol: 3), text: "protocol mismatch"),
    ]

    @Test(arguments: refusals)
    func refuses(_ refusal: Refusal) throws {
        let gateway = try Gateway {
            $0.authentication = refusal.authentication
            $0.pairing = refusal.pairing
        }
        let client = try gateway.client()
        _ = try client.upgrade()
        _ = try client.readFrame()
        try client.send(refusal.frame)
        let answer = try client.readFrame()
        #expect(answer.text.contains(refusal.text), "\(answer.text)")
        #expect(answer.text.contains(#""ok":false"#))
        #expect(try client.readFrame().closeCode == 1008)
        #expect(try client.isAtEnd())
    }

    @Test func acceptsTheTokenAndThePairedDevice() throws {
        let gateway = try Gateway {
            $0.authentication = .token("right")
            $0.pairing = .required(devices: ["a"])
        }
        let client = try gateway.client()
        _ = try client.upgrade()
        _ = try client.readFrame()
        try client.send(Self.connect(token: "right", device: "a"))
        #expect(try client.readFrame().text.contains("hello-ok"))
    }

    @Test(arguments: [
        (TestFrame.text("not json"), 1008),
        (TestFrame.text(#"{"type":"req","id":"1","method":"other","params":{}}"#), 1008),
        (TestFrame(opcode: 1, payload: [UInt8](repeating: 0x20, count: 65_537)), 1009),
        (TestFrame(opcode: 0, payload: []), 1002),
    ])
    func aBadFirstMessageCloses(frame: TestFrame, code: Int) throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        _ = try client.upgrade()
        _ = try client.readFrame()
        try client.send(frame)
        #expect(try client.readFrame().closeCode == code)
    }

    @Test(arguments: [0, 1, 125, 126, 65_535, 65_536, 1_000_001])
    func echoes(count: Int) throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        _ = try client.upgrade("/ws-echo")
        let frame = TestFrame(opcode: 2, payload: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        try client.send(frame)
        #expect(try client.readFrame() == frame)
    }

    @Test func theLargestMessagePassesAndALargerOneDoesNot() throws {
        let gateway = try Gateway { $0.tickInterval = 3_600_000_000_000 }
        let client = try Self.open(gateway)
        let payload = [UInt8](repeating: 0x5A, count: 26_214_400)
        // Sent from another thread: an echo that nobody reads stops the sender, as it must.
        let sender = Sender(client)
        let thread = try WorkerThread(name: "sender") { try? sender.send(TestFrame(opcode: 2, payload: payload)) }
        let echo = try client.readFrame()
        #expect(echo.payload == payload)
        thread.join()
        try client.send([0x82, 0xFF, 0, 0, 0, 0, 0x01, 0x90, 0, 0x01, 0, 0, 0, 0])
        #expect(try client.readFrame().closeCode == 1009)
    }

    /// Lets one thread send while another reads: the client's two directions share nothing but the socket.
    private final class Sender: @unchecked Sendable {
        private let client: TestClient
        init(_ client: TestClient) { self.client = client }
        func send(_ frame: TestFrame) throws { try client.send(frame) }
    }

    @Test func fragmentsWithAPingBetween() throws {
        let gateway = try Gateway()
        let client = try Self.open(gateway)
        try client.send(TestFrame(opcode: 1, isFinal: false, payload: Array("ab".utf8)))
        try client.send(TestFrame(opcode: 9, payload: Array("now".utf8)))
        try client.send(TestFrame(opcode: 0, payload: Array("cd".utf8)))
        #expect(try client.readFrame() == TestFrame(opcode: 1, isFinal: false, payload: Array("ab".utf8)))
        #expect(try client.readFrame() == TestFrame(opcode: 10, payload: Array("now".utf8)))
        #expect(try client.readFrame() == TestFrame(opcode: 0, payload: Array("cd".utf8)))
    }

    @Test func closingIsAnswered() throws {
        let gateway = try Gateway()
        let client = try Self.open(gateway)
        try client.send(TestFrame(opcode: 8, payload: [0x0F, 0xA0] + Array("missed ticks".utf8)))
        #expect(try client.readFrame().closeCode == 4000)
        #expect(try client.isAtEnd())
        #expect(Patience.until { gateway.statistics.webSockets == 0 })
    }

    @Test func ticks() throws {
        let gateway = try Gateway { $0.tickInterval = 30_000_000 }
        let client = try Self.open(gateway)
        for number in 1...3 {
            let tick = try client.readFrame().text
            #expect(tick.hasPrefix(#"{"event":"tick","payload":{"ts":"#))
            #expect(tick.contains("\"seq\":\(number)"))
        }
    }

    @Test func noTickComesWithinAMessage() throws {
        let gateway = try Gateway { $0.tickInterval = 20_000_000 }
        let client = try Self.open(gateway)
        try client.send(TestFrame(opcode: 1, isFinal: false, payload: Array("ab".utf8)))
        var frame = try client.readFrame()
        while frame.opcode == 1, frame.isFinal { frame = try client.readFrame() }
        #expect(frame == TestFrame(opcode: 1, isFinal: false, payload: Array("ab".utf8)))
        // A pong sent after two intervals shows that they passed.
        let slow = try gateway.client()
        _ = try slow.exchange("GET", "/slow?ms=60")
        try client.send(TestFrame(opcode: 9, payload: []))
        #expect(try client.readFrame() == TestFrame(opcode: 10, payload: []))
        try client.send(TestFrame(opcode: 0, payload: []))
        #expect(try client.readFrame() == TestFrame(opcode: 0, payload: []))
        #expect(try client.readFrame().text.contains("tick"))
    }

    @Test func aClientThatDoesNotConnectIsDropped() throws {
        let gateway = try Gateway { $0.connectTimeout = 50_000_000 }
        let client = try gateway.client()
        _ = try client.upgrade()
        _ = try client.readFrame()
        #expect(try client.readFrame().closeCode == 1008)
        #expect(try client.isAtEnd())
    }

    @Test func unansweredPingsDropTheConnection() throws {
        let gateway = try Gateway {
            $0.pingInterval = 20_000_000
            $0.pongTimeout = 50_000_000
        }
        let client = try gateway.client()
        _ = try client.upgrade("/ws-echo")
        #expect(try client.readFrame().opcode == 9)
        while case let bytes = try client.readToEnd(), !bytes.isEmpty {}
        #expect(gateway.statistics.unanswered == 1)
    }

    @Test func answeredPingsKeepIt() throws {
        let gateway = try Gateway {
            $0.pingInterval = 20_000_000
            $0.pongTimeout = 60_000_000_000
        }
        let client = try gateway.client()
        _ = try client.upgrade("/ws-echo")
        for _ in 0..<4 {
            let ping = try client.readFrame()
            #expect(ping.opcode == 9)
            try client.send(TestFrame(opcode: 10, payload: ping.payload))
        }
        #expect(gateway.statistics.webSockets == 1)
    }

    @Test(arguments: [
        ("http://gateway.test", 101), ("https://gateway.test", 101), ("https://elsewhere.test", 403), ("null", 403),
    ])
    func originsAreChecked(origin: String, status: Int) throws {
        let gateway = try Gateway()
        #expect(try gateway.client().upgrade("/", [("Origin", origin)]).status == status)
    }

    @Test(arguments: [401, 403, 429, 503])
    func upgradesCanBeRefused(status: Int) throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        #expect(try client.upgrade("/status/\(status)").status == status)
        #expect(try client.exchange("GET", "/health").status == 200)
    }

    @Test func aWrongVersionIsToldTheRightOne() throws {
        let gateway = try Gateway()
        let response = try gateway.client().exchange(
            "GET",
            "/",
            [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "8")]
        )
        #expect(response.status == 426)
        #expect(response["sec-websocket-version"] == "13")
    }
}
