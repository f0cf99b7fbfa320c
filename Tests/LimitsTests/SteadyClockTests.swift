import Testing

@testable import Limits

@Suite struct SteadyClockTests {
    @Test func neverStepsBackAndNeverStops() {
        var clock = SteadyClock()
        let second: UInt64 = 1_000_000_000
        // Readings, and the steady time that each must give.
        let table: [(UInt64, UInt64)] = [
            (100 * second, 100 * second),
            (99 * second, 100 * second),
            (101 * second, 101 * second),
            (50 * second, 101 * second),
            (51 * second, 102 * second),
            (53 * second, 104 * second),
            (0, 104 * second),
            (1, 104 * second + 1),
        ]
        for (reading, expected) in table {
            let time = clock.advance(to: reading)
            #expect(time == expected)
        }
    }
}
