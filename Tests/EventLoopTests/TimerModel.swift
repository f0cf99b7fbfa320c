import EventLoop

/// Numbers that repeat from run to run (SplitMix64).
struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A wheel and a table of the same timers, which is searched from end to end.
struct TimerModel: ~Copyable {
    private struct Timer {
        let id: TimerID
        var token: UInt32
        var deadline: UInt64?
    }

    private static let tick: UInt64 = 1 << 23

    private let run: TimerWheelTests.Run
    private var random: Generator
    private var now: UInt64
    private var wheel: TimerWheel
    private var timers: [Timer] = []
    private var nextToken: UInt32 = 1
    private(set) var fired = 0
    /// What the two did not agree on; the first few.
    private(set) var problems: [String] = []

    init(run: TimerWheelTests.Run) {
        self.run = run
        random = Generator(state: run.seed)
        now = UInt64.random(in: 0..<(1 << 50), using: &random)
        wheel = TimerWheel(limit: 200, now: now)
    }

    /// Does something by chance to both.
    mutating func step() {
        let index = timers.isEmpty ? 0 : Int.random(in: 0..<timers.count, using: &random)
        switch UInt32.random(in: 0..<100, using: &random) {
        case 0..<15 where timers.count < 200:
            timers.append(Timer(id: wheel.makeTimer(token: token(nextToken)), token: nextToken))
            nextToken += 1
        case 15..<20 where !timers.isEmpty:
            wheel.destroy(timers.remove(at: index).id)
        case 20..<30 where !timers.isEmpty:
            wheel.cancel(timers[index].id)
            timers[index].deadline = nil
        case 30..<33 where !timers.isEmpty:
            wheel.retarget(timers[index].id, token(nextToken))
            timers[index].token = nextToken
            nextToken += 1
        case 33..<80 where !timers.isEmpty:
            let delay =
                UInt64.random(in: 1...run.longestDelay, using: &random) >> UInt64.random(in: 0..<8, using: &random)
            let isPast = Bool.random(using: &random) && now > 1000
            let deadline = isPast ? now - min(delay, 1000) : now + delay
            wheel.set(timers[index].id, deadline: deadline)
            timers[index].deadline = deadline
        default:
            advance()
        }
        check(wheel.count == timers.count, "the count")
    }

    /// Lets time pass and compares.
    private mutating func advance() {
        now += UInt64.random(in: 0...run.longestStep, using: &random)
        if let next = wheel.nextDeadline(now: now), let first = timers.compactMap(\.deadline).min() {
            check(next < first + Self.tick || next <= now, "nextDeadline comes after the first deadline")
        }
        while let token = wheel.nextExpired(now: now) {
            fired += 1
            guard let index = timers.firstIndex(where: { $0.token == token.generation }) else {
                check(false, "fired what does not exist")
                continue
            }
            check(timers[index].deadline.map { $0 <= now } ?? false, "fired early, or though not armed")
            timers[index].deadline = nil
        }
        for timer in timers {
            check(timer.deadline.map { $0 + Self.tick > now } ?? true, "fires late or never")
            check(wheel.deadline(of: timer.id) == timer.deadline, "the deadline")
        }
        check((wheel.nextDeadline(now: now) == nil) == timers.allSatisfy { $0.deadline == nil }, "whether any is armed")
    }

    private func token(_ number: UInt32) -> Token { Token(kind: 1, slot: 0, generation: number) }

    private mutating func check(_ isRight: Bool, _ what: String) {
        if !isRight, problems.count < 10 { problems.append(what) }
    }
}
