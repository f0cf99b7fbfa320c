import Testing

@testable import HTTP

@Suite("Damaged input")
struct MutationTests {
    /// A small generator with a fixed seed, so that a failure comes back.
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    static let interesting: [UInt8] = [
        0, 9, 10, 13, 32, 34, 35, 37, 44, 45, 46, 47, 48, 58, 59, 61, 63, 64, 91, 93, 95, 97, 127, 128, 255,
    ]

    static func damaged(_ text: String, _ generator: inout Generator) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            let byte = interesting.randomElement(using: &generator) ?? 0
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[index] = byte
            case 1: bytes.insert(byte, at: index)
            case 2: bytes.remove(at: index)
            default: bytes.insert(contentsOf: bytes[index..<min(index + 17, bytes.count)], at: index)
            }
        }
        return bytes
    }

    @Test("A damaged request reads the same in pieces as whole", arguments: [LineEnds.crlf, .lenient])
    func requests(lineEnds: LineEnds) {
        var generator = Generator(state: 7)
        let corpus = RequestHeadParserTests.accepted.map(\.0) + RequestHeadParserTests.refused.map(\.0)
        let limits = HeadLimits(requestLine: 60, field: 60, total: 150, fieldCount: 5)
        for text in corpus {
            for _ in 0..<6 {
                let bytes = Self.damaged(text, &generator)
                for limits in [HeadLimits(), limits] {
                    let whole = parseRequest(bytes, limits: limits, lineEnds: lineEnds)
                    for step in [1, 4] {
                        let pieces = parseRequest(bytes, step: step, limits: limits, lineEnds: lineEnds)
                        #expect(pieces == whole, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
                    }
                }
            }
        }
    }

    @Test("A damaged chunked body reads the same in pieces as whole")
    func chunks() {
        var generator = Generator(state: 11)
        for (text, _) in ChunkedDecoderTests.accepted + ChunkedDecoderTests.refused where text.utf8.count < 500 {
            for _ in 0..<40 {
                let bytes = Self.damaged(text, &generator)
                let whole = ChunkedDecoderTests.decode(bytes, cuts: [])
                #expect(ChunkedDecoderTests.decode(bytes, cuts: Array(0..<bytes.count)) == whole)
            }
        }
    }

    @Test("A damaged path is refused or read within its bounds")
    func paths() throws {
        var generator = Generator(state: 13)
        for (text, _) in PathTests.read {
            for _ in 0..<100 {
                let path = String(decoding: Self.damaged(text, &generator), as: UTF8.self)
                guard let normalized = try? PathTests.normalize(path) else { continue }
                #expect(normalized.0.hasPrefix("/") && !normalized.0.contains("/../") && !normalized.0.contains("//"))
                let readings = try PathTests.readings(path)
                #expect(readings.isEmpty == (normalized.1.isEmpty))
                // Nginx's own reading is one of those that are compared.
                if !normalized.1.isEmpty {
                    #expect(readings.contains(normalized.0), "\(path) as \(normalized.0)")
                }
            }
        }
    }
}
