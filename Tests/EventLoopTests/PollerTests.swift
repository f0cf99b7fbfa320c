import Bytes
import EventLoop
import Testing

@Suite struct PollerTests {
    static let token = Token(kind: 3, slot: 42, generation: 7)

    static func expect(
        _ count: Int,
        from poller: inout Poller,
        within timeout: UInt64,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let result = try poller.wait(timeoutNanoseconds: timeout)
        #expect(result == count, sourceLocation: sourceLocation)
    }

    @Test func anEdgeIsToldOnce() throws {
        var poller = try Poller()
        let pair = try Sockets.pair()
        try poller.add(descriptor: pair.first.raw, token: Self.token)
        try Self.expect(1, from: &poller, within: 0)
        #expect(poller.event(at: 0).token == Self.token)
        #expect(poller.event(at: 0).isWritable)
        #expect(!poller.event(at: 0).isReadable)
        try Self.expect(0, from: &poller, within: 0)

        var output = ByteBuffer("ab".utf8)
        _ = IO.write(pair.second.raw, from: &output)
        try Self.expect(1, from: &poller, within: 5_000_000_000)
        #expect(poller.event(at: 0).isReadable)
        #expect(!poller.event(at: 0).isPeerClosed)
        // Unread, and yet not told again before more comes.
        try Self.expect(0, from: &poller, within: 0)
        output.append(0x63)
        _ = IO.write(pair.second.raw, from: &output)
        try Self.expect(1, from: &poller, within: 5_000_000_000)

        IO.shutdownWrite(pair.second.raw)
        try Self.expect(1, from: &poller, within: 5_000_000_000)
        #expect(poller.event(at: 0).isPeerClosed)
        #expect(!poller.event(at: 0).isHangup)
    }

    @Test func aLevelIsToldUntilItIsGone() throws {
        var poller = try Poller()
        let pair = try Sockets.pair()
        try poller.add(descriptor: pair.first.raw, token: Self.token, interest: .read, edgeTriggered: false)
        try Self.expect(0, from: &poller, within: 0)
        var output = ByteBuffer("ab".utf8)
        _ = IO.write(pair.second.raw, from: &output)
        for _ in 0..<3 { try Self.expect(1, from: &poller, within: 5_000_000_000) }
        var input = ByteBuffer()
        var isDrained = false
        let result1 = IO.read(pair.first.raw, into: &input, minimum: 2, isDrained: &isDrained)
        #expect(result1 == .bytes(2))
        try Self.expect(0, from: &poller, within: 0)
        try poller.modify(descriptor: pair.first.raw, token: Token(bits: 5), interest: .write, edgeTriggered: false)
        try Self.expect(1, from: &poller, within: 0)
        #expect(poller.event(at: 0).token == Token(bits: 5))
        try poller.remove(descriptor: pair.first.raw)
        try Self.expect(0, from: &poller, within: 0)
    }

    @Test(arguments: [UInt64(1), 300_000, 3_000_000])
    func waitingTakesAtLeastItsTime(timeout: UInt64) throws {
        var poller = try Poller()
        let start = Clock.monotonic()
        try Self.expect(0, from: &poller, within: timeout)
        #expect(Clock.monotonic() - start >= timeout)
    }

    @Test func aClosedDescriptorCannotBeAdded() throws {
        let poller = try Poller()
        #expect(throws: SystemError.self) { try poller.add(descriptor: -1, token: Self.token) }
    }
}
