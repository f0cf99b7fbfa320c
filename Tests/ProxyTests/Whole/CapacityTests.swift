import EventLoop
import TestSupport
import Testing

@testable import Proxy

/// What happens at the bounds of a loop's tables.
struct CapacityTests {
    /// Clients whose answers need no upstream begin many requests in one turn of the loop.
    @Test func pipeliningClientsAreAllAnswered() throws {
        let proxy = try TestProxy("events { worker_connections 64; } http { server { listen 80; return 200 ok; } }")
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        let clients = try (0..<8).map { _ in try proxy.connect() }
        for client in clients { try client.send(String(repeating: request, count: 200)) }
        for client in clients {
            for _ in 0..<200 { #expect(try client.readResponse().status == 200) }
        }
        #expect(try proxy.get("/").status == 200)
    }

    @Test func connectionsBeyondTheLimitWaitTheirTurn() throws {
        let server = try TestServer { _ in Answer.ok() }
        let proxy = try TestProxy(
            "events { worker_connections 20; } http { server { listen 80; location / { proxy_pass http://\(server.address); } } }"
        )
        var clients = try (0..<20).map { _ in try proxy.connect() }
        for client in clients { #expect(try client.exchange("GET", "/").status == 200) }
        let late = try proxy.connect()
        try late.request("GET", "/late")
        #expect(TestProxy.wait { proxy.errorLog.contains("accepting is paused") } == true)
        clients.removeAll()
        #expect(try late.readResponse().status == 200)
    }

    @Test func connectionsThatComeAndGoLeaveNothingBehind() throws {
        let server = try TestServer { _ in Answer.ok() }
        let proxy = try TestProxy(
            "events { worker_connections 10; } http { server { listen 80; location / { proxy_pass http://\(server.address); } } }"
        )
        for round in 0..<200 {
            let client = try proxy.connect()
            switch round % 4 {
            case 0: #expect(try client.exchange("GET", "/").status == 200)
            case 1: try client.send("GET / HT")
            case 2:
                try client.request("GET", "/")
                client.resetOnClose()
            default: break
            }
        }
        #expect(try proxy.get("/").status == 200)
    }
}
