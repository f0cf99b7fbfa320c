import CLinux
import EventLoop
import Glibc

/// A child process whose output and messages come through pipes that don't block; nothing on its standard input, no
/// terminal to ask at (posix_spawn(3)).
struct AgeProcess: ~Copyable {
    /// POSIX_SPAWN_SETSID of glibc, which Swift's overlay leaves out.
    private static let ownSession: Int32 = 0x80

    private let process: pid_t
    private let outputEnd: OwnedDescriptor
    private let messagesEnd: OwnedDescriptor

    var output: Int32 { outputEnd.raw }
    var messages: Int32 { messagesEnd.raw }

    init(_ program: String, _ arguments: [String]) throws(AgeDecryption.Failure) {
        let output = try Pipe()
        let messages = try Pipe()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output.writeEnd.raw, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, messages.writeEnd.raw, 2)
        // A session of its own has no terminal; and signals that this process blocks or ignores are the child's again.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF) | Self.ownSession
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        let words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var process = pid_t()
        let code = unsafe posix_spawnp(&process, program, &actions, &attributes, words, environ)
        guard code == 0 else {
            if code == ENOENT {
                throw AgeDecryption.Failure(message: "there is no \"\(program)\" in PATH", hint: "install age")
            }
            throw AgeDecryption.Failure(
                message: "can't run age: \(unsafe String(cString: strerror(code)))",
                hint: "see to it"
            )
        }
        self.process = process
        self.outputEnd = output.readEnd
        self.messagesEnd = messages.readEnd
    }

    /// Waits until one of the pipes that haven't ended has something. False when the deadline comes first.
    func wait(output outputEnded: Bool, messages messagesEnded: Bool, until deadline: UInt64) -> Bool {
        while true {
            let now = Clock.monotonic()
            guard now < deadline else { return false }
            var polled = [
                pollfd(fd: outputEnded ? -1 : output, events: Int16(POLLIN), revents: 0),
                pollfd(fd: messagesEnded ? -1 : messages, events: Int16(POLLIN), revents: 0),
            ]
            let milliseconds = Int32(min((deadline - now + 999_999) / 1_000_000, 60_000))
            let count = unsafe poll(&polled, nfds_t(polled.count), milliseconds)
            if count > 0 { return true }
            if count < 0, errno != EINTR { return true }
        }
    }

    /// Its exit status once it has ended; nil if it was ended by a signal, as it is when told so or at the deadline.
    func end(killing: Bool, by deadline: UInt64) -> Int32? {
        if killing { kill(-process, SIGKILL) }
        var status: Int32 = 0
        while true {
            let ended = unsafe waitpid(process, &status, killing ? 0 : WNOHANG)
            if ended == process { break }
            if ended < 0, errno != EINTR { return nil }
            if ended == 0 {
                // It has closed its pipes and lives on: a moment, as a rule.
                if Clock.monotonic() >= deadline { kill(-process, SIGKILL) }
                usleep(1000)
            }
        }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : nil
    }
}

/// A pipe whose reader doesn't block; neither end reaches other children.
private struct Pipe: ~Copyable {
    let readEnd: OwnedDescriptor
    let writeEnd: OwnedDescriptor

    init() throws(AgeDecryption.Failure) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            let text = unsafe String(cString: strerror(errno))
            throw AgeDecryption.Failure(message: "can't run age: \(text)", hint: "see to it")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        readEnd = OwnedDescriptor(adopting: ends[0])
        writeEnd = OwnedDescriptor(adopting: ends[1])
    }
}
