import Bytes
import Limits

/// A limit zone with its table, which all loops share.
final class ZoneRuntime: Sendable {
    enum Key: UInt8 { case address, server, user, template }

    let model: LimitZone
    let table: LimitTable
    let key: Key
    let ipv6PrefixLength: Int
    let template: CompiledTemplate

    init(_ zone: LimitZone, table: LimitTable?, arena: Arena) {
        model = zone
        self.table = table ?? LimitTable(capacity: zone.capacity)
        switch zone.key {
        case .address(let length): (key, ipv6PrefixLength, template) = (.address, length, CompiledTemplate())
        case .server: (key, ipv6PrefixLength, template) = (.server, 128, CompiledTemplate())
        case .user: (key, ipv6PrefixLength, template) = (.user, 128, CompiledTemplate())
        case .template(let text):
            (key, ipv6PrefixLength, template) = (.template, 128, CompiledTemplate(text, arena: arena))
        }
    }
}

/// An access log's format.
struct LogRuntime: BitwiseCopyable, Sendable {
    let format: CompiledTemplate
    let escape: AccessLogConfiguration.Escape
    let index: Int32
}
