import EventLoop
import Glibc
import Synchronization
import Upstream

/// Finds out, when asked, whether an upstream can be reached: by connecting to it. One answer serves for a second.
final class ReadinessProbe: Sendable {
    private struct State {
        var upstreams: [UpstreamConfiguration] = []
        var names = ResolvedNames(version: 0, entries: [])
        var answer: Bool?
        var answeredAt: UInt64 = 0
        var isRunning = false
        var waiting: [@Sendable (Bool) -> Void] = []
    }

    private let state = Mutex(State())

    func follow(_ upstreams: [UpstreamConfiguration]) {
        state.withLock { state in
            state.upstreams = upstreams
            state.answer = nil
        }
    }

    /// Delivers the answer, at once when it is fresh, else from a thread of its own. At most a thousand may wait; others get
    /// the answer that is known.
    func check(names: ResolvedNames, _ deliver: @escaping @Sendable (Bool) -> Void) {
        enum Step { case answer(Bool), wait, start }
        let step = state.withLock { state -> Step in
            state.names = names
            if let answer = state.answer, Clock.monotonic() &- state.answeredAt < 1_000_000_000 {
                return .answer(answer)
            }
            if state.waiting.count >= 1000 { return .answer(state.answer ?? false) }
            state.waiting.append(deliver)
            if state.isRunning { return .wait }
            state.isRunning = true
            return .start
        }
        switch step {
        case .answer(let answer): deliver(answer)
        case .wait: break
        case .start:
            do {
                _ = try WorkerThread(name: "readiness") { self.run() }
            } catch {
                finish(false)
            }
        }
    }

    private func run() {
        let (upstreams, names) = state.withLock { ($0.upstreams, $0.names) }
        // No upstream to reach: nothing that isn't ready.
        finish(upstreams.isEmpty || upstreams.contains { isReachable($0, names) })
    }

    private func finish(_ answer: Bool) {
        let waiting = state.withLock { state -> [@Sendable (Bool) -> Void] in
            state.answer = answer
            state.answeredAt = Clock.monotonic()
            state.isRunning = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for deliver in waiting { deliver(answer) }
    }

    private func isReachable(_ upstream: UpstreamConfiguration, _ names: ResolvedNames) -> Bool {
        for server in upstream.servers where !server.isDown {
            switch server.endpoint {
            case .address(let address):
                if isReachable(address) { return true }
            case .name(let name, let port):
                for address in names.addresses(of: name) ?? [] where isReachable(address.with(port: port)) {
                    return true
                }
            }
        }
        return false
    }

    /// Whether a connection can be made within a second.
    private func isReachable(_ address: SocketAddress) -> Bool {
        switch Sockets.connect(to: address) {
        case .connected: return true
        case .failed: return false
        case .inProgress(let descriptor):
            var watched = pollfd(fd: descriptor.raw, events: Int16(POLLOUT), revents: 0)
            guard unsafe poll(&watched, 1, 1000) == 1 else { return false }
            return Sockets.error(of: descriptor.raw) == nil
        }
    }
}
