import DemoGateway
import TestSupport
import Testing

@Suite struct RouteTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var method = "GET"
        let target: String
        var body: String?
        var status = 200
        var type = "application/json"
        let text: String

        var testDescription: String { "\(method) \(target)" }
    }

    static let cases = [
        Case(target: "/health", text: #"{"ok":true,"status":"live"}"#),
        Case(target: "/healthz", text: #"{"ok":true,"status":"live"}"#),
        Case(target: "/ready", text: #"{"ready":true}"#),
        Case(target: "/readyz?x=1", text: #"{"ready":true}"#),
        Case(target: "/startup", text: #"{"ready":true}"#),
        Case(target: "/startupz", text: #"{"ready":true}"#),
        Case(target: "/manifest.webmanifest", type: "application/manifest+json", text: "start_url"),
        Case(target: "/sw.js", type: "text/javascript; charset=utf-8", text: "skipWaiting"),
        Case(target: "/demo.js", type: "text/javascript; charset=utf-8", text: "connect.challenge"),
        Case(target: "/demo.css", type: "text/css; charset=utf-8", text: "light-dark"),
        Case(target: "/control-ui-config.json", text: "assistantName"),
        Case(target: "/avatar/main", type: "image/svg+xml", text: "<svg"),
        Case(target: "/v1/models", text: "openclaw/default"),
        Case(target: "/v1/models/openclaw%2Fdefault", text: #""id":"openclaw/default""#),
        Case(target: "/v1/models/openclaw/default", status: 404, text: "not found"),
        Case(
            method: "POST",
            target: "/v1/chat/completions",
            body: #"{"messages":[{"role":"user","content":"hi there"}]}"#,
            text: #""content":"You said: hi there""#
        ),
        Case(
            method: "POST",
            target: "/v1/chat/completions",
            body: #"{"messages":[{"role":"user","content":[{"type":"text","text":"part"}]}]}"#,
            text: "You said: part"
        ),
        Case(method: "POST", target: "/v1/chat/completions", body: "{", status: 400, text: "JSON"),
        Case(method: "POST", target: "/v1/responses", body: #"{"input":"hi"}"#, text: #""text":"You said: hi""#),
        Case(
            method: "POST",
            target: "/v1/embeddings",
            body: #"{"input":["a","b"]}"#,
            text: #""index":1,"object":"embedding""#
        ),
        Case(method: "POST", target: "/tools/invoke", body: #"{"tool":"ls","args":{}}"#, text: #""tool":"ls""#),
        Case(method: "POST", target: "/hooks/agent", body: "{}", status: 202, text: #"{"ok":true}"#),
        Case(
            method: "POST",
            target: "/upload",
            body: "abc",
            text: #"{"bytes":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#
        ),
        Case(target: "/status/418", status: 418, type: "text/plain; charset=utf-8", text: "status 418"),
        Case(target: "/slow?ms=1", type: "text/plain; charset=utf-8", text: "waited 1 ms"),
        Case(target: "/bytes/3", type: "application/octet-stream", text: "\u{0}\u{1}\u{2}"),
        Case(target: "/bytes/0", type: "application/octet-stream", text: ""),
        Case(target: "/bytes/x", status: 404, text: "not found"),
        Case(target: "/nothing", status: 404, text: "not found"),
        Case(method: "POST", target: "/health", body: "", status: 405, text: "method not allowed"),
        Case(target: "/tools/invoke", status: 405, text: "method not allowed"),
    ]

    @Test(arguments: cases)
    func answers(_ test: Case) throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        let response = try client.exchange(test.method, test.target, body: test.body.map { Array($0.utf8) })
        #expect(response.status == test.status)
        #expect(response["content-type"] == test.type)
        #expect(response.text.contains(test.text) || test.text.isEmpty)
        // The connection goes on whatever was asked.
        #expect(try client.exchange("GET", "/health").status == 200)
    }

    @Test func thePageShowsWhoCallsAndNoSecret() throws {
        let gateway = try Gateway()
        let response = try gateway.client().exchange(
            "GET",
            "/",
            [
                ("X-Forwarded-User", "ada<script>alert('&\"')"), ("X-Real-IP", "192.0.2.7"),
                ("X-OpenClaw-Scopes", "operator.read"), ("Authorization", "Bearer sesame-open"),
            ]
        )
        #expect(response.status == 200)
        #expect(response["content-type"] == "text/html; charset=utf-8")
        #expect(response.text.contains("<code>ada&lt;script&gt;alert(&#39;&amp;&quot;&#39;)</code>"))
        #expect(response.text.contains("<code>192.0.2.7</code>"))
        #expect(response.text.contains("<code>operator.read</code>"))
        #expect(response.text.contains("<code>Bearer</code>"))
        #expect(response.text.contains("not sent"))
        #expect(!response.text.contains("sesame-open"))
        #expect(!response.text.contains("://"), "the page loads nothing from elsewhere")
    }

    @Test func readinessFollowsTheSwitch() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        gateway.gateway.setReady(false)
        #expect(
            Patience.until {
                let response = try? client.exchange("GET", "/ready")
                return response?.status == 503 && response?.text == #"{"ready":false}"#
            }
        )
        #expect(try client.exchange("GET", "/health").status == 200)
        gateway.gateway.setReady(true)
        #expect(Patience.until { (try? client.exchange("GET", "/ready"))?.status == 200 })
    }

    @Test(
        arguments: [
            ("/v1/models", [], 401), ("/v1/models", [("Authorization", "Bearer wrong")], 401),
            ("/v1/models", [("Authorization", "Basic c2VjcmV0")], 401),
            ("/v1/models", [("Authorization", "bearer secret")], 200),
            ("/health", [], 200), ("/", [], 200),
        ] as [(String, [(String, String)], Int)]
    )
    func tokenMode(target: String, fields: [(String, String)], status: Int) throws {
        let gateway = try Gateway { $0.authentication = .token("secret") }
        #expect(try gateway.client().exchange("GET", target, fields).status == status)
    }

    @Test func trustedProxyMode() throws {
        let gateway = try Gateway { $0.authentication = .trustedProxy }
        let client = try gateway.client()
        #expect(try client.exchange("GET", "/v1/models").status == 401)
        #expect(try client.exchange("GET", "/v1/models", [("X-Forwarded-User", "ada")]).status == 200)
    }

    @Test func hooksHaveATokenOfTheirOwn() throws {
        let gateway = try Gateway { $0.hookToken = "hook" }
        let client = try gateway.client()
        #expect(try client.exchange("POST", "/hooks/agent", body: []).status == 401)
        #expect(try client.exchange("POST", "/hooks/agent", [("X-OpenClaw-Token", "hook")], body: []).status == 202)
        #expect(try client.exchange("POST", "/hooks/agent", [("Authorization", "Bearer hook")], body: []).status == 202)
    }
}
