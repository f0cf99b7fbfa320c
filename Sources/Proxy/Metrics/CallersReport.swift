import Access
import Store
import Synchronization

/// What is known of callers at one moment.
struct CallersReport {
    let sessions: Int
    let sessionCapacity: Int
    let devices: Int
    let pendingDevices: Int
    let locks: (places: Int, users: Int)
    let isStateFailing: Bool

    init(_ identity: IdentityService) {
        let date = identity.date
        sessions = identity.sessions.count
        sessionCapacity = identity.sessions.capacity
        devices = identity.devices.count
        pendingDevices = identity.devices.pendingCount(now: date)
        locks = identity.failures.locked(now: date)
        isStateFailing = identity.state.withLock { $0 }?.failure != nil
    }
}
