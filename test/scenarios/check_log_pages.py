#!/usr/bin/env python3
"""Takes the record pages out of the $LogFile of real Windows volumes, puts them into the volumes' own free clusters in pieces and out of
order, and fills $LogFile as a new one is. What vouches: the same volume with its log in place (and the names that the shared data's README
states): what $LogFile told of files and their names must come from the pages.

Then the same pages beside the log in place: nothing is told twice.
"""
import bz2
import gzip
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from free_clusters import Volume  # noqa: E402

TRIMCARVE = sys.argv[1]
DATA = os.environ.get("TRIMCARVE_DATA") or os.path.join(os.environ["TRIMCARVE_SOURCE"], "..", "shared", "data")
problems = []


def check(condition, text):
    if not condition:
        problems.append(text)


def examine(image):
    run = subprocess.run([TRIMCARVE, "examine", image, "--json", "--target", "\\", "--free-space"], capture_output=True, text=True)
    check(run.returncode in (0, 1), f"exit code {run.returncode}: {run.stderr.strip()}")
    return json.loads(run.stdout)


def logged(report, stream):
    """What log records state of files, wherever they stand."""
    out = {}
    for s in report["sightings"]:
        if s["source"] != "log_file" or s["place"]["stream"] != stream:
            continue
        lsn = s.get("lsn") or s.get("lsn_of_other_log")
        out.setdefault((lsn, json.dumps(s["file_reference"], sort_keys=True)), set()).add(
            json.dumps([s["names"], s.get("standard_information")], sort_keys=True))
    return out


def paths(report):
    return {json.dumps(f["file_reference"], sort_keys=True): sorted(p["path"] for p in f["paths"]) for f in report["files"] if f["file_reference"]}


def offset_of(image):
    info = json.loads(subprocess.run([TRIMCARVE, "info", image, "--json"], capture_output=True, text=True).stdout)
    return info["volumes"][0]["offset"]


def scatter(volume, pages):
    for end in range(len(pages), 0, -5):
        volume.put(b"".join(pages[max(0, end - 5):end]))


def main():
    names = ["ntfs-volumes/ntfs_index.raw.gz", "ntfs-volumes/charlie.dd.bz2", "ntfs-volumes/ntfs-lastaccess.raw.gz",
             "ntfs-volumes/ntfs-ramslack.raw.gz", "ntfs-volumes/dftt7-undel-ntfs.dd.xz"]
    done = 0
    with tempfile.TemporaryDirectory(prefix="trimcarve-pages-") as folder:
        for name in names:
            packed = os.path.join(DATA, name)
            if not os.path.exists(packed) or not shutil.which("icat"):
                continue
            image, moved, both = (os.path.join(folder, n) for n in ("before.raw", "moved.raw", "both.raw"))
            with {"gz": gzip, "xz": lzma, "bz2": bz2}[packed.rsplit(".", 1)[1]].open(packed) as f, open(image, "wb") as out:
                shutil.copyfileobj(f, out)
            at = offset_of(image)
            before = examine(image)
            live = logged(before, "$LogFile")
            shutil.copy(image, moved)
            volume = Volume(moved, at)
            log = volume.file(2)
            pages = [log[n:n + 4096] for n in range(0, len(log), 4096) if log[n:n + 4] == b"RCRD"]
            if len(volume.free) < len(pages) * 2 or not live:
                continue
            volume.overwrite(2, 0xFF)
            scatter(volume, pages)
            after = examine(moved)
            carved = logged(after, "carved $LogFile")
            check(not logged(after, "$LogFile"), f"{name}: $LogFile still speaks")
            # Of a FILE record whose owner the log itself tells. Of one that was never freed, nor written anew, while the log went on the log in
            # place may be read as of the owner in $MFT; of carved pages nobody knows what came behind them.
            owners = {s["file_reference"]["entry"] for s in before["sightings"]
                      if s["source"] == "log_file" and "record_header" in s and s["file_reference"]}
            lost = [k for k in live if not live[k] <= carved.get(k, set()) and json.loads(k[1])["entry"] in owners]
            inferred = sum(1 for k in live if k not in carved and json.loads(k[1])["entry"] not in owners)
            check(inferred * 4 < len(live), f"{name}: {inferred} of {len(live)} statements are of owners that the log does not tell")
            invented = [k for k in carved if k in live and not carved[k] <= live[k]]
            # An update of an index whose place in the table of open attributes was told before records went missing is not believed either.
            check(len(lost) * 100 < len(live), f"{name}: {len(lost)} of {len(live)} statements are lost: {lost[:3]}")
            check(not invented, f"{name}: {len(invented)} say something else than the log: {invented[:3]}")
            was, now = paths(before), paths(after)
            gone = [r for r in was if r in now and not set(was[r]) <= set(now[r])] + [r for r in was if r not in now]
            check(not gone, f"{name}: paths lost: {[(r, was[r], now.get(r)) for r in gone[:3]]}")
            check(not any("lsn" in s and "lsn_of_other_log" in s for s in after["sightings"]), f"{name}: two numbers")
            shutil.copy(image, both)
            scatter(Volume(both, at), pages)
            beside = examine(both)
            check(not logged(beside, "carved $LogFile"), f"{name}: pages beside their log are told again")
            check(logged(beside, "$LogFile") == live, f"{name}: the log says something else beside its pages")
            check(paths(beside) == was, f"{name}: paths change beside the pages")
            print(f"{name}: {len(pages)} pages, {sum(map(len, live.values()))} statements of {len(was)} files, all but {inferred + len(lost)} from carved pages; "
                  f"{len(carved) - len(set(carved) & set(live))} more of transactions without an end")
            done += 1
    if done == 0:
        print("SKIPPED: no shared data, or no Sleuth Kit")
    for p in problems:
        print("FAILED:", p)
    return 1 if problems else 0


sys.exit(main())
