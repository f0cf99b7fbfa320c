import Bytes
package import EventLoop
import Glibc
import Logging
import Synchronization

/// The operator's log: what went wrong, and why a request was refused. Writes through swift-log.
///
/// Lines are written where they are said until `start`, and by a thread of the log's own from then on: nobody waits for it.
package final class OperatorLog: Sendable {
    private let logger: Logger
    private let sink: OperatorLogSink
    /// The least level that is written, as its raw value.
    private let level: Atomic<Int>

    /// Opens the log. Throws when its file can't be opened.
    ///
    /// - Parameter fallback: descriptor that lines go to while the file can't be written.
    package init(_ settings: ErrorLogSettings, fallback: Int32 = 2) throws(SystemError) {
        let sink = try OperatorLogSink(settings.destination, fallback: fallback)
        self.sink = sink
        level = Atomic(settings.level.rawValue)
        // What is written is decided here, since it can change.
        logger = Logger(label: "postern") { _ in OperatorLogHandler(sink: sink, logLevel: .trace) }
    }

    func isEnabled(_ level: ErrorLogSettings.Level) -> Bool { level.rawValue >= self.level.load(ordering: .relaxed) }

    /// Writes elsewhere, or from another level on, from now on. Throws when the file can't be opened, and changes nothing then.
    func adopt(_ settings: ErrorLogSettings) throws(SystemError) {
        try sink.move(to: settings.destination)
        level.store(settings.level.rawValue, ordering: .relaxed)
    }

    func write(_ level: ErrorLogSettings.Level, _ message: @autoclosure () -> String) {
        guard isEnabled(level) else { return }
        logger.log(level: level.swiftLevel, "\(message())")
    }

    package func info(_ message: @autoclosure () -> String) { write(.info, message()) }
    package func notice(_ message: @autoclosure () -> String) { write(.notice, message()) }
    package func warning(_ message: @autoclosure () -> String) { write(.warn, message()) }
    package func error(_ message: @autoclosure () -> String) { write(.error, message()) }
    package func critical(_ message: @autoclosure () -> String) { write(.crit, message()) }

    // MARK: The thread

    /// Has lines wait in memory for a thread that writes them, until `stop`. Throws when there is no thread to be had.
    ///
    /// Lines that find no room are lost, counted, and their number is written.
    package func start() throws(SystemError) { try sink.start() }

    /// Waits, two seconds at the most, until all lines are written, and ends the thread. Not for a loop.
    package func stop() { sink.stop() }

    /// Lines lost since the start, because the writing can't keep up.
    var droppedLines: UInt64 { sink.droppedLines }

    /// Opens the file anew, after it was rotated. What was said before goes to the old one.
    package func reopen() {
        if let error = sink.reopen() {
            self.error("error_log can't be opened anew, the old file stays in use: \(error)")
        }
    }
}

extension ErrorLogSettings.Level {
    var swiftLevel: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warn: .warning
        case .error: .error
        case .crit, .alert, .emerg: .critical
        }
    }
}

/// Formats lines as `2026/11/22 13:24:25 [error] 4711: text`.
struct OperatorLogHandler: LogHandler {
    let sink: OperatorLogSink
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        sink.write(level: event.level, text: event.message.description)
    }

    static func line(_ level: Logger.Level, _ text: String) -> [UInt8] {
        var seconds = time_t(Clock.realtimeSeconds())
        var parts = unsafe tm()
        unsafe localtime_r(&seconds, &parts)
        func padded(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let name = level == .warning ? "warn" : level == .critical ? "crit" : level.rawValue
        let day = unsafe "\(parts.tm_year + 1900)/\(padded(parts.tm_mon + 1))/\(padded(parts.tm_mday))"
        let time = unsafe "\(day) \(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
        return Array("\(time) [\(name)] \(getpid()): \(LogText.oneLine(text))\n".utf8)
    }
}

extension LogFile.Target {
    init(_ destination: ErrorLogSettings.Destination) {
        self =
            switch destination {
            case .standardError: .stream(2)
            case .off: .nothing
            case .file(let path): .file(path)
            }
    }
}

/// Text that no input can turn into two lines.
enum LogText {
    /// `"`, `\` and what isn't printable ASCII as `\xXX`.
    static func escape(_ bytes: borrowing Span<UInt8>) -> String {
        var text: [UInt8] = []
        for index in 0..<bytes.count {
            let byte = bytes[index]
            if byte >= 0x20, byte < 0x7F, byte != 0x22, byte != 0x5C {
                text.append(byte)
            } else {
                text += Array("\\x".utf8)
                text.append(ASCII.uppercaseHexDigit(byte >> 4))
                text.append(ASCII.uppercaseHexDigit(byte & 0xF))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Control characters replaced.
    static func oneLine(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return text }
        return String(decoding: text.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(0x3F) : $0 }, as: UTF8.self)
    }
}
