import EventLoop

/// The part of `POST /v1/chat/completions` that the answer depends on.
struct ChatRequest: Decodable {
    struct Message: Decodable {
        struct Part: Decodable {
            let text: String?
        }

        let role: String
        let text: String

        enum CodingKeys: String, CodingKey { case role, content }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            role = try container.decode(String.self, forKey: .role)
            if let text = try? container.decode(String.self, forKey: .content) {
                self.text = text
            } else {
                let parts = (try? container.decode([Part].self, forKey: .content)) ?? []
                text = parts.compactMap(\.text).joined(separator: " ")
            }
        }
    }

    let model: String?
    let stream: Bool?
    let messages: [Message]
}

/// Words that answer whatever was said.
enum Babble {
    /// Words of an answer at the most.
    private static let limit = 512

    static func words(answering text: String) -> [String] {
        let start = ["You", "said:"]
        let words = start + text.split(whereSeparator: \.isWhitespace).prefix(limit).map(String.init)
        return words.enumerated().map { $0.offset == 0 ? $0.element : " " + $0.element }
    }
}

/// The answer to a chat request, whole and as events.
struct ChatCompletion {
    struct Choice: Encodable {
        struct Message: Encodable {
            var role: String?
            var content: String?
        }

        let index = 0
        var message: Message?
        var delta: Message?
        var finishReason: String?

        enum CodingKeys: String, CodingKey {
            case index, message, delta
            case finishReason = "finish_reason"
        }
    }

    struct Object: Encodable {
        let id: String
        let object: String
        let created: Int
        let model: String
        let choices: [Choice]
    }

    private let id: String
    private let model: String
    private let created = Clock.realtimeSeconds()
    private let words: [String]

    init(_ request: ChatRequest, id: Int) {
        self.id = "chatcmpl-\(id)"
        model = request.model ?? "openclaw/default"
        words = Babble.words(answering: request.messages.last { $0.role == "user" }?.text ?? "")
    }

    var whole: Object {
        let message = Choice.Message(role: "assistant", content: words.joined())
        return object("chat.completion", Choice(message: message, finishReason: "stop"))
    }

    /// Server-sent events, one for each word; the last is `[DONE]`.
    var events: [String] {
        var events = [event(Choice(delta: .init(role: "assistant", content: "")))]
        for word in words { events.append(event(Choice(delta: .init(content: word)))) }
        events.append(event(Choice(delta: .init(), finishReason: "stop")))
        events.append("data: [DONE]\n\n")
        return events
    }

    private func event(_ choice: Choice) -> String {
        "data: \(JSON.text(object("chat.completion.chunk", choice)))\n\n"
    }

    private func object(_ kind: String, _ choice: Choice) -> Object {
        Object(id: id, object: kind, created: created, model: model, choices: [choice])
    }
}

/// The part of `POST /v1/responses` that the answer depends on.
struct ResponsesRequest: Decodable {
    let model: String?
    let stream: Bool?
    let text: String

    enum CodingKeys: String, CodingKey { case model, stream, input }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        model = try container.decodeIfPresent(String.self, forKey: .model)
        stream = try container.decodeIfPresent(Bool.self, forKey: .stream)
        if let text = try? container.decode(String.self, forKey: .input) {
            self.text = text
        } else {
            text = try container.decode([ChatRequest.Message].self, forKey: .input).last?.text ?? ""
        }
    }
}

/// The answer to a responses request, whole and as events.
struct ResponsesReply {
    struct Content: Encodable {
        let type = "output_text"
        let text: String
    }

    struct Item: Encodable {
        let type = "message"
        let role = "assistant"
        let content: [Content]
    }

    struct Object: Encodable {
        let id: String
        let object = "response"
        let model: String
        let status: String
        let output: [Item]
    }

    struct Event: Encodable {
        let type: String
        var delta: String?
        var response: Object?
    }

    private let id: String
    private let model: String
    private let words: [String]

    init(_ request: ResponsesRequest, id: Int) {
        self.id = "resp_\(id)"
        model = request.model ?? "openclaw/default"
        words = Babble.words(answering: request.text)
    }

    var whole: Object {
        Object(id: id, model: model, status: "completed", output: [Item(content: [Content(text: words.joined())])])
    }

    /// Server-sent events, one for each word; the last is `[DONE]`.
    var events: [String] {
        let start = Object(id: id, model: model, status: "in_progress", output: [])
        var events = [event(Event(type: "response.created", response: start))]
        for word in words { events.append(event(Event(type: "response.output_text.delta", delta: word))) }
        events.append(event(Event(type: "response.completed", response: whole)))
        events.append("data: [DONE]\n\n")
        return events
    }

    private func event(_ event: Event) -> String { "event: \(event.type)\ndata: \(JSON.text(event))\n\n" }
}
