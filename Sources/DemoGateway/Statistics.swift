import Synchronization

extension DemoGateway {
    /// What a gateway has done so far.
    package struct Statistics: Sendable, Equatable {
        /// Connections accepted.
        package var accepted = 0
        /// Connections open.
        package var open = 0
        /// Requests whose head was complete.
        package var requests = 0
        /// Requests whose client went away before the answer was complete.
        package var cancelled = 0
        /// WebSockets open.
        package var webSockets = 0
        /// WebSockets dropped because pings stayed unanswered.
        package var unanswered = 0
        /// Bytes of request bodies read.
        package var uploaded = 0
        /// The most bytes that ever waited to be written on one connection.
        package var largestBacklog = 0
    }

    /// The statistics as the loop counts them; any thread may look.
    final class Counters: Sendable {
        let accepted = Atomic<Int>(0)
        let open = Atomic<Int>(0)
        let requests = Atomic<Int>(0)
        let cancelled = Atomic<Int>(0)
        let webSockets = Atomic<Int>(0)
        let unanswered = Atomic<Int>(0)
        let uploaded = Atomic<Int>(0)
        let largestBacklog = Atomic<Int>(0)

        var snapshot: Statistics {
            Statistics(
                accepted: accepted.load(ordering: .relaxed),
                open: open.load(ordering: .relaxed),
                requests: requests.load(ordering: .relaxed),
                cancelled: cancelled.load(ordering: .relaxed),
                webSockets: webSockets.load(ordering: .relaxed),
                unanswered: unanswered.load(ordering: .relaxed),
                uploaded: uploaded.load(ordering: .relaxed),
                largestBacklog: largestBacklog.load(ordering: .relaxed)
            )
        }
    }
}
