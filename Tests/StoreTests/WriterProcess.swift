import EventLoop
import Glibc
import TestSupport

/// A program that runs beside the test, its standard output in the test's hands.
struct WriterProcess: ~Copyable {
    private let process: pid_t
    private let output: OwnedDescriptor
    private var text: [UInt8] = []
    private var hasEnded = false

    /// Starts the program that Tests/StoreWriter holds, which is built beside the tests.
    init(_ arguments: [String]) throws {
        var name = [UInt8](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &name, name.count)
        let own = String(decoding: name.prefix(max(count, 0)), as: UTF8.self)
        try self.init(own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/StoreWriter", arguments)
    }

    /// Starts a program (posix_spawn(3)).
    init(_ program: String, _ arguments: [String]) throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw SystemError("pipe", code: errno) }
        let output = OwnedDescriptor(adopting: ends[0])
        let input = OwnedDescriptor(adopting: ends[1])
        _ = fcntl(output.raw, F_SETFD, FD_CLOEXEC)
        _ = fcntl(input.raw, F_SETFD, FD_CLOEXEC)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input.raw, 1)
        let words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var process = pid_t()
        let code = unsafe posix_spawnp(&process, program, &actions, nil, words, environ)
        guard code == 0 else { throw SystemError("posix_spawnp", code: code) }
        self.process = process
        self.output = output
    }

    deinit {
        if hasEnded { return }
        Glibc.kill(process, SIGKILL)
        while waitpid(process, nil, 0) < 0, errno == EINTR {}
    }

    /// Waits for its end; the exit status, or nil when a signal ended it.
    mutating func end() -> Int32? {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        hasEnded = true
        return status & 0x7F == 0 ? status >> 8 : nil
    }

    /// Waits until it has printed something.
    mutating func waitForOutput() { if text.isEmpty { _ = read() } }

    /// Ends it where it stands.
    func kill() { Glibc.kill(process, SIGKILL) }

    /// All the lines it printed, once it has ended. A line that the end cut short is left out.
    mutating func lines() -> [String] {
        while read() {}
        let whole = text.prefix((text.lastIndex(of: 10) ?? -1) + 1)
        return whole.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
    }

    private mutating func read() -> Bool {
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe Glibc.read(output.raw, &part, part.count)
            if count < 0, errno == EINTR { continue }
            text += part.prefix(max(count, 0))
            return count > 0
        }
    }
}
