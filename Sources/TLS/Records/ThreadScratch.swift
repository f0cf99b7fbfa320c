internal import Glibc

/// Memory that each thread has once, for ciphertext on its way between a socket and a session. So an idle session holds none.
///
/// Whoever uses it is done with it before the call returns.
enum ThreadScratch {
    /// Four whole records, and something small before them.
    static let capacity = 72 * 1024

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        precondition(unsafe pthread_key_create(&key) { unsafe free($0) } == 0, "no key for a thread's memory is left")
        return key
    }()

    static var current: UnsafeMutableRawBufferPointer {
        if let memory = unsafe pthread_getspecific(key) {
            return unsafe UnsafeMutableRawBufferPointer(start: memory, count: capacity)
        }
        guard let memory = unsafe malloc(capacity) else { fatalError("out of memory") }
        unsafe memset(memory, 0, capacity)
        unsafe pthread_setspecific(key, memory)
        return unsafe UnsafeMutableRawBufferPointer(start: memory, count: capacity)
    }
}
