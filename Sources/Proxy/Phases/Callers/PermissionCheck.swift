import Access
import Bytes
import HTTP

/// May the caller do this? Users may do everything; a key may do what it was made for.
struct PermissionCheck {
    static func decide(_ request: RequestContext, _ runtime: Runtime) -> Decision {
        let exchange = request.exchange
        guard exchange.value.principal.proof == .key else { return .next }
        if let lack = exchange.value.withPath({ lack(of: $0, exchange, runtime) }) {
            return missing(request, lack, runtime)
        }
        // What the gateway may read the path as must be permitted by the same.
        if exchange.value.isPathAmbiguous, runtime.permissions.hasPaths, isAmbiguous(request, runtime) {
            exchange.value.refusal = .ambiguousPath
            return .respond(Reply(400))
        }
        if runtime.permissions.hasPaths, let lack = exchange.value.withPath({ lackUpstream(of: $0, request, runtime) })
        {
            return missing(request, lack, runtime)
        }
        return .next
    }

    private static func need(
        of path: borrowing Span<UInt8>,
        _ exchange: Ref<Exchange>,
        _ runtime: Runtime
    ) -> PermissionNeed {
        runtime.permissions.needed(
            method: exchange.value.headBytes.written.extracting(exchange.value.head.methodRange.range),
            isWebSocket: exchange.value.head.upgrade == .webSocket,
            path: path
        )
    }

    /// The permission that the path needs and the caller lacks; -1 where there is none for it. Nil when nothing is lacking.
    ///
    /// To many a gateway `/Tools/Invoke/` is `/tools/invoke`: such a path needs what either does.
    private static func lack(of path: borrowing Span<UInt8>, _ exchange: Ref<Exchange>, _ runtime: Runtime) -> Int? {
        let permissions = exchange.value.principal.permissions
        let need = need(of: path, exchange, runtime)
        guard permissions.holds(need.exact) else { return need.exact }
        return need.loose == need.exact || permissions.holds(need.loose) ? nil : need.loose
    }

    /// The same for what goes upstream, where `proxy_pass` puts another path in the place of what the location matched.
    private static func lackUpstream(
        of asked: borrowing Span<UInt8>,
        _ request: RequestContext,
        _ runtime: Runtime
    ) -> Int? {
        guard let proxy = request.location.value.proxy, proxy.value.hasReplacementPath else { return nil }
        var start = min(request.location.value.matchedCount, asked.count)
        var path = ByteBuffer()
        swap(&path, &request.environment.value.scratch)
        defer { swap(&path, &request.environment.value.scratch) }
        path.clear()
        path.append(proxy.value.replacementPath)
        // What is put together can have a slash too many in its middle, which gateways read as one.
        if path.readableCount > 0, path.readable[path.readableCount - 1] == ASCII.slash {
            while start < asked.count, asked[start] == ASCII.slash { start += 1 }
        }
        path.append(asked, start..<asked.count)
        return lack(of: path.readable, request.exchange, runtime)
    }

    private static func isAmbiguous(_ request: RequestContext, _ runtime: Runtime) -> Bool {
        let exchange = request.exchange
        let needed = exchange.value.withPath { need(of: $0, exchange, runtime).exact }
        var reading = ByteBuffer()
        swap(&reading, &request.environment.value.scratch)
        defer { swap(&reading, &request.environment.value.scratch) }
        var readings = PathReadings(facts: exchange.value.pathFacts)
        let path = exchange.value.headBytes.written.extracting(exchange.value.head.path.range)
        reading.clear()
        while readings.next(path, into: &reading) {
            if need(of: reading.readable, exchange, runtime).exact != needed { return true }
            if lack(of: reading.readable, exchange, runtime) != nil { return true }
            if lackUpstream(of: reading.readable, request, runtime) != nil { return true }
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
