import Bytes
import Synchronization

/// The paths of `unix` sockets that this process has named, each by a number: an address stays a small plain value.
///
/// Paths come from the configuration and from sockets of our own, never from a peer. None is forgotten; there can be
/// `limit` of them.
enum SocketPaths {
    static let limit = 4096

    private struct Table {
        var paths: [[UInt8]] = [[]]
        var numbers: [[UInt8]: UInt32] = [:]
    }

    private static let table = Mutex(Table())

    /// The number of a path, the same for the same bytes; nil when there are too many. Zero stands for no path.
    static func number(of path: [UInt8]) -> UInt32? {
        if path.isEmpty { return 0 }
        return table.withLock { table in
            if let known = table.numbers[path] { return known }
            guard table.paths.count <= limit else { return nil }
            let number = UInt32(table.paths.count)
            table.paths.append(path)
            table.numbers[path] = number
            return number
        }
    }

    /// The number of a path that has one, or zero.
    static func known(_ path: [UInt8]) -> UInt32 {
        if path.isEmpty { return 0 }
        return table.withLock { $0.numbers[path] ?? 0 }
    }

    /// The path that a number stands for; empty for one that stands for none.
    static func path(_ number: UInt32) -> [UInt8] {
        table.withLock { $0.paths.indices.contains(Int(number)) ? $0.paths[Int(number)] : [] }
    }
}
