/// What a start takes from the configuration for good: a reload that says otherwise is told of, or refused where going on as
/// before would break a promise.
struct StartSettings {
    private let workers: Int?
    private let stateDirectory: String?
    private let controlSocket: String?
    private let pidFile: String?

    init(_ configuration: ProxyConfiguration) {
        workers = configuration.process.workerCount
        stateDirectory = configuration.stateDirectory
        controlSocket = configuration.controlSocket
        pidFile = configuration.process.pidFile
    }

    /// Throws where devices that are let in from now on could not be kept.
    func check(_ fresh: ProxyConfiguration) throws(StartError) {
        let pairs = fresh.servers.contains { server in
            server.root.identity.pairing != nil || server.locations.contains { $0.identity.pairing != nil }
        }
        guard pairs, stateDirectory == nil else { return }
        throw StartError("device_pairing keeps its devices in state_dir, which is opened at a start only: restart")
    }

    /// What the fresh file says in vain, in words for the log.
    func differences(_ fresh: ProxyConfiguration, workerCount: Int) -> [String] {
        var found: [String] = []
        if fresh.process.workerCount != workers {
            found.append("worker_processes changes at a restart only: \(workerCount) event loops go on")
        }
        if fresh.stateDirectory != stateDirectory {
            found.append("state_dir changes at a restart only: \(stateDirectory ?? "none") stays in use")
        }
        if fresh.controlSocket != controlSocket {
            found.append(
                "control changes at a restart only: \(controlSocket.map { "unix:" + $0 } ?? "none") stays in use"
            )
        }
        if fresh.process.pidFile != pidFile {
            found.append("pid changes at a restart only: \(pidFile ?? "none") stays in use")
        }
        return found
    }
}
