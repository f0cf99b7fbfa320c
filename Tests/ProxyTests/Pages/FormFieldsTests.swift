import Bytes
import Testing

@testable import Proxy

struct FormFieldsTests {
    private static func value(_ form: String, _ name: StaticString) -> String? {
        guard let fields = FormFields(Array(form.utf8).span) else { return nil }
        return fields.withValue(name) { $0.string }
    }

    @Test(arguments: [
        ("user=alice&password=x", "alice"), ("password=x&user=alice", "alice"), ("user=a+b", "a b"),
        ("user=a%2Bb", "a+b"),
        ("user=%C3%A4", "ä"), ("user=a=b", "a=b"), ("user=", ""), ("user", ""), ("", ""), ("USER=a", ""),
        ("user=first&user=second", "first"), ("%75ser=alice", "alice"), ("&&user=alice&", "alice"),
    ])
    func findsAField(form: String, value: String) { #expect(Self.value(form, "user") == value) }

    @Test(arguments: ["user=%", "user=%4", "user=%zz", "user=%+1", "%=x", String(repeating: "a=b&", count: 17)])
    func refusesABrokenForm(form: String) { #expect(Self.value(form, "user") == nil) }

    @Test(arguments: [
        ("/", "/"), ("/a?b=1&c=%2F", "/a?b=1&c=%2F"), ("/models/openclaw%2Fdefault", "/models/openclaw%2Fdefault"),
        ("", "/"), ("a", "/"), ("//evil", "/"), ("/\\evil", "/"), ("https://evil", "/"), ("/a b", "/"),
        ("/a\r\nX: y", "/"),
        ("/\u{E4}", "/"), ("/.postern/login", "/"), ("/.postern/logout?x", "/"), ("/.posternx", "/.posternx"),
        ("/" + String(repeating: "a", count: 2047), "/" + String(repeating: "a", count: 2047)),
        ("/" + String(repeating: "a", count: 2048), "/"),
    ])
    func leadsToThisHostOnly(asked: String, target: String) {
        var output = ByteBuffer()
        ReturnTarget.append(Array(asked.utf8).span, to: &output)
        #expect(output.readable.string == target)
    }
}

struct CookieCrumbsTests {
    @Test(arguments: [
        ("a=1", "Cookie: a=1\r\n"), ("__Host-postern=t", ""), ("__Host-postern=t; a=1", "Cookie: a=1\r\n"),
        ("a=1; __Host-postern=t", "Cookie: a=1\r\n"), ("a=1; __Host-postern-device=t; b=2", "Cookie: a=1; b=2\r\n"),
        ("a=1;__Host-postern=t;b=2", "Cookie: a=1; b=2\r\n"), ("__Host-postern=t;;  ;__Host-postern=u", ""),
        ("a=__Host-postern=t", "Cookie: a=__Host-postern=t\r\n"), ("__host-postern=t", "Cookie: __host-postern=t\r\n"),
        ("", ""),
    ])
    func keepsOthers(value: String, field: String) {
        var output = ByteBuffer()
        CookieCrumbs.writeOthers(Array(value.utf8).span, to: &output)
        #expect(output.readable.string == field)
        #expect(
            CookieCrumbs.hasOurs(Array(value.utf8).span)
                == value.replacing("=__Host-", with: "").contains("__Host-postern")
        )
    }
}

struct PageWriterTests {
    @Test func writesNoMarkupOfOthers() {
        var page = ByteBuffer()
        let nasty = Array("\"><script>alert('x')</script>&\u{7}".utf8)
        LoginPage.write(
            title: nasty.span,
            notice: .locked(100),
            user: nasty.span,
            target: nasty.span,
            isSecure: false,
            to: &page
        )
        let text = page.readable.string
        #expect(!text.contains("<script"))
        #expect(!text.contains("\u{7}"))
        #expect(text.components(of: "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp; ") == 3)
        #expect(text.contains("Try again in 2 minutes."))
        #expect(text.contains("not encrypted"))
    }

    @Test(arguments: [
        (-1, "1 second:"), (1, "1 second:"), (8, "8 seconds:"), (60, "60 seconds:"), (90, "90 seconds:"),
        (91, "2 minutes:"), (120, "2 minutes:"), (121, "3 minutes:"), (300, "5 minutes:"),
    ])
    func tellsHowLongADeviceStillWaits(seconds: Int, words: String) {
        var page = ByteBuffer()
        DevicePage.write(code: Array("ABCD-2345".utf8).span, seconds: seconds, to: &page)
        #expect(page.readable.string.contains("approve it within \(words)</p>"))
    }
}

extension String {
    /// How often `part` stands in it.
    fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
