import Bytes
import EventLoop
import Glibc

/// Reading small files that hold secrets. Blocks.
enum FileSystemBytes {
    struct Contents {
        var bytes: [UInt8]
        /// Whether any account of the machine may read it.
        let isReadableByOthers: Bool
    }

    struct Failure: Error {
        let message: String
        let hint: String
    }

    /// The whole of a regular file of at most `limit` bytes.
    static func read(_ path: String, limit: Int) throws(Failure) -> Contents {
        // Not to hang on a FIFO.
        let raw = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard raw >= 0 else { throw system(errno) }
        let file = OwnedDescriptor(adopting: raw)
        var status = stat()
        guard unsafe fstat(file.raw, &status) == 0 else { throw system(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(message: "it is not a regular file", hint: "name a file")
        }
        // One byte more tells a file that is too long.
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < bytes.count {
            let start = count
            let got = unsafe bytes.withUnsafeMutableBytes { memory in
                unsafe Glibc.read(file.raw, memory.baseAddress.map { unsafe $0 + start }, memory.count - start)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else {
                let failure = system(errno)
                wipe(&bytes)
                throw failure
            }
            if got == 0 { break }
            count += got
        }
        guard count <= limit else {
            wipe(&bytes)
            throw Failure(message: "it has more than \(limit) bytes", hint: "name the right file")
        }
        bytes.removeLast(bytes.count - count)
        return Contents(bytes: bytes, isReadableByOthers: status.st_mode & S_IROTH != 0)
    }

    private static func system(_ code: Int32) -> Failure {
        let hint =
            switch code {
            case ENOENT: "make it, or correct the path"
            case EACCES: "let Postern's account read it"
            default: "see to it"
            }
        return Failure(message: unsafe String(cString: strerror(code)), hint: hint)
    }
}
