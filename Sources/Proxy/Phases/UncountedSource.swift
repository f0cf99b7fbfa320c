/// A file's source as requests ask it: whoever made this keeps the source for as long, so that nobody counts references to it.
@safe
struct UncountedSource<Table: Sendable>: BitwiseCopyable, @unchecked Sendable {
    private let source: Unmanaged<FileSource<Table>>

    init(_ source: FileSource<Table>) { unsafe self.source = .passUnretained(source) }

    /// The table as the file has it now (`now` in nanoseconds).
    func current(now: UInt64) -> FileSource<Table>.Current {
        unsafe source._withUnsafeGuaranteedRef { $0.current(now: now) }
    }
}
