/// Where a table keeps a session. A handle whose session has ended is good for nothing, also when its place is taken again.
package struct SessionHandle: BitwiseCopyable, Sendable, Equatable {
    let slot: UInt32
    /// Zero for no session.
    let generation: UInt32

    init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    /// No session; valid nowhere.
    package static let none = SessionHandle(slot: 0, generation: 0)
}
