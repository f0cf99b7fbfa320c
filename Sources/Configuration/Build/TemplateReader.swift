import ConfigSyntax
import Proxy

/// Turns text with variables into templates, once all maps are known.
struct TemplateReader {
    /// Names of `map` variables, by their place in the configuration.
    private let maps: [String: Int]

    init(maps: [String]) {
        self.maps = Dictionary(uniqueKeysWithValues: maps.enumerated().map { ($0.element, $0.offset) })
    }

    /// `$name` and `${name}` are variables; there is no way to write a plain `$`, as in Nginx.
    ///
    /// `groups` are those of the regular expression that chose the text; nil where there was none.
    func read(_ word: Word, groups: [String: Int]? = nil) throws(Diagnostic) -> Template {
        var segments: [Template.Segment] = []
        var literal: [UInt8] = []
        let bytes = Array(word.text.utf8)
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "$") else {
                literal.append(bytes[index])
                index += 1
                continue
            }
            let start = index
            index += 1
            let isBraced = index < bytes.count && bytes[index] == UInt8(ascii: "{")
            if isBraced { index += 1 }
            let nameStart = index
            while index < bytes.count, Self.isNameByte(bytes[index]) { index += 1 }
            let name = String(decoding: bytes[nameStart..<index], as: UTF8.self)
            guard !name.isEmpty else {
                let hint = "a name must follow $"
                throw .error(word.range(of: start..<index), "invalid variable name", hint: hint)
            }
            if isBraced {
                guard index < bytes.count, bytes[index] == UInt8(ascii: "}") else {
                    throw .error(
                        word.range(of: start..<index),
                        "the closing bracket in \"\(name)\" variable is missing"
                    )
                }
                index += 1
            }
            if !literal.isEmpty { segments.append(.literal(literal)) }
            literal = []
            segments.append(.variable(try variable(name, word.range(of: start..<index), groups)))
        }
        if !literal.isEmpty { segments.append(.literal(literal)) }
        return Template(segments)
    }

    private func variable(
        _ name: String,
        _ range: SourceRange,
        _ groups: [String: Int]?
    ) throws(Diagnostic) -> Variable {
        if let groups {
            if let group = groups[name] ?? Int(name), group < Pattern.groupLimit { return .capture(group) }
        }
        if let map = maps[name] { return .map(map) }
        if let variable = Variable(named: name) { return variable }
        if name.utf8.allSatisfy({ $0 &- 0x30 < 10 }) {
            throw .error(
                range,
                "\"$\(name)\" stands for nothing",
                hint: "only the value of a regular expression in a map has groups"
            )
        }
        if let (reason, hint) = Self.refused[name] {
            throw .error(range, "\"$\(name)\" is not supported: \(reason)", hint: hint)
        }
        let near = Suggestion.nearest(to: name, in: Array(Variable.simple.keys) + Array(maps.keys))
        throw .error(range, "unknown \"\(name)\" variable", hint: near.map { "did you mean \"$\($0)\"?" })
    }

    /// Variables of Nginx's that are known and left out, with the reason and what to do.
    private static let refused: [String: (reason: String, hint: String)] = {
        let lines = "its line breaks can't stand in a field (RFC 9112, section 5.2)"
        let escaped = "use $ssl_client_escaped_cert, as Nginx's manual advises too"
        let older = "it is the form of before Nginx 1.11.6, which doesn't escape what it is made of"
        return [
            "ssl_client_cert": (lines, escaped), "ssl_client_raw_cert": (lines, escaped),
            "ssl_client_s_dn_legacy": (older, "use $ssl_client_s_dn"),
            "ssl_client_i_dn_legacy": (older, "use $ssl_client_i_dn"),
        ]
    }()

    /// Letters, digits and underscores.
    static func isName(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isNameByte) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == UInt8(ascii: "_")
    }
}
