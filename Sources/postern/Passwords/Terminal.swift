import Bytes
import EventLoop
import Glibc

/// The terminal that standard input is, for passwords that nobody should read over a shoulder.
struct Terminal {
    /// Throws if standard input is no terminal.
    init() throws(CommandError) {
        guard isatty(0) == 1 else {
            throw CommandError("standard input is no terminal: give the password with --stdin, or use --generate")
        }
    }

    /// Signals that would leave the terminal without echo.
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// Asks for a password without showing it. A signal that ends the process puts the terminal right first.
    func password(prompt: String) throws -> [UInt8] {
        let signals = try SignalSource(Self.signals)
        defer { Self.unblockSignals() }
        var before = termios()
        guard unsafe tcgetattr(0, &before) == 0 else { throw CommandError.system("tcgetattr", "standard input") }
        var quiet = before
        quiet.c_lflag &= ~tcflag_t(ECHO)
        quiet.c_lflag |= tcflag_t(ICANON | ISIG)
        guard unsafe tcsetattr(0, TCSAFLUSH, &quiet) == 0 else {
            throw CommandError.system("tcsetattr", "standard input")
        }
        defer {
            unsafe tcsetattr(0, TCSAFLUSH, &before)
            write("\n")
        }
        write(prompt)
        while true {
            var watched = [
                pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            guard unsafe poll(&watched, 2, -1) > 0 else { continue }
            if let number = signals.next() {
                unsafe tcsetattr(0, TCSAFLUSH, &before)
                write("\n")
                Self.unblockSignals()
                kill(getpid(), number)
            }
            if watched[0].revents != 0 { return try PasswordSource.readLine() }
        }
    }

    private static func unblockSignals() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in signals { unsafe sigaddset(&set, number) }
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// To standard error, so that standard output holds results only.
    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
