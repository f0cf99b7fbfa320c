import Bytes
import EventLoop
import Glibc

@testable import Proxy

/// The client's address is the one that a plain walk along the fields finds.
enum ForwardedForCheck {
    private static let runtime = ProxyRig.runtime(
        """
        events {} http {
          set_real_ip_from 192.0.2.0/24; set_real_ip_from 10.0.0.0/9; set_real_ip_from 2001:db8::/33;
          server { listen 80; server_name chain; real_ip_header X-Forwarded-For; real_ip_recursive on; return 200; }
          server { listen 80; server_name last; real_ip_header X-Forwarded-For; return 200; }
          server { listen 80; server_name one; real_ip_header X-Real-IP; real_ip_recursive on; return 200; }
          server { listen 80; server_name own; real_ip_header X-Who; return 200; }
        }
        """
    )
    private static let rules: [(server: String, field: String, isRecursive: Bool)] = [
        ("chain", "X-Forwarded-For", true), ("last", "x-forwarded-for", false), ("one", "X-Real-IP", true),
        ("own", "x-WHO", false),
    ]
    private static let trusted: [(prefix: [UInt8], bits: Int)] = [
        (ip("192.0.2.0") ?? [], 120), (ip("10.0.0.0") ?? [], 105), (ip("2001:db8::") ?? [], 33),
    ]
    private static let peers = ["192.0.2.7", "[2001:db8::7]", "192.0.3.7", "[2001:db8:8000::1]"]

    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let rule = rules[Int(input.option & 3)]
        let peer = peers[Int(input.option >> 2 & 3)]
        var head = Array("GET / HTTP/1.1\r\nHost: \(rule.server)\r\n".utf8)
        var values: [[UInt8]] = []
        for line in input.rest.split(separator: 0x0A, omittingEmptySubsequences: false) {
            head += Array("\(rule.field): ".utf8) + line + [0x0D, 0x0A]
            // One that looks like it and isn't.
            head += Array("X_Forwarded-For: 198.51.100.1\r\n".utf8)
            values.append(HeadText.trimmed(line))
        }
        guard let rig = ProxyRig(runtime, head + [0x0D, 0x0A], peer: "\(peer):4000") else { return }
        guard case .respond(let reply) = try rig.decide(), reply.status == 200 else {
            throw Broken(description: "another server answers")
        }
        let found = sixteen(rig.exchange.value.remote)
        let plainPeer = ip(peer.filter { $0 != "[" && $0 != "]" }) ?? []
        let isList = rule.field.lowercased() == "x-forwarded-for"
        let plain = walk(values, from: plainPeer, rule.isRecursive, isList)
        try hold(found == plain, "\(rig.exchange.value.remote.addressText), plainly \(plain)")
        try hold(rig.exchange.value.isPeerTrusted == isTrusted(plainPeer), "trust in the peer")
        let text = rig.render(.remoteAddress)
        try hold(ip(String(decoding: text, as: UTF8.self)) == found, "written as \(text)")
    }

    private static func walk(_ values: [[UInt8]], from peer: [UInt8], _ isRecursive: Bool, _ isList: Bool) -> [UInt8] {
        guard isTrusted(peer) else { return peer }
        var elements: [ArraySlice<UInt8>] = []
        for value in isList ? values[...] : values.suffix(1) { elements += value.split(separator: 0x2C) }
        var current = peer
        for element in elements.reversed() where !HeadText.trimmed(element).isEmpty {
            guard let address = address(HeadText.trimmed(element)) else { return current }
            current = address
            if !isRecursive || !isTrusted(address) { return current }
        }
        return current
    }

    /// An address with or without port, in brackets or not.
    private static func address(_ text: [UInt8]) -> [UInt8]? {
        if let plain = ip(text) { return plain }
        if text.first == 0x5B {
            guard let close = text.firstIndex(of: 0x5D) else { return nil }
            return ip(Array(text[1..<close]))
        }
        guard let colon = text.firstIndex(of: 0x3A) else { return nil }
        return ip(Array(text[..<colon]))
    }

    private static func isTrusted(_ address: [UInt8]) -> Bool {
        for rule in trusted {
            var fits = true
            for bit in 0..<rule.bits {
                let differs: UInt8 = address[bit / 8] ^ rule.prefix[bit / 8]
                if differs & (0x80 >> UInt8(bit % 8)) != 0 { fits = false }
            }
            if fits { return true }
        }
        return false
    }

    private static func ip(_ text: String) -> [UInt8]? { ip(Array(text.utf8)) }

    /// The address as IPv6 has it, IPv4 mapped into it.
    private static func ip(_ text: [UInt8]) -> [UInt8]? {
        if text.contains(0) { return nil }
        let terminated = (text + [0]).map { CChar(bitPattern: $0) }
        var bytes = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET6, terminated, &bytes) == 1 { return bytes }
        bytes = [UInt8](repeating: 0, count: 4)
        guard unsafe inet_pton(AF_INET, terminated, &bytes) == 1 else { return nil }
        return [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes
    }

    private static func sixteen(_ address: SocketAddress) -> [UInt8] {
        var bytes: [UInt8] = []
        for word in [address.ipBytes.high, address.ipBytes.low] {
            for step in UInt64(1)...8 { bytes.append(UInt8(truncatingIfNeeded: word >> (64 - 8 * step))) }
        }
        return bytes
    }
}
