import CLinux
import Glibc

/// A thread of its own for one loop or one kind of blocking work. Join it; one that is dropped runs on, detached.
package struct WorkerThread: ~Copyable, Sendable {
    private let thread: pthread_t

    private final class Start: Sendable {
        let name: String
        let processor: Int32?
        let body: @Sendable () -> Void

        init(name: String, processor: Int32?, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.processor = processor
            self.body = body
        }
    }

    /// Starts a thread that runs `body` with all signals blocked.
    ///
    /// The kernel keeps 15 bytes of `name`. `processor` pins the thread, as far as the process may run there. Throws what
    /// pthread_create(3) fails with.
    package init(
        name: String,
        processor: Int? = nil,
        _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        let short = String(decoding: name.utf8.prefix(15), as: UTF8.self)
        let start = unsafe Unmanaged.passRetained(Start(name: short, processor: processor.map(Int32.init), body: body))
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        // A new thread inherits the mask, so there is no moment at which it could take a signal.
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                unsafe clinux_pthread_setname(pthread_self(), start.name)
                if let processor = start.processor { _ = clinux_pin_current_thread(processor) }
                start.body()
                return nil
            },
            start.toOpaque()
        )
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        guard code == 0 else {
            unsafe start.release()
            throw SystemError("pthread_create", code: code)
        }
        self.thread = thread
    }

    deinit { pthread_detach(thread) }

    /// Whether the caller runs on it, and so can't join it.
    package var isCurrent: Bool { pthread_equal(thread, pthread_self()) != 0 }

    /// Waits until the thread has ended.
    package consuming func join() {
        pthread_join(thread, nil)
        discard self
    }

    /// Processors that this process may run on.
    package static var availableProcessors: Int { max(Int(clinux_available_processors()), 1) }
}
