import Bytes
import Testing

@testable import HTTP

@Suite("Chunked bodies")
struct ChunkedDecoderTests {
    /// What came of decoding.
    enum Decoded: Equatable {
        case body(String, trailers: String, rest: Int)
        case failed(BodyError)
        case incomplete(String)
    }

    /// Decodes a body that comes in pieces that end at `cuts`; unconsumed bytes come again.
    static func decode(_ bytes: [UInt8], cuts: [Int]) -> Decoded {
        var decoder = ChunkedDecoder()
        var body: [UInt8] = []
        var position = 0
        for cut in cuts + [bytes.count] {
            piece: while true {
                let input = Array(bytes[position..<max(cut, position)])
                do {
                    switch try decoder.decode(input.span) {
                    case .data(let range, let consumed):
                        body += input[range]
                        position += consumed
                    case .needMore(let consumed):
                        position += consumed
                        break piece
                    case .end(let consumed, let trailers):
                        let text = trailers.map { String(decoding: input[$0], as: UTF8.self) } ?? ""
                        let rest = bytes.count - position - consumed
                        return .body(String(decoding: body, as: UTF8.self), trailers: text, rest: rest)
                    }
                } catch {
                    return .failed(error)
                }
            }
        }
        return .incomplete(String(decoding: body, as: UTF8.self))
    }

    static let accepted: [(String, Decoded)] = [
        ("0\r\n\r\n", .body("", trailers: "", rest: 0)),
        ("5\r\nhello\r\n0\r\n\r\nGET", .body("hello", trailers: "", rest: 3)),
        ("1\r\na\r\n00b\r\nhello world\r\n000\r\n\r\n", .body("ahello world", trailers: "", rest: 0)),
        ("A;x=1;y=\"\t\u{e9}\"\r\n0123456789\r\n0;z\r\n\r\n", .body("0123456789", trailers: "", rest: 0)),
        ("2\r\n\r\n\r\n0\r\n\r\n", .body("\r\n", trailers: "", rest: 0)),
        ("1\r\na\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\nrest", .body("a", trailers: "X-Sum: 1\r\nY: 2\r\n", rest: 4)),
        ("3\r\nab", .incomplete("ab")),
        ("0\r\nX: 1\r\n", .incomplete("")),
        ("0\r\n\r", .incomplete("")),
        ("fffffff", .incomplete("")),
        ("0000000000000001\r\na\r\n0\r\n\r\n", .body("a", trailers: "", rest: 0)),
    ]

    static let refused: [(String, Decoded)] = [
        ("\r\n", .failed(.malformedChunkSize)),
        ("x\r\n", .failed(.malformedChunkSize)),
        ("-1\r\n", .failed(.malformedChunkSize)),
        ("+1\r\n", .failed(.malformedChunkSize)),
        (" 1\r\na\r\n", .failed(.malformedChunkSize)),
        ("1 \r\na\r\n", .failed(.malformedChunkSize)),
        ("1 ;x\r\na\r\n", .failed(.malformedChunkSize)),
        ("0x1\r\na\r\n", .failed(.malformedChunkSize)),
        ("1_0\r\n", .failed(.malformedChunkSize)),
        ("00000000000000001\r\n", .failed(.chunkSizeTooLarge)),
        ("8000000000000000\r\n", .failed(.chunkSizeTooLarge)),
        ("ffffffffffffffff\r\n", .failed(.chunkSizeTooLarge)),
        ("10000000000000005\r\n", .failed(.chunkSizeTooLarge)),
        ("1\na\r\n0\r\n\r\n", .failed(.bareLineFeed)),
        ("1;x\na\r\n0\r\n\r\n", .failed(.bareLineFeed)),
        ("1\rxa\r\n0\r\n\r\n", .failed(.bareCarriageReturn)),
        ("1;x\ry\r\na\r\n", .failed(.bareCarriageReturn)),
        ("1;x\0\r\na\r\n", .failed(.malformedExtension)),
        ("1;\u{b}\r\na\r\n", .failed(.malformedExtension)),
        ("1\r\nab\r\n0\r\n\r\n", .failed(.missingChunkEnd)),
        ("1\r\na\n0\r\n\r\n", .failed(.missingChunkEnd)),
        ("1\r\na\r0\r\n\r\n", .failed(.missingChunkEnd)),
        ("1\r\na\r\n\r\n", .failed(.malformedChunkSize)),
        ("0\r\n\n", .failed(.bareLineFeed)),
        ("0\r\nX: 1\n\r\n", .failed(.bareLineFeed)),
        ("0\r\nX: 1\r\r\n", .failed(.bareCarriageReturn)),
        ("0\r\nX\r\n\r\n", .failed(.malformedTrailer)),
        ("0\r\nX : 1\r\n\r\n", .failed(.malformedTrailer)),
        ("0\r\nX: 1\r\n 2\r\n\r\n", .failed(.malformedTrailer)),
        ("0\r\nContent-Length: 1\r\n\r\n", .failed(.forbiddenTrailer)),
        ("0\r\ntransfer_encoding: chunked\r\n\r\n", .failed(.forbiddenTrailer)),
        ("0\r\nHost: a\r\n\r\n", .failed(.forbiddenTrailer)),
        ("0\r\nAuthorization: a\r\n\r\n", .failed(.forbiddenTrailer)),
        ("0\r\nX-Forwarded-Groups: a\r\n\r\n", .failed(.forbiddenTrailer)),
        ("0\r\n" + String(repeating: "X: 1\r\n", count: 33) + "\r\n", .failed(.tooManyTrailers)),
        ("0\r\nX: " + String(repeating: "1", count: 8189) + "\r\n\r\n", .failed(.trailersTooLong)),
        ("1;" + String(repeating: "x", count: 4093) + "\r\na\r\n", .failed(.chunkLineTooLong)),
        (
            String(repeating: "1;" + String(repeating: "x", count: 4000) + "\r\na\r\n", count: 17),
            .failed(.extensionsTooLong)
        ),
    ]

    @Test("Decoding, whole, byte by byte and cut in two anywhere", arguments: accepted + refused)
    func decoding(text: String, expected: Decoded) {
        let bytes = Array(text.utf8)
        #expect(Self.decode(bytes, cuts: []) == expected)
        if bytes.count > 1000 {
            #expect(Self.decode(bytes, cuts: Array(stride(from: 1, to: bytes.count, by: 301))) == expected)
            return
        }
        #expect(Self.decode(bytes, cuts: Array(0..<bytes.count)) == expected)
        for cut in 0..<bytes.count { #expect(Self.decode(bytes, cuts: [cut]) == expected, "cut at \(cut)") }
    }

    @Test("Lines and trailers of exactly their limits pass")
    func limits() {
        let line = "1;" + String(repeating: "x", count: 4092) + "\r\na\r\n0\r\n\r\n"
        #expect(Self.decode(Array(line.utf8), cuts: []) == .body("a", trailers: "", rest: 0))
        let field = "X: " + String(repeating: "1", count: 8192 - 7) + "\r\n"
        #expect(Self.decode(Array("0\r\n\(field)\r\n".utf8), cuts: [9]) == .body("", trailers: field, rest: 0))
        let many = String(repeating: "X: 1\r\n", count: 32)
        #expect(Self.decode(Array("0\r\n\(many)\r\n".utf8), cuts: [9]) == .body("", trailers: many, rest: 0))
    }

    @Test("What the encoder writes comes back", arguments: [0, 1, 9, 15, 16, 17, 255, 4096])
    func encoding(count: Int) {
        let body = [UInt8](repeating: 0x61, count: count)
        var output = ByteBuffer()
        ChunkedEncoder.appendChunk(body.span, to: &output)
        ChunkedEncoder.appendChunk(body.span, to: &output)
        ChunkedEncoder.appendEnd(trailers: Array("X: 1\r\n".utf8).span, to: &output)
        let expected = String(repeating: "a", count: 2 * count)
        #expect(Self.decode(output.readable.array, cuts: []) == .body(expected, trailers: "X: 1\r\n", rest: 0))
    }

    @Test("The encoder's bytes")
    func encoded() {
        var output = ByteBuffer()
        ChunkedEncoder.appendHeader(26, to: &output)
        ChunkedEncoder.appendChunkEnd(to: &output)
        ChunkedEncoder.appendEnd(to: &output)
        expectEqual(output.readable.string, "1a\r\n\r\n0\r\n\r\n")
    }
}
