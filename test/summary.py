#!/usr/bin/env python3
"""Reads meson's testlog.json, prints what failed, and ends with `N passed, N failed, N skipped`.

A doctest program counts with its test cases, any other test as one; each line `SKIPPED: ...` of a test's output is one skipped.
Exit status: 0 when something passed and nothing failed.
"""
import json
import re
import sys

CASES = re.compile(r"^\[doctest\] test cases: +(\d+) \| +(\d+) passed \| +(\d+) failed", re.M)


def main(path):
    passed = failed = skipped = 0
    reasons = []
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            tests = [json.loads(line) for line in log]
    except OSError as error:
        print(f"no test ran: {error}", file=sys.stderr)
        tests = []
    for test in tests:
        output = (test.get("stdout") or "") + (test.get("stderr") or "")
        good = test["result"] in ("OK", "EXPECTEDFAIL")
        reasons += [line for line in output.splitlines() if line.startswith("SKIPPED:")]
        cases = CASES.findall(output)
        if test["result"] == "SKIP":
            skipped += "SKIPPED:" not in output
        elif cases:
            bad = sum(int(case[2]) for case in cases)
            passed += sum(int(case[1]) for case in cases)
            # A program that ended badly has failed, whatever it said of its test cases before.
            failed += bad if good or bad else 1
            good = good and not bad
        else:
            passed += good
            failed += not good
        if not good and test["result"] != "SKIP":
            print(f"---- {test['name']}: {test['result']}, exit status {test.get('returncode')}\n{output}")
    skipped += len(reasons)
    for reason in sorted(set(reasons)):
        print(reason)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
