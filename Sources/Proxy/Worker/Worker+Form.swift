import Bytes
import EventLoop
import HTTP

/// Requests whose body Postern reads itself: the forms of its own pages.
extension Worker {
    /// Collects the body; the phase runs again once it is complete. It is small, so all of it is waited for.
    mutating func collectForm(_ exchange: Ref<Exchange>) {
        let client = exchange.value.client
        if exchange.value.head.expectsContinue, client.value.input.isEmpty, !exchange.value.sentContinue {
            exchange.value.sentContinue = true
            prepareOutput(client)
            client.value.output.append("HTTP/1.1 100 Continue\r\n\r\n")
            passInterim(client)
            if !flush(client), client.value.state == .free { return }
        }
        rearmBody(client, exchange)
        continueForm(exchange)
    }

    /// Takes what has come of the form. The request may have gone on, or ended, when it returns.
    mutating func continueForm(_ exchange: Ref<Exchange>) {
        let client = exchange.value.client
        while exchange.value.awaitsRequestBody {
            if !client.value.input.isEmpty {
                guard takeForm(client, exchange) else { return }
                if !exchange.value.awaitsRequestBody { break }
            }
            if !client.value.isReadable {
                awaitBody(client, exchange)
                return
            }
            guard readBody(client, exchange) else { return }
        }
        exchange.value.awaitsForm = false
        timers.set(client.value.timer, deadline: .max)
        resume(exchange)
    }

    /// False when the request ended over it.
    private mutating func takeForm(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) -> Bool {
        switch exchange.value.requestBody {
        case .length(let left):
            let count = Int(min(left, UInt64(client.value.input.readableCount)))
            guard keepForm(client, exchange, 0..<count) else { return false }
            client.value.input.consume(count)
            exchange.value.requestBody = UInt64(count) == left ? .complete : .length(left - UInt64(count))
        case .chunked:
            return takeFormChunks(client, exchange)
        case .streamed:
            guard keepForm(client, exchange, 0..<client.value.input.readableCount) else { return false }
            client.value.input.clear()
        case .none, .complete, .discarded: break
        }
        return true
    }

    private mutating func takeFormChunks(_ client: Ref<ClientConnection>, _ exchange: Ref<Exchange>) -> Bool {
        while !client.value.input.isEmpty {
            let event: ChunkedEvent
            do throws(BodyError) {
                event = try exchange.value.requestDecoder.decode(client.value.input.readable)
            } catch {
                counters.add(.malformedBody)
                services.log.info("body refused: \(error.reason); \(describe(exchange))")
                refuseForm(client, exchange, 400, .badRequest)
                return false
            }
            switch event {
            case .data(let range, let consumed):
                guard keepForm(client, exchange, range) else { return false }
                client.value.input.consume(consumed)
            case .needMore(let consumed):
                client.value.input.consume(consumed)
                return true
            case .end(let consumed, _):
                client.value.input.consume(consumed)
                exchange.value.requestBody = .complete
                return true
            }
        }
        return true
    }

    private mutating func keepForm(
        _ client: Ref<ClientConnection>,
        _ exchange: Ref<Exchange>,
        _ range: Range<Int>
    ) -> Bool {
        countBody(exchange, range.count)
        if exchange.value.form.readableCount + range.count > FormFields.limit {
            refuseForm(client, exchange, 413, .bodyTooLarge)
            return false
        }
        exchange.value.form.append(client.value.input.readable.extracting(range))
        return true
    }

    private mutating func refuseForm(
        _ client: Ref<ClientConnection>,
        _ exchange: Ref<Exchange>,
        _ status: Int,
        _ refusal: Refusal
    ) {
        exchange.value.awaitsForm = false
        logRefusal(exchange, status, refusal)
        refuseBody(client, exchange, status, refusal)
    }
}
