import Access
import ArgumentParser

/// `postern key list`
struct ListKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the keys, never what they are; what is amiss goes to standard error."
    )

    @Argument(help: "The file of API keys (JSON).", completion: .file())
    var file: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let document = try APIKeyFileEditor(path: file).read()
        let permissions = try Self.permissions(document)
        let (table, problems) = try APIKeyFile.load(path: file, permissions: permissions)
        let rows = table.indices.map { KeyRow($0, table, permissions, now: KeyTime.now()) }
        let text = json ? KeyRow.json(rows) : KeyRow.table(rows)
        if !text.isEmpty { Console.print(text) }
        for problem in problems { Console.complain("\(file): \(problem)") }
    }

    /// The standard permissions and, as the configuration may have more, those that the keys have.
    private static func permissions(_ document: APIKeyDocument) throws -> PermissionTable {
        let standard = PermissionTable.standard.permissions
        let others = document.permissions.filter { name in
            PermissionTable.isName(name) && !standard.contains { $0.name == name }
        }
        return try PermissionTable(
            standard + others.prefix(PermissionTable.maximumCount - standard.count).map { Permission($0) }
        )
    }
}

/// What a list says of a key.
struct KeyRow {
    let id: String
    let name: String
    let permissions: [String]
    let createdAt: String?
    let expiresAt: String?
    let ratePerHour: UInt32?
    /// Milliseconds until it expires, negative once it has; nil: never.
    let remaining: Int64?

    init(_ index: APIKeyTable.Index, _ table: APIKeyTable, _ permissions: PermissionTable, now: Int64) {
        let entry = table[index]
        id = String(decoding: table.id(of: index), as: UTF8.self)
        name = String(decoding: table.name(of: index), as: UTF8.self)
        self.permissions = permissions.permissions.indices
            .filter { entry.permissions.holds($0) }.map { permissions.permissions[$0].name }
        createdAt = entry.createdAt.map { Timestamp.text($0) }
        expiresAt = entry.expiresAt.map { Timestamp.text($0) }
        ratePerHour = entry.ratePerHour
        remaining = entry.expiresAt.map { $0.subtractingReportingOverflow(now).partialValue }
    }

    /// Whole days until it expires; nil when it has or never will.
    var days: Int64? { remaining.flatMap { $0 > 0 ? $0 / 86_400_000 : nil } }

    /// For people: `active`, `expired`, or how soon it expires if that is within 30 days.
    var state: String {
        guard let remaining else { return "active" }
        if remaining <= 0 { return "expired" }
        switch remaining / 86_400_000 {
        case 0: return "expires in less than a day"
        case 1: return "expires in 1 day"
        case let days where days <= 30: return "expires in \(days) days"
        default: return "active"
        }
    }

    /// Aligned columns under a heading; empty without keys.
    static func table(_ rows: [KeyRow]) -> String {
        if rows.isEmpty { return "" }
        let heading = ["ID", "NAME", "PERMISSIONS", "CREATED", "EXPIRES", "RATE", "STATE"]
        let lines =
            [heading]
            + rows.map { row in
                [
                    row.id, printable(row.name), row.permissions.isEmpty ? "-" : row.permissions.joined(separator: ","),
                    row.createdAt ?? "-", row.expiresAt ?? "never", row.ratePerHour.map { "\($0)/h" } ?? "-", row.state,
                ]
            }
        let widths = heading.indices.map { column in lines.reduce(0) { max($0, $1[column].count) } }
        return lines.map { line in
            line.indices.map { column in
                let space = column == line.count - 1 ? 0 : widths[column] - line[column].count + 2
                return line[column] + String(repeating: " ", count: space)
            }.joined()
        }.joined(separator: "\n")
    }

    /// An object with an array, as in the file but for the secrets; `state` is active or expired.
    static func json(_ rows: [KeyRow]) -> String {
        let objects = rows.map { row in
            let names = row.permissions.map { JSONText.string($0) }.joined(separator: ", ")
            return "{\"id\": \(JSONText.string(row.id)), \"name\": \(JSONText.string(row.name)), "
                + "\"permissions\": [\(names)], \"created_at\": \(quoted(row.createdAt)), "
                + "\"expires_at\": \(quoted(row.expiresAt)), "
                + "\"rate_limit\": \(row.ratePerHour.map { "\($0)" } ?? "null"), "
                + "\"state\": \"\((row.remaining ?? 1) <= 0 ? "expired" : "active")\", "
                + "\"expires_in_days\": \(row.days.map { "\($0)" } ?? "null")}"
        }
        return "{\"keys\": [\(objects.isEmpty ? "" : "\n  " + objects.joined(separator: ",\n  ") + "\n")]}"
    }

    private static func quoted(_ text: String?) -> String { text.map { JSONText.string($0) } ?? "null" }

    /// Names are what somebody wrote into a file: they don't command terminals.
    private static func printable(_ name: String) -> String {
        String(
            String.UnicodeScalarView(name.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 })
        )
    }
}
