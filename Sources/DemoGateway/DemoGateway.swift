package import EventLoop
import Synchronization

/// A stand-in for an AI-agent gateway: probes, an OpenAI-like API with server-sent events, WebSockets with the connect
/// handshake, uploads, and a page that shows who is calling.
///
/// Serves HTTP/1.1 on one loop with a thread of its own. It is what the quick start shows behind the proxy and what tests
/// forward to; it is no gateway: nothing it is told has an effect.
package final class DemoGateway: Sendable {
    /// Where it was asked to listen; `boundAddress` has the port that was chosen for port 0.
    package let address: SocketAddress
    package let options: Options
    /// What has happened so far; may be read from any thread.
    package var statistics: Statistics { counters.snapshot }

    private let counters = Counters()

    private let running = Mutex(Running())

    /// What exists between `start` and `stop`.
    private struct Running: ~Copyable {
        var thread: WorkerThread?
        var mailbox: Mailbox<GatewayLoop.Command>?
        var boundAddress: SocketAddress?
    }

    package init(address: SocketAddress, options: Options = Options()) {
        self.address = address
        self.options = options
    }

    deinit { stop() }

    /// Where it listens while it runs.
    package var boundAddress: SocketAddress? { running.withLock { $0.boundAddress } }

    /// The port it listens on while it runs; zero otherwise and for paths.
    package var port: UInt16 { boundAddress?.port ?? 0 }

    /// Binds, and serves on a thread of its own from here on. Connections are taken once this returns.
    ///
    /// Throws what binding or starting the thread fails with. Must not be called while it runs.
    package func start() throws(SystemError) {
        let listener = try Listener.listen(on: address, backlog: 1024)
        let bound = Sockets.localAddress(of: listener.raw) ?? address
        let mailbox = try Mailbox<GatewayLoop.Command>(capacity: 16)
        let (options, counters) = (options, counters)
        let raw = listener.raw
        var thread: WorkerThread? = try WorkerThread(name: "demo-gateway") {
            guard
                let loop = try? GatewayLoop(
                    listener: OwnedDescriptor(adopting: raw),
                    mailbox: mailbox,
                    options: options,
                    counters: counters
                )
            else { return }
            loop.run()
        }
        // The thread owns the listener from here on; had it failed to start, this one would have closed it.
        _ = listener.release()
        running.withLock { running in
            precondition(running.mailbox == nil, "the gateway runs already")
            running.thread = thread.take()
            running.mailbox = mailbox
            running.boundAddress = bound
        }
    }

    /// Answers 503 instead of 200 to readiness probes, or 200 again.
    package func setReady(_ isReady: Bool) { post(.setReady(isReady)) }

    /// Breaks all connections off and goes on listening, as a gateway that restarts does.
    package func dropConnections() { post(.dropConnections) }

    /// Closes the listener and all connections, and waits until the thread has ended. Does nothing if it doesn't run.
    package func stop() {
        post(.stop)
        let thread = running.withLock { running -> WorkerThread? in
            running.mailbox = nil
            running.boundAddress = nil
            return running.thread.take()
        }
        thread?.join()
    }

    private func post(_ command: GatewayLoop.Command) {
        let mailbox = running.withLock { $0.mailbox }
        // The loop empties the mailbox in no time; a full one would mean that it is gone.
        while let mailbox, !mailbox.post(command) {}
    }
}
