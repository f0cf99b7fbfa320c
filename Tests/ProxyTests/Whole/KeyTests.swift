import Access
import TestSupport
import Testing

@testable import Proxy

/// API keys, over a connection that goes on.
@Suite struct KeyTests {
    private static func file(_ keys: [String]) -> String {
        let entries = keys.map {
            "{\"id\": \"\($0)\", \"key\": \"the-secret-of-\($0)-long-enough\", \"permissions\": [\"read\"]}"
        }
        return "{\"keys\": [\(entries.joined(separator: ","))]}"
    }

    private static func key(_ name: String) -> (String, String) { ("X-API-Key", "the-secret-of-\(name)-long-enough") }

    /// What a connection has proved counts as long as the file's reading that proved it.
    @Test func aConnectionsKeyIsAskedForAnew() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(Self.file(["ann", "bob"]), to: "keys.json")
        let server = try TestServer { Answer.ok($0["x-api-key"].joined()) }
        let proxy = try TestProxy(
            """
            server {
                listen 80; api_keys \(file); proxy_pass http://\(server.address);
                location = /metrics { metrics; api_keys off; allow all; }
            }
            """
        )
        let client = try proxy.connect()
        for (name, status) in [("ann", 200), ("ann", 200), ("bob", 200), ("ann", 200), ("eve", 401), ("ann", 200)] {
            let response = try client.exchange("GET", "/", [Self.key(name)])
            #expect(response.status == status, "\(name)")
            if status == 200 { #expect(response.text == "") }
        }
        try directory.write(Self.file(["bob"]), to: "keys.json")
        #expect(TestProxy.wait { (try? client.exchange("GET", "/", [Self.key("ann")]).status) == 401 } == true)
        #expect(try client.exchange("GET", "/", [Self.key("bob")]).status == 200)
        let page = try client.exchange("GET", "/metrics").text
        #expect(page.contains("postern_requests_by_proof_total{proof=\"key\"} 6\n"))
        #expect(!page.contains("postern_requests_by_proof_total{proof=\"none\"} 0\n"))
    }
}
