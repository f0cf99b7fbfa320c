import HTTP

/// The chunked coding (RFC 9112, section 7.1) read slowly and plainly, all at once: what `ChunkedDecoder` is held against.
struct ChunkedModel {
    private enum Stop: Error { case refused, incomplete }

    private let bytes: [UInt8]
    private var position = 0
    private var extensions = 0
    private var body: [UInt8] = []
    /// Whether the input ends within a trailer line, which a reader may refuse before it is complete.
    private(set) var endsInTrailerLine = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func run() -> ChunkedOutcome {
        do throws(Stop) {
            while true {
                let size = try readSize()
                if size == 0 { break }
                for _ in 0..<size { body.append(try next()) }
                try expect(0x0D)
                try expect(0x0A)
            }
            let trailers = try readTrailers()
            return ChunkedOutcome(body: body, end: .ended(trailers: trailers, consumed: position))
        } catch {
            return ChunkedOutcome(body: body, end: error == .refused ? .refused : .incomplete)
        }
    }

    private mutating func next() throws(Stop) -> UInt8 {
        guard position < bytes.count else { throw .incomplete }
        position += 1
        return bytes[position - 1]
    }

    private mutating func expect(_ byte: UInt8) throws(Stop) {
        if try next() != byte { throw .refused }
    }

    /// `1*HEXDIG [ ";" anything visible ] CRLF`: at most 16 digits, below 2^63, 4096 bytes, 65536 of extensions in all.
    private mutating func readSize() throws(Stop) -> UInt64 {
        let start = position
        var size: UInt64 = 0
        var byte = try next()
        while let digit = Character(UnicodeScalar(byte)).hexDigitValue, byte < 0x80 {
            if position - start > 16 { throw .refused }
            // What would reach 2^63 is known by the digit that makes it so.
            if size > (UInt64(1) << 63 - 1) / 16 { throw .refused }
            size = size * 16 + UInt64(digit)
            byte = try next()
        }
        if position - start == 1 { throw .refused }
        if byte == 0x3B {
            byte = try next()
            extensions += 1
            while byte != 0x0D {
                if byte < 0x20 && byte != 9 || byte == 0x7F { throw .refused }
                if position - start + 2 > ChunkedDecoder.maximumLine { throw .refused }
                if extensions > ChunkedDecoder.maximumExtensions { throw .refused }
                byte = try next()
                extensions += 1
            }
        }
        if byte != 0x0D { throw .refused }
        try expect(0x0A)
        return size
    }

    private mutating func readTrailers() throws(Stop) -> [UInt8] {
        let start = position
        var count = 0
        while true {
            let rest = bytes[position...]
            guard let lineFeed = rest.firstIndex(of: 0x0A) else {
                if bytes.count - start >= ChunkedDecoder.maximumTrailers { throw .refused }
                endsInTrailerLine = !rest.isEmpty
                throw .incomplete
            }
            if lineFeed + 1 - start > ChunkedDecoder.maximumTrailers { throw .refused }
            let line = Array(rest[..<lineFeed])
            position = lineFeed + 1
            if line == [0x0D] { return Array(bytes[start..<(lineFeed - 1)]) }
            count += 1
            if count > ChunkedDecoder.maximumTrailerCount || !Self.isTrailer(line) { throw .refused }
        }
    }

    /// `name: value CR`, the name a token that may come after a body.
    private static func isTrailer(_ line: [UInt8]) -> Bool {
        guard line.last == 0x0D, let colon = line.firstIndex(of: 0x3A), colon > 0 else { return false }
        let name = Array(line[..<colon])
        let value = line[(colon + 1)...].dropLast()
        guard name.allSatisfy(HeadText.isToken) else { return false }
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 9 }) else { return false }
        return !FieldID.classify(name.span).0.isForbiddenInTrailers
    }
}

/// `ChunkedDecoder`, however the body is cut, says what the slow model says.
enum ChunkedModelCheck {
    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        var model = ChunkedModel(input.rest)
        let expected = model.run()
        for seed in [255, input.option] {
            let found = try ChunkedDriver.run(input.rest, seed: seed)
            if model.endsInTrailerLine, found.end == .refused, found.body == expected.body { continue }
            try hold(found == expected, "decoder: \(found); model: \(expected)")
        }
    }
}
