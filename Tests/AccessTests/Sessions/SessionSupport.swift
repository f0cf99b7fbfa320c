import Bytes

@testable import Access

/// Any time in 2026, in milliseconds.
let noon: Int64 = 1_790_000_000_000

func login(
    _ user: String = "alice",
    realm: String = "/etc/htpasswd",
    stamp: UInt64 = 7,
    device: DeviceID = .none,
    address: String = "192.0.2.1",
    agent: String = "Mozilla/5.0"
) -> SessionLogin {
    SessionLogin(user: bytes(user), realm: realm, stamp: stamp, device: device, address: address, agent: agent)
}

/// A session that began, taken apart; nil when the login was refused.
struct Begun {
    let token: [UInt8]
    let handle: SessionHandle
    let ended: [SessionRecord]

    init?(_ start: SessionStart) {
        guard case .began(let token, let handle, let ended) = start else { return nil }
        (self.token, self.handle, self.ended) = (token, handle, ended)
    }
}

extension SessionTable {
    func find(_ token: [UInt8], now: Int64) -> SessionHandle? { find(token.span, now: now) }

    func userName(_ handle: SessionHandle) -> String? {
        var buffer = ByteBuffer()
        return appendUser(handle, to: &buffer) ? buffer.readable.string : nil
    }
}
