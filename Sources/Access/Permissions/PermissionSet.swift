/// Some of a table's permissions: bit `n` is the one at place `n`. At most 64.
package struct PermissionSet: OptionSet, Sendable, Hashable, BitwiseCopyable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The one permission at `place`, from 0 to 63.
    package init(place: Int) {
        precondition((0..<64).contains(place))
        self.init(rawValue: 1 << UInt64(place))
    }

    /// Whether the permission at `place` is in the set. No set holds place -1, which stands for what no permission allows.
    package func holds(_ place: Int) -> Bool {
        place >= 0 && place < 64 && rawValue & (1 << UInt64(place)) != 0
    }
}
