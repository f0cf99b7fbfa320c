import DemoGateway
import EventLoop
import TestSupport
import Testing

@Suite struct StreamTests {
    @Test func eventsComeOneByOneWithTheirGaps() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        let start = Clock.monotonic()
        try client.request("GET", "/sse?count=4&gap_ms=50")
        let head = try client.readHead()
        #expect(head["content-type"] == "text/event-stream")
        #expect(head["transfer-encoding"] == "chunked")
        for number in 0..<4 {
            let chunk = String(decoding: try #require(try client.readChunk()), as: UTF8.self)
            #expect(chunk == "id: \(number)\ndata: {\"n\":\(number)}\n\n")
            let elapsed = Clock.monotonic() - start
            #expect(elapsed >= UInt64(number) * 50_000_000)
        }
        let last = try client.readChunk()
        #expect(last == Array("data: [DONE]\n\n".utf8))
        let end = try client.readChunk()
        #expect(end == nil)
        #expect(try client.exchange("GET", "/health").status == 200)
    }

    @Test(arguments: [
        (
            "/v1/chat/completions", #"{"stream":true,"messages":[{"role":"user","content":"one two"}]}"#,
            #""content":" one""#
        ),
        ("/v1/responses", #"{"stream":true,"input":"one two"}"#, #""delta":" one""#),
    ])
    func answersAreStreamed(target: String, body: String, word: String) throws {
        let gateway = try Gateway { $0.wordGap = 10_000_000 }
        let client = try gateway.client()
        try client.request("POST", target, body: Array(body.utf8))
        #expect(try client.readHead()["content-type"] == "text/event-stream")
        var events: [String] = []
        while let chunk = try client.readChunk() { events.append(String(decoding: chunk, as: UTF8.self)) }
        #expect(events.allSatisfy { $0.hasSuffix("\n\n") })
        #expect(events.filter { $0.contains(word) }.count == 1)
        #expect(events.last == "data: [DONE]\n\n")
    }

    @Test func aClientThatGoesCancelsItsRequest() throws {
        let gateway = try Gateway()
        do {
            let client = try gateway.client()
            try client.request("GET", "/sse?count=1000&gap_ms=1000")
            _ = try client.readHead()
            _ = try client.readChunk()
        }
        #expect(Patience.until { gateway.statistics.cancelled == 1 })
        #expect(Patience.until { gateway.statistics.open == 0 })
    }

    @Test func aFloodOfEventsIsWhole() throws {
        let gateway = try Gateway()
        let response = try gateway.client().exchange("GET", "/sse?count=50000&gap_ms=0")
        let events = response.text.split(separator: "\n\n")
        #expect(events.count == 50_001)
        #expect(events[49_999] == "id: 49999\ndata: {\"n\":49999}")
    }
}
