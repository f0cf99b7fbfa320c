import TestSupport
import Testing

@testable import Proxy

/// What a file with an `http` block means beyond its directives' own words, as Nginx shows it.
struct NginxFileTests {
    private func proxy(_ server: String, http: String = "") throws -> TestProxy {
        try TestProxy("events {} http { \(http) server { listen 80; \(server) } }")
    }

    private func values(_ response: TestResponse, _ name: String) -> [String] {
        response.fields.filter { $0.name.lowercased() == name }.map(\.value)
    }

    @Test(arguments: [
        ("/app", 301, "/app/"), ("/app?a=b", 301, "/app/?a=b"), ("/app/", 200, ""), ("/plain", 404, ""),
        ("/exact", 204, ""), ("/a%20b", 301, "/a%20b/"),
    ]) func aProxiedPrefixRedirectsToItsSlash(target: String, status: Int, location: String) throws {
        let upstream = try TestServer { _ in Answer.ok("up") }
        let proxy = try proxy(
            """
            location /app/ { proxy_pass http://\(upstream.address); }
            location "/a b/" { proxy_pass http://\(upstream.address); }
            location /plain/ { return 200; }
            location = /exact { return 204; }
            location /exact/ { proxy_pass http://\(upstream.address); }
            """
        )
        let response = try proxy.get(target)
        #expect(response.status == status)
        #expect(response["location"] ?? "" == location)
    }

    @Test func anUpgradeHasTheFilesFields() throws {
        let upstream = try ScriptedUpstream(.readHead, .send(TunnelTests.accepted), .wait)
        let proxy = try proxy(
            "add_header X-Always 1 always; add_header X-Some 1; location / { proxy_pass http://\(upstream.address); }"
        )
        let response = try proxy.connect().upgrade("/ws")
        #expect(response.status == 101)
        #expect(response["x-always"] == "1")
        #expect(response["x-some"] == nil)
        #expect(response["date"] != nil)
        #expect(response["connection"] == "upgrade")
    }

    @Test(arguments: [true, false]) func anUpstreamsServerAndDateTakeThePlaceOfOurs(pass: Bool) throws {
        let upstream = try TestServer { _ in
            "HTTP/1.1 200 OK\r\nServer: theirs\r\nDate: then\r\nETag: theirs\r\nContent-Length: 0\r\n\r\n"
        }
        let passed = pass ? "proxy_pass_header Server; proxy_pass_header Date; add_header ETag ours;" : ""
        let proxy = try proxy("location / { \(passed) proxy_pass http://\(upstream.address); }")
        let response = try proxy.get("/")
        #expect(values(response, "server") == [pass ? "theirs" : "postern/\(Version.text)"])
        #expect(values(response, "date").count == 1)
        #expect((response["date"] == "then") == pass)
        #expect(values(response, "etag") == [pass ? "ours" : "theirs"])
    }

    /// A slot that is used again tells nobody what its last reply said.
    @Test func aReplysFieldsAreToldToItsOwnClientOnly() throws {
        let upstream = try TestServer { _ in
            "HTTP/1.1 200 OK\r\nSet-Cookie: secret\r\nContent-Length: 4\r\n\r\nbody"
        }
        let proxy = try proxy(
            """
            add_header X-Seen "$upstream_http_set_cookie$sent_http_set_cookie" always;
            add_header X-Length "$upstream_response_length" always;
            location / { proxy_pass http://\(upstream.address); }
            location /own { return 403; }
            """
        )
        let first = try proxy.get("/")
        #expect(first["x-seen"] == "secretsecret")
        #expect(first["x-length"] == "4")
        for _ in 0..<3 { #expect(try proxy.get("/own")["x-seen"] == nil) }
    }

    @Test(arguments: [
        ("/empty", "", "text/x"), ("/name", "capital.test", "text/x"), ("/uri?a=b", "/uri?a=b", "text/x"),
        ("http://gateway.test/uri?a", "/uri?a", "text/x"), ("/map", "dotted", "text/x"),
    ]) func returns(target: String, text: String, type: String) throws {
        let proxy = try proxy(
            """
            server_name Capital.Test; default_type text/x;
            location /empty { return 200; }
            location /name { return 200 "$server_name"; }
            location /uri { return 200 "$request_uri"; }
            location /map { return 200 "$mapped"; }
            """,
            http: "map $http_x_name $mapped { hostnames; default none; *.dot.test dotted; }"
        )
        let response = try proxy.get(target, [("X-Name", "a.dot.test.")])
        #expect(response.status == 200)
        #expect(response.text == text)
        #expect(response["content-type"] == type)
    }
}
