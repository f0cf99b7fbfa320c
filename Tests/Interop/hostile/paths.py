"""Around the door by paths and methods that mean two things."""

from .asked import ALL_CARRIERS, DENIED, LOGIN, NO_PATH, adder, passed, refused
from .case import Ask, Outcome

CASES = []
add = adder(CASES)
AMBIGUOUS = refused(400, "refused with 400: ambiguous-path")
MALFORMED = refused(400, "refused with 400: malformed-path", ends=True)
LINE = refused(400, "the request target isn't a path, an http URI or *", ends=True)

# Paths. `/` asks for a login, `/open/` and `/exact` for none, `/closed/` is closed to everybody.

for _target, _means, _outcome in [
    ("/open/../secret", "/secret, /open/../secret", AMBIGUOUS),
    ("/open/../closed/x", "/closed/x, /open/../closed/x", AMBIGUOUS),
    ("/open/./../secret", "/secret, /open/./../secret", AMBIGUOUS),
    ("/open/x/../../secret", "/secret, /open/x/../../secret", AMBIGUOUS),
    ("/open/x/../y", "/open/y either way", passed(target="/open/x/../y")),
    ("/open/%2e%2e/secret", "/secret, /open/%2e%2e/secret", AMBIGUOUS),
    ("/open/%2E%2e/secret", "/secret, /open/%2E%2e/secret", AMBIGUOUS),
    ("/open/.%2e/secret", "/secret, /open/.%2e/secret", AMBIGUOUS),
    ("/open/..%2fsecret", "/secret, /open/..%2fsecret", AMBIGUOUS),
    ("/open/%2e%2e%2fsecret", "/secret, /open/..%2fsecret", AMBIGUOUS),
    ("/open%2f..%2fsecret", "/secret, /open%2f..%2fsecret: one rule for both", LOGIN),
    ("/secret/..%2fopen/x", "/open/x, /secret/..%2fopen/x", AMBIGUOUS),
    ("/closed%2fx", "/closed/x, /closed%2fx", AMBIGUOUS),
    ("/open%2fx", "/open/x, /open%2fx", AMBIGUOUS),
    ("/open/a%2fb", "/open/a%2fb either way", passed(target="/open/a%2fb")),
    ("/open/%252e%252e/secret", "/secret after two decodings", AMBIGUOUS),
    ("/open/%252e%252e%252fsecret", "/secret after two decodings", AMBIGUOUS),
    ("/open/%25%32%65%25%32%65/secret", "/secret after two decodings", AMBIGUOUS),
    ("/open/..;/secret", "/secret without the parameter", AMBIGUOUS),
    ("/open/..;a=b/secret", "/secret without the parameter", AMBIGUOUS),
    ("/open/%2e%2e;/secret", "/secret without the parameter", AMBIGUOUS),
    ("/open/..%3b/secret", "/secret without the parameter", AMBIGUOUS),
    ("/closed;a=b/x", "/closed/x without the parameter", AMBIGUOUS),
    ("/open;a=b/x", "/open/x without the parameter", AMBIGUOUS),
    ("/open/x;a=b", "/open/x either way", passed(target="/open/x;a=b")),
    ("/open/..\\secret", "/secret where \\ separates", AMBIGUOUS),
    ("/open/..%5csecret", "/secret where \\ separates", AMBIGUOUS),
    ("/open\\..\\secret", "/secret where \\ separates: one rule for both", LOGIN),
    ("/open\\x", "/open/x where \\ separates", AMBIGUOUS),
    ("/closed\\x", "/closed/x where \\ separates", AMBIGUOUS),
    ("/open/..%255csecret", "/secret after two decodings, where \\ separates", AMBIGUOUS),
    ("//open/x", "/open/x, //open/x", AMBIGUOUS),
    ("//closed/x", "/closed/x, //closed/x", AMBIGUOUS),
    ("/open//x", "/open/x either way", passed(target="/open//x")),
    ("/open//../secret", "/secret, /open/secret", AMBIGUOUS),
    ("/open/%2f../../secret", "/secret, or above the root", MALFORMED),
    ("/%6fpen/x", "/open/x", passed(target="/%6fpen/x")),
    ("/%63losed/x", "/closed/x", DENIED),
    ("/%2563losed/x", "/closed/x after two decodings", AMBIGUOUS),
    ("/Closed/x", "/Closed/x: another path", LOGIN),
    ("/closed/", "/closed/", DENIED),
    ("/closed/.", "/closed/ or /closed/.", DENIED),
    ("/exact/", "/exact/: another path", LOGIN),
    ("/exact/.", "/exact/, /exact/.", LOGIN),
    ("/exact/..", "/", LOGIN),
    ("/exact%20", "/exact and a space: another path", LOGIN),
    ("/exact?", "/exact", passed(target="/exact?")),
    ("/exact%3f", "/exact?: another path", LOGIN),
    ("/exact;x", "/exact without the parameter", AMBIGUOUS),
    ("/open/..", "/, /open/..", AMBIGUOUS),
    ("/..", "above the root", MALFORMED),
    ("/open/../../secret", "above the root", MALFORMED),
    ("/open/%2e%2e/%2e%2e/secret", "above the root", MALFORMED),
    ("/open/%c0%ae%c0%ae/secret", "/secret, in overlong UTF-8", MALFORMED),
    ("/open/..%c0%afsecret", "/secret, in overlong UTF-8", MALFORMED),
    ("/open/%e0%80%ae%e0%80%ae/secret", "/secret, in overlong UTF-8", MALFORMED),
    ("/open/%ff", "no text", MALFORMED),
    ("/open/%00", "/open/ to who stops at NUL", MALFORMED),
    ("/exact%00.png", "/exact to who stops at NUL", MALFORMED),
    ("/open/%", "no path", MALFORMED),
    ("/open/%2", "no path", MALFORMED),
    ("/open/%zz", "no path", MALFORMED),
    ("/open/%u002e%u002e/secret", "no path", MALFORMED),
    ("/open/x#/../secret", "no target", LINE),
    ("/open/x?/../../secret", "/open/x and a query", passed(target="/open/x?/../../secret")),
    ("/open/%0d%0aX-A:%201", "a path with CR and LF in it", passed(target="/open/%0d%0aX-A:%201")),
    ("/open/%0d%0a/../../secret", "/secret, /open/%0d%0a/../../secret", AMBIGUOUS),
]:
    _also = {"carriers": ALL_CARRIERS} if _outcome is DENIED else {}
    add(f"`{_target}`", _means, Ask(target=_target), _outcome, **_also)

for _method in ("get", "Get", "PROPFIND", "HEAD", "OPTIONS"):
    add(f"`{_method} /secret`", "a method that rules don't name", Ask(_method, "/secret"), LOGIN)
add(
    "`/closed`",
    "/closed: another path",
    Ask(target="/closed"),
    LOGIN,
    nginx=Outcome((301,)),  # As Nginx adds the slash to a location's path.
)
add("`OPTIONS *`", "the server as a whole", Ask("OPTIONS", "*"), LOGIN)
add(
    "`get /open/x`",
    "another method than GET",
    Ask("get", "/open/x", (("Sec-Fetch-Site", "cross-site"),)),
    refused(403, "refused with 403: cross-site"),
)
add("`http://localhost/closed/x`", "/closed/x", Ask(target="http://localhost/closed/x"), DENIED, http2=NO_PATH)
add(
    "`http://localhost/open/../secret`",
    "/secret, /open/../secret",
    Ask(target="http://localhost/open/../secret"),
    AMBIGUOUS,
    http2=NO_PATH,
)
add("`http://localhost`", "/", Ask(target="http://localhost"), LOGIN, http2=NO_PATH)
add("`http://localhost?/open/x`", "/ and a query", Ask(target="http://localhost?/open/x"), LOGIN, http2=NO_PATH)
