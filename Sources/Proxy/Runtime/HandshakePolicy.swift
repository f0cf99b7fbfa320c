import Bytes
import TLS

/// What a server demands of a handshake, as a number: two servers with the same number demand the same.
///
/// The name in a client's hello chooses whose demands hold; the Host of a request chooses who answers. A connection that met
/// one server's demands must not reach another's pages by its Host alone (RFC 9110, section 15.5.20).
struct HandshakePolicy: BitwiseCopyable, Equatable, Sendable {
    /// An index into the runtime's `handshakePolicies`, or one of the two below.
    private let number: Int32

    /// A connection without TLS, a server that no TLS listener leads to.
    static let none = HandshakePolicy(number: -1)
    /// A connection that met demands which the present configuration doesn't know: those of before a reload.
    static let outdated = HandshakePolicy(number: -2)

    private init(number: Int32) { self.number = number }

    /// The number for a server's settings; `known` grows when they are new.
    init(_ settings: ServerTLSSettings?, dialect: Dialect, known: inout [String]) {
        guard let settings else {
            self = .none
            return
        }
        let description = settings.demands(dialect)
        if let index = known.firstIndex(of: description) {
            number = Int32(index)
        } else {
            number = Int32(known.count)
            known.append(description)
        }
    }

    /// The same demands under a newer runtime.
    func carried(from old: Runtime, to new: Runtime) -> HandshakePolicy {
        guard number >= 0 else { return self }
        let description = old.handshakePolicies[Int(number)]
        return new.handshakePolicies.firstIndex(of: description).map { HandshakePolicy(number: Int32($0)) } ?? .outdated
    }
}

extension ServerTLSSettings {
    /// Text that is equal for two servers exactly when who passes one's handshake passes the other's.
    ///
    /// Nginx lets a Host cross from one server's versions and ciphers to another's; an Nginx file goes on doing that.
    fileprivate func demands(_ dialect: Dialect) -> String {
        var text = rejectsHandshake ? "none" : "some"
        if clientVerification != .off {
            // What the files hold counts: after a reload older connections have met the demands of before.
            if let digest = try? clientDemands() {
                text += "|\(digest)"
            } else {
                text += "|\(clientVerification)|\(String(describing: clientAuthorityFile))"
            }
        }
        if dialect == .native, !rejectsHandshake {
            text += "|\(protocols.sorted())|\(ciphers)|\(String(describing: cipherSuites))"
        }
        return text
    }
}

extension ListenerRuntime {
    /// What a handshake for the name in a client's hello had to meet; an empty name is none.
    func handshakePolicy(for name: borrowing Span<UInt8>, _ runtime: Runtime) -> HandshakePolicy {
        let isName = name.count > 0 && name[0] != ASCII.dot
        return runtime.servers[isName ? choice.value.names.find(name) : model.defaultServer].value.handshakePolicy
    }
}

extension ClientConnection {
    /// Notes what the handshake that has just ended had to meet.
    mutating func noteHandshakePolicy() {
        guard transport.isSecure, let listener, let runtime else { return }
        var name = ByteBuffer()
        if !listener.choice.value.names.isTrivial { transport.appendServerName(to: &name) }
        handshakePolicy = listener.handshakePolicy(for: name.readable, runtime)
    }
}
