import Bytes
import Crypto

/// Writes the pages that Postern shows by itself: no script, nothing from elsewhere, the reader's own light or dark.
enum PageWriter {
    /// Text that stands for itself in HTML, attributes included.
    static func append(escaping text: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        for index in 0..<text.count {
            switch text[index] {
            case UInt8(ascii: "&"): output.append("&amp;")
            case UInt8(ascii: "<"): output.append("&lt;")
            case UInt8(ascii: ">"): output.append("&gt;")
            case ASCII.quote: output.append("&quot;")
            case UInt8(ascii: "'"): output.append("&#39;")
            case let byte where byte < 0x20 || byte == 0x7F: output.append(ASCII.space)
            case let byte: output.append(byte)
            }
        }
    }

    /// For how long: `90 seconds`, and in minutes begun where it is longer.
    static func append(seconds: Int, to output: inout ByteBuffer) {
        let isLong = seconds > 90
        let number = isLong ? (seconds + 59) / 60 : max(seconds, 1)
        output.append(decimal: number)
        output.append(isLong ? " minutes" : number == 1 ? " second" : " seconds")
    }

    /// - Parameter refresh: seconds after which the browser asks again by itself; 0 for never.
    static func begin(_ title: StaticString, refresh: Int = 0, to output: inout ByteBuffer) {
        output.append(
            """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="robots" content="noindex">

            """
        )
        if refresh > 0 {
            output.append("<meta http-equiv=\"refresh\" content=\"")
            output.append(decimal: refresh)
            output.append("\">\n")
        }
        output.append("<title>")
        output.append(title)
        output.append("</title>\n<style>")
        output.append(style)
        output.append("</style>\n</head>\n<body>\n<main>\n<h1>")
        output.append(title)
        output.append("</h1>\n")
    }

    static func end(to output: inout ByteBuffer) { output.append("</main>\n</body>\n</html>\n") }

    /// The fields that go with each page, complete lines: nothing runs, nothing is loaded, nobody frames it.
    static func appendFields(to output: inout ByteBuffer) { output.append(fields.readable) }

    private static let fields: ByteBuffer = {
        var lines = ByteBuffer()
        lines.append("Content-Security-Policy: default-src 'none'; style-src 'sha256-")
        let digest = unsafe SHA256.hash(
            Span(_unsafeElements: UnsafeBufferPointer(start: style.utf8Start, count: style.utf8CodeUnitCount))
        )
        let bytes = digest.bytes
        lines.append(Base64.encode(bytes.span))
        lines.append("'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n")
        lines.append("Referrer-Policy: same-origin\r\n")
        return lines
    }()

    private static let style: StaticString = """

        :root { color-scheme: light dark; --paper: light-dark(#f7f5f0, #161a19); --card: light-dark(#fff, #1f2523);
          --ink: light-dark(#1c2321, #e8ece9); --soft: light-dark(#55605b, #a3afa9);
          --line: light-dark(#dcd8ce, #35403b); --accent: light-dark(#2f5d50, #7fc4ae);
          --on-accent: light-dark(#fff, #10211b); --bad: light-dark(#a3341f, #f0957f); }
        * { box-sizing: border-box; }
        body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
          background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
        main { width: 100%; max-width: 24rem; background: var(--card); border: 1px solid var(--line);
          border-radius: .75rem; padding: 1.75rem; }
        h1 { font-size: 1.375rem; line-height: 1.25; margin: 0 0 .5rem; text-wrap: balance; }
        main > :last-child { margin-bottom: 0; }
        p { margin: 0 0 1rem; color: var(--soft); }
        a { color: var(--accent); font-weight: 600; }
        p.bad { color: var(--bad); font-weight: 600; }
        label { display: block; margin: 0 0 .25rem; font-weight: 500; }
        input, button { font: inherit; width: 100%; padding: .625rem .75rem; border-radius: .5rem;
          border: 1px solid var(--soft); }
        input { margin: 0 0 1rem; background: var(--paper); color: var(--ink); }
        button { background: var(--accent); border-color: var(--accent); color: var(--on-accent); cursor: pointer;
          font-weight: 600; }
        :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
        code { font: 1.75rem/1.5 ui-monospace, monospace; letter-spacing: .06em; color: var(--ink); }
        pre { font: .875rem/1.5 ui-monospace, monospace; background: var(--paper); border: 1px solid var(--line);
          border-radius: .5rem; padding: .5rem .75rem; margin: 0 0 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }

        """
}
