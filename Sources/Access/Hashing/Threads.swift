import CLinux
import Glibc

/// A thread of the system, to be joined once.
@safe
struct SystemThread: ~Copyable, @unchecked Sendable {
    private let handle: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a thread that takes no signals. Nil when the system has no room for one. `name` has at most 15 bytes.
    init?(name: StaticString, _ run: @escaping @Sendable () -> Void) {
        let body = unsafe Unmanaged.passRetained(Body(run))
        var handle = pthread_t()
        // A thread inherits the mask of its maker: so no signal can reach it, not even at its start.
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        let result = unsafe pthread_create(
            &handle,
            nil,
            { argument in
                unsafe Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            },
            body.toOpaque()
        )
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        guard result == 0 else {
            unsafe body.release()
            return nil
        }
        unsafe clinux_pthread_setname(handle, UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self))
        self.handle = handle
    }

    /// Lets it run on its own.
    consuming func detach() { pthread_detach(handle) }

    /// Waits for its end.
    consuming func join() { pthread_join(handle, nil) }
}

/// A value behind a lock that threads can wait at.
@safe
final class Monitor<State>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    init(_ state: sending State) {
        self.state = state
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` with the value, alone.
    func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body(&state)
    }

    /// Runs `body` with the value, alone, and again each time somebody notifies, until it gives a result.
    func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            unsafe pthread_cond_wait(condition, mutex)
        }
    }

    /// Wakes one that waits.
    func notifyOne() { unsafe pthread_cond_signal(condition) }

    /// Wakes all that wait.
    func notifyAll() { unsafe pthread_cond_broadcast(condition) }
}
