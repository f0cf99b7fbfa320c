import CLinux
import Glibc

/// An epoll instance and the events of its last wait (epoll(7)).
///
/// The loop's owner calls `wait`, then looks at `event(at:)` from zero to the count it got. Belongs to one thread.
@safe
package struct Poller: ~Copyable {
    /// What to be told about.
    package enum Interest: Sendable {
        case read
        case write
        case both
    }

    /// One descriptor's news.
    @frozen
    package struct Event: Equatable, Sendable {
        /// What the descriptor was added with.
        package let token: Token
        @usableFromInline let flags: UInt32

        @usableFromInline
        init(token: Token, flags: UInt32) {
            self.token = token
            self.flags = flags
        }

        // EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP and EPOLLRDHUP as numbers, which every module can inline.
        @inlinable static var readable: UInt32 { 0x1 }
        @inlinable static var writable: UInt32 { 0x4 }
        @inlinable static var ended: UInt32 { 0x8 | 0x10 }
        @inlinable static var peerClosed: UInt32 { 0x2000 }

        /// Bytes, a connection or the end of the stream can be read.
        @inlinable package var isReadable: Bool { flags & Self.readable != 0 }
        /// There is room to write, or a connect has ended.
        @inlinable package var isWritable: Bool { flags & Self.writable != 0 }
        /// Both directions are gone, or there is an error to fetch.
        @inlinable package var isHangup: Bool { flags & Self.ended != 0 }
        /// The peer has shut its sending side down.
        @inlinable package var isPeerClosed: Bool { flags & Self.peerClosed != 0 }
    }

    /// Events taken from the kernel in one wait, at the most.
    package static let maximumEvents = 512

    private let epoll: OwnedDescriptor
    private let events: UnsafeMutablePointer<epoll_event>
    private var count = 0
    private var hasNanosecondWait = true

    /// Throws what epoll_create1(2) fails with.
    package init() throws(SystemError) {
        precondition(
            Event.readable == clinux_epoll_in && Event.writable == clinux_epoll_out
                && Event.ended == clinux_epoll_err | clinux_epoll_hup && Event.peerClosed == clinux_epoll_rdhup
        )
        let descriptor = epoll_create1(clinux_epoll_cloexec)
        guard descriptor >= 0 else { throw SystemError("epoll_create1", code: errno) }
        epoll = OwnedDescriptor(adopting: descriptor)
        unsafe events = .allocate(capacity: Self.maximumEvents)
        unsafe events.initialize(repeating: epoll_event(), count: Self.maximumEvents)
    }

    deinit { unsafe events.deallocate() }

    /// Watches `descriptor` until it is removed or closed.
    ///
    /// Connections are added once, edge triggered for both directions, and never modified: the end of the peer's stream is
    /// reported whatever the interest. `exclusive` (for listeners shared by threads) wakes one waiter instead of all; such a
    /// descriptor can't be modified.
    package func add(
        descriptor: Int32,
        token: Token,
        interest: Interest = .both,
        edgeTriggered: Bool = true,
        exclusive: Bool = false
    ) throws(SystemError) {
        var flags = Self.flags(interest, edgeTriggered: edgeTriggered)
        // epoll_ctl(2) allows EPOLLEXCLUSIVE with few others; RDHUP is not among them.
        if exclusive { flags = (flags | clinux_epoll_exclusive) & ~clinux_epoll_rdhup }
        try control(EPOLL_CTL_ADD, descriptor, flags, token.bits)
    }

    /// Changes what a watched descriptor is watched for; an edge that is pending is reported again.
    package func modify(
        descriptor: Int32,
        token: Token,
        interest: Interest,
        edgeTriggered: Bool = true
    ) throws(SystemError) {
        try control(EPOLL_CTL_MOD, descriptor, Self.flags(interest, edgeTriggered: edgeTriggered), token.bits)
    }

    /// Stops watching. Closing the last descriptor of a socket does the same.
    package func remove(descriptor: Int32) throws(SystemError) {
        try control(EPOLL_CTL_DEL, descriptor, 0, 0)
    }

    /// Waits until there are events or the time is up, and answers how many events there are.
    ///
    /// Nil waits for ever, zero not at all. A signal ends the wait early with zero events; so may rounding on kernels before
    /// 5.11, never before the time.
    package mutating func wait(timeoutNanoseconds: UInt64?) throws(SystemError) -> Int {
        count = 0
        var result: Int32 = -1
        if hasNanosecondWait {
            if let timeout = timeoutNanoseconds {
                let bounded = min(timeout, 86_400_000_000_000)
                var time = timespec(tv_sec: Int(bounded / 1_000_000_000), tv_nsec: Int(bounded % 1_000_000_000))
                result = unsafe epoll_pwait2(epoll.raw, events, Int32(Self.maximumEvents), &time, nil)
            } else {
                result = unsafe epoll_pwait2(epoll.raw, events, Int32(Self.maximumEvents), nil, nil)
            }
            // Sandboxes refuse unknown calls with EPERM.
            if result < 0, errno == ENOSYS || errno == EPERM { hasNanosecondWait = false }
        }
        if !hasNanosecondWait {
            var milliseconds: Int32 = -1
            if let timeout = timeoutNanoseconds {
                milliseconds = Int32(min((timeout / 1_000_000) + (timeout % 1_000_000 == 0 ? 0 : 1), 86_400_000))
            }
            result = unsafe epoll_wait(epoll.raw, events, Int32(Self.maximumEvents), milliseconds)
        }
        if result < 0 {
            if errno == EINTR { return 0 }
            throw SystemError("epoll_wait", code: errno)
        }
        count = Int(result)
        return count
    }

    /// The event at `index`, below what the last wait answered.
    package func event(at index: Int) -> Event {
        precondition(index >= 0 && index < count)
        let pointer = unsafe events + index
        return unsafe Event(token: Token(bits: clinux_epoll_event_data(pointer)), flags: pointer.pointee.events)
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ flags: UInt32, _ data: UInt64) throws(SystemError) {
        guard clinux_epoll_ctl(epoll.raw, operation, descriptor, flags, data) == 0 else {
            throw SystemError("epoll_ctl", code: errno)
        }
    }

    private static func flags(_ interest: Interest, edgeTriggered: Bool) -> UInt32 {
        var flags = clinux_epoll_rdhup
        switch interest {
        case .read: flags |= clinux_epoll_in
        case .write: flags |= clinux_epoll_out
        case .both: flags |= clinux_epoll_in | clinux_epoll_out
        }
        if edgeTriggered { flags |= clinux_epoll_et }
        return flags
    }
}
