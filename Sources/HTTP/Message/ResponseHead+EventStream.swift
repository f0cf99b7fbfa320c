import Bytes

extension ResponseHead {
    /// Whether the body is a stream of server-sent events (`text/event-stream`), with or without parameters.
    package func isEventStream(in bytes: borrowing Span<UInt8>) -> Bool {
        let name: StaticString = "text/event-stream"
        guard let position = fields.first(.contentType) else { return false }
        let value = bytes.extracting(fields[position].value.range)
        guard value.count >= name.utf8CodeUnitCount else { return false }
        let type = value.extracting(0..<name.utf8CodeUnitCount)
        guard type.equalsIgnoringCase(name) else { return false }
        if value.count == type.count { return true }
        let next = value[type.count]
        return next == ASCII.semicolon || next == ASCII.space || next == ASCII.tab
    }
}
