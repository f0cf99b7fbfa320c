import Bytes
import EventLoop
import HTTP
import TLS

extension Worker {
    /// Takes the sockets of the current runtime's listeners: new ones, or those in use already. Those that no listener wants
    /// any more hand over who waits in them and close.
    mutating func adoptSockets(_ descriptors: [Int32]) throws(SystemError) {
        for position in 0..<sockets.count { sockets[position].value.listener = -1 }
        for (listener, descriptor) in descriptors.enumerated() {
            let address = runtime.listeners[listener].model.address
            if descriptor >= 0 {
                let socket = arena.place(ListeningSocket(OwnedDescriptor(adopting: descriptor), address, listener))
                sockets.append(socket)
                let token = Token(kind: Kind.listener.rawValue, slot: UInt32(sockets.count - 1), generation: 0)
                try poller.add(
                    descriptor: descriptor,
                    token: token,
                    interest: .read,
                    edgeTriggered: false,
                    exclusive: address.family == .unix
                )
            } else if let position = sockets.firstIndex(where: { $0.value.isOpen && $0.value.address == address }) {
                sockets[position].value.listener = listener
            }
        }
        for position in 0..<sockets.count where sockets[position].value.isOpen && sockets[position].value.listener < 0 {
            // Who waits there has no other turn.
            accept(position, 64)
            closeSocket(position)
        }
    }

    mutating func closeSockets() {
        for position in 0..<sockets.count { closeSocket(position) }
    }

    private mutating func closeSocket(_ position: Int) {
        guard sockets[position].value.isOpen else { return }
        try? poller.remove(descriptor: sockets[position].value.raw)
        sockets[position].value.close()
    }

    /// Accepts who waits, so many in one turn.
    mutating func accept(_ position: Int) { accept(position, budget.acceptShare()) }

    private mutating func accept(_ position: Int, _ share: Int) {
        let socket = sockets[position]
        guard socket.value.isOpen, !isAcceptPaused else { return }
        for _ in 0..<share {
            if clients.count - streamCount >= connectionLimit {
                counters.add(.paused(.workerConnections))
                pauseAccepting("\(connectionLimit) connections are open, which is all that worker_connections allows")
                return
            }
            switch Listener.accept(socket.value.raw) {
            case .connection(let descriptor, let peer):
                counters.add(.accepted)
                budget.takeAccept()
                open(descriptor, peer, socket.value.listener)
            case .wouldBlock: return
            case .retry: continue
            case .outOfDescriptors(let error):
                counters.add(.paused(.descriptors))
                pauseAccepting("\(error)")
                return
            case .failed(let error):
                services.log.error("\(socket.value.address): \(error)")
                return
            }
        }
    }

    /// Stops accepting until a connection ends or half a second has passed. Said once for each pause's cause.
    private mutating func pauseAccepting(_ reason: String) {
        isAcceptPaused = true
        for position in 0..<sockets.count where sockets[position].value.isOpen {
            try? poller.remove(descriptor: sockets[position].value.raw)
        }
        timers.set(acceptPause, deadline: now + 500_000_000)
        if now &- lastPauseReport > 60_000_000_000 || lastPauseReport == 0 {
            lastPauseReport = now
            services.log.critical("accepting is paused: \(reason)")
        }
    }

    mutating func resumeAccepting() {
        guard isAcceptPaused, !isDraining else { return }
        isAcceptPaused = false
        timers.cancel(acceptPause)
        for position in 0..<sockets.count where sockets[position].value.isOpen {
            let token = Token(kind: Kind.listener.rawValue, slot: UInt32(position), generation: 0)
            do throws(SystemError) {
                try poller.add(
                    descriptor: sockets[position].value.raw,
                    token: token,
                    interest: .read,
                    edgeTriggered: false,
                    exclusive: sockets[position].value.address.family == .unix
                )
            } catch {
                services.log.critical("accepting on \(sockets[position].value.address) can't be resumed: \(error)")
            }
        }
    }

    private mutating func open(_ descriptor: consuming OwnedDescriptor, _ peer: SocketAddress, _ listener: Int) {
        guard listener >= 0, let slot = clients.allocate({ ClientConnection() }) else { return }
        let client = clients[slot]
        let listenerRuntime = runtime.listeners[listener]
        let admission = admit(peer, listenerRuntime)
        if case .refused = admission {
            clients.release(slot)
            return
        }
        counters.add(.handled)
        let token = Token(kind: Kind.client.rawValue, slot: slot, generation: clients.generation(of: slot))
        let raw = descriptor.raw
        if peer.family != .unix { Sockets.setNoDelay(raw) }
        client.value.open(
            slot: slot,
            token: token,
            peer: peer,
            listener: listenerRuntime,
            runtime: runtime,
            groups: groupMap,
            now: now
        )
        if case .counted(let key) = admission { client.value.addressKey = key }
        nextSerial &+= 1
        client.value.serial = nextSerial
        client.value.transport.open(descriptor)
        if client.value.timer.index == .max {
            client.value.timer = timers.makeTimer(token: token)
        } else {
            timers.retarget(client.value.timer, token)
        }
        if let tls = listenerRuntime.tls {
            do throws(TLSError) {
                client.value.transport.secure(try TLSSession(server: tls, descriptor: raw))
            } catch {
                services.log.error("TLS session for \(peer): \(error)")
                countEnd(client, .rejected(.failure))
                client.value.transport.close()
                free(client)
                return
            }
            client.value.state = .handshaking
        }
        if listenerRuntime.takesProxyProtocol { client.value.state = .introducing }
        if client.value.state != .reading { counters.add(.settingUp) }
        do throws(SystemError) {
            try poller.add(descriptor: raw, token: token)
        } catch {
            services.log.error("connection from \(peer): \(error)")
            countEnd(client, .rejected(.failure))
            client.value.transport.close()
            free(client)
            return
        }
        let settings = runtime.servers[listenerRuntime.model.defaultServer].value.client
        timers.set(client.value.timer, deadline: now &+ settings.headerTimeout)
    }
}
