import CLinux
import EventLoop
import Glibc

/// A program that is run to its end.
enum Subprocess {
    /// Bytes of output that are kept.
    private static let outputLimit = 64 << 10

    enum Outcome: Equatable {
        case succeeded
        /// What it wrote to standard output and standard error.
        case failed(String)
        /// There is no such program in PATH.
        case notFound
    }

    /// Runs a program found in PATH, with nothing on standard input and files it makes closed to others (posix_spawn(3)).
    static func run(_ program: String, _ arguments: [String]) throws(CommandError) -> Outcome {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw .system("pipe", program) }
        let output = OwnedDescriptor(adopting: ends[0])
        let input = OwnedDescriptor(adopting: ends[1])
        _ = fcntl(output.raw, F_SETFD, FD_CLOEXEC)
        _ = fcntl(input.raw, F_SETFD, FD_CLOEXEC)

        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, input.raw, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, input.raw, 2)

        let words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        let mask = umask(0o077)
        var process = pid_t()
        let code = unsafe posix_spawnp(&process, program, &actions, nil, words, environ)
        umask(mask)
        if code == ENOENT { return .notFound }
        guard code == 0 else {
            errno = code
            throw .system("can't be run", program)
        }
        input.close()
        let text = read(output.raw)
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status == 0 ? .succeeded : .failed(text)
    }

    /// What comes until the other end is closed; only the beginning is kept.
    private static func read(_ descriptor: Int32) -> String {
        var kept: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(decoding: kept, as: UTF8.self) }
            kept += chunk[..<min(count, max(0, outputLimit - kept.count))]
        }
    }
}
