import Bytes

/// The page to log in on.
struct LoginPage {
    /// What stands above the form.
    enum Notice: Equatable {
        case none
        case wrong
        /// For so many seconds.
        case locked(Int)
        case tooManySessions
        case busy
    }

    /// - Parameters:
    ///   - target: where to go after it.
    ///   - user: the name that was given before.
    static func write(
        title: borrowing Span<UInt8>,
        notice: Notice,
        user: borrowing Span<UInt8>,
        target: borrowing Span<UInt8>,
        isSecure: Bool,
        to output: inout ByteBuffer
    ) {
        PageWriter.begin("Log in", to: &output)
        if title.count > 0 {
            output.append("<p>")
            PageWriter.append(escaping: title, to: &output)
            output.append("</p>\n")
        }
        write(notice, to: &output)
        if !isSecure {
            output.append(
                "<p>This connection is not encrypted: a login lasts over https only, or on the machine itself.</p>\n"
            )
        }
        output.append("<form method=\"post\" action=\"/.postern/login\">\n")
        output.append("<input type=\"hidden\" name=\"return\" value=\"")
        PageWriter.append(escaping: target, to: &output)
        output.append(
            """
            ">
            <label for="user">Name</label>
            <input id="user" name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required \
            maxlength="255" value="
            """
        )
        PageWriter.append(escaping: user, to: &output)
        output.append(user.count == 0 ? "\" autofocus>\n" : "\">\n")
        output.append(
            """
            <label for="password">Password</label>
            <input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024"
            """
        )
        output.append(user.count == 0 ? ">\n" : " autofocus>\n")
        output.append("<button>Log in</button>\n</form>\n")
        PageWriter.end(to: &output)
    }

    private static func write(_ notice: Notice, to output: inout ByteBuffer) {
        switch notice {
        case .none: return
        case .wrong: output.append("<p class=\"bad\" role=\"alert\">Name or password is wrong.</p>\n")
        case .locked(let seconds):
            output.append("<p class=\"bad\" role=\"alert\">Too many wrong attempts. Try again in ")
            PageWriter.append(seconds: seconds, to: &output)
            output.append(".</p>\n")
        case .tooManySessions:
            output.append(
                "<p class=\"bad\" role=\"alert\">You are logged in on as many browsers as may be. Log out on one.</p>\n"
            )
        case .busy: output.append("<p class=\"bad\" role=\"alert\">Too much to do just now. Try again.</p>\n")
        }
    }
}

/// What a browser sees whose device waits to be let in.
struct DevicePage {
    /// `seconds` are left to approve it.
    static func write(code: borrowing Span<UInt8>, seconds: Int, to output: inout ByteBuffer) {
        PageWriter.begin("Waiting to be let in", refresh: 3, to: &output)
        output.append("<p>Your login is right, but this browser isn't known yet. Its code:</p>\n<p><code>")
        PageWriter.append(escaping: code, to: &output)
        output.append("</code></p>\n<p>Somebody at the machine has to approve it within ")
        PageWriter.append(seconds: seconds, to: &output)
        output.append(":</p>\n<pre>")
        output.append("postern devices approve ")
        PageWriter.append(escaping: code, to: &output)
        output.append("</pre>\n<p role=\"status\">This page goes on by itself then.</p>\n")
        PageWriter.end(to: &output)
    }

    /// To one that waits no more, once.
    static func writeRefused(to output: inout ByteBuffer) {
        PageWriter.begin("This browser was not let in", to: &output)
        output.append("<p>Somebody at the machine turned it away, too many waited, ")
        output.append("or nobody approved it in time.</p>\n")
        // The same address.
        output.append("<p><a href=\"\">Ask again</a></p>\n")
        PageWriter.end(to: &output)
    }
}

/// What a browser sees that logs out, or asks to.
struct LogoutPage {
    /// Asks, since the request wasn't one that only this host's pages can make.
    static func writeQuestion(to output: inout ByteBuffer) {
        PageWriter.begin("Log out?", to: &output)
        output.append("<p>This ends your session in this browser, and what it has open.</p>\n")
        output.append("<form method=\"post\" action=\"/.postern/logout\">\n<button>Log out</button>\n</form>\n")
        PageWriter.end(to: &output)
    }

    static func writeDone(to output: inout ByteBuffer) {
        PageWriter.begin("You are logged out", to: &output)
        output.append("<p>Your session has ended.</p>\n")
        output.append("<form method=\"get\" action=\"/\">\n<button>Log in again</button>\n</form>\n")
        PageWriter.end(to: &output)
    }
}
