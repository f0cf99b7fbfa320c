internal import COpenSSL
internal import Glibc

/// The two secrets that protect an established TLS 1.3 session, as its handshake tells them.
///
/// They arrive from `KeyDerivation` and go nowhere else. Wiped when dropped.
struct TrafficSecrets: ~Copyable {
    /// The client's secret from 0, the server's from 48.
    private var bytes: SecretBytes?
    private var clientLength = 0
    private var serverLength = 0

    var isEmpty: Bool { bytes == nil }

    static let serverOffset = 48

    /// Keeps a side's secret.
    mutating func take(_ secret: borrowing Span<UInt8>, of side: DerivationInputs.Side) {
        guard secret.count <= Self.serverOffset else { return }
        let space = bytes ?? SecretBytes(count: 2 * Self.serverOffset)
        bytes = space
        let offset = side == .client ? 0 : Self.serverOffset
        for index in secret.indices { unsafe space.start[offset + index] = secret[index] }
        if side == .client { clientLength = secret.count } else { serverLength = secret.count }
    }

    /// Both secrets, for as long as `hash` makes them; nil where one is missing. None are kept.
    mutating func surrender(_ hash: RecordHash) -> SecretBytes? {
        defer {
            bytes = nil
            (clientLength, serverLength) = (0, 0)
        }
        return clientLength == hash.length && serverLength == hash.length ? bytes : nil
    }
}
