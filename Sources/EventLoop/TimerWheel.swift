/// A timer of a wheel, from `makeTimer` to `destroy`.
@frozen
package struct TimerID: Equatable, Hashable, Sendable {
    package let index: UInt32

    @inlinable
    package init(index: UInt32) { self.index = index }
}

/// Deadlines of one loop: a hierarchical timing wheel with 8.4 ms ticks (2²³ ns) and no farthest deadline.
///
///     level 0   64 slots of 1 tick       the next 0.5 s
///     level 1   64 slots of 64 ticks     the next 34 s
///     level 2   64 slots of 64² ticks    the next 36 min
///     level 3   64 slots of 64³ ticks    the next 38 h
///     …         to level 6, the end of 64-bit nanoseconds
///
/// A timer lies on the level of the highest digit in which its tick differs from the wheel's; when the wheel reaches its
/// slot, the timer moves down. Everything is O(1): setting, cancelling, expiring. Pushing an armed timer's deadline out,
/// which every request does, stores one number; the wheel finds out when the old deadline comes. No timer fires early; none
/// later than a tick after its deadline, given that `nextExpired` is called then.
@safe
package struct TimerWheel: ~Copyable {
    private static let tickShift: UInt64 = 23
    private static let levels = 7
    private static let none = UInt32.max
    /// The list of timers that must be looked at now; it follows the slots.
    private static let due = UInt32(levels * 64)
    private static let sentinels = levels * 64 + 1

    /// Lists are circular through a sentinel for each slot, so that unlinking needs no knowledge of the slot.
    private struct Node {
        var next: UInt32
        var previous: UInt32
        /// The tick the node is linked for; not later than that of `deadline`.
        var linkedTick: UInt64 = 0
        var deadline: UInt64 = 0
        var token = Token(bits: 0)
        var isArmed = false
    }

    private var nodes: UnsafeMutablePointer<Node>
    private var nodeCapacity: Int
    private var nodeCount: Int
    private let limit: Int
    private var free = TimerWheel.none
    /// The tick the wheel has come to.
    private var elapsed: UInt64
    /// A bit for each slot that may hold timers; a bit of an emptied slot is cleared when it is come upon.
    private var occupied = InlineArray<7, UInt64>(repeating: 0)

    /// Timers made and not destroyed.
    package private(set) var count = 0

    /// A wheel for at most `limit` timers that begins at `now`.
    package init(limit: Int = 1 << 22, now: UInt64 = 0) {
        self.limit = limit
        elapsed = now >> Self.tickShift
        nodeCapacity = Self.sentinels + 64
        unsafe nodes = .allocate(capacity: nodeCapacity)
        nodeCount = Self.sentinels
        for index in 0..<UInt32(Self.sentinels) {
            unsafe nodes[Int(index)] = Node(next: index, previous: index)
        }
    }

    deinit { unsafe nodes.deallocate() }

    /// A new timer, not armed, that yields `token`. Making more than the wheel's limit is a programmer's error and traps.
    package mutating func makeTimer(token: Token) -> TimerID {
        count += 1
        var index = free
        if index != Self.none {
            free = unsafe nodes[Int(index)].next
        } else {
            precondition(nodeCount - Self.sentinels < limit, "more timers than the wheel was made for")
            if nodeCount == nodeCapacity { grow() }
            index = UInt32(nodeCount)
            nodeCount += 1
        }
        unsafe nodes[Int(index)] = Node(next: index, previous: index, token: token)
        return TimerID(index: index)
    }

    /// Gives the timer up; its identifier may be handed out again.
    package mutating func destroy(_ id: TimerID) {
        cancel(id)
        unsafe nodes[Int(id.index)].next = free
        free = id.index
        count -= 1
    }

    /// Makes the timer yield another token from here on.
    package mutating func retarget(_ id: TimerID, _ token: Token) {
        unsafe nodes[Int(id.index)].token = token
    }

    /// Arms the timer for `deadline` in nanoseconds, whether or not it was armed.
    package mutating func set(_ id: TimerID, deadline: UInt64) {
        let node = unsafe nodes + Int(id.index)
        unsafe node.pointee.deadline = deadline
        if unsafe node.pointee.isArmed {
            if unsafe Self.tick(of: deadline) >= node.pointee.linkedTick { return }
            unlink(id.index)
        }
        unsafe node.pointee.isArmed = true
        link(id.index)
    }

    /// Disarms the timer.
    package mutating func cancel(_ id: TimerID) {
        guard unsafe nodes[Int(id.index)].isArmed else { return }
        unsafe nodes[Int(id.index)].isArmed = false
        unlink(id.index)
    }

    /// Whether the timer is armed.
    package func isArmed(_ id: TimerID) -> Bool { unsafe nodes[Int(id.index)].isArmed }

    /// The deadline the timer is armed for, or nil.
    package func deadline(of id: TimerID) -> UInt64? {
        let node = unsafe nodes + Int(id.index)
        return unsafe node.pointee.isArmed ? node.pointee.deadline : nil
    }

    /// Takes one timer whose deadline has passed, disarms it and answers its token; nil when there is none left.
    ///
    /// Call it until it answers nil, or leave the rest to a later call: `nextDeadline` tells of it. `now` must not go back.
    package mutating func nextExpired(now: UInt64) -> Token? {
        let nowTick = now >> Self.tickShift
        // All timers that are linked on a level lie ahead of the wheel's position.
        if nowTick == elapsed, unsafe nodes[Int(Self.due)].next == Self.due { return nil }
        while true {
            let index = unsafe nodes[Int(Self.due)].next
            if index != Self.due {
                unlink(index)
                if unsafe Self.tick(of: nodes[Int(index)].deadline) > elapsed {
                    link(index)
                    continue
                }
                unsafe nodes[Int(index)].isArmed = false
                return unsafe nodes[Int(index)].token
            }
            guard let (slot, tick) = nextSlot(), tick <= nowTick else {
                elapsed = max(elapsed, nowTick)
                return nil
            }
            elapsed = tick
            occupied[slot >> 6] &= ~(1 << UInt64(slot & 63))
            moveToDue(UInt32(slot))
        }
    }

    /// When to call `nextExpired` next, in nanoseconds: not later than the first deadline, at times earlier, and then after
    /// `now`; nil without timers.
    package mutating func nextDeadline(now: UInt64) -> UInt64? {
        if unsafe nodes[Int(Self.due)].next != Self.due { return now }
        guard let (_, tick) = nextSlot() else { return nil }
        // The tick of the last deadlines there are begins after them all.
        return tick > UInt64.max >> Self.tickShift ? .max : tick << Self.tickShift
    }

    // MARK: The wheel

    /// The first tick that is not before `deadline`.
    private static func tick(of deadline: UInt64) -> UInt64 {
        (deadline >> tickShift) &+ (deadline & ((1 << tickShift) - 1) == 0 ? 0 : 1)
    }

    /// The slot that the wheel reaches next and the tick at which it does.
    ///
    /// All timers of a level come before those of the next, and lie ahead of the wheel's own position on their level.
    private mutating func nextSlot() -> (slot: Int, tick: UInt64)? {
        for level in 0..<Self.levels {
            while occupied[level] != 0 {
                let digit = occupied[level].trailingZeroBitCount
                let slot = level << 6 | digit
                if unsafe nodes[slot].next == UInt32(slot) {
                    occupied[level] &= ~(1 << UInt64(digit))
                    continue
                }
                let shift = UInt64(level * 6)
                let start = (elapsed >> (shift + 6)) << (shift + 6) | UInt64(digit) << shift
                return (slot, start)
            }
        }
        return nil
    }

    private mutating func link(_ index: UInt32) {
        let tick = unsafe Self.tick(of: nodes[Int(index)].deadline)
        unsafe nodes[Int(index)].linkedTick = tick
        var list = Self.due
        if tick > elapsed {
            let level = (63 - (tick ^ elapsed).leadingZeroBitCount) / 6
            let digit = Int(tick >> UInt64(level * 6)) & 63
            occupied[level] |= 1 << UInt64(digit)
            list = UInt32(level << 6 | digit)
        }
        let last = unsafe nodes[Int(list)].previous
        unsafe nodes[Int(index)].previous = last
        unsafe nodes[Int(index)].next = list
        unsafe nodes[Int(last)].next = index
        unsafe nodes[Int(list)].previous = index
    }

    private mutating func unlink(_ index: UInt32) {
        let next = unsafe nodes[Int(index)].next
        let previous = unsafe nodes[Int(index)].previous
        unsafe nodes[Int(previous)].next = next
        unsafe nodes[Int(next)].previous = previous
    }

    /// Moves a slot's whole list into the empty list of those that are due.
    private mutating func moveToDue(_ slot: UInt32) {
        let first = unsafe nodes[Int(slot)].next
        let last = unsafe nodes[Int(slot)].previous
        unsafe nodes[Int(Self.due)].next = first
        unsafe nodes[Int(Self.due)].previous = last
        unsafe nodes[Int(first)].previous = Self.due
        unsafe nodes[Int(last)].next = Self.due
        unsafe nodes[Int(slot)].next = slot
        unsafe nodes[Int(slot)].previous = slot
    }

    private mutating func grow() {
        let capacity = nodeCapacity * 2
        let fresh = UnsafeMutablePointer<Node>.allocate(capacity: capacity)
        unsafe fresh.update(from: nodes, count: nodeCount)
        unsafe nodes.deallocate()
        unsafe nodes = fresh
        nodeCapacity = capacity
    }
}
