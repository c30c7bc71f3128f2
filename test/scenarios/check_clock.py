#!/usr/bin/env python3
"""The clock of LSNs on a built volume, and on copies of it to which something was done that a clock must bear or tell.

The builder gives every record the LSN of its last change, in the order of time, and writes down when each file was really deleted. Here the times and
LSNs in the FILE records of the finished volume are changed as a set clock, a new log, or a program that sets times would have left them; what is
expected is worked out from the builder's truth, never from the program's answer.
"""
import datetime
import json
import os
import struct
import subprocess
import sys
import tempfile

from scenario import build, check, end

builder, program, case = sys.argv[1:4]
HOUR = 36_000_000_000


class Record:
    """A FILE record in place. The fields that are changed lie before its first sector's end, where the fix-up is."""

    def __init__(self, image, at):
        self.image, self.at = image, at
        attribute, = struct.unpack_from("<H", image, at + 0x14)
        self.times = None
        if struct.unpack_from("<I", image, at + attribute)[0] == 0x10:
            value, = struct.unpack_from("<H", image, at + attribute + 0x14)
            if attribute + value + 32 <= 510:
                self.times = at + attribute + value
        self.in_use = image[at + 0x16] & 1
        self.entry, = struct.unpack_from("<I", image, at + 0x2C)

    @property
    def lsn(self):
        return struct.unpack_from("<Q", self.image, self.at + 8)[0]

    @lsn.setter
    def lsn(self, value):
        struct.pack_into("<Q", self.image, self.at + 8, value)

    def time(self, which):
        return struct.unpack_from("<Q", self.image, self.times + 8 * which)[0]

    def set_time(self, which, value):
        struct.pack_into("<Q", self.image, self.times + 8 * which, value)

    def shift(self, by):
        for which in range(4):
            self.set_time(which, self.time(which) + by)


CREATED, MODIFIED, CHANGED, ACCESSED = range(4)
ROOT = 5


def records(image):
    out, at = [], 0
    while (at := image.find(b"FILE", at)) >= 0:
        if at % 512 == 0:
            record = Record(image, at)
            if record.times is not None and record.lsn != 0 and (record.entry >= 24 or record.entry == ROOT):
                out.append(record)
        at += 4
    return out


def filetime(iso):
    whole, fraction = iso.rstrip("Z").split(".")
    seconds = (datetime.datetime.fromisoformat(whole) - datetime.datetime(1601, 1, 1)) // datetime.timedelta(seconds=1)
    return seconds * 10_000_000 + int(fraction.ljust(7, "0"))


def built(scenario, folder):
    path = os.path.join(folder, scenario + ".raw")
    expected = build(builder, scenario, path, "--container", "raw", "--table", "mbr", "--year", "2026", "--sectors", "512")
    with open(path, "rb") as f:
        return path, bytearray(f.read()), expected


def examine(path, image):
    with open(path, "wb") as f:
        f.write(image)
    run = subprocess.run([program, "examine", "--json", path], capture_output=True, text=True)
    check(run.returncode in (0, 1), f"exit code {run.returncode}: {run.stderr}")
    report = json.loads(run.stdout)
    return report, next(c for c in report["volumes"][0]["clocks"] if c["sequence"] == "lsn")


def deletions(report, truth):
    """Pairs of what the clock says of a deletion and when it really was."""
    true = {f["path"]: filetime(f["deleted"]) for f in truth["files"] if f.get("deleted")}
    for file in report["files"]:
        for estimate in file["estimates"]:
            if estimate["event"] == "deleted" and estimate["sequence"] == "lsn" and file["path"] in true:
                yield file, estimate, true[file["path"]]


def creations(report, truth):
    """What the clocks say of creations, and when they really were."""
    true = {f["path"]: filetime(f["created"]) for f in truth["files"] if f.get("created")}
    for file in report["files"]:
        for estimate in file["estimates"]:
            if estimate["event"] == "created" and file["path"] in true:
                yield file, estimate, true[file["path"]]


def check_inside(report, truth, shift=0, least=28):
    found = 0
    for file, estimate, true in deletions(report, truth):
        found += 1
        earliest, latest = estimate["earliest"], estimate["latest"]
        check(earliest and latest and int(earliest["filetime"]) <= true + shift <= int(latest["filetime"]),
              f"{file['path']}: deleted at {true + shift}, estimated {earliest} to {latest}")
    check(found >= least, f"{found} deletions estimated, expected {least}")


def untouched(folder):
    path, image, truth = built("journal-gone", folder)
    report, clock = examine(path, image)
    check(clock["sound"] and clock["later"] == 0 and not clock["set_backs"] and clock["restarted_at"] is None, f"clock {clock}")
    check_inside(report, truth)
    for file, estimate, _ in deletions(report, truth):
        check(file["deleted"]["estimate"]["method"] == estimate["method"], f"{file['path']}: {file['deleted']['estimate']}")
        check(not estimate["widened"], f"{file['path']}: widened")
        # It stands beside the bounds and is none of their sources.
        check(all("clock" not in source["basis"] for source in file["deleted"]["sources"]), f"{file['path']}: {file['deleted']['sources']}")
        check(file["deleted"]["sources"], f"{file['path']}: no source of its bounds")
    check(any("LSN" in f["statement"] and f["grade"] == "inferred" for f in report["findings"]), "no finding tells of the order")
    # Every record states a creation time that nothing contradicts: none is estimated.
    check(not list(creations(report, truth)), f"creations estimated: {[f['path'] for f, _, _ in creations(report, truth)]}")
    story = report["targets"][0]["story"]
    check(all(not step["note"] for step in story), f"notes: {[step['note'] for step in story]}")
    gone = [step for step in story if step["what"] == "removed"]
    check(len(gone) == 1 and gone[0]["placed"] and gone[0]["placed"]["event"] == "deleted", f"the removal is not placed: {gone}")


def set_back(folder):
    """The clock was set back by three days before the last third of what was written, the deletions among it."""
    path, image, truth = built("journal-gone", folder)
    all_records = records(image)
    numbers = sorted(r.lsn for r in all_records if r.in_use)
    cut = numbers[len(numbers) * 2 // 3]
    deleted = [r.lsn for r in all_records if not r.in_use]
    cut = min(cut, min(deleted) - 1)
    for record in all_records:
        if record.lsn > cut and record.in_use:
            record.shift(-72 * HOUR)
    check(sum(n > cut for n in numbers) > 50, "too few records behind the place")
    report, clock = examine(path, image)
    check(clock["sound"], f"clock {clock}")
    check(len(clock["set_backs"]) == 1 and int(clock["set_backs"][0]["number"]) > cut, f"set back: {clock['set_backs']}")
    check_inside(report, truth, shift=-72 * HOUR)


def stomped(folder):
    """Every fifth record's times lie ten years back, one of forty's in the future."""
    path, image, truth = built("journal-gone", folder)
    for i, record in enumerate(r for r in records(image) if r.in_use):
        if i % 5 == 1:
            record.shift(-10 * 365 * 24 * HOUR)
        elif i % 40 == 3:
            record.set_time(CHANGED, record.time(CHANGED) + 900 * 24 * HOUR)
    report, clock = examine(path, image)
    check(clock["sound"], f"clock {clock}")
    check(clock["later"] + clock["doubtful"] > 0, f"no tick is later: {clock}")
    check(not clock["set_backs"], f"set back: {clock['set_backs']}")
    check_inside(report, truth)


def creation_stomped(folder):
    """The creation times of every deleted record lie ten years back; those of their names, which only NTFS sets, do not."""
    path, image, truth = built("journal-gone", folder)
    for record in records(image):
        if not record.in_use:
            record.set_time(CREATED, record.time(CREATED) - 10 * 365 * 24 * HOUR)
    report, clock = examine(path, image)
    check(clock["sound"], f"clock {clock}")
    found = 0
    for file, estimate, true in creations(report, truth):
        if file["state"] != "deleted":
            continue
        found += 1
        # It was there when the first record that mentions it was written; since when, nothing tells.
        check(estimate["by_then"] and not estimate["earliest"], f"{file['path']}: {estimate}")
        check(estimate["latest"] and true <= int(estimate["latest"]["filetime"]), f"{file['path']}: made at {true}, estimated {estimate}")
    check(found >= 28, f"{found} creations estimated")


def unlinked(folder):
    """Records reused, the journal gone: what stands in the slack of \\Packages\\Plugins' only index block had gone by that block's LSN."""
    path, image, truth = built("index-only", folder)
    report, clock = examine(path, image)
    check(clock["sound"], f"clock {clock}")
    true = {f["path"]: filetime(f["deleted"]) for f in truth["files"] if f.get("deleted")}
    found = 0
    for file in report["files"]:
        for estimate in file["estimates"]:
            if estimate["event"] != "left_directory" or file["path"] not in true:
                continue
            found += 1
            check(estimate["by_then"] and not estimate["earliest"], f"{file['path']}: {estimate}")
            check(estimate["latest"] and true[file["path"]] <= int(estimate["latest"]["filetime"]),
                  f"{file['path']}: deleted at {true[file['path']]}, gone by {estimate}")
            check(file["deleted"]["estimate"] and file["deleted"]["estimate"]["method"] == estimate["method"],
                  f"{file['path']}: {file['deleted']['estimate']}")
    check(found > 0, "no entry in slack tells of an end")


def logged(folder):
    """Records reused, the journal gone: $LogFile holds the records that made and freed the tree's files, each with its LSN."""
    path, image, truth = built("log-only", folder)
    report, clock = examine(path, image)
    check(clock["sound"] and clock["later"] == 0, f"clock {clock}")
    check_inside(report, truth)
    made = [(f, e, true) for f, e, true in creations(report, truth) if f["state"] == "deleted"]
    check(len(made) >= 28, f"{len(made)} creations estimated")
    for file, estimate, true in made:
        check(not estimate["by_then"] and estimate["earliest"] and estimate["latest"] and
              int(estimate["earliest"]["filetime"]) <= true <= int(estimate["latest"]["filetime"]), f"{file['path']}: made at {true}, {estimate}")


def restarted(folder):
    """The log was made anew a third of the records ago: their LSNs begin low again, among those of old records."""
    path, image, truth = built("journal-gone", folder)
    all_records = records(image)
    numbers = sorted(r.lsn for r in all_records if r.in_use)
    deleted = [r.lsn for r in all_records if not r.in_use]
    cut = min(numbers[len(numbers) * 2 // 3], min(deleted) - 1)
    for record in all_records:
        if record.lsn > cut:
            record.lsn = record.lsn - cut + numbers[10] + 3
    report, clock = examine(path, image)
    check(clock["restarted_at"] is not None, f"no restart seen: {clock}")
    check(clock["sound"], f"clock {clock}")
    check_inside(report, truth)


def three_ticks(folder):
    path, image, truth = built("journal-gone", folder)
    in_use = [r for r in records(image) if r.in_use and not struct.unpack_from("<I", image, r.times + 32)[0] & 4]
    for i, record in enumerate(in_use):
        if i not in (5, 50, 100):
            record.lsn = 0
    report, clock = examine(path, image)
    check(not clock["sound"] and "too few" in clock["why_not"], f"clock {clock}")
    check(not list(deletions(report, truth)), "estimates rest on a clock that is not sound")
    for file in report["files"]:
        check(not file["deleted"] or not file["deleted"]["estimate"], f"{file['path']}: {file['deleted']}")


def tampered(folder):
    """With the journal there: a deleted file's record has an LSN of long before, and a live file's times are in its future."""
    path, image, truth = built("removed", folder)
    report, clock = examine(path, image)
    flags = [f for file in report["files"] for f in file["flags"]]
    check(not any(f.startswith(("contradiction", "observation")) for f in flags), f"flags of the untouched volume: {flags}")
    check_inside(report, truth)
    references = {f["file_reference"]["entry"]: f["path"] for f in report["files"] if f["state"] == "deleted" and f["file_reference"]}
    old = next(r for r in records(image) if not r.in_use and r.entry in references)
    live = next(f["file_reference"]["entry"] for f in report["files"] if f["state"] == "live" and f["kind"] == "file")
    numbers = sorted(r.lsn for r in records(image) if r.in_use)
    old.lsn = numbers[len(numbers) // 3] + 1
    early = next(r for r in records(image) if r.in_use and r.entry == live)
    early.set_time(MODIFIED, early.time(MODIFIED) + 12 * HOUR)
    report, clock = examine(path, image)
    flags = {file["path"]: file["flags"] for file in report["files"]}
    check(any(f.startswith("contradiction: by the volume's other records") for f in flags[references[old.entry]]),
          f"{references[old.entry]}: {flags[references[old.entry]]}")
    check(any(f["grade"] == "contradicted" and "LSN" in f["statement"] for f in report["findings"]), "no finding tells of the contradiction")
    # The record with the LSN of long before states times that are later than it, too.
    told = {name for name, of in flags.items() for f in of if f.startswith("observation: its modification time")}
    path_of_live = next(f["path"] for f in report["files"] if f["file_reference"] and f["file_reference"]["entry"] == live)
    check(told == {path_of_live, references[old.entry]}, f"observations on {told}")
    findings = [f for f in report["findings"] if "modification time" in f["statement"]]
    check(len(findings) == 2 and all(f["grade"] == "inferred" for f in findings), f"findings {findings}")
    check(report["targets"][0]["verdict"] == "removed", f"verdict {report['targets'][0]['verdict']}")


with tempfile.TemporaryDirectory() as temporary:
    globals()[case.replace("-", "_")](temporary)
end(case)
