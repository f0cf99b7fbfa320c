import ConfigSyntax
import Proxy

extension DirectiveTable {
    /// Blocks, and what names a virtual server.
    static let structure: [DirectiveSpec] = [
        .block("events", "", in: .main, arguments: 0...0, help: "Settings of the event loops.") {
            builder,
            directive,
            block in
            try builder.refuseDuplicate(builder.main.events?.range, directive)
            builder.main.events = directive
            builder.read(block, in: Scope(.events, in: builder.scope, directive: directive))
        },
        .block(
            "http",
            "",
            in: .main,
            arguments: 0...0,
            dialects: .nginx,
            help: "Everything about HTTP. A file that has it is an Nginx file."
        ) { builder, directive, block in
            try builder.refuseDuplicate(builder.main.http?.range, directive)
            builder.main.http = directive
            builder.read(block, in: Scope(.http, in: builder.scope, directive: directive))
        },
        .block("server", "", in: .http, arguments: 0...0, help: "A virtual server.") { builder, directive, block in
            let server = ServerDraft(directive)
            let scope = Scope(.server, in: builder.scope, directive: directive, server: server)
            builder.servers.append((server, scope))
            builder.read(block, in: scope)
        },
        .run(
            "server_name",
            "NAME…",
            in: .server,
            arguments: 1...SyntaxLimits.words,
            default: "\"\"",
            help:
                "Names by which the server is asked for: example.com, *.example.com, .example.com, www.example.*, \"\"."
        ) { builder, directive in
            guard let server = builder.scope.server else { return }
            for word in directive.arguments {
                let name = try builder.serverName(word)
                if server.primaryName == nil {
                    server.primaryName = word.text == "$hostname" ? builder.environment.hostName : word.text
                }
                if server.names.contains(where: { $0.value == name }) {
                    builder.report(.warning(word.range, "\"\(word.text)\" is given twice"))
                } else {
                    server.names.append(Setting(name, word.range))
                }
            }
        },
        .block(
            "location",
            "[=|^~] PATH",
            in: [.server, .location],
            arguments: 1...2,
            help:
                "Settings for paths: = for exactly this one, otherwise for all that begin with it; the longest counts."
        ) { builder, directive, block in try builder.readLocation(directive, block) },
        .run(
            "health",
            "PATH",
            in: .server,
            dialects: .native,
            help: "A path that answers \"healthy\" without login, limits or log."
        ) { builder, directive in
            guard let server = builder.scope.server else { return }
            let word = directive.first
            guard word.text.hasPrefix("/") else {
                throw Diagnostic.error(word.range, "invalid path \"\(word.text)\"", hint: "a path starts with /")
            }
            let location = LocationDraft(match: .exact(Array(word.text.utf8)), word: word)
            location.isHealth = true
            try builder.refuseDuplicateLocation(location, in: server)
            server.locations.append(Scope([], in: builder.scope, directive: directive, location: location))
        },
    ]
}

extension ConfigurationBuilder {
    /// A name as `server_name` writes it, in lower case.
    fileprivate func serverName(_ word: Word) throws(Diagnostic) -> ServerName {
        let text = word.text.lowercased()
        if text.hasPrefix("~") {
            throw .error(
                word.range,
                "regular expressions in \"server_name\" are not supported",
                hint: "name the hosts, or use *.example.com"
            )
        }
        if text == "$hostname" { return .exact(environment.hostName.lowercased()) }
        if text.contains("$") {
            throw .error(word.range, "invalid server name \"\(word.text)\"", hint: "only $hostname may stand here")
        }
        let stars = text.utf8.count { $0 == UInt8(ascii: "*") }
        let body: String
        let name: ServerName
        if text.hasPrefix("*.") {
            (body, name) = (
                String(text.dropFirst(2)), .leadingWildcard(suffix: String(text.dropFirst()), includesBare: false)
            )
        } else if text.hasPrefix(".") {
            (body, name) = (String(text.dropFirst()), .leadingWildcard(suffix: text, includesBare: true))
        } else if text.hasSuffix(".*") {
            (body, name) = (String(text.dropLast(2)), .trailingWildcard(prefix: String(text.dropLast())))
        } else {
            (body, name) = (text, .exact(text))
        }
        let isFine = text.isEmpty || HostPort.isHostName(body) || Self.isIPv6Literal(body)
        guard isFine, stars == (text.hasPrefix("*.") || text.hasSuffix(".*") ? 1 : 0) else {
            throw .error(
                word.range,
                "invalid server name or wildcard \"\(word.text)\"",
                hint: "a * may only stand for the first or the last part of a name"
            )
        }
        return name
    }

    private static func isIPv6Literal(_ text: String) -> Bool {
        text.hasPrefix("[") && text.hasSuffix("]") && HostPort.isIPv6(String(text.dropFirst().dropLast()))
    }

    /// Reads `location [modifier] path { … }`.
    fileprivate func readLocation(_ directive: Directive, _ block: [Directive]) throws {
        guard let server = scope.server else { return }
        let match = try locationMatch(directive)
        let word = directive.arguments.count == 2 ? directive.arguments[1] : directive.first
        if let outer = scope.location {
            if case .exact = outer.match {
                throw Diagnostic.error(
                    word.range,
                    "location \"\(word.text)\" can't be inside the exact location \"\(outer.word.text)\""
                )
            }
            guard match.path.starts(with: outer.match.path) else {
                throw Diagnostic.error(
                    word.range,
                    "location \"\(word.text)\" is outside location \"\(outer.word.text)\"",
                    hint: "it would never be reached; put it beside the other"
                )
            }
        }
        let location = LocationDraft(match: match, word: word)
        try refuseDuplicateLocation(location, in: server)
        let inner = Scope(.location, in: scope, directive: directive, location: location)
        server.locations.append(inner)
        read(block, in: inner)
    }

    private func locationMatch(_ directive: Directive) throws(Diagnostic) -> LocationMatch {
        let first = directive.first
        let regex = Diagnostic.error(
            first.range,
            "regular expressions in \"location\" are not supported",
            hint: "use a prefix such as \"location /api/\", or \"location = /path\" for one path"
        )
        var modifier = ""
        var path = first.text
        if directive.arguments.count == 2 {
            (modifier, path) = (first.text, directive.arguments[1].text)
            guard ["=", "^~", "~", "~*"].contains(modifier) else {
                throw .error(
                    first.range,
                    "invalid location modifier \"\(modifier)\"",
                    hint: "use \"=\", \"^~\" or nothing"
                )
            }
        } else if let known = ["^~", "~*", "=", "~"].first(where: { path.hasPrefix($0) }) {
            modifier = known
            path = String(path.dropFirst(known.count))
        }
        if modifier.hasPrefix("~") { throw regex }
        let word = directive.arguments.last ?? first
        if path.hasPrefix("@") {
            throw .error(
                word.range,
                "named locations are not supported",
                hint: "nothing here leads to one: there are no internal redirects"
            )
        }
        guard path.hasPrefix("/") else {
            throw .error(word.range, "invalid location \"\(path)\"", hint: "a path starts with /")
        }
        return modifier == "=" ? .exact(Array(path.utf8)) : .prefix(Array(path.utf8))
    }

    func refuseDuplicateLocation(_ location: LocationDraft, in server: ServerDraft) throws(Diagnostic) {
        guard let earlier = server.locations.first(where: { $0.location?.match == location.match })?.location else {
            return
        }
        throw .error(
            location.word.range,
            "duplicate location \"\(location.word.text)\"",
            hint: "first given at \(earlier.word.range.place)"
        )
    }
}
