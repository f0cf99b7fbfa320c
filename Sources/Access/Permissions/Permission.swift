/// What a caller may be allowed: requests of some methods, or to some paths, and the scopes that the gateway is told.
package struct Permission: Sendable, Equatable {
    package let name: String
    /// Methods as requests have them, letter case included; `WEBSOCKET` stands for an upgrade to it.
    package let methods: [String]
    /// Each exact, or a prefix when it ends with `/`. With paths, empty methods mean all of them.
    package let paths: [String]
    /// Scopes of the gateway, such as `operator.read`.
    package let scopes: [String]

    package init(_ name: String, methods: [String] = [], paths: [String] = [], scopes: [String] = []) {
        self.name = name
        self.methods = methods
        self.paths = paths
        self.scopes = scopes
    }
}

/// Why permissions make no table.
package enum PermissionTableError: Error, Sendable, Equatable, CustomStringConvertible {
    case tooMany(count: Int)
    case tooManyMethods(count: Int)
    case duplicate(name: String)
    /// An empty name, or one with anything but letters, digits, `-`, `_`, `.` and `:`.
    case name(String)
    /// Not a token of RFC 9110, section 5.6.2.
    case method(String, permission: String)
    /// Without a slash at its beginning.
    case path(String, permission: String)
    /// Empty, or with anything but visible ASCII other than a comma.
    case scope(String, permission: String)

    package var description: String {
        switch self {
        case .tooMany(let count): "there are \(count) permissions; at most \(PermissionTable.maximumCount) are possible"
        case .tooManyMethods(let count):
            "the permissions name \(count) methods; at most \(PermissionTable.maximumMethods) are possible"
        case .duplicate(let name): "there are two permissions called \"\(name)\""
        case .name(let name):
            "\"\(name)\" can't be a permission's name: use letters, digits, \"-\", \"_\", \".\" and \":\""
        case .method(let method, let permission): "\"\(method)\" of the permission \"\(permission)\" is no method"
        case .path(let path, let permission):
            "the path \"\(path)\" of the permission \"\(permission)\" doesn't start with \"/\""
        case .scope(let scope, let permission):
            "\"\(scope)\" of the permission \"\(permission)\" can't be a scope: it is empty or has spaces or commas"
        }
    }
}
