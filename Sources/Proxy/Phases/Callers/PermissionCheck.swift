import Access
import Bytes
import HTTP

/// May the caller do this? Users may do everything; a key may do what it was made for.
struct PermissionCheck {
    static func decide(_ request: RequestContext, _ runtime: Runtime) -> Decision {
        let exchange = request.exchange
        guard exchange.value.principal.proof == .key else { return .next }
        let permissions = exchange.value.principal.permissions
        let needed = exchange.value.withPath { need(of: $0, exchange, runtime) }
        guard permissions.holds(needed) else { return missing(request, needed, runtime) }
        // What the gateway may read the path as must be permitted by the same.
        if exchange.value.isPathAmbiguous, runtime.permissions.hasPaths, isAmbiguous(request, needed, runtime) {
            exchange.value.refusal = .ambiguousPath
            return .respond(Reply(400))
        }
        return .next
    }

    private static func need(of path: borrowing Span<UInt8>, _ exchange: Ref<Exchange>, _ runtime: Runtime) -> Int {
        runtime.permissions.needed(
            method: exchange.value.headBytes.written.extracting(exchange.value.head.methodRange.range),
            isWebSocket: exchange.value.head.upgrade == .webSocket,
            path: path
        )
    }

    private static func isAmbiguous(_ request: RequestContext, _ needed: Int, _ runtime: Runtime) -> Bool {
        let exchange = request.exchange
        var reading = ByteBuffer()
        swap(&reading, &request.environment.value.scratch)
        defer { swap(&reading, &request.environment.value.scratch) }
        var readings = PathReadings(facts: exchange.value.pathFacts)
        let path = exchange.value.headBytes.written.extracting(exchange.value.head.path.range)
        reading.clear()
        while readings.next(path, into: &reading) {
            if need(of: reading.readable, exchange, runtime) != needed { return true }
            reading.clear()
        }
        return false
    }

    private static func missing(_ request: RequestContext, _ needed: Int, _ runtime: Runtime) -> Decision {
        let exchange = request.exchange
        exchange.value.ownBody.clear()
        if needed >= 0 {
            exchange.value.ownBody.append("the API key lacks the permission ")
            exchange.value.ownBody.append(text: runtime.permissions.permissions[needed].name)
        } else {
            exchange.value.ownBody.append("no permission allows this method here")
        }
        exchange.value.refusal = .permissionMissing
        var reply = Reply(403)
        reply.body = .detailed
        return .respond(reply)
    }
}
