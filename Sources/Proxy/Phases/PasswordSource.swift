import Access
import EventLoop

/// An htpasswd file.
typealias PasswordSource = FileSource<PasswordTable>

extension FileSource where Table == PasswordTable {
    typealias Reader =
        @Sendable (String, UInt64) throws(PasswordFileError) -> (table: PasswordTable, problems: [PasswordFile.Problem])

    convenience init(
        path: String,
        changed: @escaping @Sendable (PasswordTable?, _ isMissing: Bool) -> Void = { _, _ in }
    ) {
        self.init(path: path, changed: changed) { (path, generation) throws(PasswordFileError) in
            try PasswordFile.load(path: path, generation: generation)
        }
    }

    /// With another way to read it: for tests.
    convenience init(
        path: String,
        wallClock: @escaping @Sendable () -> Int64 = { Int64(Clock.realtimeSeconds()) },
        changed: @escaping @Sendable (PasswordTable?, _ isMissing: Bool) -> Void = { _, _ in },
        load: @escaping Reader
    ) {
        self.init(path: path, title: "password file", wallClock: wallClock, changed: changed) { path, generation in
            do throws(PasswordFileError) {
                let read = try load(path, generation)
                return .table(
                    read.table,
                    errors: read.problems.filter(\.isError).map { "\(path):\($0.line): \($0)" }
                )
            } catch {
                return .failed("\(error)")
            }
        }
    }
}
