import ConfigSyntax
import Limits
import Proxy

/// One path of a `public` directive.
struct OpenPathDraft {
    let match: LocationMatch
    let methods: [String]
    /// The directive's own, or nil.
    let limit: LimitUse?
    let word: Word
}

extension DirectiveTable {
    /// What needs no login.
    static let openPaths: [DirectiveSpec] = [
        .run(
            "public",
            "PATH… [methods=METHOD,…] [limit=RATE] [burst=N]",
            in: [.server, .location],
            arguments: 1...SyntaxLimits.words,
            help:
                "Paths that need no login, such as /manifest.webmanifest, or a webhook with methods=POST: exactly that "
                + "path, or all below it if it ends with /. methods are GET,HEAD unless told otherwise; WEBSOCKET is an "
                + "upgrade, * all. limit bounds each address there, beside the limits that hold anyway. All other rules stay "
                + "those of the location that is for the path, and locations further inside keep their own."
        ) { builder, directive in try builder.addOpenPaths(directive) }
    ]
}

/// Methods that rules may speak of; WEBSOCKET is a request to upgrade to that.
enum KnownMethods {
    static let names = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"]

    /// `GET,POST`
    static func read(_ word: Word) throws(Diagnostic) -> [String] {
        var methods: [String] = []
        var offset = 0
        for part in word.text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = String(part)
            let range = word.range(of: offset..<offset + name.utf8.count)
            offset += name.utf8.count + 1
            guard names.contains(name) else {
                let near = Suggestion.nearest(to: name.uppercased(), in: names)
                let hint = near.map { "did you mean \"\($0)\"?" } ?? "known: \(names.joined(separator: ", "))"
                throw .error(name.isEmpty ? word.range : range, "invalid method \"\(name)\"", hint: hint)
            }
            guard !methods.contains(name) else { throw .error(range, "\"\(name)\" is given twice") }
            methods.append(name)
        }
        return methods
    }
}

extension ConfigurationBuilder {
    fileprivate func addOpenPaths(_ directive: Directive) throws {
        guard let server = scope.server else { return }
        let words = directive.arguments.prefix { $0.text.hasPrefix("/") }
        let known = ["methods", "limit", "burst"]
        let parameters = try directive.arguments.dropFirst(words.count).parameters(known: known)
        guard !words.isEmpty else {
            throw Diagnostic.error(directive.range, "\"public\" names no path", hint: "public /manifest.webmanifest;")
        }
        var methods = ["GET", "HEAD"]
        var rate: (limit: LimitRate, burst: UInt32)?
        var burst: (count: UInt32, word: Word)?
        for (key, value) in parameters {
            switch key {
            case "methods": methods = value.text == "*" ? ["*"] : try KnownMethods.read(value)
            case "limit": rate = try limitRate(value)
            default: burst = (UInt32(try value.integer(in: 0...1_000_000)), value)
            }
        }
        if let burst, rate == nil {
            throw Diagnostic.error(burst.word.range, "\"burst\" needs a \"limit\"", hint: "limit=10r/s burst=20")
        }
        let matches = try words.map { ($0, try openMatch($0)) }
        for (index, (word, match)) in matches.enumerated() {
            let earlier =
                server.openPaths.first { $0.match == match }?.word ?? matches[..<index].first { $0.1 == match }?.0
            if let earlier {
                let hint = "first given at \(earlier.range.place)"
                throw Diagnostic.error(word.range, "\"\(word.text)\" is public already", hint: hint)
            }
        }
        var limit: LimitUse?
        if let rate {
            let count = burst?.count ?? rate.burst
            try checkLimit(rate.limit, burst: count, directive.range)
            limit = LimitUse(zone: zones.count, burst: count, delay: .none)
            let key = try ownKey(nil, nil)
            let name = "public:\(directive.range.line)"
            zones.append(ZoneDraft(name: name, key: key, capacity: 65536, rate: rate.limit, range: directive.range))
        }
        for (word, match) in matches {
            server.openPaths.append(OpenPathDraft(match: match, methods: methods, limit: limit, word: word))
        }
    }

    private func openMatch(_ word: Word) throws(Diagnostic) -> LocationMatch {
        let path = Array(word.text.utf8)
        let segments = word.text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let isNormal = !segments.dropLast().contains { $0.isEmpty } && !segments.contains { $0 == "." || $0 == ".." }
        guard isNormal, !path.contains(where: { $0 <= 0x20 || $0 == 0x7F || "?#%$\\*;".utf8.contains($0) }) else {
            let hint = "a plain path is expected, without . or .. or //, escapes, query or variables"
            throw .error(word.range, "invalid path \"\(word.text)\"", hint: hint)
        }
        if let outer = scope.location {
            let isInside =
                switch outer.match {
                case .exact(let own): own == path
                case .prefix(let own): path.starts(with: own)
                }
            guard isInside else {
                let hint = "put it beside the location, or name a path inside"
                throw .error(word.range, "\"\(word.text)\" is outside location \"\(outer.word.text)\"", hint: hint)
            }
        }
        return path.last == UInt8(ascii: "/") ? .prefix(path) : .exact(path)
    }
}
