import EventLoop
import Testing

@testable import TLS

@Suite struct TransferTests {
    let certificates = TestCertificates()
    static let content: [UInt8] = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

    func connect(_ version: TLSProtocol, bufferSize: Int32? = nil) throws -> Connection {
        var server = ServerTLSSettings(certificates: [certificates.make("server")])
        server.sessionContext = [1]
        var client = ClientTLSSettings()
        client.authorityFile = certificates.authorityFile
        client.protocols = [version]
        var connection = try Connection(
            ListenerTLS(defaultContext: ServerContext(server)),
            ClientContext(client),
            bufferSize: bufferSize
        )
        #expect(connection.shakeHands() == (.done, .done))
        return connection
    }

    @Test(arguments: [TLSProtocol.v1_2, .v1_3])
    func bothWaysThroughTinyBuffers(version: TLSProtocol) throws {
        var connection = try connect(version, bufferSize: 4096)
        let content = Self.content
        var (up, down): ([UInt8], [UInt8]) = ([], [])
        var (sentUp, sentDown, blocked, rounds) = (0, 0, 0, 0)

        func push(_ session: inout TLSSession, _ sent: inout Int) {
            let result = unsafe content.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[sent...])
                return unsafe session.write(rest)
            }
            switch result {
            case .bytes(let count): sent += count
            case .wantsWrite: blocked += 1
            default: Issue.record("\(result)")
            }
        }
        while up.count < content.count || down.count < content.count, rounds < 100_000 {
            rounds += 1
            if sentUp < content.count { push(&connection.client, &sentUp) }
            if sentDown < content.count { push(&connection.server, &sentDown) }
            up += receive(&connection.server)
            down += receive(&connection.client)
        }
        #expect(up == content)
        #expect(down == content)
        #expect(blocked > 0)
        #expect(connection.client.sentCount == connection.server.receivedCount)
    }

    @Test func handshakeThroughTinyBuffers() throws {
        let files = certificates.make("long", names: (0..<800).map { "host-number-\($0).example.com" } + ["localhost"])
        var client = ClientTLSSettings()
        client.authorityFile = certificates.authorityFile
        var connection = try Connection(
            ListenerTLS(defaultContext: ServerContext(ServerTLSSettings(certificates: [files]))),
            ClientContext(client),
            bufferSize: 1024
        )
        var sawFull = false
        for _ in 0..<200 where !connection.client.isEstablished || !connection.server.isEstablished {
            _ = connection.client.handshake()
            if connection.server.handshake() == .wantsWrite { sawFull = true }
        }
        #expect(sawFull)
        #expect(connection.client.isEstablished == true)
        #expect(connection.server.isEstablished == true)
    }

    @Test func largeWriteIsOneSend() throws {
        var connection = try connect(.v1_3)
        let body = Array(Self.content[..<60_000])
        let result = unsafe body.withUnsafeBytes { unsafe connection.server.write($0) }
        #expect(result == .bytes(60_000))
        #expect(receive(&connection.client) == body)
    }

    @Test func aByteIsOwedUntilAllIsSent() throws {
        var connection = try connect(.v1_3, bufferSize: 2048)
        var (sent, last) = (0, IOResult.bytes(0))
        while case .bytes(let count) = last, sent < 16_000 {
            sent += count
            last = writeOnce(&connection.server, Self.content[sent..<16_000])
        }
        #expect(last == .wantsWrite)
        #expect(writeOnce(&connection.server, Self.content[sent..<16_000]) == .wantsWrite)
        var received: [UInt8] = []
        for _ in 0..<100 where received.count < 16_000 {
            received += receive(&connection.client)
            if sent < 16_000, case .bytes(let count) = writeOnce(&connection.server, Self.content[sent..<16_000]) {
                sent += count
            }
        }
        #expect(received == Array(Self.content[..<16_000]))
        #expect(sent == 16_000)
    }

    @Test(arguments: [TLSProtocol.v1_2, .v1_3])
    func drainedTellsWhetherReadingIsWorthwhile(version: TLSProtocol) throws {
        var connection = try connect(version)
        _ = receive(&connection.client)
        #expect(writeOnce(&connection.client, [1, 2, 3]) == .bytes(3))
        #expect(writeOnce(&connection.client, [4]) == .bytes(1))
        // Both records come with one receive; the second still waits after the first is read.
        #expect(readOnce(&connection.server, limit: 3).bytes == [1, 2, 3])
        #expect(connection.server.isReadDrained == false)
        #expect(connection.server.hasPending == true)
        // More comes, and its edge goes by, before what is held back is read: that must not pass for all there is.
        #expect(writeOnce(&connection.client, [5]) == .bytes(1))
        #expect(readOnce(&connection.server).bytes == [4])
        #expect(connection.server.isReadDrained == false)
        #expect(connection.server.hasPending == false)
        #expect(readOnce(&connection.server).bytes == [5])
        #expect(connection.server.isReadDrained == true)
        #expect(writeOnce(&connection.client, Array(repeating: 9, count: 10)) == .bytes(10))
        #expect(readOnce(&connection.server, limit: 4).bytes == [9, 9, 9, 9])
        #expect(connection.server.isReadDrained == false)
        #expect(readOnce(&connection.server).bytes.count == 6)
        #expect(readOnce(&connection.server).result == .wantsRead)
        #expect(connection.server.isReadDrained == true)
    }

    @Test func requestWithTheLastFlightTakesTheTicketAlong() throws {
        var server = ServerTLSSettings(certificates: [certificates.make("server")])
        server.sessionContext = [1]
        var client = ClientTLSSettings()
        client.authorityFile = certificates.authorityFile
        var connection = try Connection(ListenerTLS(defaultContext: ServerContext(server)), ClientContext(client))
        #expect(connection.client.handshake() == .wantsRead)
        #expect(connection.server.handshake() == .wantsRead)
        #expect(connection.client.handshake() == .done)
        #expect(writeOnce(&connection.client, [1]) == .bytes(1))
        #expect(connection.server.handshake() == .done)
        let sent = connection.server.sentCount
        #expect(readOnce(&connection.server).bytes == [1])
        #expect(connection.server.sentCount == sent)
        #expect(writeOnce(&connection.server, [2]) == .bytes(1))
        #expect(connection.server.sentCount > sent + 100)
        #expect(readOnce(&connection.client).bytes == [2])
    }

    @Test func shutdownWaitsForWhatIsLeft() throws {
        var connection = try connect(.v1_3, bufferSize: 2048)
        var (sent, last) = (0, IOResult.bytes(0))
        while case .bytes(let count) = last {
            sent += count
            last = writeOnce(&connection.server, Self.content[sent..<(sent + 16_000)])
        }
        #expect(connection.server.shutdown() == .wantsWrite)
        for _ in 0..<100 where connection.server.shutdown() != .done { _ = receive(&connection.client) }
        #expect(connection.server.shutdown() == .done)
        _ = receive(&connection.client)
        #expect(readOnce(&connection.client).result == .endOfStream)
        #expect(connection.client.isTruncated == false)
    }
}
