/// The first 64 bytes of a user's name, for lists: kept in place, so that counting a failure allocates nothing.
struct SubjectName: BitwiseCopyable {
    private var bytes = InlineArray<64, UInt8>(repeating: 0)
    private let count: UInt8

    init(_ name: borrowing Span<UInt8>) {
        count = UInt8(min(name.count, 64))
        for index in 0..<Int(count) { bytes[index] = name[index] }
    }

    var text: String { String(decoding: (0..<Int(count)).map { bytes[$0] }, as: UTF8.self) }
}
