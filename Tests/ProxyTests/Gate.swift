import Synchronization
import TestSupport

@testable import Proxy

/// Holds threads up until a test opens it, or until the test's patience is over.
final class Gate: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }

    func pass() { _ = Patience.until { isOpen.withLock { $0 } } }
}
