package import EventLoop
import Glibc

/// Keeps host names resolved, off the loops: one thread that minds the times, and one per running lookup.
///
/// A lookup that hangs holds one of `lookupLimit` places and nothing else. All events come from the one thread, in order.
package final class Resolver: Sendable {
    private enum Command: Sendable {
        case setNames([String])
        case refresh(String)
        case stop
    }

    private typealias Answer = (name: String, result: Result<[SocketAddress], LookupError>)

    private let commands: Mailbox<Command>

    /// Starts the resolver without names. `deliver` is called on the resolver's thread and should only post on.
    ///
    /// - Throws: what eventfd(2) or pthread_create(3) fails with.
    package init(
        timing: ResolverTiming = ResolverTiming(),
        nameLimit: Int = 256,
        lookupLimit: Int = 8,
        lookup: @escaping Lookup = systemLookup,
        deliver: @escaping @Sendable (ResolverEvent) -> Void
    ) throws(SystemError) {
        let commands = try Mailbox<Command>(capacity: 1024)
        // Never full: there is one answer per running lookup.
        let answers = try Mailbox<Answer>(capacity: lookupLimit)
        let table = NameTable(timing: timing, limit: nameLimit, lookupLimit: lookupLimit)
        self.commands = commands
        // Dropping the handle detaches the thread, which ends at `stop`.
        _ = try WorkerThread(name: "resolver") {
            Self.run(table, commands, answers, lookup, deliver)
        }
    }

    deinit { _ = commands.post(.stop) }

    /// Keeps exactly these names resolved from now on, and delivers a snapshot of what is known already.
    ///
    /// Literal addresses need no entry. False, with nothing done, when too many commands wait.
    package func setNames(_ names: [String]) -> Bool { commands.post(.setNames(names)) }

    /// Looks `name` up soon, at most once a second: a connection to one of its addresses failed.
    package func requestRefresh(_ name: String) {
        // When too many wait already, the next failure asks again.
        _ = commands.post(.refresh(name))
    }

    /// Ends the resolver. Nothing is delivered after the command has been seen; running lookups end by themselves.
    package func stop() { _ = commands.post(.stop) }

    // MARK: The thread

    private static func run(
        _ initial: NameTable,
        _ commands: Mailbox<Command>,
        _ answers: Mailbox<Answer>,
        _ lookup: @escaping Lookup,
        _ deliver: (ResolverEvent) -> Void
    ) {
        var table = initial
        var received: [Command] = []
        var ended: [Answer] = []
        while true {
            wait(commands.descriptor, answers.descriptor, until: table.nextDue)
            let now = Clock.monotonic()
            let wasComplete = table.isComplete
            var hasChanged = false

            ended.removeAll(keepingCapacity: true)
            answers.drain(into: &ended)
            for answer in ended {
                switch table.finished(answer.name, answer.result, now: now) {
                case .none: break
                case .addresses: hasChanged = true
                case .failed(let failure): deliver(.failed(failure))
                }
            }

            received.removeAll(keepingCapacity: true)
            commands.drain(into: &received)
            for command in received {
                switch command {
                case .setNames(let names):
                    let refused = table.setNames(names, now: now)
                    if !refused.isEmpty { deliver(.refused(refused)) }
                    hasChanged = true
                case .refresh(let name): table.requestRefresh(name, now: now)
                case .stop: return
                }
            }

            if hasChanged || table.isComplete != wasComplete { deliver(.resolved(table.snapshot())) }
            while let name = table.beginNext(now: now) { start(name, lookup, answers) }
        }
    }

    private static func start(_ name: String, _ lookup: @escaping Lookup, _ answers: Mailbox<Answer>) {
        do {
            _ = try WorkerThread(name: "lookup") { _ = answers.post((name, lookup(name))) }
        } catch {
            _ = answers.post((name, .failure(.noThread(error))))
        }
    }

    /// Sleeps until one of the descriptors is readable or the time has come.
    private static func wait(_ first: Int32, _ second: Int32, until due: UInt64?) {
        var timeout: Int32 = -1
        if let due {
            let milliseconds =
                (elapsed(since: Clock.monotonic(), due) + Nanoseconds.millisecond - 1) / Nanoseconds.millisecond
            timeout = Int32(clamping: milliseconds)
        }
        var watched = [
            pollfd(fd: first, events: Int16(POLLIN), revents: 0),
            pollfd(fd: second, events: Int16(POLLIN), revents: 0),
        ]
        // An interrupted wait is a short one: the caller looks at the clock anyway.
        _ = unsafe poll(&watched, 2, timeout)
    }
}

/// What the resolver has to tell.
package enum ResolverEvent: Sendable {
    /// The set of some name's addresses has changed, names were set, or the last of them got its first answer.
    case resolved(ResolvedNames)
    case failed(LookupFailure)
    /// More names than the limit: these aren't resolved.
    case refused([String])
}
