import Bytes
import Testing

struct SlabTests {
    @Test func slotsHaveStableAddresses() throws {
        var slab = Slab<Int>(limit: 1000)
        let first = try #require(slab.allocate { 7 })
        let before = slab[first]
        for _ in 0..<500 { _ = slab.allocate { 0 } }
        #expect(slab[first] == before)
        before.value = 42
        #expect(slab[first].value == 42)
        #expect(slab.count == 501)
    }

    @Test func releasingMakesOldTokensStale() throws {
        var slab = Slab<Int>(limit: 64)
        let slot = try #require(slab.allocate { 0 })
        let generation = slab.generation(of: slot)
        #expect(slab.isCurrent(slot, generation: generation) == true)
        slab.release(slot)
        #expect(slab.isCurrent(slot, generation: generation) == false)
        let again = try #require(slab.allocate { 0 })
        #expect(again == slot)
        #expect(slab.isCurrent(again, generation: slab.generation(of: again)) == true)
        #expect(slab.isCurrent(slot, generation: generation) == false)
    }

    @Test func slotsThatNeverWereAreNotCurrent() {
        let slab = Slab<Int>(limit: 64)
        #expect(slab.isCurrent(0, generation: 0) == false)
        #expect(slab.isCurrent(.max, generation: 1) == false)
    }

    @Test func aReusedSlotKeepsItsValue() throws {
        var slab = Slab<Int>(limit: 64)
        let slot = try #require(slab.allocate { 1 })
        slab[slot].value = 9
        slab.release(slot)
        let again = try #require(slab.allocate { 1 })
        #expect(slab[again].value == 9)
    }

    /// Slots come in chunks; a limit may be any number.
    @Test(arguments: [1, 10, 64, 100, 128]) func neverHasMoreThanItsLimit(limit: Int) {
        var slab = Slab<Int>(limit: limit)
        var slots: Set<UInt32> = []
        while let slot = slab.allocate({ 0 }) { slots.insert(slot) }
        #expect(slots.count == limit)
        #expect(slab.count == limit)
        slab.release(slots.removeFirst())
        #expect(slab.allocate { 0 } != nil)
        #expect(slab.allocate { 0 } == nil)
    }

    @Test func destroysEveryValue() {
        final class Witness {}
        weak var witness: Witness?
        do {
            var slab = Slab<Witness?>(limit: 64)
            let object = Witness()
            witness = object
            if let slot = slab.allocate({ nil }) { slab[slot].value = object }
            #expect(witness != nil)
        }
        #expect(witness == nil)
    }
}
