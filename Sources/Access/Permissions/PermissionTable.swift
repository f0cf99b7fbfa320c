package import Bytes

/// The permissions there are, in their author's order, ready to say what a request needs. Immutable.
package struct PermissionTable: Sendable {
    /// Permissions a table may have.
    package static let maximumCount = 64
    /// Different methods that a table's permissions may name.
    package static let maximumMethods = 64
    /// The method that stands for an upgrade to WebSocket.
    package static let webSocketMethod = "WEBSOCKET"

    /// What holds unless the configuration says otherwise: `read`, `write`, `execute-actions` and `admin`, which no request
    /// needs and which gives its scope.
    package static let standard = PermissionTable(
        checked: [
            Permission("read", methods: ["GET", "HEAD", "OPTIONS"], scopes: ["operator.read"]),
            Permission(
                "write",
                methods: ["POST", "PUT", "PATCH", "DELETE", webSocketMethod],
                scopes: ["operator.write"]
            ),
            Permission("execute-actions", paths: ["/tools/invoke"], scopes: ["operator.write"]),
            Permission("admin", scopes: ["operator.admin"]),
        ]
    )

    private struct Method: Sendable {
        let name: Range<Int>
        /// The name's bytes, the first least significant; 0 for one of more than eight.
        let word: UInt64
        /// The first permission without paths that names the method, or -1.
        var place: Int
    }

    private struct Path: Sendable {
        let text: Range<Int>
        let isPrefix: Bool
        /// One bit for each of `methods`.
        let methods: UInt64
        let takesAnyMethod: Bool
        let place: Int
    }

    private struct Scope: Sendable {
        let text: Range<Int>
        let givenBy: PermissionSet
    }

    /// In the author's order.
    package let permissions: [Permission]
    /// Names of methods, paths and scopes, one after the other: what follows points into it.
    private let text: [UInt8]
    private let methods: [Method]
    /// Which of `methods` stands for an upgrade to WebSocket, or -1.
    private let webSocketNumber: Int
    /// The longest first.
    private let paths: [Path]
    /// Whether what a request needs may depend on its path.
    package var hasPaths: Bool { !paths.isEmpty }
    private let scopes: [Scope]

    /// Takes up to 64 permissions.
    package init(_ permissions: [Permission]) throws(PermissionTableError) {
        try Self.check(permissions)
        self.init(checked: permissions)
    }

    private init(checked permissions: [Permission]) {
        var text: [UInt8] = []
        func add(_ word: String) -> Range<Int> {
            text += Array(word.utf8)
            return (text.count - word.utf8.count)..<text.count
        }
        var methods: [Method] = []
        var numbers: [String: Int] = [:]
        for name in permissions.flatMap(\.methods) where numbers[name] == nil {
            numbers[name] = methods.count
            methods.append(Method(name: add(name), word: Array(name.utf8).span.word, place: -1))
        }
        var paths: [Path] = []
        var scopes: [(name: String, givenBy: PermissionSet)] = []
        for (place, permission) in permissions.enumerated() {
            let named = permission.methods.compactMap { numbers[$0] }
            if permission.paths.isEmpty {
                for number in named where methods[number].place < 0 { methods[number].place = place }
            }
            for path in permission.paths {
                paths.append(
                    Path(
                        text: add(path),
                        isPrefix: path.utf8.last == ASCII.slash,
                        methods: named.reduce(0) { $0 | 1 << UInt64($1) },
                        takesAnyMethod: named.isEmpty,
                        place: place
                    )
                )
            }
            for scope in permission.scopes {
                let one = PermissionSet(place: place)
                if let index = scopes.firstIndex(where: { $0.name == scope }) {
                    scopes[index].givenBy.formUnion(one)
                } else {
                    scopes.append((scope, one))
                }
            }
        }
        self.permissions = permissions
        self.scopes = scopes.map { Scope(text: add($0.name), givenBy: $0.givenBy) }
        self.methods = methods
        webSocketNumber = numbers[Self.webSocketMethod] ?? -1
        // Among equals the author's order decides.
        self.paths = paths.enumerated()
            .sorted { ($1.element.text.count, $0.offset) < ($0.element.text.count, $1.offset) }
            .map(\.element)
        self.text = text
    }

    private static func check(_ permissions: [Permission]) throws(PermissionTableError) {
        guard permissions.count <= maximumCount else { throw .tooMany(count: permissions.count) }
        var names: Set<String> = []
        var methods: Set<String> = []
        for permission in permissions {
            let name = permission.name
            guard isName(name) else { throw .name(name) }
            guard names.insert(name).inserted else { throw .duplicate(name: name) }
            for method in permission.methods {
                guard !method.isEmpty, method.utf8.allSatisfy({ ASCII.isToken($0) }) else {
                    throw .method(method, permission: name)
                }
                methods.insert(method)
            }
            for path in permission.paths where path.utf8.first != ASCII.slash {
                throw .path(path, permission: name)
            }
            for scope in permission.scopes {
                let isScope = scope.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != ASCII.comma }
                guard !scope.isEmpty, isScope else { throw .scope(scope, permission: name) }
            }
        }
        guard methods.count <= maximumMethods else { throw .tooManyMethods(count: methods.count) }
    }

    /// Whether a permission may be called so.
    package static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy {
                ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.hyphen || $0 == ASCII.underscore
                    || $0 == ASCII.dot || $0 == ASCII.colon
            }
    }

    /// Every permission of the table: what a caller without limits has.
    package var all: PermissionSet {
        let count = permissions.count
        return PermissionSet(rawValue: count == 64 ? .max : (1 << UInt64(count)) - 1)
    }

    /// The place of the permission of that name, or nil.
    package func place(named name: String) -> Int? { permissions.firstIndex { $0.name == name } }

    /// The permissions that a request needs.
    ///
    /// A fitting path decides first, the longest of them, if its permission's methods (when it has some) fit too; else the
    /// first permission without paths that names the method. `path` is the one that the upstream will act upon: in normal
    /// form, without its query. Allocates nothing.
    package func needed(
        method: borrowing Span<UInt8>,
        isWebSocket: Bool,
        path: borrowing Span<UInt8>
    ) -> PermissionNeed {
        let text = text.span
        let number = isWebSocket ? webSocketNumber : self.number(of: method, in: text)
        let mask: UInt64 = number < 0 ? 0 : 1 << UInt64(number)
        let byMethod = number < 0 ? -1 : methods[number].place
        var need = PermissionNeed(exact: byMethod, loose: byMethod)
        var isLooseKnown = false
        var end = path.count
        while end > 0, path[end - 1] == ASCII.slash { end -= 1 }
        for index in paths.indices {
            let entry = paths[index]
            guard entry.takesAnyMethod || entry.methods & mask != 0 else { continue }
            // Whatever fits as it stands fits loosely too.
            guard Self.fitsLoosely(entry, text, path, end: end) else { continue }
            if !isLooseKnown { need.loose = entry.place }
            isLooseKnown = true
            if Self.fits(entry, text, path) {
                need.exact = entry.place
                break
            }
        }
        return need
    }

    private static func fits(_ entry: Path, _ text: borrowing Span<UInt8>, _ path: borrowing Span<UInt8>) -> Bool {
        let count = entry.text.count
        guard entry.isPrefix ? path.count >= count : path.count == count else { return false }
        return text.extracting(entry.text).equals(path.extracting(first: count))
    }

    /// `end`: where the slashes at the end of `path` begin.
    private static func fitsLoosely(
        _ entry: Path,
        _ text: borrowing Span<UInt8>,
        _ path: borrowing Span<UInt8>,
        end: Int
    ) -> Bool {
        let count = entry.isPrefix ? entry.text.count - 1 : entry.text.count
        guard entry.isPrefix ? end >= count : end == count else { return false }
        if end > count, path[count] != ASCII.slash { return false }
        let wanted = text.extracting(entry.text.lowerBound..<(entry.text.lowerBound + count))
        return wanted.equalsIgnoringCase(path.extracting(first: count))
    }

    private func number(of method: borrowing Span<UInt8>, in text: borrowing Span<UInt8>) -> Int {
        let word = method.word
        if word != 0 {
            for index in methods.indices where methods[index].word == word { return index }
            return -1
        }
        // A request of the method WEBSOCKET is none for an upgrade.
        for index in methods.indices
        where index != webSocketNumber && text.extracting(methods[index].name).equals(method) {
            return index
        }
        return -1
    }

    /// Appends what the permissions in `set` give, as `operator.read,operator.write`: each once, in the table's order.
    package func appendScopes(of set: PermissionSet, to output: inout ByteBuffer) {
        let text = text.span
        var isFirst = true
        for index in scopes.indices where !scopes[index].givenBy.isDisjoint(with: set) {
            if !isFirst { output.append(ASCII.comma) }
            isFirst = false
            output.append(text, scopes[index].text)
        }
    }

    /// What the permissions in `set` give, as `operator.read,operator.write`: each once, in the table's order. Allocates.
    package func scopes(of set: PermissionSet) -> [UInt8] {
        var words: [[UInt8]] = []
        for scope in scopes where !scope.givenBy.isDisjoint(with: set) { words.append(Array(text[scope.text])) }
        return Array(words.joined(separator: [ASCII.comma]))
    }
}

extension Span<UInt8> {
    /// Up to eight bytes, the first least significant; 0 when there are none, or more.
    fileprivate var word: UInt64 {
        guard count <= 8 else { return 0 }
        var word: UInt64 = 0
        for index in 0..<count { word |= UInt64(self[index]) << UInt64(8 * index) }
        return word
    }
}
