import EventLoop
import Glibc

/// Listening sockets for all loops.
enum ListenerSet {
    /// Binds a socket for each listener and loop, or none (-1) where `existing` has the address already. All or nothing.
    ///
    /// Ports of zero are filled in with what the kernel chose.
    static func bind(
        _ listeners: inout [ListenerConfiguration],
        existing: [ListenerConfiguration],
        workers: Int
    ) throws(StartError) -> [[Int32]] {
        var sockets = [[Int32]](repeating: [], count: workers)
        for position in listeners.indices {
            if existing.contains(where: { $0.address == listeners[position].address }) {
                for worker in 0..<workers { sockets[worker].append(-1) }
                continue
            }
            do throws(SystemError) {
                let descriptors = try bind(&listeners[position], workers: workers)
                for worker in 0..<workers { sockets[worker].append(descriptors[worker]) }
            } catch {
                close(sockets)
                throw StartError("can't listen on \(listeners[position].address): \(error)")
            }
        }
        return sockets
    }

    static func close(_ sockets: [[Int32]]) {
        for descriptor in sockets.joined() where descriptor >= 0 { _ = OwnedDescriptor(adopting: descriptor) }
    }

    private static func bind(_ listener: inout ListenerConfiguration, workers: Int) throws(SystemError) -> [Int32] {
        let isShared = listener.address.family != .unix && workers > 1
        var descriptors: [Int32] = []
        if isShared {
            // Sockets that share a port would share it with a stranger's too: see first that nobody has it.
            let probe = try make(listener, reusePort: false)
            if listener.address.port == 0, let address = Sockets.localAddress(of: probe.raw) {
                listener.address = address
            }
        }
        for worker in 0..<workers {
            if worker > 0, !isShared {
                // A path's socket is one for all loops, each with a descriptor of its own.
                descriptors.append(fcntl(descriptors[0], F_DUPFD_CLOEXEC, 0))
                continue
            }
            do throws(SystemError) {
                let socket = try make(listener, reusePort: isShared)
                if listener.address.port == 0, listener.address.family != .unix,
                    let address = Sockets.localAddress(of: socket.raw)
                {
                    listener.address = address
                }
                descriptors.append(socket.release())
            } catch {
                close([descriptors])
                throw error
            }
        }
        return descriptors
    }

    private static func make(
        _ listener: ListenerConfiguration,
        reusePort: Bool
    ) throws(SystemError) -> OwnedDescriptor {
        try Listener.listen(
            on: listener.address,
            backlog: Int32(clamping: listener.backlog),
            reusePort: reusePort,
            ipv6Only: listener.isIPv6Only
        )
    }
}
