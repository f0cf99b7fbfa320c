/// What one attempt to read or write brought.
package enum IOResult: Sendable, Equatable {
    /// So many bytes went over, at least one.
    case bytes(Int)
    /// Nothing can be read until the descriptor is readable.
    case wantsRead
    /// Nothing can be written until the descriptor is writable.
    case wantsWrite
    /// The peer has ended its side in order.
    case endOfStream
    /// The connection is broken.
    case failed(SystemError)
}
