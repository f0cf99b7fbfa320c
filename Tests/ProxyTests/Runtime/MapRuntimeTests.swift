import Bytes
import Testing

@testable import Proxy

struct MapRuntimeTests {
    private func value(_ source: String, _ keys: [String], matchesHostnames: Bool = false) -> String {
        let arena = Arena.kept()
        var map = ValueMap(
            name: "m",
            source: Template([.variable(.host)]),
            entries: keys.map { (Array($0.utf8), Template(literal: Array("=\($0)".utf8))) },
            fallback: Template(literal: Array("fallback".utf8))
        )
        map.matchesHostnames = matchesHostnames
        let runtime = MapRuntime(map, arena: arena)
        var captures = Captures()
        let key = Array(source.utf8)
        let value = runtime.value(for: key.span) ?? runtime.matchedValue(for: key.span, &captures)
        var output = ByteBuffer()
        output.append(value.constant)
        return output.readable.string
    }

    @Test(arguments: [
        ("websocket", "=websocket"), ("WebSocket", "=websocket"), ("", "="), ("web", "fallback"),
        ("websockets", "fallback"),
        ("*.example.com", "=*.example.com"), ("a.example.com", "fallback"),
    ])
    func findsValuesIgnoringCase(source: String, expected: String) {
        #expect(value(source, ["websocket", "", "*.example.com"]) == expected)
    }

    @Test(arguments: [
        ("example.com", "=example.com"), ("a.example.com", "=*.example.com"), ("a.b.example.com", "=*.b.example.com"),
        ("A.B.EXAMPLE.COM", "=*.b.example.com"), ("www.example.com", "=*.example.com"), ("www.net", "=www.*"),
        ("www.example.net", "=www.example.*"), ("other", "fallback"), ("", "fallback"), (".", "fallback"),
        ("example.com.", "=example.com"), ("www.example.com.", "=*.example.com"),
    ])
    func hostnamesMatchWildcards(source: String, expected: String) {
        let keys = ["example.com", "*.example.com", "*.b.example.com", "www.*", "www.example.*"]
        #expect(value(source, keys, matchesHostnames: true) == expected)
    }

    @Test func mapsOfMapsAndOfVariablesAreFollowed() throws {
        let rig = try Rig(
            """
            events {} http {
              map $http_upgrade $kind { default "plain $host"; websocket "ws"; }
              map $kind $outer { ws "socket"; default "[$kind]"; }
              server { listen 80; location / { return 200 $outer; } }
            }
            """
        )
        func body(_ fields: String) throws -> String {
            let reply = try #require(try rig.reply("GET / HTTP/1.1\nHost: h" + fields))
            return rig.ownReply(reply).split(separator: "\r\n\r\n", omittingEmptySubsequences: false).last.map(
                String.init
            ) ?? ""
        }
        #expect(try body("") == "[plain h]")
        #expect(try body("\nUpgrade: WebSocket\nConnection: upgrade") == "socket")
    }
}
