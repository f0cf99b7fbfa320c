import Bytes
import Testing

@testable import TLS

@Suite struct RecordReaderTests {
    static let suites = RecordSuite.allCases

    @Test(arguments: suites)
    func bothWays(suite: RecordSuite) {
        var server = RecordPeer.server(suite)
        var client = RecordPeer(suite)
        for count in [1, 2, 15, 16, 17, 255, 16383, 16384] {
            let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let (received, outcome) = feed(&server, client.seal(content))
            #expect(received == content)
            #expect(outcome == .needsMore)
            let record = sealed(&server.protection, content)
            #expect(opened(&client.reading, record).bytes == content)
        }
        #expect(server.keptCount == 0)
        #expect(server.isReady == false)
    }

    @Test func splitAtEveryByte() {
        var probe = RecordPeer(.aes128GCM)
        let stream =
            probe.seal([1, 2, 3]) + probe.update() + probe.seal([4, 5], padding: 9) + probe.seal([], padding: 3)
        for split in 0...stream.count {
            var server = RecordPeer.server(.aes128GCM)
            let (received, outcome) = feed(&server, stream, pieces: [split])
            #expect(received == [1, 2, 3, 4, 5])
            #expect(outcome == .needsMore)
        }
        var server = RecordPeer.server(.aes128GCM)
        #expect(feed(&server, stream, pieces: Array(0..<stream.count)).bytes == [1, 2, 3, 4, 5])
    }

    @Test(arguments: [1, 2, 3, 100, 16383, 16384, 16385, 20000, 40000])
    func roomOfAnySize(room: Int) {
        var server = RecordPeer.server(.aes256GCM)
        var client = RecordPeer(.aes256GCM)
        let content = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 >> 3) }
        var stream: [UInt8] = []
        for (start, padding) in [(0, 0), (12_000, 1), (24_000, 4_000), (36_000, 0)] {
            stream += client.seal(Array(content[start..<min(start + 12_000, 48_000)]), padding: padding)
        }
        let (received, outcome) = feed(&server, stream, pieces: [7, 30_000], room: room)
        #expect(received == Array(content[..<48_000]))
        #expect(outcome == .needsMore)
        #expect(server.keptCount == 0)
    }

    @Test func manyRecordsComeWithOneRead() {
        var server = RecordPeer.server(.chacha20Poly1305)
        var client = RecordPeer(.chacha20Poly1305)
        var stream: [UInt8] = []
        for number in 0..<200 { stream += client.seal([UInt8(number), 1]) }
        var space = [UInt8](repeating: 0, count: 1000)
        var span = space.mutableSpan
        #expect(server.read(stream.span, into: &span) == .bytes(400))
        #expect(space[398] == 199)
    }

    // MARK: What is refused

    /// One byte changed, and what that is answered with.
    @Test(arguments: suites)
    func anyChangeIsNoticed(suite: RecordSuite) {
        var probe = RecordPeer(suite)
        let record = probe.seal([1, 2, 3, 4])
        for index in record.indices where index != 3 && index != 4 {
            var server = RecordPeer.server(suite)
            var changed = record
            changed[index] ^= 0x40
            let expected: RecordFailure = index == 0 ? .unexpectedRecord : index < 3 ? .wrongVersion : .badRecord
            let (received, outcome) = feed(&server, changed)
            #expect(received == [])
            #expect(outcome == .failed(expected))
        }
    }

    @Test(
        arguments: [
            ([20, 3, 3, 0, 1, 1], .unexpectedRecord), ([21, 3, 3, 0, 2, 2, 40], .unexpectedRecord),
            ([22, 3, 3, 0, 2, 1, 1], .unexpectedRecord), ([24, 3, 3, 0, 1, 1], .unexpectedRecord),
            ([23, 3, 1, 0, 20], .wrongVersion), ([23, 3, 4, 0, 20], .wrongVersion), ([23, 2, 3, 0, 20], .wrongVersion),
            ([23, 3, 3, 0, 0], .emptyRecord), ([23, 3, 3, 0x41, 0x01], .overflow), ([23, 3, 3, 0xFF, 0xFF], .overflow),
            ([23, 3, 3, 0, 1, 9], .badRecord), ([23, 3, 3, 0, 16] + [UInt8](repeating: 0, count: 16), .badRecord),
            ([23, 3, 3, 0, 17] + [UInt8](repeating: 0, count: 17), .badRecord),
        ] as [([UInt8], RecordFailure)]
    )
    func wrongRecords(record: [UInt8], failure: RecordFailure) {
        var server = RecordPeer.server(.aes128GCM)
        #expect(feed(&server, record).outcome == .failed(failure))
        // What was delivered before stays delivered, and the failure follows.
        var second = RecordPeer.server(.aes128GCM)
        var client = RecordPeer(.aes128GCM)
        let (received, outcome) = feed(&second, client.seal([7]) + record)
        #expect(received == [7])
        #expect(outcome == .failed(failure))
    }

    @Test func aLengthThatWasNotSealed() {
        var server = RecordPeer.server(.aes128GCM)
        var client = RecordPeer(.aes128GCM)
        var record = client.seal([1, 2, 3, 4])
        record[4] -= 1
        #expect(feed(&server, record).outcome == .failed(.badRecord))
    }

    @Test(
        arguments: [
            (16384, 0, nil), (16385, 0, .overflow), (16384, 1, .overflow), (16000, 384, nil), (16000, 385, .overflow),
            (0, 16384, nil),
        ] as [(Int, Int, RecordFailure?)]
    )
    func contentUpTo16KiB(count: Int, padding: Int, failure: RecordFailure?) {
        var server = RecordPeer.server(.aes128GCM)
        var client = RecordPeer(.aes128GCM)
        let content = [UInt8](repeating: 5, count: count)
        let (received, outcome) = feed(&server, client.seal(content, padding: padding))
        #expect(received == (failure == nil ? content : []))
        #expect(outcome == failure.map { .failed($0) } ?? .needsMore)
    }

    @Test func nothingButPadding() {
        var server = RecordPeer.server(.aes128GCM)
        var client = RecordPeer(.aes128GCM)
        #expect(feed(&server, client.seal(inner: [0, 0, 0])).outcome == .failed(.noContentType))
        var other = RecordPeer.server(.aes128GCM)
        var peer = RecordPeer(.aes128GCM)
        #expect(feed(&other, peer.seal(inner: [0, 0, 0]), room: 1).outcome == .failed(.noContentType))
        var third = RecordPeer.server(.aes128GCM)
        var last = RecordPeer(.aes128GCM)
        #expect(feed(&third, last.seal(inner: [])).outcome == .failed(.badRecord))
    }

    @Test func emptyRecordsAreBounded() {
        var server = RecordPeer.server(.aes128GCM)
        var client = RecordPeer(.aes128GCM)
        for _ in 0..<3 {
            for _ in 0..<RecordProtection.emptyLimit { #expect(feed(&server, client.seal([])).outcome == .needsMore) }
            #expect(feed(&server, client.seal([1])).bytes == [1])
        }
        for _ in 0..<RecordProtection.emptyLimit { #expect(feed(&server, client.seal([])).outcome == .needsMore) }
        #expect(feed(&server, client.seal([])).outcome == .failed(.tooManyEmpty))
    }

    @Test func aReplayedRecordIsRefused() {
        var server = RecordPeer.server(.aes128GCM)
        var client = RecordPeer(.aes128GCM)
        let record = client.seal([1])
        #expect(feed(&server, record + record).outcome == .failed(.badRecord))
    }

    // MARK: Messages

    @Test(
        arguments: [
            ([1, 0], 21, .endOfStream), ([2, 0], 21, .endOfStream), ([2, 40], 21, .failed(.alert(40))),
            ([1, 42], 21, .failed(.alert(42))), ([1, 90], 21, .needsMore), ([2], 21, .failed(.misshapen)),
            ([2, 40, 0], 21, .failed(.misshapen)), ([], 21, .failed(.unexpectedMessage)),
            ([], 22, .failed(.unexpectedMessage)), ([1, 0, 0, 0], 22, .failed(.unexpectedMessage)),
            ([20, 0, 0, 0], 22, .failed(.unexpectedMessage)), ([4, 0, 0, 0], 22, .failed(.unexpectedMessage)),
            ([24], 22, .failed(.misshapen)), ([24, 0, 0, 1], 22, .failed(.misshapen)),
            ([24, 0, 0, 2, 0], 22, .failed(.misshapen)), ([24, 0, 0, 1, 0, 0], 22, .failed(.misshapen)),
            ([24, 0, 0, 1, 0, 24, 0, 0, 1, 0], 22, .failed(.misshapen)),
            ([24, 0, 0, 1, 2], 22, .failed(.illegalUpdate)),
            ([1], 20, .failed(.unexpectedMessage)), ([1], 24, .failed(.unexpectedMessage)),
            ([1], 255, .failed(.unexpectedMessage)),
        ] as [([UInt8], UInt8, RecordReader.Outcome)],
        [1, 3, 20000]
    )
    func messages(message: ([UInt8], UInt8, RecordReader.Outcome), room: Int) {
        let (content, type, expected) = message
        for padding in [0, 1, 40] {
            var server = RecordPeer.server(.aes128GCM)
            var client = RecordPeer(.aes128GCM)
            let (received, outcome) = feed(&server, client.seal(content, type: type, padding: padding), room: room)
            #expect(received == [])
            #expect(outcome == expected)
            // Behind data in the same read.
            var second = RecordPeer.server(.aes128GCM)
            var peer = RecordPeer(.aes128GCM)
            let stream = peer.seal([8, 9]) + peer.seal(content, type: type, padding: padding)
            let (data, end) = feed(&second, stream, room: room)
            #expect(data == [8, 9])
            #expect(end == expected)
        }
    }

    @Test func nothingFollowsTheEnd() {
        var server = RecordPeer.server(.aes128GCM)
        var client = RecordPeer(.aes128GCM)
        let (received, outcome) = feed(&server, client.seal([1, 0], type: 21) + client.seal([1, 2]))
        #expect(received == [])
        #expect(outcome == .endOfStream)
        #expect(server.isReady == true)
        var space: [UInt8] = [0]
        var span = space.mutableSpan
        #expect(server.read(into: &span) == .endOfStream)
    }

    // MARK: Key updates

    @Test(arguments: suites)
    func takesNewKeysBothWays(suite: RecordSuite) {
        var server = RecordPeer.server(suite)
        var client = RecordPeer(suite)
        for round in 0..<10 {
            #expect(feed(&server, client.update() + client.seal([1])).bytes == [1])
            #expect(server.protection.needsUpdate == false)
            #expect(
                feed(&server, client.update(request: 1) + client.update(request: 1)).outcome
                    == (round < 5 ? .needsMore : .failed(.tooManyUpdates))
            )
            if round == 5 { break }
            #expect(server.protection.needsUpdate == true)
            var space = [UInt8](repeating: 0, count: 64)
            var span = space.mutableSpan
            #expect(server.protection.sealUpdate(into: &span, at: 0) == 27)
            #expect(server.protection.needsUpdate == false)
            #expect(opened(&client.reading, space).event == .handled(consumed: 27))
            // An answer asks for none.
            #expect(client.reading.needsUpdate == false)
            #expect(opened(&client.reading, sealed(&server.protection, [UInt8(round)])).bytes == [UInt8(round)])
        }
    }

    @Test func updatesAreEarnedByData() {
        var server = RecordPeer.server(.aes128GCM)
        var client = RecordPeer(.aes128GCM)
        for _ in 0..<RecordProtection.updateAllowance { #expect(feed(&server, client.update()).outcome == .needsMore) }
        for _ in 0..<RecordProtection.recordsPerUpdate { _ = feed(&server, client.seal([1])) }
        #expect(feed(&server, client.update()).outcome == .needsMore)
        #expect(feed(&server, client.update()).outcome == .failed(.tooManyUpdates))
    }

    @Test func ownKeysAreReplacedInTime() {
        var server = RecordPeer.server(.aes128GCM, updateInterval: 4)
        var client = RecordPeer(.aes128GCM)
        for _ in 0..<3 {
            for number in 0..<3 {
                #expect(server.protection.needsUpdate == false)
                #expect(opened(&client.reading, sealed(&server.protection, [UInt8(number)])).bytes == [UInt8(number)])
            }
            #expect(server.protection.needsUpdate == true)
            var space = [UInt8](repeating: 0, count: 27)
            var span = space.mutableSpan
            #expect(server.protection.sealUpdate(into: &span, at: 0) == 27)
            #expect(opened(&client.reading, space).event == .handled(consumed: 27))
        }
        // A peer that keeps its key for as long is asked for another.
        for _ in 0..<4 { _ = feed(&server, client.seal([1])) }
        #expect(server.protection.needsUpdate == true)
        var space = [UInt8](repeating: 0, count: 27)
        var span = space.mutableSpan
        #expect(server.protection.sealUpdate(into: &span, at: 0) == 27)
        #expect(opened(&client.reading, space).event == .handled(consumed: 27))
        #expect(client.reading.needsUpdate == true)
    }
}
