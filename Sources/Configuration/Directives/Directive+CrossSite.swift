import ConfigSyntax
import Proxy

extension DirectiveTable {
    /// What pages of other origins may have browsers do.
    static let crossSite: [DirectiveSpec] = [
        .run(
            "cross_site",
            "deny|allow [except=ORIGIN …]",
            in: .request,
            arguments: 1...33,
            default: "allow",
            native: "deny",
            help: "deny: a browser's request that may change something (any method but GET, HEAD and OPTIONS) or that "
                + "opens a WebSocket gets 403 when its Sec-Fetch-Site isn't same-origin or none, or, without that field, "
                + "when its Origin isn't the one asked; except=https://app.example.com lets a page of that origin through. "
                + "Requests with neither field, as programs send them, pass. Where Postern asks for no login, it holds "
                + "as well, but not for requests with a Bearer token, which no browser sends by itself."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.crossSite?.range, directive)
            builder.level.crossSite = Setting(try CrossSiteRule(directive), directive.range)
        }
    ]
}

extension CrossSiteRule {
    fileprivate init(_ directive: Directive) throws(Diagnostic) {
        switch directive.first.text {
        case "deny": self.init(isDenied: true)
        case "allow": self.init(isDenied: false)
        case let text:
            throw .error(
                directive.first.range,
                "invalid value \"\(text)\"",
                hint: "it must be one of \"deny\", \"allow\""
            )
        }
        for word in directive.arguments.dropFirst() {
            let parameter = Parameter(word)
            guard parameter.key == "except", let value = parameter.value else {
                throw .error(word.range, "invalid parameter \"\(word.text)\"", hint: "except=https://app.example.com")
            }
            guard isDenied else {
                throw .error(word.range, "\"allow\" needs no exceptions", hint: "cross_site deny except=…")
            }
            exceptions.append(try Self.origin(value))
        }
    }

    /// An origin as browsers write it: in lower case, without its scheme's own port.
    private static func origin(_ word: Word) throws(Diagnostic) -> [UInt8] {
        let text = word.text.lowercased()
        guard let mark = text.firstRange(of: "://"), !text[..<mark.lowerBound].isEmpty,
            text[..<mark.lowerBound].utf8.allSatisfy({ isSchemeByte($0) }), !text[mark.upperBound...].isEmpty,
            text[mark.upperBound...].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/\\?#@*,$".utf8.contains($0) })
        else {
            let hint = "scheme, host and port as a browser's Origin has them: https://app.example.com"
            throw .error(word.range, "\"\(word.text)\" is not an origin", hint: hint)
        }
        for (scheme, port) in [("http://", ":80"), ("https://", ":443")]
        where text.hasPrefix(scheme) && text.hasSuffix(port) {
            return Array(text.dropLast(port.count).utf8)
        }
        return Array(text.utf8)
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        byte &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x2B || byte == 0x2D || byte == 0x2E
    }
}
