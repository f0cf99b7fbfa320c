/// The virtual servers of one listener, chosen by the name in a client's hello; immutable, shared by all loops.
package final class ListenerTLS: Sendable {
    let defaultContext: ServerContext
    private let contexts: [ServerContext]
    private let names: NameSelector

    /// A listener that answers as `defaultContext` unless a name of `names` (see `NameSelector`) fits better.
    package init(defaultContext: ServerContext, names: [(name: String, context: ServerContext)] = []) {
        self.defaultContext = defaultContext
        self.contexts = names.map(\.context)
        self.names = NameSelector(names.enumerated().map { (name: $1.name, value: $0) })
    }

    /// The context for `name`; nil where only the default is left.
    func context(for name: borrowing Span<UInt8>) -> ServerContext? {
        names.value(for: name).map { contexts[$0] }
    }
}
