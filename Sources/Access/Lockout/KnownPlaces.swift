import Limits

/// The last four places from which a user has proved themselves, the latest first.
struct KnownPlaces: BitwiseCopyable {
    private var places: (LimitKey, LimitKey, LimitKey, LimitKey)

    init(_ place: LimitKey) { places = (place, Self.none, Self.none, Self.none) }

    /// No address: the unspecified one, `::`.
    private static let none = LimitKey(high: 0, low: 0)

    func contains(_ place: LimitKey) -> Bool {
        place != Self.none && (places.0 == place || places.1 == place || places.2 == place || places.3 == place)
    }

    /// Puts the place first.
    mutating func note(_ place: LimitKey) {
        if places.0 == place { return }
        if places.1 == place {
            places = (place, places.0, places.2, places.3)
        } else if places.2 == place {
            places = (place, places.0, places.1, places.3)
        } else {
            places = (place, places.0, places.1, places.2)
        }
    }
}
