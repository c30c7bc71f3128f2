#!/usr/bin/env python3
"""Names and texts made to break each format stay names and texts where they are read: Python's csv and json, sqlite3, Sleuth Kit's mactime.

Each reader must give back the very names that went in (the example's names file), in as many rows, and no byte of the text formats may be a
control character that a terminal obeys.
"""
import csv
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

writer = sys.argv[1]
problems = []


def check(condition, text):
    if not condition:
        problems.append(text)


with tempfile.TemporaryDirectory() as folder:
    subprocess.run([writer, folder], check=True)
    with open(folder + "/names", "rb") as f:
        names = f.read().decode("utf-8").split("\0\0")[:-1]
    others = ["gone.ps1", "CustomScriptHandler.log", "gone.ps1", "gone.ps1"]
    rows = 4 * len(names) + len(others)

    def sample(name):
        with open(f"{folder}/timeline.{name}", "rb") as f:
            return f.read()

    # The terminal: nothing below a blank but the line ends, no DEL, no C1, no bidirectional control, in any text format.
    for name in ("csv", "jsonl", "body", "tsk.body"):
        text = sample(name).decode("utf-8")
        found = re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)
        check(not found, f"{name}: control characters {found[:5]!r}")

    # JSON: exact names.
    told = [json.loads(line) for line in sample("jsonl").decode("utf-8").split("\n")[:-1]]
    check(len(told) == rows, f"jsonl: {len(told)} rows of {rows}")
    check(sorted(r["filename"] for r in told) == sorted(4 * names + others), "jsonl: the names differ")
    check(all(r["message"] and r["datetime"] and r["timestamp_desc"] for r in told), "jsonl: a field that Timesketch requires is missing")
    lone = [r for r in told if r["filename"].startswith("lone")]
    check(lone and all(bytes.fromhex(r["name_utf16le_hex"]).decode("utf-16-le", "surrogatepass") == "lone\ud800x" for r in lone),
          "jsonl: a name that is no UTF-16 has not its exact units")
    check([r["filetime"] for r in told] == sorted((r["filetime"] for r in told), key=int), "jsonl: not by time")
    line = [r for r in told if r["data_type"] == "trimcarve:statement"]
    check(len(line) == 1 and line[0]["detail"].startswith("=cmd|'/c calc'!A0\r\n\x1b[31mred\u202etxt"), "jsonl: the log line differs")

    # CSV: the same rows; a spreadsheet takes no field for a formula.
    with open(folder + "/timeline.csv", newline="", encoding="utf-8") as f:
        table = list(csv.DictReader(f, strict=True))
    check(len(table) == rows, f"csv: {len(table)} rows of {rows}")
    check(len(sample("csv").decode().splitlines()) == rows + 1, "csv: a row has more than one line")

    def text_of(field):
        if field.startswith("'"):
            field = field[1:]
        return re.sub(r"\\u([0-9a-f]{4})|\\x([0-9a-f]{2})", lambda m: chr(int(m[1] or m[2], 16)), field)

    for row in table:
        for column, value in row.items():
            check(not value or value[0] not in "=+-@\t\r", f"csv: {column} {value!r} is a formula")
    # The lone surrogate is an escape in every format, and taken back here like the others.
    check(sorted(text_of(r["filename"]) for r in table) == sorted(text_of("'" + n) for n in 4 * names + others), "csv: the names differ")

    # SQLite: the same rows, in order; a statement in a name was not carried out.
    db = sqlite3.connect(folder + "/timeline.sqlite")
    check(db.execute("PRAGMA integrity_check").fetchone() == ("ok",), "sqlite: integrity")
    stored = db.execute("SELECT filename, message, datetime, timestamp FROM timeline ORDER BY id").fetchall()
    check([tuple(r) for r in stored] == [(r["filename"], r["message"], r["datetime"], r["timestamp"]) for r in told], "sqlite: not the rows of jsonl")
    db.close()

    # Body: one line of eleven fields, with the escapes that plaso takes back.
    def unescaped(text):
        return re.sub(r"\\(\\|\||x[0-9a-f]{2}|u[0-9a-f]{4})", lambda m: chr(int(m[1][1:], 16)) if len(m[1]) > 1 else m[1], text)

    paths = set()
    for line in sample("body").decode("utf-8").split("\n")[:-1]:
        fields = re.findall(r"(?:^|\|)((?:[^|\\]|\\.)*)", line)
        check(len(fields) == 11, f"body: {len(fields)} fields in {line!r}")
        paths.add(unescaped(fields[1]))
    for name in names:
        check("/Packages/" + name in paths, f"body: no {name!r}")
    if shutil.which("mactime") is None:
        print("SKIPPED: mactime is not installed")
    else:
        r = subprocess.run(["mactime", "-b", folder + "/timeline.tsk.body", "-d", "-y"], capture_output=True, check=True)
        read = list(csv.reader(r.stdout.decode("utf-8", "surrogateescape").split("\n")[1:]))
        # mactime decodes %XX into bytes and prints them.
        seen = {row[7] for row in read if len(row) == 8}
        plain = [n for n in names if not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\"]", n)]
        for name in plain:
            check("/Packages/" + name in seen, f"mactime: no {name!r}")
            check(f"/Packages/{name}:Zone.Identifier" in seen, f"mactime: no stream of {name!r}")
        check(r.stderr == b"", f"mactime: {r.stderr[:200]!r}")

for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
