"""A headless Chromium, spoken to over its debugging pipe: no driver, no socket, nothing but the browser itself."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find():
    """The browser's path; None: there is none here."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Chromium:
    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory(prefix="headroom-browser-")
        theirs_in, self.out = os.pipe()
        self.into, theirs_out = os.pipe()

        def pass_pipes():  # the browser reads descriptor 3 and writes 4
            for theirs, place in ((os.dup(theirs_in), 3), (os.dup(theirs_out), 4)):
                os.dup2(theirs, place)

        words = [program, "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--hide-scrollbars",
                 "--disable-dev-shm-usage", "--disable-background-networking", f"--user-data-dir={self.profile.name}"]
        if os.geteuid() == 0:
            words.append("--no-sandbox")  # it refuses to run as root otherwise
        self.process = subprocess.Popen(words + ["about:blank"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, pass_fds=(3, 4), preexec_fn=pass_pipes)
        os.close(theirs_in)
        os.close(theirs_out)
        self.rest, self.last, self.events = b"", 0, []
        target = self.ask("Target.createTarget", session=None, url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", session=None, targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(domain + ".enable")

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        os.close(self.out)
        os.close(self.into)
        until = time.monotonic() + 20  # its children go on writing for a moment
        while os.path.exists(self.profile.name) and time.monotonic() < until:
            shutil.rmtree(self.profile.name, ignore_errors=True)
        self.profile.cleanup()

    def receive(self):
        while b"\0" not in self.rest:
            got = os.read(self.into, 1 << 20)
            if not got:
                raise RuntimeError("the browser has gone")
            self.rest += got
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, session="ours", **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, expression):
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True,
                          allowUnsafeEvalBlockedByCSP=False)
        if "exceptionDetails" in result:
            raise RuntimeError(str(result["exceptionDetails"]))
        return result["result"].get("value")

    def open(self, path, width, height, is_dark=False):
        """Loads the file and waits until the page says that its charts are drawn."""
        self.events = []
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.ask("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}])
        self.ask("Page.navigate", url="file://" + os.path.abspath(path))
        until = time.time() + 60
        while not self.evaluate("document.readyState == 'complete' && document.documentElement.dataset.drawn || ''"):
            if time.time() > until:
                raise RuntimeError("the charts were not drawn in a minute: " + "; ".join(self.complaints()))
            time.sleep(0.05)

    def complaints(self):
        """Errors and warnings on the console, exceptions, and what the content policy stopped."""
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"]["text"] + " " + str(params["exceptionDetails"].get("exception")))
            elif event["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
            elif event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(" ".join(str(value.get("value", value.get("description"))) for value in params["args"]))
        return found

    def requests(self):
        return [event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"]

    def picture(self, path, top=0, height=None):
        """The whole page, or so many pixels of it from `top`, as PNG."""
        clip = {}
        if height:
            width = self.evaluate("innerWidth")
            clip = {"clip": {"x": 0, "y": top, "width": width, "height": height, "scale": 1}}
        data = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, **clip)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
