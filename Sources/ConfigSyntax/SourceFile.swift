/// One configuration file's bytes and where its lines begin.
///
/// Ranges and diagnostics point at it, so that a message can show the line it is about.
package final class SourceFile: Sendable {
    /// The name shown in diagnostics, as the file was asked for.
    package let name: String
    /// Its place in the order in which files were read: the main file is 0.
    package let order: Int
    package let bytes: [UInt8]
    /// The offset at which each line begins; never empty.
    let lineStarts: [Int]

    package init(name: String, bytes: [UInt8], order: Int = 0) {
        self.name = name
        self.order = order
        self.bytes = bytes
        var starts = [0]
        for (offset, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            starts.append(offset + 1)
        }
        lineStarts = starts
    }

    package convenience init(name: String, text: String) {
        self.init(name: name, bytes: Array(text.utf8))
    }

    /// The line, counted from 1, that holds the byte at `offset`.
    package func line(at offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return low + 1
    }

    /// The bytes of a line, counted from 1, without its line end.
    package func bytes(ofLine line: Int) -> ArraySlice<UInt8> {
        let start = lineStarts[line - 1]
        var end = line < lineStarts.count ? lineStarts[line] - 1 : bytes.count
        if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return bytes[start..<end]
    }
}

/// A run of bytes in a source file.
package struct SourceRange: Sendable, Equatable {
    package let file: SourceFile
    /// Counted in bytes from the start of the file.
    package let offset: Int
    /// In bytes.
    package let length: Int

    package init(file: SourceFile, offset: Int, length: Int) {
        self.file = file
        self.offset = offset
        self.length = length
    }

    /// Counted from 1.
    package var line: Int { file.line(at: offset) }

    /// Counted from 1, in Unicode scalars; a tab counts as one.
    package var column: Int {
        let start = file.lineStarts[line - 1]
        return String(decoding: file.bytes[start..<max(start, offset)], as: UTF8.self).unicodeScalars.count + 1
    }

    /// From the start of `self` to the end of `other`, which must lie in the same file and not before it.
    package func through(_ other: SourceRange) -> SourceRange {
        SourceRange(file: file, offset: offset, length: max(length, other.offset + other.length - offset))
    }

    package static func == (left: SourceRange, right: SourceRange) -> Bool {
        left.file === right.file && left.offset == right.offset && left.length == right.length
    }
}
