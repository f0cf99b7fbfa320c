import CLinux
import Glibc
import Synchronization

/// Messages from other threads to one loop, which learns of them by a readable descriptor (eventfd(2)).
package final class Mailbox<Message: Sendable>: Sendable {
    private let capacity: Int
    private let wake: OwnedDescriptor
    private let messages: Mutex<[Message]>

    /// A mailbox that holds at most `capacity` messages. Throws what eventfd(2) fails with.
    package init(capacity: Int) throws(SystemError) {
        let descriptor = eventfd(0, clinux_eventfd_flags)
        guard descriptor >= 0 else { throw SystemError("eventfd", code: errno) }
        self.capacity = capacity
        wake = OwnedDescriptor(adopting: descriptor)
        messages = Mutex([])
    }

    /// Readable after a message was posted; fit for edge-triggered polling.
    package var descriptor: Int32 { wake.raw }

    /// Leaves a message and wakes the loop when there was none yet. False, with nothing left, when the mailbox is full.
    package func post(_ message: Message) -> Bool {
        let before = messages.withLock { messages -> Int in
            let before = messages.count
            if before < capacity { messages.append(message) }
            return before
        }
        guard before < capacity else { return false }
        if before == 0 {
            var one: UInt64 = 1
            // Fails only when the counter is full, and then the loop has been woken already.
            _ = unsafe Glibc.write(wake.raw, &one, 8)
        }
        return true
    }

    /// Appends all messages to `output`, oldest first.
    ///
    /// An empty `output` is exchanged for the messages, so that two arrays serve for ever without copies.
    package func drain(into output: inout [Message]) {
        var count: UInt64 = 0
        // Before the messages: one that is posted in between wakes the loop once more.
        _ = unsafe Glibc.read(wake.raw, &count, 8)
        var taken: [Message] = []
        swap(&taken, &output)
        messages.withLock { messages in
            if taken.isEmpty {
                swap(&messages, &taken)
            } else {
                taken.append(contentsOf: messages)
                messages.removeAll(keepingCapacity: true)
            }
        }
        swap(&taken, &output)
    }
}
