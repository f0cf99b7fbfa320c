import ConfigSyntax
import Proxy

/// A block that is open or was read: its settings, and the blocks around it.
final class Scope {
    /// What may stand in it. The top of a native file is `main`, `events` and `http` at once.
    let contexts: ContextSet
    let parent: Scope?
    /// The line that opened it; nil for the top level.
    let directive: Directive?
    var level = LevelSettings()
    let server: ServerDraft?
    let location: LocationDraft?
    let upstream: UpstreamDraft?

    init(
        _ contexts: ContextSet,
        in parent: Scope?,
        directive: Directive? = nil,
        server: ServerDraft? = nil,
        location: LocationDraft? = nil,
        upstream: UpstreamDraft? = nil
    ) {
        self.contexts = contexts
        self.parent = parent
        self.directive = directive
        self.server = server ?? parent?.server
        self.location = location
        self.upstream = upstream
    }

    /// The setting of the innermost level that has one.
    func effective<Value>(_ path: KeyPath<LevelSettings, Value?>) -> Value? {
        var scope: Scope? = self
        while let current = scope {
            if let value = current.level[keyPath: path] { return value }
            scope = current.parent
        }
        return nil
    }

    /// The settings of every level that has one, outermost first.
    func everyLevel<Value>(_ path: KeyPath<LevelSettings, Value?>) -> [Value] {
        (parent?.everyLevel(path) ?? []) + (level[keyPath: path].map { [$0] } ?? [])
    }
}

/// A virtual server as far as it was read.
final class ServerDraft {
    let directive: Directive
    var listens: [ListenDraft] = []
    var names: [Setting<ServerName>] = []
    /// The first name as written.
    var primaryName: String?
    var returnRule: ReturnDraft?
    /// Nested ones among them, in the order read.
    var locations: [Scope] = []
    /// `public`, its locations' among them.
    var openPaths: [OpenPathDraft] = []
    /// For requests that no location is for.
    var status: Setting<StatusPage>?
    /// Native files may have it at the server's level.
    var proxyPass: Word?

    init(_ directive: Directive) { self.directive = directive }
}

/// A location as far as it was read.
final class LocationDraft {
    let match: LocationMatch
    /// The word that holds the path.
    let word: Word
    var returnRule: ReturnDraft?
    var proxyPass: Word?
    var isHealth = false
    var status: Setting<StatusPage>?

    init(match: LocationMatch, word: Word) {
        self.match = match
        self.word = word
    }
}

/// What a location tells about the process.
enum StatusPage {
    /// `metrics`
    case metrics
    /// `stub_status`
    case stubStatus
}

/// `return`.
struct ReturnDraft {
    let status: Int
    let text: Word?
    let range: SourceRange
}
