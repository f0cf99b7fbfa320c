import EventLoop

/// The page that shows who is calling, and what it loads.
enum Page {
    /// The fields that tell who is calling, in the order in which the page shows them.
    private static let identityFields = [
        "x-forwarded-user", "x-openclaw-scopes", "x-real-ip", "x-forwarded-for", "x-forwarded-proto",
        "x-forwarded-host",
        "x-request-id", "host",
    ]

    /// The page for one request. What the request holds is escaped; a credential is never shown, only its kind.
    static func html(for request: Request, _ peer: SocketAddress) -> String {
        var rows = ""
        for name in identityFields {
            rows += row(
                name,
                request.field(name).map { "<code>\(escape($0))</code>" } ?? "<span class=\"none\">not sent</span>"
            )
        }
        rows += row("authorization", "<code>\(escape(request.authorizationKind))</code>")
        rows += row("connected from", "<code>\(escape("\(peer)"))</code>")
        return head + rows + foot
    }

    private static func row(_ name: String, _ value: String) -> String {
        "          <tr><th scope=\"row\">\(name)</th><td>\(value)</td></tr>\n"
    }

    /// The text with what HTML reads as markup escaped.
    static func escape(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static let head = """
        <!doctype html>
        <html lang="en">
        <head>
          <meta charset="utf-8">
          <meta name="viewport" content="width=device-width, initial-scale=1">
          <meta name="color-scheme" content="light dark">
          <title>Demo gateway</title>
          <link rel="manifest" href="/manifest.webmanifest">
          <link rel="icon" href="/avatar/main" type="image/svg+xml">
          <link rel="stylesheet" href="/demo.css">
          <script src="/demo.js" defer></script>
        </head>
        <body>
          <a class="skip" href="#main">Skip to content</a>
          <header>
            <img src="/avatar/main" alt="" width="40" height="40">
            <div>
              <h1>Demo gateway</h1>
              <p>You are through. This page shows what the gateway behind the proxy sees.</p>
            </div>
          </header>
          <main id="main">
            <section aria-labelledby="who">
              <h2 id="who">Who you are</h2>
              <table>
                <caption>As this page's request told the gateway</caption>
                <tbody>

        """

    private static let foot = """
                </tbody>
              </table>
            </section>
            <section aria-labelledby="socket">
              <h2 id="socket">WebSocket</h2>
              <p><span id="socket-dot" class="dot" aria-hidden="true"></span>
                <span id="socket-state" role="status">Not connected</span></p>
              <dl>
                <dt>Ticks</dt><dd id="ticks">0</dd>
                <dt>Connection</dt><dd><code id="connection">–</code></dd>
              </dl>
              <form id="echo-form">
                <label for="echo-text">Message to echo</label>
                <div class="line">
                  <input id="echo-text" value="hello" autocomplete="off" maxlength="1000">
                  <button id="echo-send" disabled>Send</button>
                </div>
              </form>
              <pre id="echo-log" role="log" aria-label="Echoes" tabindex="0"></pre>
            </section>
            <section aria-labelledby="stream">
              <h2 id="stream">Streamed answer</h2>
              <form id="chat-form">
                <label for="chat-token">Gateway token, if it asks for one</label>
                <input id="chat-token" type="password" autocomplete="off" placeholder="sent as Authorization: Bearer">
                <label for="chat-text">Prompt</label>
                <div class="line">
                  <input id="chat-text" value="every word should come by itself" autocomplete="off" maxlength="1000">
                  <button>Ask</button>
                </div>
              </form>
              <p id="chat-state" role="status"></p>
              <p id="chat-answer" aria-live="off"></p>
            </section>
          </main>
        </body>
        </html>

        """

    static let manifest = """
        {"name":"Demo gateway","short_name":"Demo","start_url":"/","display":"standalone",
        "icons":[{"src":"/avatar/main","sizes":"any","type":"image/svg+xml"}]}

        """

    static let serviceWorker = """
        self.addEventListener("install", () => self.skipWaiting());
        self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

        """

    static let avatar = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="#2f5d50"/>\
        <path d="M20 52V22a12 12 0 0 1 24 0v30z" fill="#f4efe6"/><circle cx="38" cy="37" r="2.5" fill="#2f5d50"/></svg>

        """
}
