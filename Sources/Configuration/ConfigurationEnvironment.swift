import Glibc

/// What a configuration asks of the machine that loads it; tests give their own.
package struct ConfigurationEnvironment: Sendable {
    /// For `$hostname` as a server's name.
    package var hostName: String
    /// Whether a name resolves now; nil doesn't ask. It may block for as long as the system's resolver does.
    package var resolves: (@Sendable (String) -> Bool)?

    package init(hostName: String, resolves: (@Sendable (String) -> Bool)? = nil) {
        self.hostName = hostName
        self.resolves = resolves
    }

    /// The machine that runs this. `asksResolver` is for checks at leisure, not for a running proxy's loops.
    package static func system(asksResolver: Bool) -> ConfigurationEnvironment {
        var name = [CChar](repeating: 0, count: 256)
        let status = unsafe name.withUnsafeMutableBufferPointer { buffer -> Int32 in
            guard let start = buffer.baseAddress else { return -1 }
            return unsafe gethostname(start, buffer.count - 1)
        }
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let hostName = status == 0 ? String(decoding: bytes, as: UTF8.self) : "localhost"
        guard asksResolver else { return ConfigurationEnvironment(hostName: hostName) }
        return ConfigurationEnvironment(hostName: hostName) { lookUp($0) }
    }

    private static func lookUp(_ name: String) -> Bool {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(name, nil, &hints, &found) == 0 else { return false }
        unsafe freeaddrinfo(found)
        return true
    }
}

/// Where relative paths start, as Nginx has it.
package struct ConfigurationDirectories: Sendable {
    /// For includes, certificates and password files: where the main file lies.
    package var configuration: String
    /// For logs and the pid file: the prefix (`-p`).
    package var prefix: String

    package init(configuration: String, prefix: String) {
        self.configuration = configuration
        self.prefix = prefix
    }
}
