/// The permissions that a request needs, as places in their table; -1 where none allows it, so that only callers without limits
/// may make it.
package struct PermissionNeed: Sendable, Equatable, BitwiseCopyable {
    /// For the path as it stands.
    package var exact: Int
    /// The same, as by a server to which neither letter case nor slashes at the end make another path.
    package var loose: Int
}
