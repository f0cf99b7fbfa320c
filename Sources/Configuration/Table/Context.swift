package import Proxy

/// The blocks a directive may stand in, in Nginx's words. In a native file the top level is `main` and `http` at once.
package struct ContextSet: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let main = ContextSet(rawValue: 1)
    package static let events = ContextSet(rawValue: 2)
    package static let http = ContextSet(rawValue: 4)
    package static let upstream = ContextSet(rawValue: 8)
    package static let server = ContextSet(rawValue: 16)
    package static let location = ContextSet(rawValue: 32)

    /// Where most settings of request handling may stand.
    package static let request: ContextSet = [.http, .server, .location]
    /// Where what tunes the process may stand.
    package static let processWide: ContextSet = [.main, .events]
    /// Anywhere, for directives that are refused wherever they stand.
    package static let anywhere = ContextSet(rawValue: 63)

    private static let names: [(ContextSet, String)] = [
        (.main, "main"), (.events, "events"), (.http, "http"), (.upstream, "upstream"), (.server, "server"),
        (.location, "location"),
    ]

    /// "http, server, location"; in a native file, `http` and `main` are the top level.
    package func description(in dialect: Dialect) -> String {
        var result: [String] = []
        for (context, name) in Self.names where contains(context) {
            let shown = dialect == .native && (context == .main || context == .http) ? "top level" : name
            if !result.contains(shown) { result.append(shown) }
        }
        return result.joined(separator: ", ")
    }
}

/// The languages a directive belongs to.
package struct DialectSet: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let nginx = DialectSet(rawValue: 1)
    package static let native = DialectSet(rawValue: 2)
    package static let both: DialectSet = [.nginx, .native]

    func contains(_ dialect: Dialect) -> Bool { contains(dialect == .nginx ? Self.nginx : Self.native) }
}
