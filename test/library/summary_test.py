#!/usr/bin/env python3
"""test/summary.py decides whether a test run was good: no failure may be lost in it. What vouches: the counts written beside each case."""
import json
import pathlib
import subprocess
import sys
import tempfile


def cases(total, passed, failed):
    return f"[doctest] test cases: {total:2} | {passed:2} passed | {failed} failed | 0 skipped\n"


def entry(result, stdout="", stderr=""):
    return {"name": "t", "result": result, "returncode": 0 if result == "OK" else 1, "stdout": stdout, "stderr": stderr}


EXPECTED = [
    ([entry("OK", cases(27, 27, 0)), entry("OK", cases(5, 5, 0)), entry("OK")], "33 passed, 0 failed, 0 skipped", 0),
    ([entry("FAIL", cases(5, 3, 2))], "3 passed, 2 failed, 0 skipped", 1),
    ([entry("OK", cases(1, 1, 0)), entry("FAIL")], "1 passed, 1 failed, 0 skipped", 1),
    # Good test cases, then a crash or a sanitizer's verdict at exit.
    ([entry("FAIL", cases(5, 5, 0), "AddressSanitizer: leak\n")], "5 passed, 1 failed, 0 skipped", 1),
    ([entry("OK", cases(1, 1, 0)), entry("TIMEOUT")], "1 passed, 1 failed, 0 skipped", 1),
    ([entry("OK", "SKIPPED: real data a\n" + cases(2, 2, 0) + "SKIPPED: real data b\n")], "2 passed, 0 failed, 2 skipped", 0),
    ([entry("OK"), entry("SKIP", "SKIPPED: no mkntfs\n"), entry("SKIP")], "1 passed, 0 failed, 2 skipped", 0),
    # Nothing ran, or nothing that could fail.
    ([], "0 passed, 0 failed, 0 skipped", 1),
    ([entry("SKIP")], "0 passed, 0 failed, 1 skipped", 1),
    ([entry("OK", cases(0, 0, 0))], "0 passed, 0 failed, 0 skipped", 1),
]


def main(summary):
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "testlog.json"
        for entries, last, status in [*EXPECTED, (None, "0 passed, 0 failed, 0 skipped", 1)]:
            if entries is None:
                log.unlink()
            else:
                log.write_text("".join(json.dumps(one) + "\n" for one in entries), encoding="utf-8")
            done = subprocess.run([sys.executable, summary, log], capture_output=True, text=True)
            if (done.stdout.splitlines()[-1], done.returncode) != (last, status):
                print(f"{entries}: expected {last!r} and {status}, got {done.returncode}:\n{done.stdout}")
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
