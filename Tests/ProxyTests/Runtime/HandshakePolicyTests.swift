import Bytes
import TLS
import Testing

@testable import Proxy

struct HandshakePolicyTests {
    private func settings(_ change: (inout ServerTLSSettings) -> Void = { _ in }) -> ServerTLSSettings {
        var settings = ServerTLSSettings(certificates: [CertificateFiles(chain: "a", key: "b")])
        change(&settings)
        return settings
    }

    private func areSame(_ left: ServerTLSSettings, _ right: ServerTLSSettings, _ dialect: Dialect) -> Bool {
        var known: [String] = []
        let first = HandshakePolicy(left, dialect: dialect, known: &known)
        return first == HandshakePolicy(right, dialect: dialect, known: &known)
    }

    @Test func certificatesAndSessionsDemandNothing() {
        let other = settings {
            $0.certificates = []
            $0.ticketsEnabled = false
            $0.sessionContext = [1]
        }
        #expect(areSame(settings(), other, .native))
    }

    @Test func whoMayShakeHandsIsDemandedInBothDialects() {
        for dialect in [Dialect.native, .nginx] {
            #expect(!areSame(settings(), settings { $0.rejectsHandshake = true }, dialect))
            let verifying = settings {
                $0.clientVerification = .required
                $0.clientAuthorityFile = "x"
            }
            #expect(!areSame(settings(), verifying, dialect))
            #expect(areSame(verifying, verifying, dialect))
            #expect(!areSame(verifying, settings { $0.clientVerification = .required }, dialect))
        }
    }

    @Test func versionsAndCiphersAreDemandedInANativeFile() {
        let modern = settings { $0.protocols = [.v1_3] }
        #expect(!areSame(settings(), modern, .native))
        #expect(areSame(settings(), modern, .nginx))
        #expect(!areSame(settings(), settings { $0.ciphers = "ALL" }, .native))
    }

    /// What a connection met before: the server's own demands, others, none without TLS.
    @Test func aConnectionReachesServersWhoseDemandsItMet() throws {
        let rig = try Rig("server { listen 80; proxy_pass http://127.0.0.1:1; }")
        #expect(try rig.status("GET / HTTP/1.1\nHost: a", through: .server) == 0)
        rig.client.value.handshakePolicy = .outdated
        let reply = try #require(try rig.reply("GET / HTTP/1.1\nHost: a", through: .server))
        #expect(reply.status == 421)
        #expect(reply.closes)
        #expect(rig.exchange.value.refusal == .misdirected)
    }

    @Test func aReloadKeepsWhatIsStillKnown() throws {
        let rig = try Rig("server { listen 80; proxy_pass http://127.0.0.1:1; }")
        #expect(HandshakePolicy.none.carried(from: rig.runtime, to: rig.runtime) == .none)
        #expect(HandshakePolicy.outdated.carried(from: rig.runtime, to: rig.runtime) == .outdated)
    }
}
