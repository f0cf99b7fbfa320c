/// The release.
package enum Version {
    package static let text = "0.1.0"
    static let bytes = Array(text.utf8)
}
