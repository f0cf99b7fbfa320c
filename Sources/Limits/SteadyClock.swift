/// Makes a clock that may step back into one that doesn't.
///
/// Loops read the clock at different moments, so the times they bring differ by a little: a time up to a second behind the
/// latest counts as the latest. One further behind means that the clock itself was set back: from then on the difference is
/// added, so that time goes on from where it stood.
struct SteadyClock {
    private var latest: UInt64 = 0
    private var offset: UInt64 = 0

    /// The steady time, in nanoseconds, for a reading of the clock.
    mutating func advance(to reading: UInt64) -> UInt64 {
        // Beyond 2⁶² a bucket's arithmetic could overflow; that is 146 years.
        let time = min(reading &+ offset, 1 << 62)
        if time >= latest {
            latest = time
        } else if latest &- time > 1_000_000_000 {
            offset &+= latest &- time
        }
        return latest
    }
}
