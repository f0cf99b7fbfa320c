import Bytes
import TestSupport
import Testing

@testable import Proxy

struct CrossSitePhaseTests {
    private static let post = "POST /x HTTP/1.1\nHost: app.example.com"
    private static let upgrade = "GET /x HTTP/1.1\nHost: app.example.com\nConnection: Upgrade\nUpgrade: websocket"

    private func rig(_ directives: String = "") throws -> Rig {
        try Rig("server { listen 80; location / { \(directives) proxy_pass http://127.0.0.1:1; } }")
    }

    private func isRefused(_ rig: Rig, _ request: String) throws -> Bool {
        let status = try rig.status(request, through: .crossSite)
        #expect(rig.exchange.value.refusal == (status == 0 ? .none : .crossSite))
        #expect(status == 0 || status == 403)
        return status == 403
    }

    /// Fields that browsers and programs send, and whether the request is refused.
    @Test(arguments: [
        // No browser.
        ("", false), ("\nUser-Agent: curl/8", false), ("\nReferer: http://evil.example/", false),
        // Fetch metadata, whatever Origin says.
        ("\nSec-Fetch-Site: same-origin", false), ("\nSec-Fetch-Site: none", false),
        ("\nSec-Fetch-Site: cross-site", true), ("\nSec-Fetch-Site: same-site", true),
        ("\nSec-Fetch-Site: same-origin\nOrigin: null", false),
        ("\nSec-Fetch-Site: cross-site\nOrigin: http://app.example.com", true),
        ("\nSec-Fetch-Site: same-site\nOrigin: http://app.example.com", true),
        // What no browser sends.
        ("\nSec-Fetch-Site:", true), ("\nSec-Fetch-Site: SAME-ORIGIN", true), ("\nSec-Fetch-Site: sideways", true),
        ("\nSec-Fetch-Site: same-origin\nSec-Fetch-Site: cross-site", true),
        ("\nSec-Fetch-Site: same-origin, none", true),
        // An alias isn't the field.
        ("\nSec_Fetch_Site: same-origin\nOrigin: http://evil.example", true),
        // Origin alone.
        ("\nOrigin: http://app.example.com", false), ("\nOrigin: http://app.example.com:80", false),
        ("\nOrigin: HTTP://APP.example.com", false), ("\nOrigin: http://app.example.com:8080", true),
        ("\nOrigin: https://app.example.com", true), ("\nOrigin: http://evil.example", true),
        ("\nOrigin: http://example.com", true), ("\nOrigin: http://app.example.com.evil.example", true),
        ("\nOrigin: http://xapp.example.com", true), ("\nOrigin: http://app.example.com@evil.example", true),
        ("\nOrigin: http://app.example.com/", true), ("\nOrigin: null", true), ("\nOrigin:", true),
        ("\nOrigin: http://", true), ("\nOrigin: app.example.com", true),
        ("\nOrigin: http://app.example.com\nOrigin: http://app.example.com", true),
        ("\nOrigin: http://app.example.com http://evil.example", true),
    ])
    func readsWhatBrowsersSay(fields: String, refused: Bool) throws {
        let rig = try rig()
        #expect(try isRefused(rig, Self.post + fields) == refused)
        #expect(try isRefused(rig, Self.upgrade + fields) == refused)
    }

    /// Methods, and whether they are looked at.
    @Test(arguments: [
        ("GET", false), ("HEAD", false), ("OPTIONS", false), ("POST", true), ("PUT", true), ("PATCH", true),
        ("DELETE", true), ("get", true), ("PROPFIND", true),
    ])
    func looksAtWhatMayChangeSomething(method: String, refused: Bool) throws {
        let request = "\(method) /x HTTP/1.1\nHost: a\nSec-Fetch-Site: cross-site"
        #expect(try isRefused(try rig(), request) == refused)
    }

    @Test(arguments: [
        ("Host: a:8080\nOrigin: http://a:8080", false), ("Host: a:8080\nOrigin: http://a", true),
        ("Host: a:80\nOrigin: http://a", false), ("Host: A.\nOrigin: http://a", false),
        ("Host: [::1]:81\nOrigin: http://[::1]:81", false), ("Host: [::1]:81\nOrigin: http://[::2]:81", true),
    ])
    func comparesHostAndPort(fields: String, refused: Bool) throws {
        #expect(try isRefused(try rig(), "POST /x HTTP/1.1\n\(fields)") == refused)
    }

    @Test func anOriginWithoutAnyHostIsAnother() throws {
        #expect(try isRefused(try rig(), "POST /x HTTP/1.0\nOrigin: http://a"))
    }

    @Test(arguments: [
        ("cross_site allow;", "http://evil.example", false),
        ("cross_site deny except=https://one.example except=http://two.example:8080;", "https://one.example", false),
        ("cross_site deny except=https://one.example:443;", "https://one.example", false),
        ("cross_site deny except=https://one.example;", "https://one.example:8443", true),
        ("cross_site deny except=https://one.example;", "http://one.example", true),
        ("cross_site deny except=https://one.example;", "https://sub.one.example", true),
        ("cross_site deny except=HTTPS://One.Example;", "https://one.example", false),
        ("cross_site deny except=chrome-extension://abcdef;", "chrome-extension://abcdef", false),
        ("cross_site deny except=https://one.example;", "null", true),
    ])
    func letsExceptionsThrough(directive: String, origin: String, refused: Bool) throws {
        let rig = try rig(directive)
        #expect(try isRefused(rig, Self.post + "\nOrigin: \(origin)") == refused)
        #expect(try isRefused(rig, Self.post + "\nSec-Fetch-Site: cross-site\nOrigin: \(origin)") == refused)
        #expect(try isRefused(rig, Self.upgrade + "\nOrigin: \(origin)") == refused)
    }

    /// A token that no browser adds, unless a login of ours is what let the request in.
    @Test(arguments: [
        ("Bearer abc", false), ("bearer abc", false), ("Bearer", true), ("Basic YW5uOnNlY3JldA==", true),
        ("Negotiate abc", true), ("Bearer abc\nAuthorization: Bearer abc", true),
    ])
    func passesTokensThatABrowserDoesNotAdd(value: String, refused: Bool) throws {
        let request = Self.post + "\nSec-Fetch-Site: cross-site\nAuthorization: \(value)"
        #expect(try isRefused(try rig(), request) == refused)
    }

    @Test func comesAfterTheLogin() throws {
        let directory = try TemporaryDirectory()
        try directory.write("ann:{PLAIN}only-here\n", to: "htpasswd")
        let rig = try rig("auth_basic g; auth_basic_user_file \(directory.path("htpasswd"));")
        let cross = Self.post + "\nSec-Fetch-Site: cross-site"
        #expect(try rig.status(cross) == 401)
        guard case .suspend(.hashing) = try rig.run(cross + "\nAuthorization: Basic YW5uOm9ubHktaGVyZQ==") else {
            Issue.record("the password isn't looked into")
            return
        }
        rig.exchange.value.hashOutcome = .matches
        guard case .next = rig.decide(.access), case .respond(let reply) = rig.decide(.crossSite) else {
            Issue.record("the login lets a stranger's page in")
            return
        }
        #expect(reply.status == 403)
        #expect(rig.exchange.value.hasUser == true)
    }

    @Test func isOffInAnNginxFile() throws {
        let rig = try Rig("events {} http { server { listen 80; location / { proxy_pass http://127.0.0.1:1; } } }")
        #expect(try isRefused(rig, Self.post + "\nSec-Fetch-Site: cross-site") == false)
    }

    /// What is open to other origins must not be reached by one reading of a path and closed by the other.
    @Test func isPartOfALocationsPolicy() throws {
        let rig = try Rig(
            """
            server { listen 80; location / { proxy_pass http://127.0.0.1:1; }
            location /hooks/ { cross_site allow; proxy_pass http://127.0.0.1:1; } }
            """
        )
        #expect(try rig.status("POST /hooks/..%2fadmin HTTP/1.1\nHost: a\nOrigin: null") == 400)
    }
}
