import Access
import Bytes
import EventLoop
import HTTP
import Limits

/// `allow`, `deny`, and who calls: may this address, is this somebody, may they do this.
struct AccessPhase {
    /// Nanoseconds that a request waits for a file of users or keys to be read.
    static let readingPatience: UInt64 = 5_000_000_000

    static func decide(_ request: RequestContext, runtime: Runtime, services: Services) -> Decision {
        let exchange = request.exchange
        let location = request.location
        let isAllowed = isAddressAllowed(exchange.value.remote, location)
        if location.value.satisfiesAny, isAllowed == true, exchange.value.ownPage == .none {
            exchange.value.principal.proof = .address
            if location.value.hasAuth { CallerCheck.withhold(request, runtime) }
            return .next
        }
        if !location.value.satisfiesAny || !location.value.hasAuth, isAllowed == false {
            exchange.value.refusal = .addressDenied
            return .respond(Reply(403))
        }
        if exchange.value.ownPage != .none { return OwnPages.decide(request, runtime: runtime, services: services) }
        guard location.value.hasAuth else { return .next }
        return CallerCheck.decide(request, runtime: runtime, services: services)
    }

    /// What the address rules say; nil when there are none, or none fits.
    private static func isAddressAllowed(_ address: SocketAddress, _ location: Ref<LocationRuntime>) -> Bool? {
        let ip = address.ipBytes
        for index in 0..<location.value.addressChecks.count {
            let check = location.value.addressChecks[index]
            let fits =
                switch check.subject {
                case .all: true
                case .unix: address.family == .unix
                case .range: address.family != .unix && check.range.contains(high: ip.high, low: ip.low)
                }
            if fits { return check.isAllowed }
        }
        return nil
    }

    /// Hands the hash to the threads. False when their queue is full for this address.
    static func submit(
        _ request: RequestContext,
        services: Services,
        deliver: @escaping @Sendable (HashVerdict) -> Void
    ) -> Bool {
        guard let job = request.exchange.value.hashJob else { return false }
        let address = LimitKey(request.exchange.value.remote, ipv6PrefixLength: 64)
        let ticket = request.client.value.serial
        let submission = services.hashing.submit(job, address: address, ticket: ticket) { outcome in
            deliver(outcome.isGranted ? .matches : .differs)
        }
        return submission == .accepted
    }

    /// Takes back the hash of a client that has left.
    static func withdraw(_ request: RequestContext, services: Services) {
        guard let job = request.exchange.value.hashJob else { return }
        let address = LimitKey(request.exchange.value.remote, ipv6PrefixLength: 64)
        services.hashing.cancel(job, address: address, ticket: request.client.value.serial)
    }

    /// Has the file that the request waits for read anew, beside the loops. False when too many wait for that already.
    static func readFile(
        _ request: RequestContext,
        runtime: Runtime,
        services: Services,
        deliver: @escaping @Sendable () -> Void
    ) -> Bool {
        let login = request.location.value.login
        switch request.exchange.value.awaitedFile {
        case .none: return false
        case .passwords: return runtime.passwordFiles[login.passwordFile].read(log: services.log, deliver: deliver)
        case .keys: return runtime.keyFiles[login.keyFile].read(log: services.log, deliver: deliver)
        }
    }

    /// What follows from a file that has no table to go by.
    static func await<Table>(
        _ file: AwaitedFile,
        _ state: FileSource<Table>.Current,
        _ request: RequestContext
    ) -> Decision {
        let exchange = request.exchange
        exchange.value.refusal = file == .keys ? .keyFileUnavailable : .passwordFileUnavailable
        switch state {
        case .changed:
            if exchange.value.passwordDeadline == 0 { exchange.value.passwordDeadline = request.now &+ readingPatience }
            if request.now < exchange.value.passwordDeadline {
                exchange.value.refusal = .none
                exchange.value.awaitedFile = file
                return .suspend(.file)
            }
            var reply = Reply(503)
            reply.retryAfter = 1
            return .respond(reply)
        case .missing: return .respond(Reply(403))
        case .table, .unreadable: return .respond(Reply(500))
        }
    }
}
