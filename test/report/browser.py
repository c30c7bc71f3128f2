"""A headless Chromium driven over its DevTools pipe, with nothing but the standard library."""
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time


def find():
    return next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


class Browser:
    """One page. `errors`: exceptions, console errors, refusals by the page's policy, dialogs. `requests`: every URL asked for."""

    def __init__(self, path):
        self.profile = tempfile.mkdtemp(prefix="trimcarve-chromium-")
        to_read, self.write_end = os.pipe()
        self.read_end, to_write = os.pipe()

        def descriptors():  # Chromium reads commands from 3 and writes to 4
            os.dup2(to_read, 30)
            os.dup2(to_write, 31)
            os.dup2(30, 3)
            os.dup2(31, 4)

        self.process = subprocess.Popen(
            [path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe",
             f"--user-data-dir={self.profile}", "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.number, self.answers, self.events = 0, {}, []
        self.changed = threading.Condition()
        self.errors, self.requests, self.session = [], [], None
        threading.Thread(target=self._read, daemon=True).start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(domain + ".enable")

    def _read(self):
        pending = b""
        while block := os.read(self.read_end, 1 << 20):
            *messages, pending = (pending + block).split(b"\0")
            for message in messages:
                self._take(json.loads(message))

    def _take(self, message):
        with self.changed:
            if "id" in message:
                self.answers[message["id"]] = message
            else:
                method, event = message["method"], message["params"]
                self.events.append(method)
                if method == "Runtime.exceptionThrown":
                    details = event["exceptionDetails"]
                    self.errors.append(details.get("exception", {}).get("description") or details["text"])
                elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning", "assert"):
                    self.errors.append(str(event["args"]))
                elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
                    self.errors.append(event["entry"]["text"])
                elif method == "Page.javascriptDialogOpening":
                    self.errors.append("a dialog opened: " + event["message"])
                elif method == "Network.requestWillBeSent":
                    self.requests.append(event["request"]["url"])
            self.changed.notify_all()

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write_end, data):]
        with self.changed:
            if not self.changed.wait_for(lambda: self.number in self.answers, timeout=60 if self.session is None else 300):
                raise TimeoutError(method)
            answer = self.answers.pop(self.number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def open(self, path):
        """Loads a file; returns the seconds until its script is done."""
        self.events.clear()
        begun = time.monotonic()
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        with self.changed:
            if not self.changed.wait_for(lambda: "Page.loadEventFired" in self.events, timeout=300):
                raise TimeoutError("the page does not load")
        return time.monotonic() - begun

    def ask(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)
