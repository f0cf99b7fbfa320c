/// Finds the entry of a connection's slot: open addressing with linear probing, at most half full, never growing.
struct SlotTable: ~Copyable {
    private struct Cell {
        var slot: UInt32
        /// The entry's index plus one; 0 marks an empty cell.
        var entry: Int32
    }

    private var cells: [Cell]
    private let mask: Int

    /// A table for up to `capacity` slots.
    init(capacity: Int) {
        var size = 4
        while size < capacity * 2 { size *= 2 }
        cells = Array(repeating: Cell(slot: 0, entry: 0), count: size)
        mask = size - 1
    }

    private func home(of slot: UInt32) -> Int {
        // Slots count up from zero; the odd constant (2³² divided by the golden ratio) spreads runs and strides alike.
        Int((slot &* 0x9E37_79B1) >> 8) & mask
    }

    func find(_ slot: UInt32) -> Int? {
        var index = home(of: slot)
        while cells[index].entry != 0 {
            if cells[index].slot == slot { return Int(cells[index].entry) - 1 }
            index = (index + 1) & mask
        }
        return nil
    }

    /// Adds a slot that isn't there yet.
    mutating func insert(_ slot: UInt32, entry: Int) {
        var index = home(of: slot)
        while cells[index].entry != 0 { index = (index + 1) & mask }
        cells[index] = Cell(slot: slot, entry: Int32(entry + 1))
    }

    mutating func remove(_ slot: UInt32) {
        var hole = home(of: slot)
        while cells[hole].slot != slot || cells[hole].entry == 0 {
            if cells[hole].entry == 0 { return }
            hole = (hole + 1) & mask
        }
        // Moves up what probed past the hole, so that no search ends early at it.
        var next = hole
        while true {
            next = (next + 1) & mask
            if cells[next].entry == 0 { break }
            let distance = (next - home(of: cells[next].slot)) & mask
            if distance >= (next - hole) & mask {
                cells[hole] = cells[next]
                hole = next
            }
        }
        cells[hole].entry = 0
    }
}
