import Bytes

/// Finds the location of a path: a radix tree, so that the cost follows the path's length and not the number of locations.
///
/// An exact location wins over every prefix; among prefixes the longest wins.
struct LocationTree: BitwiseCopyable, Sendable {
    /// One edge of the tree with the node at its end.
    struct Node: BitwiseCopyable, Sendable {
        /// The bytes on the edge that leads here.
        var label: Frozen<UInt8>
        /// Indices of the children lie between these in `nodes`.
        var firstChild: Int32
        var childCount: Int32
        /// The location whose prefix ends here, or -1.
        var prefixLocation: Int32
        /// The location that is exactly this path, or -1.
        var exactLocation: Int32
    }

    private let nodes: Frozen<Node>

    init(_ matches: [(match: LocationMatch, location: Int)], arena: Arena) {
        let root = Draft(label: [])
        for (match, location) in matches { root.insert(match.path[...], match: match, location: location) }
        var flat: [Node] = [root.node(arena)]
        var queue: [(Draft, Int)] = [(root, 0)]
        var next = 0
        while next < queue.count {
            let (draft, index) = queue[next]
            next += 1
            let children = draft.children.sorted { $0.label.first ?? 0 < $1.label.first ?? 0 }
            flat[index].firstChild = Int32(flat.count)
            flat[index].childCount = Int32(children.count)
            for child in children {
                queue.append((child, flat.count))
                flat.append(child.node(arena))
            }
        }
        nodes = arena.freeze(flat)
    }

    /// The index of the location for `path`, or -1.
    func find(_ path: borrowing Span<UInt8>) -> Int {
        var best: Int32 = -1
        var index = 0
        var position = 0
        while true {
            let node = nodes[index]
            let labelCount = node.label.count
            guard path.count - position >= labelCount else { return Int(best) }
            var offset = 0
            while offset < labelCount {
                if node.label[offset] != (unsafe path[unchecked: position &+ offset]) { return Int(best) }
                offset &+= 1
            }
            position &+= labelCount
            if node.prefixLocation >= 0 { best = node.prefixLocation }
            if position == path.count { return Int(node.exactLocation >= 0 ? node.exactLocation : best) }
            let byte = unsafe path[unchecked: position]
            var child = Int(node.firstChild)
            let end = child &+ Int(node.childCount)
            // Few children: a walk. Many (the root of a thousand locations): halving.
            var low = child
            var high = end
            while high &- low > 8 {
                let middle = (low &+ high) / 2
                if nodes[middle].label[0] <= byte { low = middle } else { high = middle }
            }
            child = low
            while child < high, nodes[child].label[0] != byte { child &+= 1 }
            if child == high { return Int(best) }
            index = child
        }
    }

    /// A node while the tree is built.
    private final class Draft {
        var label: [UInt8]
        var children: [Draft] = []
        var prefixLocation = -1
        var exactLocation = -1

        init(label: [UInt8]) { self.label = label }

        func insert(_ path: ArraySlice<UInt8>, match: LocationMatch, location: Int) {
            if path.isEmpty {
                switch match {
                case .exact: exactLocation = location
                case .prefix: prefixLocation = location
                }
                return
            }
            guard let child = children.first(where: { $0.label.first == path.first }) else {
                let leaf = Draft(label: Array(path))
                children.append(leaf)
                leaf.insert([], match: match, location: location)
                return
            }
            var common = 0
            for (left, right) in zip(child.label, path) {
                if left != right { break }
                common += 1
            }
            if common < child.label.count {
                let rest = Draft(label: Array(child.label[common...]))
                rest.children = child.children
                rest.prefixLocation = child.prefixLocation
                rest.exactLocation = child.exactLocation
                child.label = Array(child.label[..<common])
                child.children = [rest]
                child.prefixLocation = -1
                child.exactLocation = -1
            }
            child.insert(path.dropFirst(common), match: match, location: location)
        }

        func node(_ arena: Arena) -> Node {
            Node(
                label: arena.freeze(label),
                firstChild: 0,
                childCount: 0,
                prefixLocation: Int32(prefixLocation),
                exactLocation: Int32(exactLocation)
            )
        }
    }
}
