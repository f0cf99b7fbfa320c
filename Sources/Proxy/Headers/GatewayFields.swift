import Access
import Bytes
import HTTP

/// What the gateway is told of the caller. Whatever a client said of that has been left out before.
struct GatewayFields {
    static func write(
        _ request: RequestContext,
        _ gateway: GatewayRuntime,
        to output: inout ByteBuffer
    ) {
        let exchange = request.exchange
        switch gateway.kind {
        case .pass: return
        case .bearer:
            // The gateway's own token makes its bearer the gateway's operator: not for those whom nobody knows.
            if exchange.value.principal.proof != .none { output.append(gateway.authorization) }
        case .trustedProxy:
            if exchange.value.hasUser {
                output.append(gateway.userField)
                output.append(": ")
                appendName(exchange.value.user.readable, to: &output)
                output.append("\r\n")
            }
            // Always: a gateway takes its absence for everything.
            output.append(gateway.scopesField)
            output.append(": ")
            if exchange.value.principal.proof != .none, let runtime = exchange.value.runtime {
                output.append(runtime.permissions.scopes(of: exchange.value.principal.permissions))
            }
            output.append("\r\n")
        }
    }

    /// The name as a field's value may hold it: other bytes as `%XX`.
    private static func appendName(_ name: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        for index in 0..<name.count {
            let byte = name[index]
            if byte >= 0x20, byte < 0x7F, byte != ASCII.percent, byte != ASCII.comma {
                output.append(byte)
            } else {
                PathEscaping.append(escaped: byte, to: &output)
            }
        }
    }
}
