import Access
import Bytes
import Limits
import Synchronization

/// The API keys of one file as they are used: each with its rate, and what is known of its use.
@safe
final class KeyRing: @unchecked Sendable {
    private struct Use: ~Copyable {
        /// Milliseconds since 1970, UTC; 0 for never.
        let usedAt = Atomic<Int64>(0)
        /// Requests since they were asked for last.
        let count = Atomic<Int64>(0)
    }

    let table: APIKeyTable
    private let rules: [LimitRule?]
    private let uses: UnsafeMutablePointer<Use>

    init(_ table: APIKeyTable) {
        self.table = table
        rules = table.indices.map { index in
            // A whole hour's requests at once, then one after the other.
            guard let count = table[index].ratePerHour, let rate = LimitRate.perHour(UInt64(count)) else { return nil }
            return LimitRule(rate: rate, burst: count &- 1, delay: .none)
        }
        unsafe uses = .allocate(capacity: max(table.count, 1))
        for index in 0..<table.count { unsafe (uses + index).initialize(to: Use()) }
    }

    deinit {
        unsafe uses.deinitialize(count: table.count)
        unsafe uses.deallocate()
    }

    /// What the key's own rate allows; nil when it has none.
    func rule(_ index: APIKeyTable.Index) -> LimitRule? { rules[index.value] }

    /// Notes a use of the key; `now` in milliseconds since 1970.
    func note(_ index: APIKeyTable.Index, now: Int64) {
        let use = unsafe uses + index.value
        unsafe use.pointee.usedAt.store(now, ordering: .relaxed)
        unsafe use.pointee.count.add(1, ordering: .relaxed)
    }

    /// Runs `body` with each key that was used since the last time: its id, when last, and how often since.
    func takeUses(_ body: (String, Int64, Int64) -> Void) {
        for index in table.indices {
            let use = unsafe uses + index.value
            let count = unsafe use.pointee.count.exchange(0, ordering: .relaxed)
            guard count > 0 else { continue }
            let id = String(decoding: table.id(of: index), as: UTF8.self)
            body(id, unsafe use.pointee.usedAt.load(ordering: .relaxed), count)
        }
    }
}

/// A file of API keys.
typealias KeySource = FileSource<KeyRing>

extension FileSource where Table == KeyRing {
    /// - Parameter permissions: those that keys may name.
    convenience init(
        path: String,
        permissions: PermissionTable,
        changed: @escaping @Sendable (KeyRing?, _ isMissing: Bool) -> Void = { _, _ in }
    ) {
        self.init(path: path, title: "API key file", changed: changed) { path, generation in
            do throws(APIKeyFileError) {
                let read = try APIKeyFile.load(path: path, permissions: permissions, generation: generation)
                return .table(KeyRing(read.table), errors: read.problems.filter(\.isError).map { "\(path): \($0)" })
            } catch {
                return .failed("\(error)")
            }
        }
    }
}
