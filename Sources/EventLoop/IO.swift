package import Bytes
import CLinux
import Glibc

/// Reading from and writing to non-blocking sockets: the one place that knows of EINTR, EAGAIN and SIGPIPE.
package enum IO {
    /// Receives into `memory`, which must not be empty (recv(2)).
    package static func recv(_ descriptor: Int32, into memory: UnsafeMutableRawBufferPointer) -> IOResult {
        while true {
            let count = unsafe clinux_recv(descriptor, memory.baseAddress, memory.count)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .endOfStream }
            switch Int32(truncatingIfNeeded: -count) {
            case EINTR: continue
            case EAGAIN: return .wantsRead
            case let code: return .failed(SystemError("recv", code: code))
            }
        }
    }

    /// Sends from `memory`, which must not be empty (send(2)).
    package static func send(_ descriptor: Int32, _ memory: UnsafeRawBufferPointer) -> IOResult {
        while true {
            let count = unsafe clinux_send(descriptor, memory.baseAddress, memory.count)
            if count >= 0 { return .bytes(count) }
            switch Int32(truncatingIfNeeded: -count) {
            case EINTR: continue
            case EAGAIN: return .wantsWrite
            case let code: return .failed(SystemError("send", code: code))
            }
        }
    }

    /// Sends from two regions in one call; not both may be empty (sendmsg(2)).
    package static func sendv(
        _ descriptor: Int32,
        _ first: UnsafeRawBufferPointer,
        _ second: UnsafeRawBufferPointer
    ) -> IOResult {
        unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors in
            unsafe vectors[0] = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress),
                iov_len: first.count
            )
            unsafe vectors[1] = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress),
                iov_len: second.count
            )
            var message = unsafe msghdr()
            unsafe message.msg_iov = vectors.baseAddress
            unsafe message.msg_iovlen = 2
            while true {
                let count = unsafe sendmsg(descriptor, &message, clinux_msg_nosignal)
                if count >= 0 { return .bytes(count) }
                switch errno {
                case EINTR: continue
                case EAGAIN: return .wantsWrite
                case let code: return .failed(SystemError("sendmsg", code: code))
                }
            }
        }
    }

    /// Receives into the free storage of `buffer`, at least `minimum` bytes of it.
    ///
    /// `isDrained` tells that fewer bytes came than there was room for, so that the next edge says when to read on. The end
    /// of the stream leaves it unset: only a further read shows it, unless the event said that the peer has closed.
    package static func read(
        _ descriptor: Int32,
        into buffer: inout ByteBuffer,
        minimum: Int,
        isDrained: inout Bool
    ) -> IOResult {
        var result = IOResult.wantsRead
        var room = 0
        _ = unsafe buffer.withWritable(minimum: minimum) { memory -> Int in
            room = memory.count
            result = unsafe recv(descriptor, into: memory)
            if case .bytes(let count) = result { return count }
            return 0
        }
        switch result {
        case .bytes(let count): isDrained = count < room
        case .wantsRead, .wantsWrite: isDrained = true
        case .endOfStream, .failed: isDrained = false
        }
        return result
    }

    /// Sends what is readable in `buffer`, which must not be empty, and consumes what went over.
    package static func write(_ descriptor: Int32, from buffer: inout ByteBuffer) -> IOResult {
        let result = unsafe buffer.withReadable { unsafe send(descriptor, $0) }
        if case .bytes(let count) = result { buffer.consume(count) }
        return result
    }

    /// Ends our side of the stream; the peer reads its end (shutdown(2)).
    package static func shutdownWrite(_ descriptor: Int32) {
        _ = shutdown(descriptor, clinux_shut_wr)
    }
}
