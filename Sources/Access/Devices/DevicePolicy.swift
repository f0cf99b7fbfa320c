/// How devices are let in.
package struct DevicePolicy: BitwiseCopyable, Sendable, Equatable {
    /// Milliseconds that a request waits for a decision.
    package var timeout: Int64
    /// Requests that wait at the same time, of all users together. From 1 to `DeviceTable.maximumPending`.
    package var maxPending: Int
    /// Whether nobody has to decide.
    package var autoApproves: Bool

    package init(timeout: Int64 = 300_000, maxPending: Int = 5, autoApproves: Bool = false) {
        self.timeout = timeout
        self.maxPending = maxPending
        self.autoApproves = autoApproves
    }
}
