import EventLoop
import Limits
import Synchronization
import TestSupport
import Testing

@testable import Proxy

/// `limit_conn` and `client_max_connections`: what is counted, and that every end gives it back.
struct ConnectionLimitTests {
    /// Answers `/quick`, keeps all others waiting until they leave.
    private func server() throws -> TestServer {
        try TestServer { peer, server in
            while let request = try peer.readRequest() {
                server.note(request)
                if !request["upgrade"].isEmpty {
                    try peer.send(TunnelTests.accepted)
                } else if request.target == "/part" {
                    try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                } else if request.target == "/bad" {
                    try peer.send("HTTP/9.9 what\r\n\r\n")
                } else if request.target == "/quick" {
                    try peer.send(Answer.ok("quick"))
                }
            }
        }
    }

    @Test func requestsUnderWayAreBounded() throws {
        let server = try server()
        let proxy = try TestProxy(
            "limit_conn 2 per=ip; access_log off; server { listen 80; proxy_pass http://\(server.address); }"
        )
        let first = try proxy.connect()
        let second = try proxy.connect()
        try first.request("GET", "/wait")
        try second.request("GET", "/wait")
        #expect(TestProxy.wait { server.requests.count == 2 } == true)
        let response = try proxy.get("/quick")
        #expect(response.status == 429)
        #expect(response["retry-after"] == "1")
        #expect(proxy.errorLog.contains("was refused with 429: connections-limited"))
        let other = try TestClient(proxy.address(), from: SocketAddress(parsing: "127.0.0.2:0"))
        #expect(try other.exchange("GET", "/quick").status == 200)
        first.resetOnClose()
        _ = consume first
        #expect(TestProxy.wait { (try? proxy.get("/quick").status) == 200 } == true)
    }

    /// An idle connection counts for nothing, an upgraded one as long as it lasts.
    @Test func upgradedConnectionsCount() throws {
        let server = try server()
        let proxy = try TestProxy(
            "events {} http { limit_conn_zone $binary_remote_addr zone=a:1m; server { listen 80; limit_conn a 1; "
                + "location / { proxy_pass http://\(server.address); } } }"
        )
        let idle = try proxy.connect()
        #expect(try idle.exchange("GET", "/quick").status == 200)
        let socket = try proxy.connect()
        #expect(try socket.upgrade("/ws").status == 101)
        #expect(proxy.connectionCounts == 1)
        #expect(try idle.exchange("GET", "/quick").status == 503)
        socket.shutdownWrite()
        #expect(try socket.isAtEnd() == true)
        #expect(TestProxy.wait { (try? proxy.get("/quick").status) == 200 } == true)
    }

    @Test func aDryRunLetsAllPass() throws {
        let proxy = try TestProxy(
            "limit_conn_zone $server_port zone=p:1m; limit_conn_dry_run on; server { listen 80; limit_conn p 1; return 200; "
                + "location /conn { proxy_pass http://127.0.0.1:1; } }"
        )
        #expect(try proxy.get("/").status == 200)
        #expect(proxy.connectionCounts == 0)
    }

    private static let ends: [(String, @Sendable (TestClient) throws -> Void)] = [
        (
            "reset while it waits",
            { client in
                try client.request("GET", "/wait"); client.resetOnClose()
            }
        ),
        ("closed while it waits", { client in try client.request("GET", "/wait") }),
        (
            "the upstream's reply is cut",
            { client in
                try client.request("GET", "/part")
                _ = try client.readHead()
                client.resetOnClose()
            }
        ),
        ("no reply at all", { client in _ = try client.exchange("GET", "/bad") }),
        (
            "a body that never ends",
            { client in
                try client.send("POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome")
                client.resetOnClose()
            }
        ),
        (
            "chunks that are none",
            { client in
                try client.send("POST /wait HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
                _ = try client.readResponse()
            }
        ),
        (
            "an upgrade, reset",
            { client in
                _ = try client.upgrade("/ws")
                client.resetOnClose()
            }
        ),
        ("an upgrade, closed", { client in _ = try client.upgrade("/ws") }),
        (
            "half a head",
            { client in
                try client.send("GET / HT"); client.resetOnClose()
            }
        ),
        (
            "garbage",
            { client in
                try client.send("\0\0\0\r\n\r\n"); _ = try client.readResponse()
            }
        ),
        ("nothing", { _ in }),
        ("answered", { client in _ = try client.exchange("GET", "/quick") }),
        ("refused by its location", { client in _ = try client.exchange("GET", "/denied") }),
        (
            "two of a pipeline",
            { client in
                try client.send("GET /quick HTTP/1.1\r\nHost: a\r\n\r\nGET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
                _ = try client.readResponse()
                client.resetOnClose()
            }
        ),
    ]

    private func everyEnd(_ server: TestServer) -> String {
        """
        limit_conn 500 per=ip; limit_conn 500 per=server; limit_conn_zone $http_x_none$remote_addr zone=text:1m;
        limit_conn_zone $server_name zone=full:32k; access_log off; client_max_connections 2000 per=ip;
        server {
            listen 80; proxy_pass http://\(server.address);
            location /denied { deny all; proxy_pass http://\(server.address); }
            location /second { limit_conn text 100; limit_conn full 1; proxy_pass http://\(server.address); }
        }
        """
    }

    @Test(arguments: ends.indices)
    func everyEndGivesBackWhatWasCounted(_ index: Int) throws {
        let server = try server()
        let proxy = try TestProxy(everyEnd(server), workers: 2)
        for _ in 0..<1000 { try Self.ends[index].1(try proxy.connect()) }
        #expect(TestProxy.wait { proxy.connectionCounts == 0 } == true, "\(Self.ends[index].0)")
        #expect(TestProxy.wait { proxy.services.connections.table.statistics.entries == 0 } == true)
        #expect(proxy.services.metrics.total(.rejected(.clientMaxConnections)) == 0)
    }

    /// The first limit lets it pass, the second doesn't.
    @Test func aRefusalGivesBackWhatEarlierLimitsCounted() throws {
        let server = try server()
        let proxy = try TestProxy(everyEnd(server))
        let waiting = try proxy.connect()
        try waiting.request("GET", "/second")
        #expect(TestProxy.wait { server.requests.count == 1 } == true)
        let client = try proxy.connect()
        for _ in 0..<1000 { #expect(try client.exchange("GET", "/second").status == 429) }
        waiting.resetOnClose()
        _ = consume waiting
        #expect(TestProxy.wait { proxy.connectionCounts == 0 } == true)
    }

    /// A reload that does away with a zone, and one that keeps it, while requests and upgraded connections are under way.
    @Test func reloadsLoseNoCount() throws {
        let server = try server()
        let proxy = try TestProxy(everyEnd(server))
        var clients: [TestClient] = []
        for round in 0..<20 {
            let waiting = try proxy.connect()
            try waiting.request("GET", "/wait")
            let upgraded = try proxy.connect()
            #expect(try upgraded.upgrade("/ws").status == 101)
            clients += [waiting, upgraded]
            let other = "server { listen 80; proxy_pass http://\(server.address); }"
            try proxy.reload(round % 3 == 0 ? other : everyEnd(server))
        }
        try proxy.reload(everyEnd(server))
        clients.removeAll()
        #expect(TestProxy.wait { proxy.services.connections.table.statistics.entries == 0 } == true)
        #expect(TestProxy.wait { proxy.connectionCounts == 0 } == true)
    }

    // MARK: Connections by address

    @Test func anAddressMayHaveSoManyConnections() throws {
        let proxy = try TestProxy("client_max_connections 3 per=ip; server { listen 80; return 200; }", workers: 2)
        // Idle ones and half a head count.
        var clients = try (0..<3).map { _ in try proxy.connect() }
        try clients[1].send("GET /")
        #expect(TestProxy.wait { proxy.services.connections.table.statistics.entries == 1 } == true)
        #expect(try clients[2].exchange("GET", "/").status == 200)
        for _ in 0..<20 { #expect(try proxy.connect().isAtEnd() == true) }
        #expect(proxy.services.metrics.total(.rejected(.clientMaxConnections)) >= 20)
        #expect(proxy.errorLog.ranges(of: "has 3 connections, which is all that").count == 1)
        let other = try TestClient(proxy.address(), from: SocketAddress(parsing: "127.0.0.2:0"))
        #expect(try other.exchange("GET", "/").status == 200)
        clients.removeLast()
        #expect(TestProxy.wait { (try? proxy.get("/").status) == 200 } == true)
    }

    @Test func trustedPeersAreNotCounted() throws {
        let proxy = try TestProxy(
            "set_real_ip_from 127.0.0.1; client_max_connections 1 per=ip; server { listen 80; return 200; }"
        )
        let clients = try (0..<10).map { _ in try proxy.connect() }
        for client in clients { #expect(try client.exchange("GET", "/").status == 200) }
        #expect(proxy.services.connections.table.statistics.entries == 0)
    }
}
