import Access
import EventLoop
import Glibc
import Store
import Synchronization

extension IdentityService {
    /// Takes the directory over that state is kept in, and what is kept there. Before the loops run.
    func open(_ directory: String) throws(StartError) {
        let callbacks = StateStore.Callbacks(
            loaded: { [self] contents in restore(contents) },
            snapshot: { [self] in snapshot() },
            report: { [log] failure in
                if let failure {
                    log.error("state can't be kept, and goes on in memory only: \(failure)")
                } else {
                    log.notice("state is kept again")
                }
            }
        )
        do throws(StoreError) {
            let store = try StateStore.open(directory: directory, now: date, callbacks: callbacks)
            state.withLock { $0 = store }
        } catch {
            throw StartError("state_dir: \(error)")
        }
        if !hasStoredKey { keep(.putDeviceKey(deviceKey.secret)) }
    }

    private func restore(_ contents: StoreContents) {
        if let key = contents.deviceKey { setDeviceKey(key) }
        let now = date
        sessions.restore(contents.sessions.map(\.record), now: now)
        for session in contents.sessions { _ = realm(of: session.realm) }
        devices.restore(contents.devices.compactMap(\.record))
        restoreKeyUses(contents.keyUses)
    }

    private func snapshot() -> StoreContents {
        StoreContents(
            sessions: sessions.list(now: date).map { SessionRow($0) },
            devices: devices.list().map { DeviceRow($0) },
            keyUses: keyUses,
            deviceKey: deviceKey.secret
        )
    }

    /// Whether what happens can be kept, as far as it is to be.
    var isKept: Bool { state.withLock { $0 }?.failure == nil }

    /// Writes what waits, and lets the directory go.
    func close() {
        stop()
        defer { forgetFiles() }
        let store = state.withLock { state in
            defer { state = nil }
            return state
        }
        guard let store else { return }
        look()
        store.close()
    }
}
