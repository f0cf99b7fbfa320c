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
    /// Which keys were used since they were asked for: a bit each, 64 in a word.
    private let marks: UnsafeMutablePointer<Atomic<UInt64>>
    private let words: Int

    init(_ table: APIKeyTable) {
        self.table = table
        rules = table.indices.map { index in
            // A whole hour's requests at once, then one after the other.
            guard let count = table[index].ratePerHour, let rate = LimitRate.perHour(UInt64(count)) else { return nil }
            return LimitRule(rate: rate, burst: count &- 1, delay: .none)
        }
        unsafe uses = .allocate(capacity: max(table.count, 1))
        for index in 0..<table.count { unsafe (uses + index).initialize(to: Use()) }
        words = (table.count + 63) / 64
        unsafe marks = .allocate(capacity: max(words, 1))
        for word in 0..<words { unsafe (marks + word).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe uses.deinitialize(count: table.count)
        unsafe uses.deallocate()
        unsafe marks.deinitialize(count: words)
        unsafe marks.deallocate()
    }

    /// What the key's own rate allows; nil when it has none.
    func rule(_ index: APIKeyTable.Index) -> LimitRule? { rules[index.value] }

    /// Notes a use of the key; `now` in milliseconds since 1970.
    func note(_ index: APIKeyTable.Index, now: Int64) {
        let use = unsafe uses + index.value
        unsafe use.pointee.usedAt.store(now, ordering: .relaxed)
        // Not to be reordered with the look at the mark: else a reader could clear the mark and miss the use.
        unsafe use.pointee.count.add(1, ordering: .sequentiallyConsistent)
        let (word, mark) = (index.value >> 6, UInt64(1) << UInt64(index.value & 63))
        if unsafe marks[word].load(ordering: .sequentiallyConsistent) & mark == 0 {
            unsafe marks[word].bitwiseOr(mark, ordering: .sequentiallyConsistent)
        }
    }

    /// Runs `body` with each key that was used since the last time: its id, when last, and how often since.
    func takeUses(_ body: (String, Int64, Int64) -> Void) {
        for word in 0..<words where unsafe marks[word].load(ordering: .relaxed) != 0 {
            var left = unsafe marks[word].exchange(0, ordering: .sequentiallyConsistent)
            while left != 0 {
                let number = word << 6 | left.trailingZeroBitCount
                left &= left &- 1
                let use = unsafe uses + number
                let count = unsafe use.pointee.count.exchange(0, ordering: .sequentiallyConsistent)
                guard count > 0 else { continue }
                let id = String(decoding: table.id(of: table.index(at: number)), as: UTF8.self)
                body(id, unsafe use.pointee.usedAt.load(ordering: .relaxed), count)
            }
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
