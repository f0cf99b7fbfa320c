import Limits

/// Which sessions a user has, and how many there are. Whoever begins or ends a session holds its lock.
struct SessionLedger: ~Copyable {
    /// The sessions of one user of one realm.
    struct Chain: BitwiseCopyable {
        /// The one begun last; plus one.
        var newest: UInt32
        var count: UInt32
    }

    private let seed = TableSeed()
    private var chains: BoundedTable<LimitKey, Chain>
    /// Sessions in the table.
    private(set) var count = 0

    init(capacity: Int) { chains = BoundedTable(capacity: capacity) }

    /// Bytes of memory that it holds, as far as they have been touched: of each chain 48, and of each of the places where
    /// chains begin 4.
    var size: Int { chains.count * 48 + chains.capacity * 8 }

    /// Sessions of the user, those among them whose time is over but who haven't been swept.
    func count(_ user: LimitKey) -> Int { chain(user).map { Int($0.count) } ?? 0 }

    /// The numbers of the user's slots, the one begun last first; `limit` of them at the most.
    func sessions(_ user: LimitKey, limit: Int = .max, _ slots: borrowing SessionSlots) -> [UInt32] {
        var numbers: [UInt32] = []
        var next = chain(user)?.newest ?? 0
        while next != 0, numbers.count < limit {
            numbers.append(next - 1)
            next = slots[next - 1]!.neighbours.older
        }
        return numbers
    }

    /// Adds a slot to the user's.
    mutating func insert(_ number: UInt32, _ user: LimitKey, _ slots: borrowing SessionSlots) {
        count += 1
        let hash = user.hash(seed)
        guard let entry = chains.find(user, hash: hash) else {
            _ = chains.insert(user, hash: hash, Chain(newest: number + 1, count: 1))
            return
        }
        let second = chains[entry].newest
        slots[number]!.neighbours.older = second
        slots[second - 1]!.neighbours.newer = number + 1
        chains[entry] = Chain(newest: number + 1, count: chains[entry].count + 1)
    }

    /// Takes a slot from the user's.
    mutating func remove(_ number: UInt32, _ user: LimitKey, _ slots: borrowing SessionSlots) {
        count -= 1
        let beside = slots[number]!.neighbours
        if beside.older != 0 { slots[beside.older - 1]!.neighbours.newer = beside.newer }
        if beside.newer != 0 { slots[beside.newer - 1]!.neighbours.older = beside.older }
        let hash = user.hash(seed)
        guard let entry = chains.find(user, hash: hash) else { return }
        chains[entry].count -= 1
        if beside.newer == 0 { chains[entry].newest = beside.older }
        if chains[entry].count == 0 { chains.remove(entry, hash: hash) }
    }

    private func chain(_ user: LimitKey) -> Chain? { chains.find(user, hash: user.hash(seed)).map { chains[$0] } }
}
