import Glibc
import Testing

@testable import Access

/// Bytes of the process's memory that are resident.
private func residentSize() -> Int {
    guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard unsafe fgets(&line, 128, file) != nil else { return 0 }
    let fields = line.split(separator: 0x20)
    guard fields.count > 1 else { return 0 }
    return (Int(String(decoding: fields[1].map { UInt8(bitPattern: $0) }, as: UTF8.self)) ?? 0) * 4096
}

/// Whether a sanitizer is in the process, whose shadow is most of the resident memory.
private var isSanitized: Bool {
    unsafe dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
}

@Suite struct SessionMemoryTests {
    /// In a process of its own, whose memory nobody else takes.
    @Test func aHundredThousandSessionsFitInFortyMebibytes() async {
        await #expect(processExitsWith: .success) {
            let bound = 40 << 20
            let agent = String(repeating: "Mozilla/5.0 (X11; Linux x86_64) ", count: 4)
            let table = SessionTable(capacity: 100_000)
            let before = residentSize()
            var last: Begun?
            for index in 0..<100_000 {
                let login = login("somebody\(index)@example.com", address: "2001:db8:1234:5678::1234", agent: agent)
                last = Begun(table.begin(login, SessionPolicy(), now: noon))
            }
            let growth = residentSize() - before
            print("100,000 sessions: \(growth / 100_000) bytes each resident, \(table.footprint / 100_000) counted")
            precondition(table.count == 100_000)
            precondition(table.begin(login(), SessionPolicy(), now: noon) == .refused(.full))
            precondition(last.map { table.use($0.handle, now: noon) } == true)
            precondition(before > 0 && growth > 0)
            precondition(growth <= bound || isSanitized, "grew by \(growth) bytes")
            precondition(table.footprint <= bound, "\(table.footprint) bytes")
        }
    }

    @Test func whatEndedIsTakenAgain() {
        let table = SessionTable(capacity: 2_000)
        var sizes: [Int] = []
        for round in 0..<4 {
            for _ in 0..<500 { _ = table.begin(login(), SessionPolicy(maxConcurrent: 0), now: noon) }
            sizes.append(table.footprint)
            #expect(table.endAll(user: bytes("alice")).count == 500, "round \(round)")
        }
        // By chance one shard may get more sessions than ever before: 16 shards of 256 slots at first.
        #expect(sizes[3] <= sizes[0] + 4 * 256 * 200)
    }
}
