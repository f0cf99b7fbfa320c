import Access
import Bytes
import Limits
import Synchronization

/// A key as requests need it: all of it side by side.
struct RingKey: ~Copyable {
    let permissions: PermissionSet
    /// Milliseconds since 1970, UTC: from then on it is none.
    let expiresAt: Int64
    /// What stands for its secret.
    let stamp: UInt64
    /// What its own rate allows; nil when it has none.
    let rule: LimitRule?
    /// Where its id stands among those of its ring.
    fileprivate let id: Range<Int>
    /// Milliseconds since 1970, UTC; 0 for never.
    fileprivate let usedAt = Atomic<Int64>(0)
    /// Requests since they were asked for last.
    fileprivate let count = Atomic<Int64>(0)

    fileprivate init(_ entry: APIKeyTable.Entry, id: Range<Int>) {
        permissions = entry.permissions
        expiresAt = entry.expiresAt ?? .max
        stamp = entry.digest.stamp
        // A whole hour's requests at once, then one after the other.
        rule = entry.ratePerHour.flatMap { count in
            LimitRate.perHour(UInt64(count)).flatMap { LimitRule(rate: $0, burst: count &- 1, delay: .none) }
        }
        self.id = id
    }

    /// `now` in milliseconds since 1970, UTC.
    func isExpired(now: Int64) -> Bool { now >= expiresAt }
}

/// The API keys of one file as they are used: each with its rate, and what is known of its use.
@safe
final class KeyRing: @unchecked Sendable {
    let table: APIKeyTable
    /// The table's, as connections remember it.
    let number: UInt64
    private let keys: UnsafeMutablePointer<RingKey>
    private let count: Int
    /// All ids, one after the other.
    private let ids: UnsafeMutablePointer<UInt8>
    /// Which keys were used since they were asked for: a bit each, 64 in a word.
    private let marks: UnsafeMutablePointer<Atomic<UInt64>>
    private let words: Int

    init(_ table: APIKeyTable) {
        self.table = table
        number = table.number
        count = table.count
        unsafe keys = .allocate(capacity: max(table.count, 1))
        var text: [UInt8] = []
        for (position, index) in table.indices.enumerated() {
            let start = text.count
            text += table.id(of: index)
            unsafe (keys + position).initialize(to: RingKey(table[index], id: start..<text.count))
        }
        unsafe ids = .allocate(capacity: max(text.count, 1))
        for (position, byte) in text.enumerated() { unsafe (ids + position).initialize(to: byte) }
        words = (table.count + 63) / 64
        unsafe marks = .allocate(capacity: max(words, 1))
        for word in 0..<words { unsafe (marks + word).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe keys.deinitialize(count: count)
        unsafe keys.deallocate()
        unsafe ids.deallocate()
        unsafe marks.deinitialize(count: words)
        unsafe marks.deallocate()
    }

    /// The key at `index`, for as long as the ring is held.
    func key(_ index: APIKeyTable.Index) -> Ref<RingKey> {
        precondition(index.value >= 0 && index.value < count)
        return unsafe Ref(unsafe: keys + index.value)
    }

    /// Appends the key's id.
    func appendID(_ key: Ref<RingKey>, to output: inout ByteBuffer) {
        let id = key.value.id
        output.append(unsafe UnsafeBufferPointer(start: ids + id.lowerBound, count: id.count).span)
    }

    /// Notes a use of the key; `now` in milliseconds since 1970.
    func note(_ index: APIKeyTable.Index, now: Int64) {
        let key = key(index)
        key.value.usedAt.store(now, ordering: .relaxed)
        // Not to be reordered with the look at the mark: else a reader could clear the mark and miss the use.
        key.value.count.add(1, ordering: .sequentiallyConsistent)
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
                let index = table.index(at: number)
                let key = key(index)
                let count = key.value.count.exchange(0, ordering: .sequentiallyConsistent)
                guard count > 0 else { continue }
                let id = String(decoding: table.id(of: index), as: UTF8.self)
                body(id, key.value.usedAt.load(ordering: .relaxed), count)
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
