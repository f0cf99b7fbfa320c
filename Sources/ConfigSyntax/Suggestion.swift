/// Finds what was probably meant by a misspelt word.
package enum Suggestion {
    /// The candidate that takes the fewest edits, if they are few for the word's length.
    package static func nearest(to word: String, in candidates: some Sequence<String>) -> String? {
        let limit = word.utf8.count < 4 ? 1 : word.utf8.count < 10 ? 2 : 3
        guard word.utf8.count <= 128 else { return nil }
        var best: (text: String, distance: Int)?
        for candidate in candidates where abs(candidate.utf8.count - word.utf8.count) <= limit {
            let distance = distance(Array(word.utf8), Array(candidate.utf8))
            guard distance <= limit else { continue }
            if let found = best, (found.distance, found.text) <= (distance, candidate) { continue }
            best = (candidate, distance)
        }
        return best?.text
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for (row, a) in left.enumerated() {
            var current = [row + 1]
            for (column, b) in right.enumerated() {
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (a == b ? 0 : 1))
                if row > 0, column > 0, a == right[column - 1], left[row - 1] == b {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
