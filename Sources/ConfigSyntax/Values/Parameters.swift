/// One argument of the form `key=value`, or a bare word.
package struct Parameter: Sendable {
    package let word: Word
    /// What stands before the first `=`; the whole word if there is none.
    package let key: String
    /// What stands after it, with its own place; nil for a bare word.
    package let value: Word?

    package init(_ word: Word) {
        self.word = word
        let bytes = Array(word.text.utf8)
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else {
            key = word.text
            value = nil
            return
        }
        key = String(decoding: bytes[..<equals], as: UTF8.self)
        value = Word(
            text: String(decoding: bytes[(equals + 1)...], as: UTF8.self),
            range: word.range(of: equals + 1..<bytes.count)
        )
    }
}
