import HTTP

/// A head taken apart in the plainest way, to hold a parser's ranges against.
struct HeadText {
    struct Field: Equatable {
        var name: [UInt8]
        var value: [UInt8]
    }

    /// The first line that isn't empty.
    var startLine: [UInt8] = []
    var fields: [Field] = []

    /// Takes apart what a parser says is one whole head.
    init(_ head: [UInt8], lineEnds: LineEnds) throws(Broken) {
        var lines: [[UInt8]] = []
        for line in head.split(separator: 0x0A, omittingEmptySubsequences: false) {
            lines.append(Array(line))
        }
        try hold(lines.removeLast().isEmpty, "the head doesn't end with a line")
        for index in lines.indices {
            let hasReturn = lines[index].last == 0x0D
            try hold(hasReturn || lineEnds == .lenient, "a bare LF was let through")
            if hasReturn { lines[index].removeLast() }
            try hold(!lines[index].contains { $0 == 0x0D || $0 == 0 }, "a CR or NUL was let through")
        }
        try hold(lines.removeLast().isEmpty, "the head doesn't end with an empty line")
        while lines.first?.isEmpty == true { lines.removeFirst() }
        try hold(!lines.isEmpty, "a head without a start line was accepted")
        startLine = lines.removeFirst()
        for line in lines {
            guard let colon = line.firstIndex(of: 0x3A), colon > 0 else {
                throw Broken(description: "a field without name or colon was accepted")
            }
            fields.append(Field(name: Array(line[..<colon]), value: Self.trimmed(line[(colon + 1)...])))
        }
    }

    static func trimmed(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var bytes = bytes
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return Array(bytes)
    }

    /// Holds a parser's fields against these.
    func compare(_ table: borrowing FieldTable, _ head: [UInt8]) throws(Broken) {
        try hold(table.count == fields.count, "\(table.count) fields were read, \(fields.count) are there")
        for index in 0..<table.count {
            let entry = table[index]
            try hold(entry.name.upperBound <= head.count, "field \(index): name out of bounds")
            try hold(entry.value.upperBound <= head.count, "field \(index): value out of bounds")
            try hold(Array(head[entry.name.range]) == fields[index].name, "field \(index): another name")
            try hold(Array(head[entry.value.range]) == fields[index].value, "field \(index): another value")
            try hold(fields[index].name.allSatisfy(Self.isToken), "field \(index): the name is no token")
            try hold(!fields[index].value.contains { $0 < 0x20 && $0 != 9 || $0 == 0x7F }, "field \(index): control")
        }
        try checkFraming()
    }

    /// What no accepted head may hold, whoever sent it.
    private func checkFraming() throws(Broken) {
        let lengths = values(of: "content-length")
        let codings = values(of: "transfer-encoding")
        try hold(lengths.count <= 1 && codings.count <= 1, "a framing field is repeated")
        try hold(lengths.isEmpty || codings.isEmpty, "both framing fields were accepted")
        for length in lengths {
            try hold(!length.isEmpty && length.allSatisfy { (0x30...0x39).contains($0) }, "a length that isn't digits")
        }
        for coding in codings { try hold(Self.lowered(coding) == Array("chunked".utf8), "a coding but chunked") }
    }

    /// The values of a field, under any spelling of its name.
    func values(of name: String) -> [[UInt8]] {
        fields.filter { Self.folded($0.name) == Array(name.utf8) }.map(\.value)
    }

    static func lowered(_ bytes: [UInt8]) -> [UInt8] { bytes.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 } }

    private static func folded(_ name: [UInt8]) -> [UInt8] {
        lowered(name).map { $0 == 0x5F || $0 == 0x2E ? 0x2D : $0 }
    }

    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

/// The limits that an option's bits choose: the usual ones, or small ones that short inputs reach.
func headLimits(_ option: UInt8) -> HeadLimits {
    option & 2 == 0 ? HeadLimits() : HeadLimits(requestLine: 60, field: 60, total: 150, fieldCount: 5)
}

/// The line ends that an option's bits choose.
func lineEnds(_ option: UInt8) -> LineEnds { option & 1 == 0 ? .crlf : .lenient }
