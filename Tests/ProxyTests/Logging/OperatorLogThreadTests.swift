import EventLoop
import Glibc
import TestSupport
import Testing

@testable import Proxy

/// The operator's log while a thread writes it.
struct OperatorLogThreadTests {
    /// What a line says, apart from its time, level and process.
    private static func texts(_ text: String) -> [String] {
        text.split(separator: "\n").map { line in
            line.firstRange(of: "]: ").map { String(line[$0.upperBound...]) }
                ?? String(line.split(separator: " ", maxSplits: 4).last ?? "")
        }
    }

    private static func open(_ destination: ErrorLogSettings.Destination) throws -> OperatorLog {
        var settings = ErrorLogSettings()
        settings.destination = destination
        settings.level = .info
        let log = try OperatorLog(settings, fallback: -1)
        try log.start()
        return log
    }

    @Test func linesOfSeveralThreadsAreAllThereEachInItsOrder() throws {
        let directory = try TemporaryDirectory()
        let log = try Self.open(.file(directory.path("error.log")))
        let first = try WorkerThread(name: "first") { for number in 0..<500 { log.error("first \(number)") } }
        let second = try WorkerThread(name: "second") { for number in 0..<500 { log.error("second \(number)") } }
        first.join()
        second.join()
        log.stop()
        log.notice("afterwards")
        let lines = Self.texts(try directory.read("error.log"))
        #expect(lines.filter { $0.hasPrefix("first") } == (0..<500).map { "first \($0)" })
        #expect(lines.filter { $0.hasPrefix("second") } == (0..<500).map { "second \($0)" })
        #expect(lines.count == 1001 && lines.last == "afterwards")
        #expect(log.droppedLines == 0)
    }

    /// What was said before a rotation stands in the old file.
    @Test func linesStayInOrderOverARotation() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("error.log")
        let log = try Self.open(.file(path))
        for number in 0..<300 { log.error("\(number)") }
        try #require(unsafe rename(path, path + ".1") == 0)
        for number in 300..<600 { log.error("\(number)") }
        log.reopen()
        for number in 600..<900 { log.error("\(number)") }
        log.stop()
        #expect(Self.texts(try directory.read("error.log.1")) == (0..<600).map { "\($0)" })
        #expect(Self.texts(try directory.read("error.log")) == (600..<900).map { "\($0)" })
    }

    /// Nobody reads the pipe, and nobody who logs waits for that. Of what is lost the number is said; a flood of little
    /// things leaves room for a great one.
    @Test func aStuckReaderHoldsNobodyUp() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("pipe")
        try #require(unsafe mkfifo(path, 0o600) == 0)
        let reader = unsafe Glibc.open(path, O_RDONLY | O_NONBLOCK)
        try #require(reader >= 0)
        defer { close(reader) }
        let log = try Self.open(.file(path))
        let filler = String(repeating: "x", count: 1000)
        let count = 2000
        for number in 0..<count { log.info("\(number) \(filler)") }
        log.error("important")
        let lost = Int(log.droppedLines)
        // The pipe has 64 KiB, and the thread may hold as much.
        #expect(lost > count - (OperatorLogSink.capacity + (256 << 10)) / 1000 && lost < count)

        var bytes: [UInt8] = []
        let isComplete = TestProxy.wait {
            var part = [UInt8](repeating: 0, count: 1 << 16)
            let got = unsafe part.withUnsafeMutableBytes { unsafe read(reader, $0.baseAddress, $0.count) }
            if got > 0 { bytes += part[..<got] }
            return String(decoding: bytes.suffix(200), as: UTF8.self).contains("dropped")
        }
        #expect(isComplete)
        log.stop()
        let lines = Self.texts(String(decoding: bytes, as: UTF8.self))
        let numbers = lines.compactMap { Int($0.prefix { $0 != " " }) }
        #expect(lines.contains("important"))
        #expect(lines.last == "\(lost) lines were dropped: error_log can't be written fast enough")
        #expect(Array(numbers.prefix(count - lost)) == Array(0..<count - lost))
        #expect(log.droppedLines == UInt64(lost))
    }

    /// What waits for a stuck reader goes where a reload says.
    @Test func anotherDestinationTakesWhatWaits() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("pipe")
        try #require(unsafe mkfifo(path, 0o600) == 0)
        let reader = unsafe Glibc.open(path, O_RDONLY | O_NONBLOCK)
        try #require(reader >= 0)
        defer { close(reader) }
        let log = try Self.open(.file(path))
        let filler = String(repeating: "x", count: 1000)
        for number in 0..<200 { log.info("\(number) \(filler)") }
        var settings = ErrorLogSettings()
        settings.destination = .file(directory.path("error.log"))
        try log.adopt(settings)
        log.error("last")
        log.stop()
        let lines = Self.texts(try directory.read("error.log"))
        let numbers = lines.dropLast().compactMap { Int($0.prefix { $0 != " " }) }
        #expect(lines.last == "last" && numbers.last == 199)
        #expect(numbers.count == lines.count - 1 && numbers.first.map { numbers == Array($0..<200) } == true)
    }
}

struct OperatorLogLinesTests {
    /// Pieces are whole lines that a pipe takes at once, whatever the ring hands out at a time.
    @Test func piecesAreWholeLines() {
        let ring = LogRing(capacity: 1 << 14)
        var lines = OperatorLogLines()
        var expected: [UInt8] = []
        var output: [UInt8] = []
        for number in 0..<400 {
            let line = Array("\(number) \(String(repeating: "x", count: number * 37 % 1500))\n".utf8)
            expected += line
            let fits = ring.append(line.span)
            #expect(fits)
            if number % 8 != 7 { continue }
            let taken = lines.take(from: ring)
            #expect(taken > 0)
            lines.writeOut { piece in
                let (count, last) = (piece.count, piece[piece.count - 1])
                #expect(count <= OperatorLogLines.pieceSize && last == 0x0A)
                for index in 0..<piece.count { output.append(piece[index]) }
            }
        }
        #expect(output == expected)
        let rest = lines.take(from: ring)
        #expect(ring.isEmpty && rest == 0)
    }

    @Test(arguments: [5000, 60_000, 65_535, 65_536, 100_000])
    func aLongLineGoesThrough(length: Int) {
        let ring = LogRing(capacity: 1 << 18)
        var lines = OperatorLogLines()
        var expected = Array("before\n".utf8)
        expected += [UInt8](repeating: 0x78, count: length)
        expected += Array("\nafter\n".utf8)
        let fits = ring.append(expected.span)
        #expect(fits)
        var output: [UInt8] = []
        while lines.take(from: ring) > 0 {
            lines.writeOut { piece in
                for index in 0..<piece.count { output.append(piece[index]) }
            }
        }
        #expect(output == expected)
    }
}
