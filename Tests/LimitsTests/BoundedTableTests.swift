import Testing

@testable import Limits

@Suite struct BoundedTableTests {
    @Test func agreesWithADictionaryAndAList() {
        var random = Generator(state: 7)
        let seed = TableSeed()
        for capacity in [1, 2, 7, 64] {
            var table = BoundedTable<LimitKey, Int>(capacity: capacity)
            // Oldest first.
            var model: [(key: UInt32, value: Int)] = []
            for step in 0..<5000 {
                let number = UInt32(random.next(0...UInt64(capacity * 2)))
                let key = LimitKey(ipv4: number)
                let hash = key.hash(seed)
                let known = model.firstIndex { $0.key == number }
                let slot = table.find(key, hash: hash)
                #expect((slot != nil) == (known != nil))
                if let slot, let known {
                    #expect(table[slot] == model[known].value)
                    if random.next(0...2) == 0 {
                        table.remove(slot, hash: hash)
                        model.remove(at: known)
                    } else {
                        table.touch(slot)
                        table[slot] = step
                        model.remove(at: known)
                        model.append((number, step))
                    }
                } else {
                    if table.insert(key, hash: hash, step) == nil {
                        #expect(model.count == capacity)
                        let evicted = table.evictOldest(seed)
                        model.removeFirst()
                        let slot = table.insert(key, hash: hash, step)
                        #expect(evicted && slot != nil)
                    }
                    model.append((number, step))
                }
                let count = table.count
                #expect(count == model.count)
            }
            while table.evictOldest(seed) {
                let first = model.removeFirst()
                let slot = table.find(LimitKey(ipv4: first.key), hash: LimitKey(ipv4: first.key).hash(seed))
                #expect(slot == nil)
            }
            let count = table.count
            #expect(model.isEmpty && count == 0)
        }
    }
}
