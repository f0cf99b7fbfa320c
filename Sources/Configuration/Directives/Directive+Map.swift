import ConfigSyntax
import Proxy

/// A `map` block.
struct MapDraft {
    let name: Word
    let source: Word
    var matchesHostnames = false
    var entries: [(key: Word, value: Word)] = []
    var fallback: Word?
    /// Regular expressions, the groups they name, and their values.
    var patterns: [(expression: String, ignoresCase: Bool, groups: [String: Int], value: Word)] = []
}

extension DirectiveTable {
    /// Values chosen by values.
    static let map: [DirectiveSpec] = [
        .block(
            "map",
            "SOURCE $NAME",
            in: .http,
            arguments: 2...2,
            help: "A variable whose value depends on another's: lines of \"key value;\", \"default value;\", "
                + "\"hostnames;\" for keys such as *.example.com, \"~regex value;\" and \"~*regex value;\" with $1 to $9 "
                + "and named groups in the value. Letter case of keys doesn't count."
        ) { builder, directive, block in try builder.readMap(directive, block) }
    ]
}

extension ConfigurationBuilder {
    /// More would slow the loading of a configuration without bound.
    private static let largestMap = 100_000

    fileprivate func readMap(_ directive: Directive, _ block: [Directive]) throws {
        let target = directive.arguments[1]
        guard target.text.hasPrefix("$"), TemplateReader.isName(String(target.text.dropFirst())) else {
            throw Diagnostic.error(
                target.range,
                "invalid variable name \"\(target.text)\"",
                hint: "$ and a name are expected"
            )
        }
        let name = Word(text: String(target.text.dropFirst()), range: target.range)
        if Variable(named: name.text) != nil {
            throw Diagnostic.error(
                target.range,
                "the variable \"\(target.text)\" exists already",
                hint: "choose another name"
            )
        }
        if let earlier = maps.first(where: { $0.name.text == name.text }) {
            throw Diagnostic.error(
                target.range,
                "the duplicate \"\(name.text)\" variable",
                hint: "first given at \(earlier.name.range.place)"
            )
        }
        var map = MapDraft(name: name, source: directive.first)
        useTemplate(directive.first)
        for entry in block {
            do {
                try read(entry, into: &map)
            } catch {
                report(error)
            }
        }
        maps.append(map)
    }

    private func read(_ entry: Directive, into map: inout MapDraft) throws(Diagnostic) {
        let key = entry.name
        guard entry.block == nil else {
            throw .error(entry.range, "a map has no blocks in it", hint: "\"key value;\" is expected")
        }
        switch (key.text, entry.arguments.count) {
        case ("hostnames", 0): map.matchesHostnames = true
        case ("volatile", 0):
            report(.note(key.range, "\"volatile\" has no effect", hint: "values are never kept"))
        case ("default", 1):
            if let earlier = map.fallback { try refuseDuplicate(earlier.range, entry) }
            useTemplate(entry.first)
            map.fallback = entry.first
        case (let text, 1) where text.hasPrefix("~"):
            try readPattern(key, entry.first, into: &map)
        case (_, 1):
            let key = mapKey(key)
            if map.entries.contains(where: { $0.key.text == key.text }) {
                throw .error(key.range, "conflicting parameter \"\(key.text)\"", hint: "the same key is given twice")
            }
            guard map.entries.count < Self.largestMap else {
                throw .error(key.range, "too many keys in a map", hint: "at most \(Self.largestMap)")
            }
            useTemplate(entry.first)
            map.entries.append((key, entry.first))
        default:
            throw .error(entry.range, "invalid number of the map parameters", hint: "\"key value;\" is expected")
        }
    }

    /// `~expression` and, without regard to letter case, `~*expression`.
    private func readPattern(_ key: Word, _ value: Word, into map: inout MapDraft) throws(Diagnostic) {
        let ignoresCase = key.text.hasPrefix("~*")
        let expression = String(key.text.dropFirst(ignoresCase ? 2 : 1))
        guard map.patterns.count < 1000 else {
            throw .error(key.range, "too many regular expressions in a map", hint: "at most 1000")
        }
        do throws(Pattern.Flaw) {
            let pattern = try Pattern(expression, ignoresCase: ignoresCase)
            map.patterns.append((expression, ignoresCase, pattern.groupNames, value))
        } catch {
            throw .error(
                key.range,
                "the regular expression \"\(expression)\" can't be compiled",
                hint: "\(error.reason), at its byte \(error.offset)"
            )
        }
    }

    /// In lower case, without the backslash that protects a special word.
    private func mapKey(_ word: Word) -> Word {
        var text = word.text.lowercased()
        if text.hasPrefix("\\") {
            text = String(text.dropFirst())
        }
        return Word(text: text, range: word.range, isQuoted: word.isQuoted)
    }
}
