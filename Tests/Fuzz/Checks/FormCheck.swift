import Bytes

@testable import Proxy

/// What a browser sends to the login form: its fields are those that a plain reading finds, what it may be sent on to stays on
/// this host, and cookies of ours, and no others, are kept from the gateway.
enum FormCheck {
    static func check(_ input: [UInt8]) throws(Broken) {
        try checkFields(input)
        try checkTarget(input)
        try checkCookies(input)
    }

    private static func checkFields(_ input: [UInt8]) throws(Broken) {
        let expected = fields(of: input)
        guard let form = FormFields(input.span) else {
            return try hold(expected == nil, "a form that is one is refused")
        }
        guard let expected else { throw Broken(description: "a form that is none is taken") }
        for (name, literal) in [("user", "user" as StaticString), ("password", "password"), ("return", "return")] {
            let value = form.withValue(literal) { $0.array }
            let wanted = expected.first { $0.name == Array(name.utf8) }?.value ?? []
            try hold(value == wanted, "\(name) is \(value), not \(wanted)")
        }
    }

    /// Nil for a form that can't be read.
    private static func fields(of input: [UInt8]) -> [(name: [UInt8], value: [UInt8])]? {
        var result: [(name: [UInt8], value: [UInt8])] = []
        var parts = input.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false).map { Array($0) }
        // An ampersand at the end begins nothing.
        if parts.last?.isEmpty == true { parts.removeLast() }
        for part in parts {
            let equals = part.firstIndex(of: UInt8(ascii: "=")) ?? part.count
            guard let name = decoded(part[..<equals]), let value = decoded(part.dropFirst(equals + 1)) else {
                return nil
            }
            result.append((name, value))
        }
        return result.count > 16 ? nil : result
    }

    private static func decoded(_ part: ArraySlice<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var rest = part
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): result.append(0x20)
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let high = rest.popFirst(), let low = rest.popFirst(),
                    let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16),
                    high != UInt8(ascii: "+"),
                    high != UInt8(ascii: "-")
                else { return nil }
                result.append(value)
            default: result.append(byte)
            }
        }
        return result
    }

    private static func checkTarget(_ input: [UInt8]) throws(Broken) {
        var target = ByteBuffer()
        ReturnTarget.append(input.span, to: &target)
        let text = target.readable.array
        try hold(text.first == UInt8(ascii: "/"), "it leads to no path")
        try hold(text.count == 1 || text[1] != UInt8(ascii: "/") && text[1] != UInt8(ascii: "\\"), "it leads elsewhere")
        try hold(text.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "it has bytes that no target has")
        try hold(!text.starts(with: Array("/.postern/".utf8)), "it leads to a page of ours")
        try hold(text == input || text == [UInt8(ascii: "/")], "it is another path")
    }

    private static func checkCookies(_ input: [UInt8]) throws(Broken) {
        let mine = Array("__Host-postern".utf8)
        let crumbs = input.split(separator: UInt8(ascii: ";")).map { crumb in
            Array(crumb.drop { $0 == 0x20 || $0 == 9 })
        }
        var output = ByteBuffer()
        CookieCrumbs.writeOthers(input.span, to: &output)
        let others = crumbs.filter { !$0.isEmpty && !$0.starts(with: mine) }
        var expected: [UInt8] = []
        for (index, crumb) in others.enumerated() {
            expected += Array((index == 0 ? "Cookie: " : "; ").utf8) + crumb
        }
        if !others.isEmpty { expected += [13, 10] }
        // The first cookie of a field keeps what is blank in front of it, which a field's value never has.
        let isValue = input.first != 0x20 && input.first != 9
        if isValue { try hold(output.readable.array == expected, "other cookies have changed") }
        let hasMine = crumbs.contains { $0.starts(with: mine) }
        if isValue {
            try hold(
                CookieCrumbs.hasOurs(input.span) == hasMine,
                "cookies of ours are seen where there are none, or not"
            )
        }
    }
}
