package import Synchronization

extension DemoGateway {
    /// Counters of what a gateway did.
    package final class Statistics: Sendable {
        /// Connections accepted.
        package let accepted = Atomic<Int>(0)
        /// Connections open.
        package let open = Atomic<Int>(0)
        /// Requests whose head was complete.
        package let requests = Atomic<Int>(0)
        /// Requests whose client went away before the answer was complete.
        package let cancelled = Atomic<Int>(0)
        /// WebSockets open.
        package let webSockets = Atomic<Int>(0)
        /// WebSockets dropped because pings stayed unanswered.
        package let unanswered = Atomic<Int>(0)
        /// Bytes of request bodies read.
        package let uploaded = Atomic<Int>(0)

        init() {}
    }
}
