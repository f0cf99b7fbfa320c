import Bytes
import HTTP

/// Chooses the location, on the path that the gateway will act on however it reads it.
///
/// The normalized path decides. Where some other reading of the same bytes (encoded slashes as separators, backslashes, a
/// second decoding, path parameters dropped) would select a location with other rules, the request is refused: one of the
/// two parties would be wrong about what it may do.
struct LocationPhase {
    static func decide(_ request: RequestContext) -> Decision {
        let exchange = request.exchange
        let server = exchange.value.server!
        let facts: PathFacts
        exchange.value.hasNormalizedPath = false
        do throws(PathError) {
            facts = try normalize(exchange, mergesSlashes: server.value.mergesSlashes)
        } catch {
            exchange.value.refusal = .malformedPath
            var reply = Reply(400)
            reply.closes = true
            return .respond(reply)
        }
        let found = exchange.value.withPath { server.value.tree.find($0) }
        let location = found < 0 ? server.value.root : server.value.locations[found]
        exchange.value.location = location
        if exchange.value.ownPage != .none { return .next }
        if !facts.isUnambiguous {
            exchange.value.isPathAmbiguous = true
            exchange.value.pathFacts = facts
        }
        // An escaped letter means the letter to every server; what else is in doubt has a fact of its own.
        if !facts.isUnambiguous, !server.value.hasOnePolicy,
            isAmbiguous(request, server, facts, location.value.policy)
        {
            exchange.value.refusal = .ambiguousPath
            return .respond(Reply(400))
        }
        if case .length(let count) = exchange.value.requestBody, count > location.value.largestBody {
            exchange.value.refusal = .bodyTooLarge
            var reply = Reply(413)
            reply.closes = true
            return .respond(reply)
        }
        return .next
    }

    private static func normalize(_ exchange: Ref<Exchange>, mergesSlashes: Bool) throws(PathError) -> PathFacts {
        let path = exchange.value.headBytes.written.extracting(exchange.value.head.path.range)
        // `*` of OPTIONS is no path.
        if exchange.value.head.targetForm == .asterisk { return [] }
        exchange.value.normalizedPath.clear()
        let normalized = try PathNormalizer.normalize(
            path,
            mergeSlashes: mergesSlashes,
            into: &exchange.value.normalizedPath
        )
        exchange.value.hasNormalizedPath = !normalized.isPlain
        return normalized.facts
    }

    private static func isAmbiguous(
        _ request: RequestContext,
        _ server: Ref<ServerRuntime>,
        _ facts: PathFacts,
        _ policy: Int
    ) -> Bool {
        var reading = ByteBuffer()
        swap(&reading, &request.environment.value.scratch)
        defer { swap(&reading, &request.environment.value.scratch) }
        let exchange = request.exchange
        let path = exchange.value.headBytes.written.extracting(exchange.value.head.path.range)
        var readings = PathReadings(facts: facts)
        reading.clear()
        while readings.next(path, into: &reading) {
            let found = server.value.tree.find(reading.readable)
            let location = found < 0 ? server.value.root : server.value.locations[found]
            if location.value.policy != policy { return true }
            reading.clear()
        }
        return false
    }
}

/// `return` in a location.
struct AnswerPhase {
    static func decide(_ request: RequestContext) -> Decision {
        let location = request.location
        guard location.value.hasReturn else { return .next }
        return .respond(
            Reply(
                returning: location.value.returnStatus,
                location.value.returnText,
                isRedirect: location.value.returnIsRedirect,
                hasText: location.value.returnHasText
            )
        )
    }
}

/// What a location does with a request that nothing has stopped.
struct HandlerPhase {
    static func decide(_ request: RequestContext) -> Decision {
        switch request.location.value.handler {
        case .proxy: return .forward
        case .health:
            var reply = Reply(200)
            reply.body = .healthy
            return .respond(reply)
        case .metrics: return MetricsHandler.decide(request)
        case .stubStatus: return StubStatusHandler.decide(request)
        case .notFound:
            request.exchange.value.refusal = .noSuchLocation
            return .respond(Reply(404))
        }
    }
}
