import ConfigSyntax
import Proxy

extension Assembler {
    /// Makes a location of each path that is public: the one that is for it anyway, or a copy of that which would answer.
    func openPaths(of index: Int, _ server: inout VirtualServerConfiguration) {
        // Longer ones first would copy what shorter ones opened; of those that were written, each is a copy.
        let written = server.locations
        for draft in builder.servers[index].draft.openPaths {
            let open: LocationConfiguration
            if let place = server.locations.firstIndex(where: { $0.match == draft.match }) {
                open = opened(server.locations[place], draft)
                server.locations[place] = open
            } else {
                open = opened(
                    copy(of: Self.answering(draft.match.path, written) ?? server.root, for: draft.match),
                    draft
                )
                server.locations.append(open)
            }
            advise(on: draft, open)
        }
    }

    /// The prefix location that a path leads to.
    private static func answering(_ path: [UInt8], _ locations: [LocationConfiguration]) -> LocationConfiguration? {
        var found: LocationConfiguration?
        for location in locations {
            guard case .prefix(let prefix) = location.match, path.starts(with: prefix) else { continue }
            if prefix.count >= found?.match.path.count ?? 0 { found = location }
        }
        return found
    }

    private func copy(of location: LocationConfiguration, for match: LocationMatch) -> LocationConfiguration {
        var copy = location
        copy.match = match
        if case .proxy(var pass) = location.handler, let path = pass.replacementPath {
            // The replacement takes the place of what the original matched; the rest of this path stays as it is.
            pass.replacementPath = path + match.path.dropFirst(location.match.path.count)
            copy.handler = .proxy(pass)
        }
        return copy
    }

    private func opened(_ location: LocationConfiguration, _ draft: OpenPathDraft) -> LocationConfiguration {
        var open = location
        open.identity.openMethods = draft.methods
        if let limit = draft.limit { open.limits.append(limit) }
        return open
    }

    private func advise(on draft: OpenPathDraft, _ location: LocationConfiguration) {
        let path = draft.word.text
        if case .notFound = location.handler, location.returnRule == nil {
            let hint = "add a location with proxy_pass that it lies in"
            report(.warning(draft.word.range, "\"\(path)\" is public, but answers 404", hint: hint))
        } else if !location.asksForLogin || location.returnRule != nil, draft.limit == nil || location.returnRule != nil
        {
            let hint = "what answers there asks for no login"
            report(.note(draft.word.range, "\"public \(path)\" has no effect", hint: hint))
        } else if draft.match.path == [0x2F] {
            let hint = "name what browsers fetch without credentials: public /manifest.webmanifest;"
            report(.warning(draft.word.range, "the whole server needs no login", hint: hint))
        }
    }
}
