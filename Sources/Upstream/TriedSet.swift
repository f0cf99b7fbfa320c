/// The peers that one request has already tried.
package struct TriedSet: Sendable, Equatable {
    private var bits: UInt128 = 0

    package init() {}

    package var isEmpty: Bool { bits == 0 }
    package var count: Int { bits.nonzeroBitCount }

    package func contains(_ peer: PeerIndex) -> Bool { bits & (1 << UInt128(peer.rawValue)) != 0 }

    package mutating func insert(_ peer: PeerIndex) { bits |= 1 << UInt128(peer.rawValue) }

    package mutating func removeAll() { bits = 0 }
}

/// A peer's place in its group. It stays the same as long as the peer is listed or has a request in flight.
package struct PeerIndex: Sendable, Hashable {
    /// From 0 to `PeerSet.capacity - 1`.
    package let rawValue: UInt8

    package init(_ rawValue: Int) { self.rawValue = UInt8(rawValue) }

    var position: Int { Int(rawValue) }
}
