package import EventLoop
import Glibc

/// The control socket: how commands on this machine reach the running proxy. JSON over HTTP/1.1, one request a connection.
///
/// It has threads of its own, one that accepts and one for each request, and never touches a loop. Only root and the user that
/// the process runs as get an answer.
package final class ControlServer: Sendable {
    private struct State {
        /// Sockets of the connections that are being served.
        var sockets: Set<Int32> = []
        var isStopping = false
        var hasEnded = false
    }

    /// Where it listens.
    package let path: String
    private let limits: ControlLimits
    private let actions: ControlActions
    private let report: @Sendable (String) -> Void
    private let monitor = Monitor(State())
    private let wake: Mailbox<Void>
    /// The socket's own entry in its directory.
    private let stamp: FileStamp?

    /// Listens, and serves until `stop`. `report` gets a sentence when accepting fails.
    ///
    /// Its directory is made where only that is missing. A socket file that nobody listens on is replaced; throws EADDRINUSE
    /// when somebody does, and what else socket, bind(2) and listen fail with.
    package init(
        path: String,
        actions: ControlActions,
        limits: ControlLimits = ControlLimits(),
        report: @escaping @Sendable (String) -> Void
    ) throws(SystemError) {
        guard let address = SocketAddress(path: path) else { throw SystemError("bind", code: ENAMETOOLONG) }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            // Fails where it is there already; what else is wrong, bind tells.
            _ = unsafe mkdir(String(path[..<slash]), 0o755)
        }
        let listener = try Listener.listen(on: address, backlog: 16, mode: 0o600)
        self.path = path
        self.limits = limits
        self.actions = actions
        self.report = report
        wake = try Mailbox(capacity: 1)
        stamp = FileStamp(path: path)
        let raw = listener.release()
        do throws(SystemError) {
            _ = try WorkerThread(name: "postern-control") { self.accept(OwnedDescriptor(adopting: raw)) }
        } catch {
            close(raw)
            throw error
        }
    }

    /// Stops listening, removes the socket file if it is still this one's, and waits up to two seconds for requests under way.
    package func stop() {
        monitor.withLock { state in
            state.isStopping = true
            // Who waits for the rest of a request has none to wait for.
            state.sockets.forEach { _ = shutdown($0, Int32(SHUT_RD)) }
        }
        _ = wake.post(())
        _ = monitor.wait(until: Clock.monotonic() + 2_000_000_000) { $0.hasEnded && $0.sockets.isEmpty ? () : nil }
    }

    private func accept(_ listener: consuming OwnedDescriptor) {
        while !monitor.withLock({ $0.isStopping }) {
            var entries = [
                pollfd(fd: listener.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            _ = unsafe poll(&entries, 2, -1)
            switch Listener.accept(listener.raw) {
            case .connection(let socket, _): begin(socket)
            case .wouldBlock: break
            case .retry: break
            case .outOfDescriptors(let error): rest(error, &entries[1])
            case .failed(let error): rest(error, &entries[1])
            }
        }
        if let stamp, let now = FileStamp(path: path), stamp.inode == now.inode, stamp.device == now.device {
            _ = unsafe unlink(path)
        }
        listener.close()
        monitor.withLock { $0.hasEnded = true }
        monitor.notifyAll()
    }

    /// Waits until something may be free again; a stop wakes it.
    private func rest(_ error: SystemError, _ wake: inout pollfd) {
        report("control socket \(path): \(error)")
        _ = unsafe poll(&wake, 1, 1000)
    }

    private func begin(_ socket: consuming OwnedDescriptor) {
        let raw = socket.raw
        let isAdmitted = monitor.withLock { state -> Bool in
            if state.isStopping || state.sockets.count >= limits.connections { return false }
            state.sockets.insert(raw)
            return true
        }
        guard isAdmitted else { return ControlConnection(socket, limits).refuse() }
        _ = socket.release()
        do throws(SystemError) {
            _ = try WorkerThread(name: "postern-request") { self.serve(raw) }
        } catch {
            report("control socket \(path): \(error)")
            end(raw)
        }
    }

    private func serve(_ raw: Int32) {
        var connection = ControlConnection(OwnedDescriptor(adopting: dup(raw)), limits)
        connection.serve(actions)
        end(raw)
    }

    /// Closes a socket that was admitted.
    private func end(_ raw: Int32) {
        monitor.withLock { state in
            state.sockets.remove(raw)
            close(raw)
        }
        monitor.notifyAll()
    }
}
