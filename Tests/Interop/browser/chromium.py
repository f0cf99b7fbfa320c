"""A real Chromium without a screen, driven over its DevTools protocol. One event loop in a thread serves all of it."""

import asyncio
import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import threading

from websockets.asyncio.client import connect

from harness.ports import wait_until


def program():
    """Where Chromium is; None where it isn't installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Chromium:
    """One running browser; each `profile()` has cookies and storage of its own."""

    def __init__(self, directory):
        self._log = open(directory / "browser.log", "wb")
        self._process = subprocess.Popen(
            [
                program(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--ignore-certificate-errors",
                "--no-first-run",
                "--no-proxy-server",
                "--hide-scrollbars",
                "--disable-background-networking",
                f"--user-data-dir={directory}/profile",
                "--remote-debugging-port=0",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._numbers = itertools.count(1)
        self._waiting = {}
        self._pages = {}
        self._socket = None
        try:
            where = directory / "profile/DevToolsActivePort"
            wait_until(lambda: where.exists() and where.read_text().count("\n") == 1, "Chromium to start", 40, 0.05)
            port, path = where.read_text().split("\n")
            self._socket = self._run(self._connect(f"ws://127.0.0.1:{port}{path}"))
            self._reader = asyncio.run_coroutine_threadsafe(self._read(), self._loop)
        except BaseException:
            self.close()
            raise

    def profile(self):
        return Profile(self)

    def command(self, method, parameters=None, session=None, timeout=20):
        """Runs one command of the protocol and returns its result."""
        return self._run(self._command(method, parameters or {}, session), timeout)

    def watch(self, session, page):
        """Has the page told of its session's events, in order, on the reading thread."""
        self._pages[session] = page

    def post(self, method, parameters, session):
        """A command whose result nobody waits for: for the reading thread."""
        asyncio.ensure_future(self._command(method, parameters, session), loop=self._loop)

    def close(self):
        """Ends the browser and its helpers, which are one process group."""
        if self._socket:
            try:
                self._run(self._socket.close(), 5)
            except Exception:  # noqa: BLE001 - it is killed next anyway
                pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._log.close()

    @staticmethod
    async def _connect(url):
        return await connect(url, max_size=64 << 20, proxy=None, ping_interval=None)

    async def _command(self, method, parameters, session):
        number = next(self._numbers)
        answer = self._waiting[number] = self._loop.create_future()
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        await self._socket.send(json.dumps(message))
        return await answer

    async def _read(self):
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                answer = self._waiting.pop(message["id"])
                if answer.cancelled():
                    continue
                if "error" in message:
                    answer.set_exception(AssertionError(f"DevTools: {message['error']}"))
                else:
                    answer.set_result(message["result"])
            elif page := self._pages.get(message.get("sessionId")):
                page.happened(message["method"], message["params"])

    def _run(self, work, timeout=20):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)


class Profile:
    """A browser context: what another person's browser, or another device, would be."""

    def __init__(self, browser):
        self._browser = browser
        self._context = browser.command("Target.createBrowserContext")["browserContextId"]

    def page(self, **options):
        """An empty tab."""
        target = self._browser.command(
            "Target.createTarget", {"url": "about:blank", "browserContextId": self._context}
        )["targetId"]
        return Page(self._browser, target, **options)

    def cookies(self):
        """Its cookies by name."""
        found = self._browser.command("Storage.getCookies", {"browserContextId": self._context})["cookies"]
        return {cookie["name"]: cookie for cookie in found}

    def set_cookie(self, cookie, url):
        """Puts in one that another profile has."""
        kept = {name: cookie[name] for name in ("name", "value", "path", "secure", "httpOnly")}
        self._browser.command(
            "Storage.setCookies", {"cookies": [kept | {"url": url}], "browserContextId": self._context}
        )

    def forget_cookies(self):
        self._browser.command("Storage.clearCookies", {"browserContextId": self._context})

    def close(self):
        self._browser.command("Target.disposeBrowserContext", {"browserContextId": self._context})


class Page:
    """One tab. What it loads, says in its console and asks its user for is kept.

    With `basic`, a name and password, it answers prompts of HTTP Basic as a person would; without, a prompt is
    written down in `prompts` and dismissed.
    """

    def __init__(self, browser, target, basic=None, script=True, width=800, height=600, scheme="light", zoom=1):
        self._browser = browser
        self._basic = basic
        #: Addresses that a prompt for name and password came up for.
        self.prompts = []
        #: What the console said: errors, warnings, violations of a policy.
        self.console = []
        #: The replies' heads: `(address, status, fields, type)`.
        self.replies = []
        #: The fields of requests, as they went out.
        self.requests = []
        #: The fields of WebSockets' handshakes, as they went out.
        self.upgrades = []
        self._session = browser.command("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        browser.watch(self._session, self)
        for domain in ("Page", "Runtime", "Network", "Log", "Audits"):
            self.command(f"{domain}.enable")
        self.command("Fetch.enable", {"handleAuthRequests": True})
        self.command("Emulation.setFocusEmulationEnabled", {"enabled": True})
        if not script:
            self.command("Emulation.setScriptExecutionDisabled", {"value": True})
        self.size(width, height)
        self.scheme(scheme)

    def command(self, method, parameters=None, timeout=20):
        return self._browser.command(method, parameters, self._session, timeout)

    # What it looks like.

    def size(self, width, height=600):
        self.command(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )

    def scheme(self, name):
        """Prefers "dark" or "light"."""
        self.command(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]}
        )

    def picture(self, whole=False):
        """What it shows as a PNG's bytes; the whole page, smaller, if told so."""
        self.command("Page.bringToFront")  # What lies behind another tab is not drawn.
        options = {"format": "png"}
        if whole:
            size = self.command("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 0.6}
            options |= {"clip": clip, "captureBeyondViewport": True}
        return base64.b64decode(self.command("Page.captureScreenshot", options)["data"])

    # What its user does.

    def open(self, url):
        """Goes there and waits until the page has loaded."""
        self._mark()
        answer = self.command("Page.navigate", {"url": url})
        assert "errorText" not in answer, answer
        self._await_another()

    def type(self, text):
        """Types into what has the focus."""
        self.command("Input.insertText", {"text": text})

    def press(self, key):
        """Presses and releases a key: Enter or Tab."""
        code, text = {"Enter": (13, "\r"), "Tab": (9, "")}[key]
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.command("Input.dispatchKeyEvent", {"type": "keyDown", "text": text, **event})
        self.command("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def submit(self):
        """Presses Enter, and waits for the page that this leads to."""
        self._mark()
        self.press("Enter")
        self._await_another()

    def click(self, selector, leads=False):
        """Clicks into the middle of an element; `leads` waits for the page that this leads to."""
        if leads:
            self._mark()
        x, y = self.see(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'});"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.command(
                "Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            )
        if leads:
            self._await_another()

    # What it shows.

    def see(self, expression):
        """The value of a script's expression, which the debugger may run even where pages may not."""
        answer = self.command(
            "Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True}
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    @property
    def title(self):
        return self.see("document.title")

    @property
    def text(self):
        return self.see("document.body.innerText")

    @property
    def address(self):
        return self.see("location.href")

    def text_of(self, selector):
        return self.see(f"document.querySelector({json.dumps(selector)})?.textContent ?? null")

    @property
    def focused(self):
        """The id of what has the focus."""
        return self.see("document.activeElement.id")

    def wait(self, expression, what, timeout=10.0):
        """Waits until a script's expression is true; a page on its way to another has no value meanwhile."""

        def is_true():
            try:
                return self.see(expression)
            except AssertionError:
                return None

        return wait_until(is_true, what, timeout, 0.03)

    def _mark(self):
        self.see("window.isOld = true")

    def _await_another(self):
        """Waits until another page has taken the marked one's place, and has loaded."""
        self.wait("!window.isOld && document.readyState === 'complete'", "the next page to load", 15)

    def status(self, url):
        """The status of the last reply from an address."""
        found = [status for address, status, _, _ in self.replies if address == url]
        return found[-1] if found else None

    # What it is told.

    #: How many pages have loaded, by whomever they were asked for.
    loaded = 0

    def happened(self, event, parameters):
        match event:
            case "Page.loadEventFired":
                self.loaded += 1
            case "Fetch.requestPaused":
                self._post("Fetch.continueRequest", {"requestId": parameters["requestId"]})
            case "Fetch.authRequired":
                self._asked(parameters)
            case "Runtime.consoleAPICalled":
                if parameters["type"] in ("error", "warning", "assert"):
                    self.console.append(str([value.get("value") for value in parameters["args"]]))
            case "Runtime.exceptionThrown":
                self.console.append(parameters["exceptionDetails"]["text"])
            case "Log.entryAdded":
                entry = parameters["entry"]
                self.console.append(f"{entry['source']} {entry['level']}: {entry['text']} {entry.get('url', '')}")
            case "Audits.issueAdded":
                self.console.append("issue: " + json.dumps(parameters["issue"]))
            case "Network.responseReceived":
                reply = parameters["response"]
                self.replies.append((reply["url"], reply["status"], reply["headers"], parameters["type"]))
            case "Network.webSocketHandshakeResponseReceived":
                self.upgrades.append(parameters["response"].get("requestHeaders", {}))
            case "Network.requestWillBeSentExtraInfo":
                self.requests.append(parameters["headers"])

    def _asked(self, parameters):
        answer = {"response": "CancelAuth"}
        if self._basic and parameters["request"]["url"] not in self.prompts:
            user, password = self._basic
            answer = {"response": "ProvideCredentials", "username": user, "password": password}
        self.prompts.append(parameters["request"]["url"])
        self._post("Fetch.continueWithAuth", {"requestId": parameters["requestId"], "authChallengeResponse": answer})

    def _post(self, method, parameters):
        self._browser.post(method, parameters, self._session)
