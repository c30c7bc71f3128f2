#!/usr/bin/env python3
"""Builds a scenario with volume shadow copies, examines it as a user would, and holds the answer against what the builder did.

The builder leaves the volume as it was when each copy was made beside the image. Vouching for the copies it writes: vshadowinfo and
python3-libvshadow, which know nothing of either program. Then:

- each copy is a volume of the report, newest first, with the time it was made;
- every file of the tree that the volume has no more so comes back from a copy, with the hash of the original, though TRIM took its clusters
  and its record has a new owner; none is told twice;
- the verdict is the volume's; each true deletion time lies within the bounds, and none is before a copy that still shows the file;
- the runs' settings, scripts and outcome come from the copies;
- every cited range of the image has the hash that is stated;
- with --no-shadows nothing of the copies is told; a copy whose header was zeroed is named, and nothing is taken from it.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

from scenario import build, check, end, time_of

BUILDER, TRIMCARVE, SCENARIO = sys.argv[1:4]


def examine(image, want, *options):
    run = subprocess.run([TRIMCARVE, "examine", image, "--json", *options], capture_output=True, text=True)
    check(run.returncode == want, f"{options}: exit code {run.returncode}, expected {want}: {run.stderr.strip()}")
    return json.loads(run.stdout)


def check_with_libvshadow(image, expected):
    offset, size = expected["volume_offset"], expected["volume_size"]
    volume_path = image + ".bare"
    with open(image, "rb") as f, open(volume_path, "wb") as out:
        f.seek(offset)
        out.write(f.read(size))
    try:
        told = subprocess.run(["vshadowinfo", volume_path], capture_output=True, text=True).stdout
        check(f"Number of stores:\t{len(expected['shadows'])}" in told, f"vshadowinfo: {told}")
    except FileNotFoundError:
        print("SKIPPED: vshadowinfo is not installed")
    try:
        sys.path.append("/usr/lib/python3/dist-packages")
        import pyvshadow
    except ImportError:
        print("SKIPPED: python3-libvshadow is not installed")
        return
    volume = pyvshadow.volume()
    volume.open(volume_path)
    for n, shadow in enumerate(expected["shadows"]):
        store = volume.get_store(n)
        with open(f"{image}.shadow{n + 1}", "rb") as f:
            then = f.read()
        unkept = {begin for begin, _ in shadow["unkept"]}
        different = [at for at in range(0, len(then), 0x4000)
                     if at not in unkept and store.read_buffer_at_offset(min(0x4000, len(then) - at), at) != then[at:at + 0x4000]
                     and at != 0]  # there the header stands, which came later
        check(not different, f"libvshadow reads other bytes in copy {n + 1} at {different[:8]}")
        check(sum(1 for _ in unkept) * 0x4000 < len(then), "a copy that keeps nothing")


def check_volumes(report, expected):
    shadows = [v for v in report["volumes"] if v["shadow_of"] is not None]
    check([time_of(v["shadow_created"]) for v in shadows] == [s["created"] for s in reversed(expected["shadows"])],
          f"copies: {shadows}")
    check(all(v["shadow_of"] == expected["volume_index"] and v["state"] == "examined" for v in shadows), f"copies: {shadows}")
    return {v["index"]: expected["shadows"][-1 - n] for n, v in enumerate(shadows)}


def check_files(report, expected, by_volume):
    truth = {(f["file_reference"]["entry"], f["file_reference"]["sequence"]): f for f in expected["files"]}
    found, told = {}, set()
    for f in report["files"]:
        if f["volume"] not in by_volume:
            continue
        r = f["file_reference"]
        check(r is not None, f"{f['path']}: a copy's file without a reference")
        key = (r["entry"], r["sequence"])
        then = {(w["file_reference"]["entry"], w["file_reference"]["sequence"]): w for w in by_volume[f["volume"]]["files"]}
        if key not in then:
            check(f["path"].startswith("\\WindowsAzure\\Logs\\Plugins\\"), f"invented: {f['path']} {key}")
            continue
        want = then[key]
        check(f["path"] == want["path"] and f["state"] == want["state"], f"{want['path']}: {f['path']} {f['state']} in the copy")
        cited = tuple(s for s in f["sightings"] if report["sightings"][s]["source"] == "mft")
        check(cited == () or cited not in told, f"{f['path']}: told twice")
        told.add(cited)
        if want["kind"] == "file" and f["state"] == "live":
            check(f["content"]["state"] in ("recovered", "none"), f"{f['path']}: content is {f['content']['state']} in the copy")
            if f["content"]["state"] == "recovered":
                check(f["content"]["sha256"] == want["sha256"], f"{f['path']}: recovered content has another hash")
        if f["state"] == "live":
            found.setdefault(key, f)
    for shadow in expected["shadows"]:
        for want in shadow["files"]:
            key = (want["file_reference"]["entry"], want["file_reference"]["sequence"])
            if want["state"] == "live" and truth[key]["state"] == "deleted":
                check(key in found, f"{want['path']}: the copy of {shadow['created']} had it, and it is not found")


def check_bounds(report, expected):
    alive, gone, bases = {}, {}, set()
    for shadow in expected["shadows"]:
        for f in shadow["files"]:
            key = (f["file_reference"]["entry"], f["file_reference"]["sequence"])
            if f["state"] == "live":
                alive[key] = shadow["created"]
            elif f["record"] == "kept":
                gone.setdefault(key, shadow["created"])
    for f in report["files"]:
        r = f["file_reference"]
        if not r or not f["deleted"] or f["volume"] != expected["volume_index"]:
            continue
        key = (r["entry"], r["sequence"])
        want = next((w for w in expected["files"] if (w["file_reference"]["entry"], w["file_reference"]["sequence"]) == key), None)
        if not want:
            continue
        earliest, latest = time_of(f["deleted"]["earliest"]), time_of(f["deleted"]["latest"])
        check((earliest is None or earliest <= want["deleted"]) and (latest is None or want["deleted"] <= latest),
              f"{f['path']}: deleted {want['deleted']}, bounds {f['deleted']}")
        if key in alive:
            check(earliest is not None and earliest >= alive[key], f"{f['path']}: a copy of {alive[key]} had it, bounds {f['deleted']}")
        if key in gone:
            check(latest is not None and latest <= gone[key], f"{f['path']}: a copy of {gone[key]} had it no more, bounds {f['deleted']}")
        if SCENARIO == "shadow-journal":
            check(earliest == latest == want["deleted"], f"{f['path']}: a copy's journal has its deletion at {want['deleted']}, bounds {f['deleted']}")
        bases |= {f["deleted"]["earliest_basis"], f["deleted"]["latest_basis"]}
    if SCENARIO == "shadow-between":
        check({"shadow_alive", "shadow_gone"} <= bases, f"what bounds the deletions: {bases}")


def check_creations(report, expected, by_volume):
    """A file that a copy has was made before the copy, one whose record was still another's after it."""
    truth = {}
    for state in [*expected["shadows"], expected]:
        truth.update({(f["file_reference"]["entry"], f["file_reference"]["sequence"]): f for f in state["files"]})
    told = set()
    for f in report["files"]:
        r = f["file_reference"]
        want = truth.get((r["entry"], r["sequence"])) if r else None
        if not want:
            continue
        bounds = f["created"] or {"earliest": None, "latest": None}
        earliest, latest = time_of(bounds["earliest"]), time_of(bounds["latest"])
        check((earliest is None or earliest < want["created"]) and (latest is None or want["created"] <= latest),
              f"{f['path']}: created {want['created']}, bounds {bounds}")
        for copy in f["shadow_copies"]:
            when, state = time_of(copy["time"]), copy["state"]
            check(when == by_volume[copy["volume"]]["created"] and copy["sightings"], f"{f['path']}: {copy}")
            check((when < want["created"]) == (state == "not_yet"), f"{f['path']}: created {want['created']}, but {copy}")
            check(state != "there" or want["deleted"] is None or when <= want["deleted"], f"{f['path']}: deleted {want['deleted']}, but {copy}")
            check(state != "gone" or (want["deleted"] is not None and want["deleted"] <= when), f"{f['path']}: deleted {want['deleted']}, but {copy}")
            told.add(state)
        for flag in f["flags"]:
            check("shadow" not in flag, f"{f['path']}: {flag}")
    return told


def check_past(report, expected, by_volume):
    """The removal is in the newest copy's journal alone: its deleted files are told from it, though their records say nothing new."""
    newest = min(by_volume)
    got = {(f["file_reference"]["entry"], f["file_reference"]["sequence"]): f for f in report["files"] if f["volume"] == newest}
    past = [want for want in by_volume[newest]["files"] if want["state"] == "deleted" and want["in_journal"]]
    check(past, "nothing was deleted when the copy was made")
    for want in past:
        f = got.get((want["file_reference"]["entry"], want["file_reference"]["sequence"]))
        check(f and f["deleted"] and time_of(f["deleted"]["earliest"]) == want["deleted"], f"{want['path']}: not told from the copy's journal")


def check_target(report, expected):
    target = report["targets"][0]
    check(target["verdict"] == expected["verdict"], f"verdict is {target['verdict']} ({target['reason']})")
    check([(i["version"], i["state"]) for i in target["instances"]] == [(i["version"], i["state"]) for i in expected["instances"]],
          f"instances {target['instances']}")
    last = max(s["created"] for s in expected["shadows"] if s["verdict"] == "present")
    for i, want in zip(target["instances"], expected["instances"]):
        check(i["removed"] and time_of(i["removed"]["earliest"]) >= last
              and time_of(i["removed"]["earliest"]) <= want["version_folder_deleted"], f"removed {i['removed']}")
    check(len(target["runs"]) == len(expected["runs"]), f"runs {[r['sequence'] for r in target['runs']]}")
    for run, want in zip(target["runs"], expected["runs"]):
        for key in ("sequence", "version", "command", "file_uris", "status", "exit_code"):
            if key == "command" and want["protected_settings"]:
                continue  # what the handler's own log writes in its place
            check(run[key] == want[key], f"run {want['sequence']}: {key} is {run[key]!r}, expected {want[key]!r}")
        check((run["output"] or "") == want["output"] and (run["error_output"] or "") == want["error_output"], f"run {want['sequence']}: output")
        names = {s["path"].rsplit("\\", 1)[1]: s["state"] for s in run["scripts"]}
        check(all(names.get(s) == "recovered" for s in want["scripts"]), f"run {want['sequence']}: scripts {names}")
    for shadow in expected["shadows"]:
        check(shadow["verdict"] != "present" or any(f["statement"].startswith(f"The volume shadow copy of {shadow['created']}") for f in report["findings"]),
              f"no finding of the copy of {shadow['created']}")


def check_witnesses(report, by_volume):
    """Logs grow, and each copy has them: what the volume's own say is not told again from a copy. (A zip of logs on one volume may.)"""
    def words(s):
        return json.dumps(s["statement"], sort_keys=True)
    logs = [s for s in report["sightings"] if s["source"] == "agent_log"]
    live = {words(s) for s in logs if s["volume"] not in by_volume}
    again = [s["id"] for s in logs if s["volume"] in by_volume and words(s) in live]
    check(len(logs) > 4 and not again, f"statements {again} of logs are told again from a copy")


def check_sightings(report, image):
    with open(image, "rb") as disk:
        for s in report["sightings"]:
            digest = hashlib.sha256()
            for r in s["ranges"]:
                check(r["space"] == "disk", f"sighting {s['id']}: space {r['space']}")
                disk.seek(r["offset"])
                digest.update(disk.read(r["length"]))
            check(s["ranges"] and digest.hexdigest() == s["sha256"], f"sighting {s['id']}: its bytes have another hash")


def check_timeline(image):
    """The volume's own rows are the same with and without its copies; a copy tells no time that the volume or a later copy told."""
    def rows(*options):
        run = subprocess.run([TRIMCARVE, "timeline", image, "--format", "jsonl", *options], capture_output=True, text=True)
        check(run.returncode == 0, f"timeline {options}: exit code {run.returncode}: {run.stderr}")
        return [json.loads(line) for line in run.stdout.splitlines()]

    streams = {"mft", "record_slack", "index", "index_slack", "usn_journal", "log_file"}
    everything, alone = rows(), rows("--no-shadows")
    check([r for r in everything if r.get("volume") == 0 and r["source"] in streams] == [r for r in alone if r["source"] in streams],
          "the volume's own rows differ with its copies")
    told_by = {}
    for row in everything:
        if row["source"] in streams:
            key = tuple(row.get(k) for k in ("source", "attribute_type", "timestamp_desc", "file_reference", "parent_file_reference", "filename", "filetime",
                                             "update_sequence_number" if row["source"] == "usn_journal" else "source", "update_reason_flags"))
            told_by.setdefault(key, set()).add(row["volume"])
    twice = [key for key, volumes in told_by.items() if len(volumes) > 1]
    check(not twice, f"{len(twice)} times are told by two volumes: {twice[:3]}")
    check(len(everything) > len(alone), "the copies tell nothing")


def check_without(image, expected):
    report = examine(image, 0, "--no-shadows")
    check(len(report["volumes"]) == 1 and report["targets"][0]["verdict"] == expected["verdict"], "--no-shadows")
    check(not any("shadow" in f["statement"] for f in report["findings"]), "--no-shadows tells of a copy")
    # The newest store's header as TRIM would leave it: no copy can be read, as the older one builds on it.
    with open(image, "r+b") as f:
        f.seek(expected["volume_offset"] + 0x1E00 + 48)
        catalog = expected["volume_offset"] + int.from_bytes(f.read(8), "little")
        f.seek(catalog + 128)
        entries = f.read(128 * 2 * len(expected["shadows"]))
        headers = [int.from_bytes(entries[at + 32:at + 40], "little") for at in range(0, len(entries), 128) if entries[at] == 3]
        f.seek(expected["volume_offset"] + headers[-1])
        f.write(bytes(0x4000))
    report = examine(image, 1)
    copies = len(expected["shadows"])
    check([v["state"] for v in report["volumes"]] == ["examined"] + ["unreadable"] * copies, "a zeroed store is not told")
    check(sum(w["code"] == "shadow_unreadable" for w in report["warnings"]) == copies, "a zeroed store has no warning")
    check({f["volume"] for f in report["files"]} == {0}, "files of a store that cannot be read")


def check_aliases(report, expected):
    """A copy in which a file's record is free shows that the file was gone, also where its last name was one in \\$Extend\\$Deleted: until it
    is freed such a record says nothing, for the last handle may still have been open. The builder's truth vouches."""
    third = expected["shadows"][2]
    freed = {(f["file_reference"]["entry"], f["file_reference"]["sequence"]): f for f in third["files"]
             if f["state"] == "deleted" and f["record"] == "kept" and f.get("extend_deleted_name")}
    check(len(freed) > 3, f"files whose records are free in the third copy, under an alias: {len(freed)}")
    told = 0
    for f in report["files"]:
        r = f["file_reference"]
        if r is None or f["volume"] != 0 or (r["entry"], r["sequence"]) not in freed:
            continue
        check("renamed_to_extend_deleted" in f["flags"], f"{f['path']}: its alias is not seen: {f['flags']}")
        gone = [c for c in f["shadow_copies"] if c["state"] == "gone" and time_of(c["time"]) == third["created"]]
        check(gone, f"{f['path']}: the third copy shows its record free, but says {f['shadow_copies']}")
        told += 1
    check(told == len(freed), f"{told} of {len(freed)} such files are told")


with tempfile.TemporaryDirectory(prefix="trimcarve-shadow-") as folder:
    disk_image = os.path.join(folder, "disk.img")
    answers = build(BUILDER, SCENARIO, disk_image, "--container", "raw")
    check_with_libvshadow(disk_image, answers)
    document = examine(disk_image, 0)
    volumes = check_volumes(document, answers)
    check_files(document, answers, volumes)
    check_witnesses(document, volumes)
    check_bounds(document, answers)
    states = check_creations(document, answers, volumes)
    if SCENARIO == "shadow-between":
        check(states == {"not_yet", "there", "gone"}, f"what the copies say of files: {states}")
    if SCENARIO == "shadow-journal":
        check_past(document, answers, volumes)
    if SCENARIO == "shadow-posix":
        check_aliases(document, answers)
    check_target(document, answers)
    check_sightings(document, disk_image)
    check_timeline(disk_image)
    check_without(disk_image, answers)
end(SCENARIO)
