import Bytes
import EventLoop
import HTTP

/// What `/echo` received, in full.
struct EchoReply: Encodable {
    let method: String
    let target: String
    let version: String
    /// Names and values in the order and spelling in which they came.
    let headers: [[String]]
    let framing: String
    let bodyLength: UInt64
    let bodySHA256: String
    let trailers: String
    /// The connection's other end.
    let peer: String
    /// Which connection this is, counted from one.
    let connection: Int
    /// Which request on its connection this is, counted from one.
    let requestOnConnection: Int

    init(_ connection: Connection) {
        let request = connection.request
        method = request.methodText
        target = request.target
        version = request.isHTTP11 ? "HTTP/1.1" : "HTTP/1.0"
        headers = request.fields.map { [$0.name, $0.value] }
        switch request.framing {
        case .none, .untilClose: framing = "none"
        case .length: framing = "length"
        case .chunked: framing = "chunked"
        }
        bodyLength = connection.body.count
        bodySHA256 = connection.body.finishDigest()
        trailers = connection.body.trailers
        peer = "\(connection.peer)"
        self.connection = connection.number
        requestOnConnection = connection.requestCount
    }
}

struct UploadReply: Encodable {
    let bytes: UInt64
    let sha256: String
}

struct ToolCall: Decodable {
    let tool: String
}

struct ToolReply: Encodable {
    let ok: Bool
    let tool: String
    let result: String
}

/// One text or several, as some endpoints take either.
enum OneOrMany: Decodable {
    case one(String)
    case many([String])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .one(text)
        } else {
            self = .many(try container.decode([String].self))
        }
    }

    var texts: [String] {
        switch self {
        case .one(let text): [text]
        case .many(let texts): texts
        }
    }
}

struct EmbeddingsRequest: Decodable {
    let input: OneOrMany
    let model: String?
}

struct EmbeddingsReply: Encodable {
    struct Item: Encodable {
        let object = "embedding"
        let index: Int
        let embedding: [Double]
    }

    let object = "list"
    let model: String
    let data: [Item]

    init(_ request: EmbeddingsRequest) {
        model = request.model ?? "openclaw/default"
        data = request.input.texts.prefix(256).enumerated().map { index, text in
            var sums = [Double](repeating: 0, count: 8)
            for (position, byte) in text.utf8.enumerated() { sums[position % 8] += Double(byte) / 256 }
            return Item(index: index, embedding: sums)
        }
    }
}
