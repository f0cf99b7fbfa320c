import CSQLite

/// A prepared statement of a database, which must outlive it.
@safe
struct Statement: ~Copyable {
    private let handle: OpaquePointer

    /// Takes the statement over.
    @unsafe
    init(_ handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { unsafe sqlite3_finalize(handle) }

    // MARK: Values, by index from 1

    func bind(_ index: Int32, _ value: Int64) { unsafe sqlite3_bind_int64(handle, index, value) }

    func bind(_ index: Int32, _ value: String) {
        var value = value
        value.withUTF8 { bytes in
            let count = Int32(bytes.count)
            _ = unsafe bytes.withMemoryRebound(to: CChar.self) {
                unsafe csqlite_bind_text(handle, index, $0.baseAddress, count)
            }
        }
    }

    func bind(_ index: Int32, _ value: [UInt8]) {
        unsafe value.withUnsafeBytes { bytes in
            _ = unsafe csqlite_bind_blob(handle, index, bytes.baseAddress, Int32(bytes.count))
        }
    }

    // MARK: Running

    /// Runs it to its end and makes it ready for the next time.
    func run(_ database: borrowing Database) throws(StoreError) {
        let code = unsafe sqlite3_step(handle)
        let error = code == SQLITE_DONE || code == SQLITE_ROW ? nil : database.error()
        reset()
        if let error { throw error }
    }

    /// Goes to the next row. False after the last, and the statement is ready for the next time.
    func step(_ database: borrowing Database) throws(StoreError) -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            reset()
            return false
        default:
            let error = database.error()
            reset()
            throw error
        }
    }

    private func reset() {
        unsafe sqlite3_reset(handle)
        unsafe sqlite3_clear_bindings(handle)
    }

    // MARK: Columns of a row, by index from 0

    func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

    func text(_ column: Int32) -> String {
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        guard let start = unsafe sqlite3_column_text(handle, column) else { return "" }
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func bytes(_ column: Int32) -> [UInt8] {
        let start = unsafe sqlite3_column_blob(handle, column)
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }
}
