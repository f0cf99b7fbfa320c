import DemoGateway
import EventLoop
import TestSupport

/// A gateway on a free port for the length of a test.
final class Gateway {
    let gateway: DemoGateway
    let address: SocketAddress

    init(_ adjust: (inout DemoGateway.Options) -> Void = { _ in }) throws {
        var options = DemoGateway.Options()
        options.wordGap = 0
        adjust(&options)
        gateway = DemoGateway(address: SocketAddress(ipv4: 0x7F00_0001, port: 0), options: options)
        try gateway.start()
        guard let address = gateway.boundAddress else { throw TestError("the gateway has no address") }
        self.address = address
    }

    deinit { gateway.stop() }

    var statistics: DemoGateway.Statistics { gateway.statistics }

    func client() throws -> TestClient { try TestClient(address) }
}
