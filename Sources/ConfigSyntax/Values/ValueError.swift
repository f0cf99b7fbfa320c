/// Why a word isn't the value it should be.
package struct ValueError: Error, Sendable, Equatable {
    /// What is wrong, to stand after `invalid … "word": `.
    package let reason: String
    /// The bytes of the word that are meant.
    package let part: Range<Int>?

    package init(_ reason: String, part: Range<Int>? = nil) {
        self.reason = reason
        self.part = part
    }
}

extension Word {
    /// The word read by `parse`; what goes wrong becomes an error at its place.
    ///
    /// `kind` names what was expected: "size", "time".
    package func value<Value>(
        _ kind: String,
        _ parse: (String) throws(ValueError) -> Value
    ) throws(Diagnostic) -> Value {
        do {
            return try parse(text)
        } catch {
            let place = error.part.map { range(of: $0) } ?? range
            throw Diagnostic.error(place, "invalid \(kind) \"\(text)\"", hint: error.reason)
        }
    }
}
