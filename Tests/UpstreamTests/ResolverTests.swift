import EventLoop
import Glibc
import Synchronization
import Testing
import Upstream

@Suite(.timeLimit(.minutes(1)))
struct ResolverTests {
    /// Answers from a table that a test can change while the resolver runs.
    final class FakeNames: Sendable {
        let table = Mutex<[String: [SocketAddress]]>([:])
        let lookups = Mutex<Int>(0)

        func set(_ name: String, _ addresses: [SocketAddress]) { table.withLock { $0[name] = addresses } }

        func lookup(_ name: String) -> Result<[SocketAddress], LookupError> {
            lookups.withLock { $0 += 1 }
            return table.withLock { $0[name] }.map { .success($0) } ?? .failure(NameTableTests.notFound)
        }
    }

    static let fast = ResolverTiming(
        refreshInterval: 2_000_000,
        minimumInterval: 1_000_000,
        firstRetry: 1_000_000,
        longestRetry: 2_000_000
    )

    static func bare(_ last: Int) -> SocketAddress { address(last, port: 0) }

    static func start(
        timing: ResolverTiming = fast,
        lookupLimit: Int = 2,
        _ lookup: @escaping Lookup
    ) throws -> (Resolver, AsyncStream<ResolverEvent>) {
        let (stream, continuation) = AsyncStream.makeStream(of: ResolverEvent.self)
        let resolver = try Resolver(timing: timing, lookupLimit: lookupLimit, lookup: lookup) {
            continuation.yield($0)
        }
        return (resolver, stream)
    }

    /// The first snapshot in which `name` has exactly `addresses`.
    static func until(_ events: AsyncStream<ResolverEvent>, _ name: String, _ addresses: [SocketAddress]) async -> Bool
    {
        for await event in events {
            if case .resolved(let names) = event, names.addresses(of: name) == addresses { return true }
        }
        return false
    }

    @Test func aChangedAddressIsFound() async throws {
        let names = FakeNames()
        names.set("gateway", [Self.bare(1)])
        let (resolver, events) = try Self.start { names.lookup($0) }
        defer { resolver.stop() }
        #expect(resolver.setNames(["gateway"]))
        #expect(await Self.until(events, "gateway", [Self.bare(1)]))
        names.set("gateway", [Self.bare(2)])
        #expect(await Self.until(events, "gateway", [Self.bare(2)]))
    }

    @Test func aNameThatAppearsLaterIsFound() async throws {
        let names = FakeNames()
        let (resolver, events) = try Self.start { names.lookup($0) }
        defer { resolver.stop() }
        #expect(resolver.setNames(["gateway"]))
        for await event in events {
            if case .failed(let failure) = event {
                #expect(failure.name == "gateway")
                #expect(failure.failures == 1)
                break
            }
        }
        names.set("gateway", [Self.bare(1)])
        #expect(await Self.until(events, "gateway", [Self.bare(1)]))
    }

    @Test func theFirstAnswersOfAllNamesAreAnnounced() async throws {
        let names = FakeNames()
        names.set("gateway", [Self.bare(1)])
        let slow = ResolverTiming(
            refreshInterval: seconds(3600),
            firstRetry: seconds(3600),
            longestRetry: seconds(3600)
        )
        let (resolver, events) = try Self.start(timing: slow) { names.lookup($0) }
        defer { resolver.stop() }
        #expect(resolver.setNames(["gateway", "missing"]))
        for await event in events {
            guard case .resolved(let names) = event, names.isComplete else { continue }
            #expect(names.addresses(of: "gateway") == [Self.bare(1)])
            #expect(names.addresses(of: "missing") == nil)
            break
        }
    }

    @Test func aRefreshDoesNotAwaitTheInterval() async throws {
        let names = FakeNames()
        names.set("gateway", [Self.bare(1)])
        let slow = ResolverTiming(refreshInterval: seconds(3600), minimumInterval: 1)
        let (resolver, events) = try Self.start(timing: slow) { names.lookup($0) }
        defer { resolver.stop() }
        #expect(resolver.setNames(["gateway"]))
        #expect(await Self.until(events, "gateway", [Self.bare(1)]))
        names.set("gateway", [Self.bare(2)])
        resolver.requestRefresh("gateway")
        #expect(await Self.until(events, "gateway", [Self.bare(2)]))
    }

    @Test func aHangingLookupHoldsUpNobodyElse() async throws {
        let names = FakeNames()
        names.set("gateway", [Self.bare(1)])
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        let reading = ends[0]
        let writing = OwnedDescriptor(adopting: ends[1])
        let (resolver, events) = try Self.start { name in
            if name == "stuck" {
                // Returns when the test closes the other end.
                var byte: UInt8 = 0
                _ = unsafe read(reading, &byte, 1)
                _ = close(reading)
            }
            return names.lookup(name)
        }
        defer { resolver.stop() }
        #expect(resolver.setNames(["stuck", "gateway"]))
        #expect(await Self.until(events, "gateway", [Self.bare(1)]))
        names.set("gateway", [Self.bare(2)])
        #expect(await Self.until(events, "gateway", [Self.bare(2)]))
        names.set("stuck", [Self.bare(9)])
        writing.close()
        #expect(await Self.until(events, "stuck", [Self.bare(9)]))
    }

    @Test func settingNamesDeliversWhatIsKnown() async throws {
        let names = FakeNames()
        names.set("gateway", [Self.bare(1)])
        let slow = ResolverTiming(refreshInterval: seconds(3600))
        let (resolver, events) = try Self.start(timing: slow) { names.lookup($0) }
        defer { resolver.stop() }
        #expect(resolver.setNames(["gateway"]))
        #expect(await Self.until(events, "gateway", [Self.bare(1)]))
        #expect(resolver.setNames(["gateway", "other"]))
        #expect(await Self.until(events, "gateway", [Self.bare(1)]), "a reloaded configuration starts from these")
        #expect(names.lookups.withLock { $0 } >= 1)
    }

    @Test func theSystemKnowsLocalhost() throws {
        let addresses = try systemLookup("localhost").get()
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { $0.isLoopback })
    }

    @Test func theSystemExplainsWhatItCannotFind() {
        guard case .failure(let error) = systemLookup("no..such..host") else { return #expect(Bool(false)) }
        #expect(!error.description.isEmpty)
    }
}
