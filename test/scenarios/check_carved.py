#!/usr/bin/env python3
"""Builds the scenario `carved` and holds what comes out of its free clusters against what was done.

Every record of the tree, of the deleted change journal and of PowerShell's deleted event log has a new owner, and nothing was trimmed. So:

- every record of the journal is carved. Vouching: The Sleuth Kit's blkls takes the free clusters off the volume, and a reader of its own,
  below, counts the records in them; the builder's times of deletion are met exactly;
- the event log's records come back from its chunks. Vouching: evtxexport, of a log made of the chunks as they lie on the disk;
- scripts and settings come back as fragments. Vouching: the hashes of the files as the builder wrote them;
- with --no-free-space none of it is told, and the report says what was not searched;
- `trimcarve verify` reads every cited byte again, and the fragments that were written.
"""
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

from scenario import build, check, end, time_of

BUILDER, TRIMCARVE = sys.argv[1:3]


def examine(image, *options):
    run = subprocess.run([TRIMCARVE, "examine", image, "--json", *options], capture_output=True, text=True)
    check(run.returncode == 0, f"{options}: exit code {run.returncode}: {run.stderr.strip()}")
    return json.loads(run.stdout)


def usn_records(data):
    """Version 2 records by Microsoft's documentation of USN_RECORD_V2: (usn, file reference, reason)."""
    found = set()
    for at in range(0, len(data) - 64, 8):
        length, major, minor = struct.unpack_from("<IHH", data, at)
        if major != 2 or minor != 0 or not 60 < length < 600 or length % 8:
            continue
        name_length, name_offset = struct.unpack_from("<HH", data, at + 56)
        if name_offset != 60 or (60 + name_length + 7) // 8 * 8 != length:
            continue
        reference, = struct.unpack_from("<Q", data, at + 8)
        usn, = struct.unpack_from("<Q", data, at + 24)
        reason, = struct.unpack_from("<I", data, at + 40)
        found.add((usn, reference, reason))
    return found


def check_journal(report, expected, volume):
    rows = [c for c in report["coverage"] if c["source"] == "free_space" and "change journal" in (c["note"] or "") and "USN" in c["note"]]
    check(len(rows) == 1, f"coverage of the carved journal: {rows}")
    try:
        free = subprocess.run(["blkls", volume], capture_output=True, check=True).stdout
    except FileNotFoundError:
        print("SKIPPED: blkls (sleuthkit) is not installed")
        return
    truth = usn_records(free)
    check(len(truth) > 400, f"the builder left only {len(truth)} records")
    check(rows and rows[0]["records"] == len(truth), f"{rows and rows[0]['records']} records carved, blkls has {len(truth)}")
    cited = {(s["usn"]["usn"], s["file_reference"]["entry"] | s["file_reference"]["sequence"] << 48, s["usn"]["reason"])
             for s in report["sightings"] if s["source"] == "free_space" and "usn" in s}
    check(cited and cited <= truth, f"{len(cited - truth)} cited records that are none")
    by_reference = {(f["file_reference"]["entry"], f["file_reference"]["sequence"]): f for f in report["files"] if f["file_reference"]}
    exact = 0
    for want in expected["files"]:
        key = (want["file_reference"]["entry"], want["file_reference"]["sequence"])
        got = by_reference.get(key)
        check(got and got["path"] == want["path"], f"{want['path']}: {got and got['path']}")
        if got and want["deleted"]:
            bounds = got["deleted"]
            exact += time_of(bounds["earliest"]) == time_of(bounds["latest"]) == want["deleted"]
    check(exact == sum(1 for f in expected["files"] if f["deleted"]), f"{exact} of {len(expected['files'])} deletions told to the tick")
    check(any(f["deleted"] for f in expected["files"]), "nothing was deleted")


def check_event_log(report, expected, folder, image):
    carved = [w for w in report["witnesses"] if w["state"] == "carved" and w["kind"] == "event_log"]
    check(len(carved) == 1, f"carved event logs: {carved}")
    log = next(w for w in expected["witnesses"] if w["path"].endswith("PowerShell%4Operational.evtx"))
    check(carved and carved[0]["records"] == log["records"], f"{carved and carved[0]['records']} events, the log had {log['records']}")
    statements = [s["statement"] for s in report["sightings"] if s["source"] == "event_log" and s["statement"]["carved"]]
    check(any(s["deed"] == "script_text" for s in statements), "no script text of a carved event is cited")
    for run in expected["runs"]:
        got = next((r for r in report["targets"][0]["runs"] if r["sequence"] == run["sequence"]), None)
        for text in run["script_texts"]:
            found = [t for t in got["script_texts"] if t["name"] == text["path"]] if got else []
            check(found and found[0]["stretches"][0]["sha256"] == text["sha256"], f"script text {text['path']}: {len(found)}")
    # A log of the chunks that lie on the disk, for evtxexport: a file header (version 3.1) with its checksum before them.
    import zlib
    with open(image, "rb") as f:
        disk = f.read()
    live = {s["ranges"][0]["offset"] // 65536 for s in report["sightings"] if s["source"] == "event_log" and not s["statement"]["carved"]}
    chunks, at = [], 0
    while (at := disk.find(b"ElfChnk\0", at)) >= 0:
        if b"P\0o\0w\0e\0r\0S\0h\0e\0l\0l\0/\0O\0p\0e\0r\0a\0t\0i\0o\0n\0a\0l" in disk[at:at + 65536] and at // 65536 not in live:
            chunks.append(disk[at:at + 65536])
        at += 65536
    head = bytearray(4096)
    struct.pack_into("<8sQQQIHHHH", head, 0, b"ElfFile\0", 0, len(chunks) - 1, 10**6, 128, 1, 3, 4096, len(chunks))
    struct.pack_into("<II", head, 120, 0, zlib.crc32(bytes(head[:120])))
    path = os.path.join(folder, "carved.evtx")
    with open(path, "wb") as f:
        f.write(bytes(head) + b"".join(chunks))
    try:
        told = subprocess.run(["evtxexport", path], capture_output=True, text=True).stdout
    except FileNotFoundError:
        print("SKIPPED: evtxexport (libevtx-utils) is not installed")
        return
    check(log["records"] > 0 and told.count("Event number") == log["records"], f"evtxexport reads {told.count('Event number')} events, trimcarve {log['records']}")


def check_fragments(report, expected, image):
    with open(image, "rb") as f:
        disk = f.read()
    hashes = set()
    for f in report["fragments"]:
        stored = b"".join(disk[r["offset"]:r["offset"] + r["length"]] for r in f["ranges"])
        check(hashlib.sha256(stored).hexdigest() == f["ranges_sha256"], f"fragment {f['id']}: its bytes have another hash")
        hashes.add(f["sha256"])
    lost = [w["path"] for w in expected["files"]
            if w["kind"] == "file" and w["runs"] and w["path"].endswith((".ps1", ".settings")) and w["sha256"] not in hashes
            and all(r["state"] == "data" for r in w["runs"])]
    whole = [w["path"] for w in expected["files"] if w["kind"] == "file" and w["path"].endswith((".ps1", ".settings")) and w["sha256"] in hashes]
    check(not lost and whole, f"files whose text is no fragment: {lost}; those that are: {whole}")


def main():
    with tempfile.TemporaryDirectory(prefix="trimcarve-carved-") as folder:
        image = os.path.join(folder, "disk.img")
        expected = build(BUILDER, "carved", image)
        volume = os.path.join(folder, "volume.raw")
        with open(image, "rb") as f, open(volume, "wb") as out:
            f.seek(expected["volume_offset"])
            out.write(f.read(expected["volume_size"]))
        report = examine(image)
        check_journal(report, expected, volume)
        check_event_log(report, expected, folder, image)
        if any("no search for text" in (c["note"] or "") for c in report["coverage"]):
            print("SKIPPED: fragments: this build has no Hyperscan")
        else:
            check_fragments(report, expected, image)
        without = examine(image, "--no-free-space")
        check(not without["fragments"] and not any(s["source"] == "free_space" for s in without["sightings"]), "--no-free-space: something was carved")
        check(any(c["source"] == "free_space" and c["note"] == "not searched, as asked" for c in without["coverage"]), "--no-free-space: not said")
        out = os.path.join(folder, "case")
        subprocess.run([TRIMCARVE, "examine", image, "-o", out, "-q"], check=True)
        verified = subprocess.run([TRIMCARVE, "verify", out], capture_output=True, text=True)
        check(verified.returncode == 0, f"verify: {verified.stdout[-500:]}")
        written = os.listdir(os.path.join(out, "recovered", "fragments")) if report["fragments"] else []
        check(len(written) == len(report["fragments"]), f"{len(written)} fragments written of {len(report['fragments'])}")
    end("carved")


main()
