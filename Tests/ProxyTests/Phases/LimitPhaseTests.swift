import Bytes
import EventLoop
import Limits
import Testing

@testable import Proxy

struct LimitPhaseTests {
    private static let get = "GET / HTTP/1.1\nHost: a"

    private func native(_ directives: String, peer: String = "192.0.2.7:1") throws -> Rig {
        try Rig("server { listen 80; \(directives) proxy_pass http://127.0.0.1:1; }", peer: peer)
    }

    /// Statuses of so many requests in one instant.
    private func statuses(_ rig: Rig, _ count: Int, _ head: String = get) throws -> [Int] {
        try (0..<count).map { _ in try rig.status(head, through: .limits) }
    }

    @Test func letsTheBurstThroughAndRefusesTheRest() throws {
        let rig = try native("limit_req rate=10r/s burst=20 per=ip;")
        #expect(try statuses(rig, 30) == [Int](repeating: 0, count: 21) + [Int](repeating: 429, count: 9))
        rig.environment.value.now += 99_999_999
        #expect(try statuses(rig, 1) == [429])
        rig.environment.value.now += 1
        #expect(try statuses(rig, 2) == [0, 429])
        rig.environment.value.now += 10_000_000_000
        #expect(try statuses(rig, 22) == [Int](repeating: 0, count: 21) + [429])
    }

    /// Every client of a path's socket counts as one, and never as an IP address.
    @Test func aPathsSocketSharesNoAddress() throws {
        let socket = try #require(SocketAddress(path: "/tmp/p.sock"))
        let loopback = try #require(SocketAddress(parsing: "[::1]:1"))
        #expect(LimitKey(socket, ipv6PrefixLength: 64) != LimitKey(loopback, ipv6PrefixLength: 64))
        #expect(LimitKey(socket, ipv6PrefixLength: 64) == LimitKey(socket, ipv6PrefixLength: 64))
    }

    @Test func aRefusalSaysWhenToComeAgain() throws {
        let rig = try native("limit_req rate=6r/m burst=0 per=ip;")
        #expect(try rig.status(Self.get) == 0)
        #expect(rig.render(.limitRequestStatus) == "PASSED")
        rig.environment.value.now += 1_500_000_000
        let reply = try #require(try rig.reply(Self.get))
        #expect(reply.retryAfter == 9)
        #expect(rig.render(.limitRequestStatus) == "REJECTED")
        #expect(rig.render(.refusal) == "rate-limited")
        let text = rig.ownReply(reply)
        #expect(text.values(of: "retry-after") == ["9"])
        #expect(text.values(of: "ratelimit").count == 1)
        #expect(text.values(of: "ratelimit-policy") == ["\"default\";q=1;w=10"])
    }

    @Test func addressesCountApartAndIPv6ByTheSubscriber() throws {
        let rig = try native("limit_req rate=1r/s per=ip;", peer: "[2001:db8:0:1::1]:1")
        #expect(try rig.status(Self.get, through: .limits) == 0)
        for (peer, status) in [
            ("[2001:db8:0:1:ffff::2]:1", 429), ("[2001:db8:0:2::1]:1", 0), ("10.0.0.1:1", 0), ("10.0.0.2:1", 0),
            ("10.0.0.1:2", 429),
        ] {
            rig.client.value.peer = try #require(.init(parsing: peer))
            #expect(try rig.status(Self.get, through: .limits) == status, "\(peer)")
        }
    }

    @Test func serversCountApart() throws {
        let rig = try Rig(
            """
            server { listen 80; server_name a; limit_req rate=1r/s per=server; proxy_pass http://127.0.0.1:1; }
            server { listen 80; server_name b; limit_req rate=1r/s per=server; proxy_pass http://127.0.0.1:1; }
            """
        )
        #expect(try rig.status("GET / HTTP/1.1\nHost: a", through: .limits) == 0)
        #expect(try rig.status("GET / HTTP/1.1\nHost: b", through: .limits) == 0)
        #expect(try rig.status("GET / HTTP/1.1\nHost: a", through: .limits) == 429)
    }

    /// What one zone refuses must not count in another.
    @Test func aRefusalCountsInNoZone() throws {
        let rig = try native("limit_req rate=1r/m burst=4 per=ip; limit_req rate=1r/s burst=0 per=server;")
        #expect(try statuses(rig, 10) == [0] + [Int](repeating: 429, count: 9))
        // Had the nine counted, the address would have nothing left.
        for _ in 0..<4 {
            rig.environment.value.now += 1_000_000_000
            #expect(try statuses(rig, 1) == [0])
        }
        rig.environment.value.now += 1_000_000_000
        #expect(try statuses(rig, 1) == [429])
    }

    @Test func aDryRunCountsAndLetsPass() throws {
        let rig = try native("limit_req rate=1r/s per=ip; limit_req_dry_run on;")
        #expect(try statuses(rig, 3) == [0, 0, 0])
        #expect(rig.render(.limitRequestStatus) == "REJECTED_DRY_RUN")
        #expect(rig.render(.refusal) == "")
    }

    /// Every delayed request waits for its turn: Nginx without nodelay.
    @Test func delaysAsNginxDoes() throws {
        let rig = try Rig(
            """
            events {} http {
              limit_req_zone $binary_remote_addr zone=z:1m rate=10r/s;
              server { listen 80; location / { limit_req zone=z burst=5 delay=2; proxy_pass http://127.0.0.1:1; } }
            }
            """
        )
        let now = rig.environment.value.now
        var waits: [UInt64?] = []
        for _ in 0..<7 {
            switch try rig.run(Self.get, through: .limits) {
            case .next: waits.append(0)
            case .suspend(.until(let time)): waits.append((time - now) / 1_000_000)
            case .respond(let reply):
                #expect(reply.status == 503)
                waits.append(nil)
            default: Issue.record("unexpected")
            }
        }
        #expect(waits == [0, 0, 0, 100, 200, 300, nil])
        #expect(rig.render(.limitRequestStatus) == "REJECTED")
    }

    @Test func usersAreCountedAfterAccess() throws {
        let rig = try native("limit_req rate=1r/s per=user;")
        for _ in 0..<3 {
            #expect(try rig.status(Self.get, through: .access) == 0)
            // Nobody has proved to be anyone: nothing is counted.
            guard case .next = rig.decide(.userLimits) else {
                Issue.record("counted without a user")
                return
            }
        }
        for (user, passes) in [("ann", true), ("ann", false), ("bob", true), ("Ann", true)] {
            try rig.run(Self.get, through: .access)
            rig.exchange.value.user = ByteBuffer(Array(user.utf8))
            rig.exchange.value.hasUser = true
            if case .next = rig.decide(.userLimits) { #expect(passes) } else { #expect(!passes, "\(user)") }
        }
    }

    @Test func emptyKeysCountForNobody() throws {
        let rig = try Rig(
            """
            events {} http {
              limit_req_zone $http_x_key zone=z:1m rate=1r/s;
              server { listen 80; location / { limit_req zone=z; proxy_pass http://127.0.0.1:1; } }
            }
            """
        )
        #expect(try statuses(rig, 3) == [0, 0, 0])
        #expect(try statuses(rig, 2, Self.get + "\nX-Key: k") == [0, 503])
        // Longer than any fixed room for keys.
        let long = Self.get + "\nX-Key: " + String(repeating: "k", count: 4000)
        #expect(try statuses(rig, 2, long) == [0, 503])
        #expect(try statuses(rig, 1, long + "l") == [0])
    }

    @Test func aReloadKeepsWhatWasCounted() throws {
        let text = "server { listen 80; limit_req rate=1r/s per=ip; proxy_pass http://127.0.0.1:1; }"
        let rig = try Rig(text)
        #expect(try rig.status(Self.get, through: .limits) == 0)
        let after = try Rig(text, previous: rig.runtime)
        #expect(try after.status(Self.get, through: .limits) == 429)
        let fresh = try Rig(text)
        #expect(try fresh.status(Self.get, through: .limits) == 0)
    }

    @Test func theTightestLimitIsTold() throws {
        let rig = try native("limit_req rate=10r/s burst=20 per=ip; limit_req rate=10r/s burst=5 per=server;")
        #expect(try rig.status(Self.get, through: .limits) == 0)
        #expect(rig.exchange.value.rateLimit.limit == 6)
        #expect(rig.exchange.value.rateLimit.remaining == 5)
    }
}
