import Bytes

@testable import Proxy

/// Cookies, arguments and maps have the values that plain readings of the request have.
enum VariablesCheck {
    private static let runtime = ProxyRig.runtime(
        """
        events {} http {
          map $http_x_kind $kind {
            default none; plain P; "~^v([0-9]+)-(.*)$" "$1/$2"; "~*^host (?<name>[a-z]+)" "[$name]";
          }
          map $http_x_name $name { hostnames; default none; *.b.test star; .c.test both; www.* front; a.b.test exact; }
          map "$kind $name" $pair { default "$kind+$name"; "none none" nothing; }
          server { listen 80; return 200; }
        }
        """
    )

    static func check(_ input: [UInt8]) throws(Broken) {
        let parts = input.split(separator: 0x0A, maxSplits: 4, omittingEmptySubsequences: false).map { Array($0) }
        guard parts.count == 5, !parts[4].contains(0x0A) else { return }
        var head = Array("GET /?".utf8) + parts[0] + Array(" HTTP/1.1\r\nHost: a\r\nCookie: ".utf8) + parts[1]
        head += Array("\r\nX-Kind: ".utf8) + parts[2] + Array("\r\nCOOKIE: ".utf8) + parts[3]
        head += Array("\r\nX-Name: ".utf8) + parts[4] + Array("\r\n\r\n".utf8)
        // A head that ends inside a part leaves the other fields out.
        guard let rig = ProxyRig(runtime, head), rig.exchange.value.headBytes.writeIndex == head.count else { return }
        _ = try rig.decide()
        let cookies = [parts[1], parts[3]].map { HeadText.trimmed($0[...]) }
        try compare(rig.render(.cookie(Array("session".utf8))), cookie("session", cookies), "$cookie_session")
        try compare(rig.render(.argument(Array("q".utf8))), argument("q", parts[0]), "$arg_q")
        let kind = mapKind(HeadText.trimmed(parts[2][...]))
        let name = mapName(HeadText.trimmed(parts[4][...]))
        try compare(rig.render(.map(0)), kind, "$kind")
        try compare(rig.render(.map(1)), name, "$name")
        let isNothing = kind == Array("none".utf8) && name == Array("none".utf8)
        try compare(rig.render(.map(2)), isNothing ? Array("nothing".utf8) : kind + [0x2B] + name, "$pair")
    }

    private static func compare(_ found: [UInt8], _ plain: [UInt8], _ name: String) throws(Broken) {
        let (found, plain) = (String(decoding: found, as: UTF8.self), String(decoding: plain, as: UTF8.self))
        try hold(found == plain, "\(name) is \(found.debugDescription), plainly \(plain.debugDescription)")
    }

    private static func cookie(_ name: String, _ fields: [[UInt8]]) -> [UInt8] {
        for field in fields {
            for pair in field.split(separator: 0x3B, omittingEmptySubsequences: false) {
                let pair = pair.drop { $0 == 0x20 }
                guard let equals = pair.firstIndex(of: 0x3D) else { continue }
                if HeadText.lowered(Array(pair[..<equals])) == Array(name.utf8) { return Array(pair[(equals + 1)...]) }
            }
        }
        return []
    }

    private static func argument(_ name: String, _ query: [UInt8]) -> [UInt8] {
        for pair in query.split(separator: 0x26, omittingEmptySubsequences: false) {
            let parts = pair.split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
            if HeadText.lowered(Array(parts.first ?? [])) == Array(name.utf8) {
                return parts.count > 1 ? Array(parts[1]) : []
            }
        }
        return []
    }

    private static func mapKind(_ value: [UInt8]) -> [UInt8] {
        if HeadText.lowered(value) == Array("plain".utf8) { return [0x50] }
        if value.first == 0x76 {
            let digits = value.dropFirst().prefix { (0x30...0x39).contains($0) }
            let rest = value.dropFirst(1 + digits.count)
            if !digits.isEmpty, rest.first == 0x2D { return digits + [0x2F] + rest.dropFirst() }
        }
        if HeadText.lowered(value).starts(with: "host ".utf8) {
            let name = value.dropFirst(5).prefix { (0x61...0x7A).contains($0 | 0x20) && $0 < 0x80 }
            if !name.isEmpty { return [0x5B] + name + [0x5D] }
        }
        return Array("none".utf8)
    }

    private static func mapName(_ value: [UInt8]) -> [UInt8] {
        var name = String(decoding: HeadText.lowered(value), as: UTF8.self)
        if name.utf8.count > 1, name.hasSuffix(".") { name.removeLast() }
        let bytes = name.utf8
        if name == "a.b.test" { return Array("exact".utf8) }
        if name == "c.test" { return Array("both".utf8) }
        if name.hasSuffix(".b.test") { return Array("star".utf8) }
        if name.hasSuffix(".c.test") { return Array("both".utf8) }
        return bytes.starts(with: "www.".utf8) ? Array("front".utf8) : Array("none".utf8)
    }
}
