import Bytes
package import Crypto
import Limits
import Synchronization

/// The users of one htpasswd file and their stored passwords. Immutable: a changed file makes another table.
package final class PasswordTable: Sendable {
    /// Where a user stands in its table.
    package struct Index: Sendable, Equatable {
        fileprivate let value: Int
    }

    private struct Entry: Sendable {
        let name: Range<Int>
        let stored: Range<Int>
        /// Nil when the stored form is of no known scheme: nobody can log in by it.
        let hash: PasswordHash?
    }

    private static let numbers = Atomic<UInt64>(0)

    /// A number that no other table of the process has, from one up.
    package let number = PasswordTable.numbers.add(1, ordering: .relaxed).newValue
    /// Which reading of the file this is.
    package let generation: UInt64
    /// A stored form that no password fits, and that takes as long to try as most users' do. Empty in a table of nobody.
    private let dummy: SecretBytes
    private let entries: [Entry]
    /// All names and stored forms, one after the other.
    private let text: SecretBytes
    /// Open addressing; entry number plus one, 0 for none. A power of two, at most half full.
    private let places: [UInt32]
    private let hasher: SipHash128

    /// Users in the table.
    package var count: Int { entries.count }

    /// The user of that name. Takes as long among ten as among ten thousand.
    package func find(_ name: borrowing Span<UInt8>) -> Index? {
        let mask = places.count - 1
        var place = Int(truncatingIfNeeded: hasher.hash(name).low) & mask
        while places[place] != 0 {
            let index = Int(places[place]) - 1
            if text.withBytes(entries[index].name, { $0.equals(name) }) { return Index(value: index) }
            place = (place + 1) & mask
        }
        return nil
    }

    /// What the user's stored form says of itself; nil when it is of no scheme that can be verified.
    package func hash(of user: Index) -> PasswordHash? { entries[user.value].hash }

    /// Runs `body` with the user's stored form.
    package func withStored<Result>(_ user: Index, _ body: (borrowing Span<UInt8>) -> Result) -> Result {
        text.withBytes(entries[user.value].stored, body)
    }

    /// Runs `body` with the stored form to try for users that don't exist; nil in a table where nobody can log in.
    package func withDummy<Result>(_ body: (borrowing Span<UInt8>) -> Result) -> Result? {
        dummy.count == 0 ? nil : dummy.withBytes(body)
    }

    /// All names, in the file's order. Allocates.
    package var names: [[UInt8]] { entries.map { entry in text.withBytes(entry.name) { $0.array } } }

    /// Collects users for a table.
    struct Builder {
        private var entries: [Entry] = []
        private var text: [UInt8] = []
        private var places = [UInt32](repeating: 0, count: 64)
        private let hasher = SipHash128()

        var count: Int { entries.count }

        /// Adds a user. False when the name is there already.
        mutating func add(name: borrowing Span<UInt8>, stored: borrowing Span<UInt8>, hash: PasswordHash?) -> Bool {
            guard let place = freePlace(name) else { return false }
            let start = text.count
            for index in 0..<name.count { text.append(name[index]) }
            for index in 0..<stored.count { text.append(stored[index]) }
            let middle = start + name.count
            entries.append(Entry(name: start..<middle, stored: middle..<text.count, hash: hash))
            places[place] = UInt32(entries.count)
            if entries.count * 2 > places.count { grow() }
            return true
        }

        consuming func table(generation: UInt64) -> PasswordTable {
            PasswordTable(
                generation: generation,
                dummy: dummy(),
                entries: entries,
                text: text,
                places: places,
                hasher: hasher
            )
        }

        private func freePlace(_ name: borrowing Span<UInt8>) -> Int? {
            var place = Int(truncatingIfNeeded: hasher.hash(name).low) & (places.count - 1)
            while places[place] != 0 {
                let known = entries[Int(places[place]) - 1].name
                let text = text.span
                if text.extracting(known).equals(name) { return nil }
                place = (place + 1) & (places.count - 1)
            }
            return place
        }

        private mutating func grow() {
            places = [UInt32](repeating: 0, count: places.count * 2)
            for index in entries.indices {
                let name = Array(text[entries[index].name])
                guard let place = freePlace(name.span) else { continue }
                places[place] = UInt32(index + 1)
            }
        }

        /// Of the commonest combination of scheme and cost; among equals the dearest.
        private func dummy() -> [UInt8] {
            var counts: [PasswordHash: (count: Int, example: Int)] = [:]
            for (index, entry) in entries.enumerated() {
                if let hash = entry.hash { counts[hash, default: (0, index)].count += 1 }
            }
            let chosen = counts.max {
                ($0.value.count, $0.key.costEstimate, $1.value.example) < (
                    $1.value.count, $1.key.costEstimate, $0.value.example
                )
            }
            guard let chosen else { return [] }
            let example = Array(text[entries[chosen.value.example].stored])
            switch chosen.key.scheme {
            case .plain: return Array("{PLAIN}".utf8) + Random.hexToken().utf8
            case .sha1: return Array("{SHA}".utf8) + Base64.encode([UInt8](repeating: 0, count: 20).span)
            case .saltedSHA1: return Array("{SSHA}".utf8) + Base64.encode([UInt8](repeating: 0, count: 28).span)
            case .des: return [UInt8](repeating: ASCII.dot, count: 13)
            case .apr1, .md5crypt, .bcrypt, .sha256crypt, .sha512crypt, .yescrypt:
                // The settings stay; the digest's end becomes what no password is known for.
                return Array(example.dropLast(20)) + [UInt8](repeating: ASCII.dot, count: 20)
            }
        }
    }

    private init(
        generation: UInt64,
        dummy: [UInt8],
        entries: [Entry],
        text: [UInt8],
        places: [UInt32],
        hasher: SipHash128
    ) {
        self.generation = generation
        self.dummy = SecretBytes(dummy.span)
        self.entries = entries
        self.text = SecretBytes(text.span)
        self.places = places
        self.hasher = hasher
    }
}
