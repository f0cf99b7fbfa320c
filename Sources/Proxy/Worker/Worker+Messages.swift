import Bytes
import EventLoop
import HTTP
import Upstream

extension Worker {
    /// Takes what other threads have left.
    mutating func receive() {
        var messages = messages
        self.messages = []
        mailbox.drain(into: &messages)
        for message in messages { handle(message) }
        messages.removeAll(keepingCapacity: true)
        self.messages = messages
    }

    private mutating func handle(_ message: Message) {
        switch message {
        case .adopt(let runtime, let sockets): adopt(runtime, sockets)
        case .resolved(let names): apply(names)
        case .fileRead(let token):
            guard exchanges.isCurrent(token.slot, generation: token.generation) else { return }
            let exchange = exchanges[token.slot]
            // It may have given up in the meantime.
            guard exchange.value.awaitedFile != .none else { return }
            timers.cancel(exchange.value.timer)
            resume(exchange)
        case .hashed(let token, let verdict):
            guard exchanges.isCurrent(token.slot, generation: token.generation) else { return }
            let exchange = exchanges[token.slot]
            exchange.value.hashOutcome = verdict
            resume(exchange)
        case .readiness(let token, let isReady):
            guard exchanges.isCurrent(token.slot, generation: token.generation) else { return }
            let exchange = exchanges[token.slot]
            exchange.value.readiness = isReady
            exchange.value.isStateFailing = !services.identity.isKept
            resume(exchange)
        case .metrics(let token, let page):
            guard exchanges.isCurrent(token.slot, generation: token.generation) else { return }
            environment.value.page = page
            resume(exchanges[token.slot])
            environment.value.page = nil
        case .report(let round): round.deliver(report())
        case .drain: drain()
        case .stop: isStopping = true
        }
    }

    private mutating func adopt(_ runtime: Runtime, _ descriptors: [Int32]) {
        self.runtime = runtime
        adoptGroups()
        if isDraining {
            for descriptor in descriptors where descriptor >= 0 { _ = OwnedDescriptor(adopting: descriptor) }
            return
        }
        do throws(SystemError) {
            try adoptSockets(descriptors)
        } catch {
            services.log.critical("event loop \(index) can't take a new listener: \(error)")
        }
    }

    /// Accepts nothing more and lets what runs finish.
    private mutating func drain() {
        guard !isDraining else { return }
        isDraining = true
        for position in 0..<sockets.count where sockets[position].value.isOpen { accept(position) }
        closeSockets()
        for slot in 0..<UInt32(clients.slotCount) {
            let client = clients[slot]
            if client.value.state == .multiplexing { drainSession(client) }
            // Idle ones end now; a request that is coming or running is answered first.
            if client.value.state == .reading, client.value.exchange == nil, client.value.output.isEmpty,
                client.value.requestCount > 0 || !client.value.isReadable
            {
                close(client)
            }
        }
        for slot in groupMap.slots { retire(slot) }
    }
}
