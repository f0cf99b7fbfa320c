import Crypto
import Limits
import Testing

@testable import Access

private func job(_ number: UInt64) -> HashJob {
    HashJob(
        digest: Digest32((number, 0, 0, 0)),
        stored: bytes("{PLAIN}x").span,
        password: bytes("x").span,
        isDummy: false,
        cache: nil
    )
}

private func take<Waiter>(_ queue: inout HashQueue<Waiter>) throws -> HashQueue<Waiter>.Assignment {
    let assignment = queue.next()
    return try #require(assignment)
}

private func expectNothing<Waiter>(_ queue: inout HashQueue<Waiter>) {
    let id = queue.next()?.id
    #expect(id == nil)
}

private let alice = LimitKey(ipv4: 1)
private let bob = LimitKey(ipv4: 2)
private let carol = LimitKey(ipv4: 3)

@Suite struct HashQueueTests {
    @Test func addressesTakeTurns() {
        var queue = HashQueue<String>()
        for number in 1...3 as ClosedRange<UInt64> { _ = queue.enqueue(job(number), address: alice, "a\(number)") }
        _ = queue.enqueue(job(11), address: bob, "b1")
        _ = queue.enqueue(job(12), address: bob, "b2")
        _ = queue.enqueue(job(21), address: carol, "c1")
        var order: [UInt64] = []
        while let assignment = queue.next() { order.append(assignment.job.digest.words.0) }
        #expect(order == [1, 11, 21, 2, 12, 3])
        #expect(queue.running == 6)
        #expect(queue.waiting == 6)
    }

    @Test(arguments: 1...4)
    func oneThatHammersDelaysOthersByNoMoreThanWhatRuns(_ threads: Int) throws {
        var queue = HashQueue<Int>(capacity: 256, perAddress: 16)
        var number: UInt64 = 1000
        func hammer() {
            while queue.enqueue(job(number), address: alice, 0) == .queued { number += 1 }
        }
        hammer()
        var running: [UInt64] = []
        for round in 0..<20 {
            while running.count < threads {
                let assignment = try take(&queue)
                running.append(assignment.id)
            }
            hammer()
            #expect(queue.enqueue(job(UInt64(round)), address: bob, 1) == .queued)
            // Whichever of the running ones ends first, the next is Bob's.
            let ended = running.remove(at: round % threads)
            _ = queue.finished(ended)
            hammer()
            let next = try take(&queue)
            #expect(next.job.digest.words.0 == UInt64(round))
            #expect(queue.finished(next.id) == [1])
        }
    }

    @Test func equalJobsAreComputedOnce() throws {
        var queue = HashQueue<String>()
        #expect(queue.enqueue(job(1), address: alice, "a") == .queued)
        #expect(queue.enqueue(job(1), address: alice, "a again") == .joined)
        #expect(queue.enqueue(job(1), address: bob, "b") == .joined)
        let first = try take(&queue)
        expectNothing(&queue)
        // While it runs, still.
        #expect(queue.enqueue(job(1), address: carol, "c") == .joined)
        expectNothing(&queue)
        #expect(queue.finished(first.id) == ["a", "a again", "b", "c"])
        #expect(queue.finished(first.id) == [])
        #expect(queue.waiting == 0)
        // And once it has ended it is a new one.
        #expect(queue.enqueue(job(1), address: alice, "a") == .queued)
    }

    @Test func whoJoinsAJobAtTheEndOfAnothersLineKeepsTheirTurn() throws {
        var queue = HashQueue<String>()
        for number in 1...10 as ClosedRange<UInt64> { _ = queue.enqueue(job(number), address: alice, "a") }
        #expect(queue.enqueue(job(10), address: bob, "b") == .joined)
        let head = try take(&queue)
        #expect(head.job.digest.words.0 == 1)
        let second = try take(&queue)
        #expect(second.job.digest.words.0 == 10)
        #expect(queue.finished(second.id) == ["a", "b"])
        var order: [UInt64] = []
        while let assignment = queue.next() { order.append(assignment.job.digest.words.0) }
        #expect(order == [2, 3, 4, 5, 6, 7, 8, 9])
    }

    @Test func shedsBeyondItsBounds() throws {
        var queue = HashQueue<Int>(capacity: 5, perAddress: 3)
        for number in 1...3 as ClosedRange<UInt64> {
            #expect(queue.enqueue(job(number), address: alice, 0) == .queued)
        }
        #expect(queue.enqueue(job(4), address: alice, 0) == .shed(.addressLimit))
        // Waiting for a hash that is asked for already costs next to nothing.
        #expect(queue.enqueue(job(1), address: alice, 0) == .joined)
        #expect(queue.enqueue(job(5), address: bob, 0) == .queued)
        #expect(queue.enqueue(job(5), address: carol, 0) == .joined)
        #expect(queue.enqueue(job(6), address: bob, 0) == .queued)
        #expect(queue.enqueue(job(7), address: carol, 0) == .shed(.queueFull))
        // A hash that runs counts still.
        let first = try take(&queue)
        #expect(queue.enqueue(job(7), address: carol, 0) == .shed(.queueFull))
        #expect(queue.finished(first.id).count == 2)
        #expect(queue.enqueue(job(7), address: carol, 0) == .queued)
        #expect(queue.removeAll().count == 6)
        expectNothing(&queue)
    }

    @Test func boundsThoseWhoWaitForOneHash() throws {
        var queue = HashQueue<Int>(capacity: 3, perAddress: 1)
        #expect(queue.enqueue(job(1), address: alice, 0) == .queued)
        for _ in 1..<64 { #expect(queue.enqueue(job(1), address: alice, 0) == .joined) }
        #expect(queue.enqueue(job(1), address: alice, 0) == .shed(.addressLimit))
        for _ in 0..<64 { #expect(queue.enqueue(job(1), address: bob, 0) == .joined) }
        for _ in 0..<64 { #expect(queue.enqueue(job(1), address: carol, 0) == .joined) }
        #expect(queue.enqueue(job(1), address: LimitKey(ipv4: 99), 0) == .shed(.queueFull))
        #expect(queue.waiting == 192)
    }

    @Test func whoLeavesIsForgotten() throws {
        var queue = HashQueue<String>(capacity: 3, perAddress: 2)
        for number in 1...2 as ClosedRange<UInt64> { _ = queue.enqueue(job(number), address: alice, "a\(number)") }
        #expect(queue.enqueue(job(2), address: bob, "b2") == .joined)
        #expect(queue.enqueue(job(3), address: alice, "a3") == .shed(.addressLimit))
        let unknown = [
            queue.cancel(job(1).digest, address: bob) { _ in true },
            queue.cancel(job(9).digest, address: alice) { _ in true },
            queue.cancel(job(1).digest, address: alice) { $0 == "a2" },
        ]
        #expect(unknown == [false, false, false])
        // Nobody else waits for the first: its place is free.
        let isGone = queue.cancel(job(1).digest, address: alice) { $0 == "a1" }
        #expect(isGone)
        #expect(queue.waiting == 2)
        #expect(queue.enqueue(job(3), address: alice, "a3") == .queued)
        // Somebody waits for the second.
        let isLeft = queue.cancel(job(2).digest, address: alice) { $0 == "a2" }
        #expect(isLeft)
        var order: [UInt64] = []
        while let assignment = queue.next() {
            order.append(assignment.job.digest.words.0)
            #expect(queue.finished(assignment.id) == (order.count == 1 ? ["a3"] : ["b2"]))
        }
        #expect(order == [3, 2])
        #expect(queue.waiting == 0)
    }

    @Test func aHashThatRunsIsNotForgottenWithItsWaiter() throws {
        var queue = HashQueue<String>(capacity: 1, perAddress: 1)
        _ = queue.enqueue(job(1), address: alice, "a")
        let first = try take(&queue)
        let isLeft = queue.cancel(job(1).digest, address: alice) { $0 == "a" }
        #expect(isLeft)
        // Leaving gives nobody a second thread.
        #expect(queue.running == 1)
        #expect(queue.enqueue(job(2), address: bob, "b") == .shed(.queueFull))
        #expect(queue.enqueue(job(1), address: alice, "a again") == .joined)
        #expect(queue.finished(first.id) == ["a again"])
        #expect(queue.enqueue(job(2), address: bob, "b") == .queued)
    }
}
