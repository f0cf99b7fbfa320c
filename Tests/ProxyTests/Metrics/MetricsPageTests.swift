import Bytes
import EventLoop
import Glibc
import HTTP
import TestSupport
import Testing

@testable import Proxy

/// The page as it is served, and who gets it.
struct MetricsPageTests {
    @Test func namesFollowTheConventions() {
        var seen: Set<String> = []
        for family in MetricFamily.all {
            #expect(seen.insert(family.name).inserted, "\(family.name) is there twice")
            #expect(family.name.hasPrefix("postern_") || family.name.hasPrefix("process_"))
            #expect(family.name.utf8.allSatisfy { $0 == 0x5F || $0 &- 0x61 < 26 || $0 &- 0x30 < 10 })
            #expect((family.kind == .counter) == family.name.hasSuffix("_total"), "\(family.name)")
            #expect(!family.help.isEmpty && !family.help.contains("\n") && !family.help.contains("|"))
        }
    }

    @Test(arguments: [("text/plain", false), ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", true)])
    func answersInTheFormatThatIsAskedFor(_ accept: String, _ isOpenMetrics: Bool) throws {
        let proxy = try TestProxy(Self.page, workers: 2)
        let client = try proxy.connect()
        let answer = try client.exchange("GET", "/metrics", [("Accept", accept)])
        #expect(answer.status == 200)
        let type = answer["content-type"]
        #expect(
            type
                == (isOpenMetrics
                    ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                    : "text/plain; version=0.0.4; charset=utf-8")
        )
        #expect(answer["cache-control"] == "no-store")
        let name = isOpenMetrics ? "postern_requests" : "postern_requests_total"
        #expect(answer.text.contains("# TYPE \(name) counter\npostern_requests_total{protocol=\"http1\"} 1\n"))
        #expect(answer.text.hasSuffix("# EOF\n") == isOpenMetrics)
    }

    private static let page = "server { listen 80; location = /metrics { metrics; allow all; } }"

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS"])
    func onlyQuestionsAreAnswered(_ method: String) throws {
        let proxy = try TestProxy(Self.page)
        #expect(try proxy.connect().exchange(method, "/metrics").status == 405)
    }

    @Test func theReferenceIsUpToDate() throws {
        let path = #filePath.dropLast("Tests/ProxyTests/Metrics/MetricsPageTests.swift".count) + "docs/metrics.md"
        if unsafe getenv("POSTERN_UPDATE_GOLDEN") != nil, let file = unsafe fopen(String(path), "w") {
            unsafe fputs(MetricsReference.markdown, file)
            unsafe fclose(file)
        }
        #expect(
            try readText(String(path)) == MetricsReference.markdown,
            "write it anew: postern metrics > docs/metrics.md"
        )
    }

    private func readText(_ path: String) throws -> String {
        let file = unsafe try #require(unsafe fopen(path, "r"))
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
