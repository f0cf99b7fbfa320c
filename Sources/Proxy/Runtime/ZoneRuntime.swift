import Bytes
import Limits

/// A limit zone with its table, which all loops share.
final class ZoneRuntime: Sendable {
    let model: LimitZone
    let table: LimitTable
    let subject: ZoneSubject

    init(_ zone: LimitZone, table: LimitTable?, arena: Arena) {
        model = zone
        self.table = table ?? LimitTable(capacity: zone.capacity)
        subject = ZoneSubject(zone.key, arena: arena)
    }
}

/// A zone of `limit_conn` with its table, which all loops share.
final class ConnectionZoneRuntime: Sendable {
    let model: ConnectionZone
    let table: ConcurrencyTable
    let subject: ZoneSubject

    init(_ zone: ConnectionZone, table: ConcurrencyTable?, arena: Arena) {
        model = zone
        self.table = table ?? ConcurrencyTable(capacity: zone.capacity)
        subject = ZoneSubject(zone.key, arena: arena)
    }
}

/// What a zone counts by.
struct ZoneSubject: BitwiseCopyable, Sendable {
    enum Kind: UInt8 { case address, server, user, template }

    let kind: Kind
    let ipv6PrefixLength: Int
    let template: CompiledTemplate

    init(_ key: LimitZone.Key, arena: Arena) {
        switch key {
        case .address(let length): (kind, ipv6PrefixLength, template) = (.address, length, CompiledTemplate())
        case .server: (kind, ipv6PrefixLength, template) = (.server, 128, CompiledTemplate())
        case .user: (kind, ipv6PrefixLength, template) = (.user, 128, CompiledTemplate())
        case .template(let text):
            (kind, ipv6PrefixLength, template) = (.template, 128, CompiledTemplate(text, arena: arena))
        }
    }

    /// Whom the request counts for, or nil when it counts for nobody. `hash` is the table's own.
    func key(of request: RequestContext, hash: (borrowing Span<UInt8>) -> LimitKey) -> LimitKey? {
        let exchange = request.exchange
        switch kind {
        case .address:
            return LimitKey(exchange.value.remote, ipv6PrefixLength: ipv6PrefixLength)
        case .server:
            return LimitKey(high: .max, low: UInt64(exchange.value.server?.value.index ?? 0))
        case .user:
            return exchange.value.hasUser ? hash(exchange.value.user.readable) : nil
        case .template:
            var text = ByteBuffer()
            swap(&text, &request.environment.value.scratch)
            defer { swap(&text, &request.environment.value.scratch) }
            text.clear()
            request.append(template, to: &text)
            return text.isEmpty ? nil : hash(text.readable)
        }
    }
}

/// An access log's format.
struct LogRuntime: BitwiseCopyable, Sendable {
    let format: CompiledTemplate
    let escape: AccessLogConfiguration.Escape
    let index: Int32
}
