/// A host and a port, or a socket's path, as `listen`, `server` and `proxy_pass` write them.
package enum HostPort: Sendable, Equatable {
    /// A name, an IPv4 address or an IPv6 address without its brackets.
    case host(String, port: UInt16?)
    /// `unix:/path`.
    case unix(String)

    /// Reads `name`, `name:port`, `1.2.3.4:port`, `[::1]:port`, `unix:/path`.
    package static func parse(_ text: String) throws(ValueError) -> HostPort {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard path.hasPrefix("/") else { throw ValueError("a path that starts with / must follow \"unix:\"") }
            guard path.utf8.count < 108 else { throw ValueError("a socket's path may have 107 bytes") }
            return .unix(path)
        }
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw ValueError("missing \"]\"") }
            let address = String(text[text.index(after: text.startIndex)..<end])
            guard isIPv6(address) else { throw ValueError("it is not an IPv6 address") }
            let rest = text[text.index(after: end)...]
            if rest.isEmpty { return .host(address, port: nil) }
            guard rest.hasPrefix(":") else { throw ValueError("\":\" and a port must follow \"]\"") }
            return .host(address, port: try port(String(rest.dropFirst())))
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw ValueError("an IPv6 address must stand in brackets: [\(text)]") }
        let host = String(parts[0])
        guard isHostName(host) else {
            throw ValueError(host.isEmpty ? "a host is missing" : "it is not a host name or address")
        }
        return .host(host, port: parts.count == 2 ? try port(String(parts[1])) : nil)
    }

    /// A port from 1 to 65535.
    package static func port(_ text: String) throws(ValueError) -> UInt16 {
        guard let number = try? Numbers.integer(text, in: 1...65535) else {
            throw ValueError("a port from 1 to 65535 is expected")
        }
        return UInt16(number)
    }

    /// Letters, digits, `.`, `-` and `_`, as names are used in practice; if it is all digits and dots, an IPv4 address.
    package static func isHostName(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 253 else { return false }
        guard text.utf8.allSatisfy({ isNameByte($0) }) else { return false }
        guard text.utf8.allSatisfy({ Numbers.isDigit($0) || $0 == UInt8(ascii: ".") }) else { return true }
        return isIPv4(text)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        Numbers.isDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
    }

    /// Four decimal numbers up to 255.
    package static func isIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                part.utf8.count <= 3 && part.utf8.allSatisfy(Numbers.isDigit) && UInt8(part) != nil
            }
    }

    /// RFC 4291 section 2.2, without a zone.
    package static func isIPv6(_ text: String) -> Bool { IPAddressText.ipv6(text) != nil }
}
