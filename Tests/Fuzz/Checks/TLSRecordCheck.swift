import Bytes
import TLS

/// The receiving side of an established session delivers what was sealed for it, in order, and not a byte else.
///
/// An input is a script: records that a client seals, well or ill, and bytes that nobody sealed.
enum TLSRecordCheck {
    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let pieces = Prefixed(input.rest)
        let suite = RecordSuite(rawValue: input.option % 3) ?? .aes128GCM
        let (client, server) = secrets(suite)
        guard let protection = RecordProtection(suite, client: client, server: server, isServer: true),
            var sealer = RecordProtection(suite, client: client, server: server, isServer: false)
        else { throw Broken(description: "no session") }
        var script = Script(bytes: pieces.rest)
        while script.step(&sealer) {}

        var reader = RecordReader(protection)
        let room = [1, 2, 17, 100, 16384, 20000][Int(input.option / 3) % 6]
        let (received, outcome) = try read(&reader, script.stream, Pieces(seed: pieces.option), room)
        try hold(script.expected.starts(with: received), "\(received.count) bytes that were not sealed so")
        if script.isSound {
            try hold(received.count == script.expected.count, "\(received.count) of \(script.expected.count) bytes")
            try hold(outcome == .needsMore && reader.keptCount == 0, "\(outcome), \(reader.keptCount) bytes kept")
        }
        // Whatever happened, what the session says is still well sealed.
        var said = [UInt8](repeating: 0, count: 64)
        var span = said.mutableSpan
        let count = reader.protection.sealAlert(0, into: &span, at: 0)
        try hold(count == 24, "an alert of \(count ?? -1) bytes")
    }

    private static func secrets(_ suite: RecordSuite) -> (client: [UInt8], server: [UInt8]) {
        let count = suite == .aes256GCM ? 48 : 32
        return ((0..<count).map { UInt8($0) }, (0..<count).map { UInt8(255 - $0) })
    }

    private static func read(
        _ reader: inout RecordReader,
        _ stream: [UInt8],
        _ seed: Pieces,
        _ room: Int
    ) throws(Broken) -> ([UInt8], RecordReader.Outcome) {
        var pieces = seed
        var received: [UInt8] = []
        var space = [UInt8](repeating: 0, count: room)
        var position = 0
        var outcome = RecordReader.Outcome.needsMore
        while position < stream.count {
            // Some 4,096 pieces at most: what is kept is copied for each.
            let count = min(max(1, pieces.next(), stream.count / 4096), stream.count - position)
            var window = [UInt8](repeating: 0, count: reader.keptCount)
            var windowSpan = window.mutableSpan
            let kept = reader.copyKept(into: &windowSpan)
            try hold(kept == window.count && kept <= 16645, "\(kept) bytes kept")
            window += stream[position..<(position + count)]
            position += count
            var span = space.mutableSpan
            outcome = reader.read(window.span, into: &span)
            while case .bytes(let count) = outcome {
                try hold(count > 0 && count <= room, "\(count) bytes into \(room)")
                received += space[..<count]
                var span = space.mutableSpan
                outcome = reader.read(into: &span)
            }
            if outcome != .needsMore { break }
        }
        return (received, outcome)
    }

    /// Turns an input into a stream of records.
    private struct Script {
        let bytes: [UInt8]
        var position = 0
        var stream: [UInt8] = []
        var expected: [UInt8] = []
        /// Nothing yet that a reader has to refuse.
        var isSound = true
        private var emptyCount = 0
        private var updateCount = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        private mutating func next() -> UInt8? {
            guard position < bytes.count else { return nil }
            position += 1
            return bytes[position - 1]
        }

        private mutating func take(_ count: Int) -> [UInt8] {
            let taken = Array(bytes[position..<min(position + count, bytes.count)])
            position += taken.count
            return taken
        }

        /// Adds what one byte and its operands ask for; false at the end.
        mutating func step(_ sealer: inout RecordProtection) -> Bool {
            // Byte by byte, a stream costs its length times that of a record.
            guard stream.count < 20_000, let operation = next(), let length = next() else { return false }
            switch operation % 8 {
            case 0, 1, 2:
                let content = take(Int(length))
                data(content, padding: 0, &sealer)
            case 3:
                let content = take(Int(length) / 8)
                data(content, padding: Int(length % 8) + 1, &sealer)
            case 4: data([UInt8](repeating: operation, count: Int(length) * 64), padding: Int(length) & 1, &sealer)
            case 5:
                updateCount += 1
                if updateCount > RecordProtection.updateAllowance { isSound = false }
                var record = [UInt8](repeating: 0, count: 27)
                var span = record.mutableSpan
                let count = sealer.sealUpdate(into: &span, at: 0)
                stream += record[..<(count ?? 0)]
            case 6:
                // Any type, with anything in it.
                let type = next() ?? 0
                let content = take(Int(length))
                isSound = false
                stream += seal(type, content, &sealer)
                // It may be data in disguise: a type, then zeros.
                var inner = content + [type]
                while inner.last == 0 { inner.removeLast() }
                if inner.last == 23 { expected += inner.dropLast() }
            default:
                isSound = false
                stream += take(Int(length))
            }
            return true
        }

        private mutating func data(_ content: [UInt8], padding: Int, _ sealer: inout RecordProtection) {
            emptyCount = content.isEmpty ? emptyCount + 1 : 0
            if emptyCount > RecordProtection.emptyLimit { isSound = false }
            if content.count + padding > 16384 { isSound = false }
            if padding == 0 {
                stream += seal(23, content, &sealer)
            } else {
                // The last zero stands where a type would.
                stream += seal(0, content + [23] + [UInt8](repeating: 0, count: padding - 1), &sealer)
            }
            expected += content
        }

        private func seal(_ type: UInt8, _ content: [UInt8], _ sealer: inout RecordProtection) -> [UInt8] {
            guard content.count <= 16384 else { return [] }
            var record = [UInt8](repeating: 0, count: content.count + 22)
            var span = record.mutableSpan
            let count = sealer.seal(type, content.span, 0..<content.count, into: &span, at: 0)
            return Array(record[..<(count ?? 0)])
        }
    }
}
