/// `cross_site`: whether a page of another origin may have a browser send what changes something.
package struct CrossSiteRule: Sendable, Equatable {
    package var isDenied: Bool
    /// Origins that may in spite of it: serialised as browsers do (RFC 6454, section 6.2), in lower case, no default port.
    package var exceptions: [[UInt8]]

    package init(isDenied: Bool, exceptions: [[UInt8]] = []) {
        self.isDenied = isDenied
        self.exceptions = exceptions
    }

    package static let allowed = CrossSiteRule(isDenied: false)
}
