import Bytes
import Crypto

/// Reads a file of API keys: `{"keys": [{"id", "hash" or "key", "name", "permissions", "created_at", "expires_at",
/// "rate_limit"}]}`, in JSON.
package enum APIKeyFile {
    /// Bytes a file may have.
    package static let maximumSize = 16 << 20
    /// Keys a file may have.
    package static let maximumKeys = 100_000
    /// Characters from which on a key that somebody made up counts as hard to guess.
    package static let safeLength = 20

    /// The table of a file's text, and what is wrong with it: in the file's order, errors and advice. An entry with an error
    /// isn't in the table; the others are.
    package static func parse(
        _ text: borrowing Span<UInt8>,
        permissions: PermissionTable = .standard,
        generation: UInt64 = 0
    ) throws(APIKeyFileError) -> (table: APIKeyTable, problems: [APIKeyProblem]) {
        guard text.count <= maximumSize else { throw .tooLarge(bytes: text.count) }
        var bytes = text.array
        defer { wipe(&bytes) }
        return try parse(bytes, permissions, generation)
    }

    /// Reads and parses the file at `path`; a file that others can read or change is among the problems. Blocks: not for a
    /// loop.
    package static func load(
        path: String,
        permissions: PermissionTable = .standard,
        generation: UInt64 = 0
    ) throws(APIKeyFileError) -> (table: APIKeyTable, problems: [APIKeyProblem]) {
        var bytes: [UInt8]
        let mode: UInt32
        do throws(PasswordFileError) {
            (bytes, mode) = try FileSystem.readWithMode(path, limit: maximumSize)
        } catch {
            throw APIKeyFileError(error)
        }
        defer { wipe(&bytes) }
        var (table, problems) = try parse(bytes, permissions, generation)
        if mode & 0o026 != 0 {
            problems.insert(APIKeyProblem(position: nil, id: "", kind: .mode(mode, path: path)), at: 0)
        }
        return (table, problems)
    }

    /// The entries of a file's text.
    static func entries(_ text: [UInt8]) throws(APIKeyFileError) -> (array: JSONValue, entries: [JSONValue]) {
        let root: JSONValue
        do throws(JSONError) { root = try JSONParser.parse(text) } catch { throw .syntax(error) }
        guard let array = root["keys"]?.value, let entries = array.elements else {
            throw .noKeys(TextPosition((root["keys"]?.value ?? root).range.lowerBound, in: text))
        }
        guard entries.count <= maximumKeys else { throw .tooManyKeys }
        return (array, entries)
    }

    private static func parse(
        _ text: [UInt8],
        _ permissions: PermissionTable,
        _ generation: UInt64
    ) throws(APIKeyFileError) -> (table: APIKeyTable, problems: [APIKeyProblem]) {
        var builder = APIKeyTable.Builder()
        var problems: [APIKeyProblem] = []
        let lines = LineIndex(text)
        var places: [[UInt8]: TextPosition] = [:]
        var owners: [Digest32: [UInt8]] = [:]
        for entry in try entries(text).entries {
            let reader = APIKeyReader(entry, of: text, permissions)
            let record = reader.record
            let id = APIKeyProblem.printable(String(decoding: record.id, as: UTF8.self))
            for flaw in reader.flaws {
                problems.append(APIKeyProblem(position: lines.position(flaw.offset), id: id, kind: flaw.kind))
            }
            // An entry that is refused still has its id: another one of that id would be a surprise.
            let position = lines.position(entry.range.lowerBound)
            if let first = places[record.id], !record.id.isEmpty {
                problems.append(APIKeyProblem(position: position, id: id, kind: .duplicateID(first: first)))
                continue
            }
            places[record.id] = position
            if reader.isRefused { continue }
            if let first = owners[record.digest] {
                let shown = String(decoding: first, as: UTF8.self)
                problems.append(APIKeyProblem(position: position, id: id, kind: .duplicateKey(first: shown)))
                continue
            }
            owners[record.digest] = record.id
            builder.add(record)
        }
        return (builder.table(generation: generation), problems)
    }
}

/// Where the lines of a text begin, so that many places of it are found fast.
private struct LineIndex {
    private var starts = [0]

    init(_ text: [UInt8]) {
        for index in text.indices where text[index] == ASCII.lineFeed { starts.append(index + 1) }
    }

    func position(_ offset: Int) -> TextPosition {
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        return TextPosition(line: low + 1, column: offset - starts[low] + 1)
    }
}
