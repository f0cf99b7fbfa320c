import Bytes
package import Crypto
import Limits
import Synchronization

/// The API keys of one file, by the digests of their secrets. Immutable: a changed file makes another table.
package final class APIKeyTable: Sendable {
    /// Bytes a key may have; longer ones are nobody's.
    package static let longestKey = 512

    /// Where a key stands in its table.
    package struct Index: Sendable, Equatable, BitwiseCopyable {
        /// Its number in the file's order, from 0.
        package let value: Int
    }

    /// What holds for a key.
    package struct Entry: Sendable, Equatable {
        package let permissions: PermissionSet
        /// Milliseconds since 1970, UTC; nil when the file doesn't say.
        package let createdAt: Int64?
        /// Milliseconds since 1970, UTC: from then on the key is none. Nil: never.
        package let expiresAt: Int64?
        /// Requests an hour; nil: no limit of its own.
        package let ratePerHour: UInt32?
        /// SHA-256 of the secret.
        package let digest: Digest32
        fileprivate let id: Range<Int>
        fileprivate let name: Range<Int>
    }

    /// Eight places that share a cache line: all are looked at, always.
    private struct Bucket: BitwiseCopyable {
        var tags = InlineArray<8, UInt32>(repeating: 0)
        /// Entry number plus one; 0 for none.
        var numbers = InlineArray<8, UInt32>(repeating: 0)
    }

    private static let numbers = Atomic<UInt64>(0)

    /// A number that no other table of the process has, from one up.
    package let number = APIKeyTable.numbers.add(1, ordering: .relaxed).newValue
    /// Which reading of the file this is.
    package let generation: UInt64
    private let entries: [Entry]
    /// Ids and names, one after the other.
    private let text: [UInt8]
    /// A power of two.
    private let buckets: [Bucket]
    private let hasher: SipHash128
    /// Entry numbers, ordered by their ids.
    private let byID: [UInt32]

    /// Keys in the table.
    package var count: Int { entries.count }

    /// All places in the file's order.
    package var indices: some RandomAccessCollection<Index> { entries.indices.lazy.map { Index(value: $0) } }

    /// The place of that number in the file's order, from 0.
    package func index(at number: Int) -> Index {
        precondition(entries.indices.contains(number))
        return Index(value: number)
    }

    /// What holds for the key at `index`.
    package subscript(index: Index) -> Entry { entries[index.value] }

    /// The key that is `presented`, whether expired or not; nil when there is none.
    ///
    /// Does the same work for known and unknown keys of one length: a SHA-256, a look at one bucket's eight places, one
    /// comparison of digests. Allocates nothing.
    package func find(_ presented: borrowing Span<UInt8>) -> Index? {
        guard presented.count <= Self.longestKey, !entries.isEmpty else { return nil }
        let digest = SHA256.hash(presented)
        let key = Self.place(digest, hasher)
        let bucket = buckets[Int(truncatingIfNeeded: key.bucket) & (buckets.count - 1)]
        var chosen: UInt32 = 0
        for place in 0..<8 {
            // All ones where the tag is ours. No two in a bucket are the same.
            let difference = bucket.tags[place] ^ key.tag
            let mask = UInt32(truncatingIfNeeded: (UInt64(difference) &- 1) >> 32)
            chosen |= bucket.numbers[place] & mask
        }
        // The first entry stands in for none, so that a digest is compared in any case.
        let entry = max(Int(chosen), 1) - 1
        let isEqual = entries[entry].digest == digest
        return chosen != 0 && isEqual ? Index(value: entry) : nil
    }

    /// The key of that id.
    package func index(ofID id: borrowing Span<UInt8>) -> Index? {
        var (low, high) = (0, byID.count)
        while low < high {
            let middle = (low + high) / 2
            let order = compare(Int(byID[middle]), id)
            if order == 0 { return Index(value: Int(byID[middle])) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    private func compare(_ entry: Int, _ id: borrowing Span<UInt8>) -> Int {
        let range = entries[entry].id
        for index in 0..<min(range.count, id.count) {
            let (left, right) = (text[range.lowerBound + index], id[index])
            if left != right { return left < right ? -1 : 1 }
        }
        return range.count - id.count
    }

    /// The key's id. Allocates.
    package func id(of index: Index) -> [UInt8] { Array(text[entries[index.value].id]) }

    /// The name that people gave the key. Allocates.
    package func name(of index: Index) -> [UInt8] { Array(text[entries[index.value].name]) }

    /// Bucket and tag of a digest. By a keyed hash, so that no file can fill one bucket on purpose. The tag isn't 0.
    private static func place(_ digest: Digest32, _ hasher: SipHash128) -> (bucket: UInt64, tag: UInt32) {
        let bytes = digest.bytes
        let hash = hasher.hash(bytes.span)
        return (hash.low, UInt32(truncatingIfNeeded: hash.high) | 1)
    }

    /// Collects keys for a table.
    struct Builder {
        private var entries: [Entry] = []
        private var text: [UInt8] = []

        var count: Int { entries.count }

        /// Adds a key. Its id and its digest must be new.
        mutating func add(_ record: APIKeyRecord) {
            let start = text.count
            text += record.id
            let middle = text.count
            text += record.name
            entries.append(
                Entry(
                    permissions: record.permissions,
                    createdAt: record.createdAt,
                    expiresAt: record.expiresAt,
                    ratePerHour: record.ratePerHour,
                    digest: record.digest,
                    id: start..<middle,
                    name: middle..<text.count
                )
            )
        }

        consuming func table(generation: UInt64) -> APIKeyTable {
            var size = 1
            while size * 2 < entries.count { size *= 2 }
            while true {
                let hasher = SipHash128()
                if let buckets = Self.buckets(of: entries, count: size, hasher) {
                    return APIKeyTable(generation: generation, entries, text, buckets, hasher)
                }
                size *= 2
            }
        }

        /// Nil when a bucket overflows or has a tag twice: then more buckets and another hash must be tried.
        private static func buckets(of entries: [Entry], count: Int, _ hasher: SipHash128) -> [Bucket]? {
            var buckets = [Bucket](repeating: Bucket(), count: count)
            for (number, entry) in entries.enumerated() {
                let key = APIKeyTable.place(entry.digest, hasher)
                let index = Int(truncatingIfNeeded: key.bucket) & (count - 1)
                var isPlaced = false
                for place in 0..<8 where !isPlaced {
                    if buckets[index].tags[place] == key.tag { return nil }
                    if buckets[index].numbers[place] == 0 {
                        buckets[index].tags[place] = key.tag
                        buckets[index].numbers[place] = UInt32(number + 1)
                        isPlaced = true
                    }
                }
                if !isPlaced { return nil }
            }
            return buckets
        }
    }

    private init(
        generation: UInt64,
        _ entries: [Entry],
        _ text: [UInt8],
        _ buckets: [Bucket],
        _ hasher: SipHash128
    ) {
        self.generation = generation
        self.entries = entries
        self.text = text
        self.buckets = buckets
        self.hasher = hasher
        byID = entries.indices.map { UInt32($0) }.sorted {
            text[entries[Int($0)].id].lexicographicallyPrecedes(text[entries[Int($1)].id])
        }
    }
}
