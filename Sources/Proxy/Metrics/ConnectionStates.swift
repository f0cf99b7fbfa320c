import HTTP

/// How many connections there are and what they do, as Nginx's `stub_status` counts them.
struct ConnectionStates: Equatable {
    var active: UInt64 = 0
    /// A head is coming.
    var reading: UInt64 = 0
    /// A request is under way, or an upgraded connection is open; streams of HTTP/2 count one by one.
    var writing: UInt64 = 0
    /// Kept for a next request.
    var waiting: UInt64 = 0
    var accepted: UInt64 = 0
    var handled: UInt64 = 0
    var requests: UInt64 = 0

    /// From sums of cells that were read while the loops went on: what would be less than nothing is nothing.
    init(_ sum: (Counter) -> UInt64) {
        func difference(_ larger: UInt64, _ smaller: UInt64...) -> UInt64 {
            let left = smaller.reduce(Int64(bitPattern: larger)) { $0 &- Int64(bitPattern: $1) }
            return UInt64(max(left, 0))
        }
        func ended(isStream: Bool) -> UInt64 {
            (0..<6).reduce(0) { $0 &+ sum(.ended(status: $1 * 100, isStream: isStream)) }
        }
        // What ends before what begins: a request that ends in between then counts as under way, not as less than none.
        let (ended1, ended2, abandoned, closed) = (
            ended(isStream: false), ended(isStream: true), sum(.abandoned), sum(.closed)
        )
        let (heads1, heads2) = (sum(.requests(isStream: false)), sum(.requests(isStream: true)))
        requests = sum(.begun)
        handled = sum(.handled)
        accepted = sum(.accepted)
        active = difference(handled, closed)
        reading = difference(requests, heads1, heads2, abandoned)
        writing = difference(heads1 &+ heads2, ended1, ended2)
        let busy = difference(requests, heads2, ended1, abandoned)
        waiting = difference(active, busy, sum(.busySessions), sum(.settingUp), sum(.lingering))
    }
}
