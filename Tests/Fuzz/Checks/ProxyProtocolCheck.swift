import Bytes
import HTTP

/// A header reads the same whole and in pieces, is never longer than it may be, and says what its bytes say.
enum ProxyProtocolCheck {
    private enum Outcome: Equatable {
        case found(ProxyProtocolParser.Found)
        case refused
        case incomplete
    }

    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let whole = read(input.rest)
        var pieces = Pieces(seed: input.option)
        var available = 0
        while available < input.rest.count {
            let more = pieces.next()
            available = more < input.rest.count - available ? available + more : input.rest.count
            let part = read(Array(input.rest[..<available]))
            if part == .incomplete { continue }
            try hold(part == whole, "whole: \(whole); the first \(available) bytes: \(part)")
            break
        }
        switch whole {
        case .refused: break
        case .incomplete:
            try hold(input.rest.count < ProxyProtocolParser.longest, "\(input.rest.count) bytes are not enough")
        case .found(let found):
            try hold(found.count <= min(input.rest.count, ProxyProtocolParser.longest), "\(found)")
            let header = Array(input.rest[..<found.count])
            // Nothing but the header's own bytes counts, and none of them is too many.
            try hold(read(header) == whole, "alone: \(read(header))")
            try hold(read(Array(header.dropLast())) == .incomplete, "one byte less: \(read(Array(header.dropLast())))")
            if header[0] == 0x50 { try checkLine(header, found.header) }
        }
    }

    private static func read(_ bytes: [UInt8]) -> Outcome {
        do throws(ProxyProtocolError) {
            guard let found = try ProxyProtocolParser.parse(bytes.span) else { return .incomplete }
            return .found(found)
        } catch {
            return .refused
        }
    }

    /// Version 1, read plainly: one space between words, and the numbers again.
    private static func checkLine(_ header: [UInt8], _ read: ProxyProtocolHeader) throws(Broken) {
        try hold(header.count <= ProxyProtocolParser.longestLine && header.suffix(2) == [13, 10], "the line's end")
        let line = header.dropLast(2)
        try hold(line.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "control characters")
        let words = line.split(separator: 0x20, omittingEmptySubsequences: false).map { Array($0) }
        if words[1] == Array("UNKNOWN".utf8) { return try hold(read == .unknown, "\(read)") }
        try hold(words.count == 6, "\(words.count) words")
        guard case .relayed(let source, let destination) = read else { throw Broken(description: "\(read)") }
        try hold(Array("\(source.port)".utf8) == words[4], "\(source.port)")
        try hold(Array("\(destination.port)".utf8) == words[5], "\(destination.port)")
        if words[1] == Array("TCP4".utf8) {
            for (end, word) in [(source, words[2]), (destination, words[3])] {
                let numbers = (0..<4).map { "\(end.low >> UInt64(24 - 8 * $0) & 0xFF)" }
                try hold(Array(numbers.joined(separator: ".").utf8) == word, "\(numbers)")
            }
        }
    }
}
