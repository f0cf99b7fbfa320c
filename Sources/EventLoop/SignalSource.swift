import CLinux
import Glibc

/// Signals as events of a loop (signalfd(2)).
package struct SignalSource: ~Copyable, Sendable {
    private let signals: OwnedDescriptor

    /// Blocks `numbers` in the calling thread and takes them from here on.
    ///
    /// Make it before any thread is started: threads inherit what is blocked, and a thread that doesn't block a signal
    /// would die of it. Throws what pthread_sigmask(3) or signalfd(2) fails with.
    package init(_ numbers: [Int32]) throws(SystemError) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in numbers { unsafe sigaddset(&set, number) }
        let code = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        guard code == 0 else { throw SystemError("pthread_sigmask", code: code) }
        let descriptor = unsafe signalfd(-1, &set, clinux_signalfd_flags)
        guard descriptor >= 0 else { throw SystemError("signalfd", code: errno) }
        signals = OwnedDescriptor(adopting: descriptor)
    }

    /// Readable while a signal waits.
    package var descriptor: Int32 { signals.raw }

    /// The number of the next signal that waits, or nil.
    package func next() -> Int32? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while true {
            let count = unsafe Glibc.read(signals.raw, &info, size)
            if count == size { return Int32(bitPattern: info.ssi_signo) }
            if count < 0, errno == EINTR { continue }
            return nil
        }
    }

    /// Lets writes to closed pipes fail with EPIPE instead of ending the process.
    package static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }
}
