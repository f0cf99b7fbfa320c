import ConfigSyntax
import Configuration
import EventLoop
import Proxy
import TestSupport
import Testing

@testable import postern

struct DemoConfigurationTests {
    @Test func `it reads back what it wrote`() {
        let written = DemoConfiguration(port: 8443, gatewayPort: 40000)
        #expect(DemoConfiguration(written.text) == written)
    }

    @Test(arguments: ["", "server {\n    listen 1 ssl;\n}\n", "# mine\n", "    listen \n    server 127.0.0.1:\n"])
    func `another file is not its own`(text: String) {
        #expect(DemoConfiguration(text) == nil)
    }

    @Test func `an edited file is not its own`() {
        let text = DemoConfiguration(port: 8443, gatewayPort: 40000).text
        #expect(DemoConfiguration(text + "# mine\n") == nil)
        #expect(DemoConfiguration(String(text.dropLast())) == nil)
    }

    @Test func `it loads without a word and leads to the gateway`() throws {
        let text = DemoConfiguration(port: 8443, gatewayPort: 40000).text
        let outcome = ConfigurationLoader.load(text: text, directory: "/srv")
        #expect(outcome.report == "")
        let configuration = try #require(outcome.configuration)
        #expect(configuration.listeners.map(\.address.port) == [8443])
        #expect(DemoConfiguration.gatewayAddress(configuration) == SocketAddress(ipv4: 0x7F00_0001, port: 40000))
    }

    @Test(arguments: [
        "upstream gateway { server 192.0.2.1:1; } server { listen 1; proxy_pass http://gateway; }",
        "upstream other { server 127.0.0.1:1; } server { listen 1; proxy_pass http://other; }",
    ])
    func `somebody's own gateway is not the embedded one`(text: String) throws {
        let configuration = try #require(ConfigurationLoader.load(text: text).configuration)
        #expect(DemoConfiguration.gatewayAddress(configuration) == nil)
    }
}

struct StarterConfigurationTests {
    @Test(arguments: [UInt16(443), 8443]) func `it loads without a word`(port: UInt16) throws {
        let starter = StarterConfiguration(name: "gateway.example.com", port: port, gateway: "127.0.0.1:18789")
        let outcome = ConfigurationLoader.load(text: starter.text, directory: "/srv")
        #expect(outcome.report == "")
        let configuration = try #require(outcome.configuration)
        #expect(configuration.listeners.map(\.address.port).sorted() == (port == 443 ? [80, 443] : [8443]))
        #expect(configuration.listeners.contains { $0.isTLS && $0.address.port == port })
        #expect(configuration.passwordFiles == ["/srv/htpasswd"])
        #expect(configuration.limitZones.count == 2)
    }
}

struct CertificateTests {
    @Test(arguments: [
        ("localhost", true), ("gateway.example.com", true), ("10.0.0.1", true), ("", false), ("-x", false),
        ("a b", false), ("a,DNS:b", false), ("a\nb", false), ("a/b", false), (".a", false),
    ])
    func `only plain names are taken`(name: String, isTaken: Bool) {
        #expect(Certificate.isName(name) == isTaken)
    }

    @Test func `half a pair is refused`() throws {
        let directory = try TemporaryDirectory()
        let certificate = Certificate(in: directory.path)
        #expect(try !certificate.exists())
        try Paths.makeDirectories(directory.path("tls"), mode: 0o700)
        try directory.write("x", to: "tls/key.pem")
        #expect(throws: CommandError.self) { try certificate.exists() }
        try directory.write("x", to: "tls/cert.pem")
        #expect(try certificate.exists())
    }

    @Test func `a name is listed once`() {
        #expect(Certificate.settings("localhost").contains("subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1\n"))
        #expect(Certificate.settings("a.example").contains("subjectAltName = DNS:a.example,DNS:localhost,IP"))
    }
}
