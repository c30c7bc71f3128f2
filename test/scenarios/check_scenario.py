#!/usr/bin/env python3
"""Builds one scenario, examines it as a user would, and holds the answer against what the builder did.

The builder (test/fixtures) writes down what it DID: true times of creation and deletion, the hash of each file before it was deleted,
whether its record was reused. That independent readers accept its volumes and see the same is tested in test/fixtures. Here:

- the verdict, the versions and their states, the runs are those that happened;
- every file that left a record, a journal entry or an index entry is found under its true path;
- each true deletion time lies within the bounds; a bound is never wrong, however wide;
- content that is called recovered has the hash of the original; nothing that TRIM zeroed is called recovered;
- nothing is invented: no file that never was, no command that was never given.
"""
import argparse
import datetime
import hashlib
import json
import os
import subprocess
import tempfile

from scenario import build, check, end, time_of


def within(bounds, true_time):
    """ISO times with 7 digits compare as text."""
    earliest, latest = time_of(bounds.get("earliest")), time_of(bounds.get("latest"))
    return (earliest is None or earliest <= true_time) and (latest is None or true_time <= latest)


def check_logged_deletion(what, got, want, report):
    """The log has no clock: its neighbours' times bound the deletion from below, and estimate it. The deallocation is cited."""
    deleted = got["deleted"]
    check(deleted["estimate"] and "$LogFile" in deleted["estimate"]["method"], f"{what}: no estimate from the log: {deleted}")
    check(time_of(deleted["earliest"]) is not None and time_of(deleted["earliest"]) >= want["created"],
          f"{what}: earliest deletion {deleted['earliest']}, created {want['created']}")
    check(any(report["sightings"][n]["source"] == "log_file" for n in got["sightings"]), f"{what}: no log record is cited")
    in_use = want["record"] == "kept"
    check(("deleted_in_log" in got["flags"]) == in_use, f"{what}: flags {got['flags']}, its record is {want['record']}")


def check_logged_content(what, content, want):
    """Newer logs hold no bytes of small files, but their size; of large ones the run list, which tells whose the trimmed clusters were."""
    check(content["size"] == want["size"], f"{what}: size is {content['size']}, not {want['size']}")
    if not want["log_runs"]:
        check(content["state"] == ("none" if want["size"] == 0 else "unknown"), f"{what}: content is {content['state']} ({content['why']})")
        return
    clusters = lambda runs: [c for r in runs for c in range(r["lcn"], r["lcn"] + r["clusters"])]
    check(clusters(content["runs"]) == clusters(want["log_runs"]), f"{what}: runs {content['runs']}, expected {want['log_runs']}")
    check(content["state"] in ("zeroed", "reallocated", "overwritten"), f"{what}: content is {content['state']}, of trimmed clusters")
    check("$LogFile" in content["why"], f"{what}: why: {content['why']}")


def joined(runs):
    out = []
    for lcn, clusters, state in runs:
        if out and out[-1][2] == state and out[-1][0] + out[-1][1] == lcn:
            out[-1] = (out[-1][0], out[-1][1] + clusters, state)
        else:
            out.append((lcn, clusters, state))
    return out


def near(a, b, seconds):
    """ISO times within so many seconds of each other."""
    def number(t):
        return datetime.datetime.fromisoformat(t[:26]).timestamp()
    return abs(number(a) - number(b)) <= seconds


def check_files(report, expected, container):
    if expected["scenario"] in ("log-only", "log-pages"):  # the premise: $LogFile alone is left, or its pages in free clusters
        check(all(w["record"] == "reused" and not w["in_journal"] and w["in_log"] for w in expected["files"]), "something else is left")
        tree = [(w["file_reference"]["entry"], w["file_reference"]["sequence"]) for w in expected["files"]]
        for f in report["files"]:
            if f["file_reference"] and (f["file_reference"]["entry"], f["file_reference"]["sequence"]) in tree:
                others = {report["sightings"][n]["source"] for n in f["sightings"]} - {"log_file", "record_slack", "index_slack"}
                check(not others, f"{f['path']}: {others} speak too")
    by_reference = {}
    for f in report["files"]:
        r = f["file_reference"]
        if r:
            by_reference[(r["entry"], r["sequence"])] = f
    known = set()
    for want in expected["files"]:
        key = (want["file_reference"]["entry"], want["file_reference"]["sequence"])
        known.add(key)
        got = by_reference.get(key)
        what = f"{want['path']} ({key[0]}-{key[1]})"
        speaks = want["record"] == "kept" or want["in_journal"] or want.get("in_log")
        if not got:
            check(not speaks, f"{what}: not found")
            continue
        check(got["path"] == want["path"] or (not speaks or got["path"].startswith("…")), f"{what}: path is {got['path']}")
        if want["in_journal"] or want.get("in_log") or expected["scenario"] in ("removed", "not-trimmed"):
            check(got["path"] == want["path"], f"{what}: path is {got['path']}")
        check(got["kind"] == want["kind"], f"{what}: kind is {got['kind']}")
        check(got["state"] == want["state"], f"{what}: state is {got['state']}")
        check(not [f for f in got["flags"] if f.startswith("contradiction")] or expected["scenario"] in ("posix-delete",),
              f"{what}: contradictions that are none: {got['flags']}")
        if want["state"] == "deleted":
            check(got["deleted"] is not None and within(got["deleted"], want["deleted"]),
                  f"{what}: deleted {want['deleted']}, bounds {got['deleted']}")
            for estimate in got["estimates"]:  # by the clock of LSNs; where an end is open it says nothing
                if estimate["event"] == "deleted" and estimate["sequence"] == "lsn" and estimate["earliest"] and estimate["latest"]:
                    check(within(estimate, want["deleted"]), f"{what}: deleted {want['deleted']}, estimated {estimate}")
            if want["in_journal"] and expected["scenario"] != "posix-delete":
                check(time_of(got["deleted"]["earliest"]) == time_of(got["deleted"]["latest"]) == want["deleted"],
                      f"{what}: the journal has its deletion, bounds {got['deleted']}")
            if want.get("in_log"):
                check_logged_deletion(what, got, want, report)
        if want["record"] == "kept" and got["standard_information"]:
            for name, value in want["standard_information"].items():
                check(time_of(got["standard_information"][name]) == value, f"{what}: {name} is {got['standard_information'][name]}, not {value}")
        if want.get("in_log") and want["record"] == "reused":
            times = got["standard_information"]
            check(times and time_of(times["created"]) == want["created"], f"{what}: created {times}, not {want['created']}")
        if want["kind"] != "file":
            continue
        content = got["content"]
        if want.get("in_log") and want["record"] == "reused":
            check_logged_content(what, content, want)
            continue
        state = content["state"] if content else None
        expected_state = want["content"]
        if want["record"] == "kept" and want["runs"] and expected_state in ("zeroed", "reallocated", "overwritten"):
            # Nothing came back: the state of most clusters names the file's.
            share = {"zero": 0, "reallocated": 0, "contested": 0}
            for r in want["runs"]:
                share[r["state"]] += r["clusters"]
            expected_state = {"zero": "zeroed", "reallocated": "reallocated", "contested": "overwritten"}[max(share, key=share.get)]
        if want.get("record_slack") and expected_state != "recovered":
            expected_state = "partial"
            part = [p for p in content["parts"] if p["source"] == "record_slack"]
            slack = want["record_slack"]
            check(len(part) == 1 and part[0]["sha256"] == slack["sha256"]
                  and (part[0]["file_offset"] == slack["file_offset"] or "renamed" in content["why"]) and part[0]["offset_inferred"]
                  and part[0]["length"] == slack["length"], f"{what}: slack parts {part}, expected {slack}")
        check(state == expected_state, f"{what}: content is {state}, expected {expected_state}")
        if state == "recovered":
            check(content["sha256"] == want["sha256"], f"{what}: recovered content has another hash")
        if want["record"] == "kept" and want["runs"] and content.get("runs") is not None:
            # Joined over owners, which the builder does not tell.
            got_runs = joined((r["lcn"], r["clusters"], r["state"]) for r in content["runs"])
            if container not in ("raw", "vhd-fixed", "vhd-truncated"):  # these can say that a block holds nothing; one that holds other clusters cannot
                got_runs = joined((lcn, n, "zero" if state in ("container_hole", "unmapped") else state) for lcn, n, state in got_runs)
            want_runs = [(r["lcn"], r["clusters"], r["state"]) for r in want["runs"]]
            check(got_runs == want_runs, f"{what}: runs {got_runs}, expected {want_runs}")
    logs = "\\WindowsAzure\\Logs\\Plugins\\"
    for key, got in by_reference.items():
        check(key in known or got["path"].startswith(logs), f"invented: {got['path']} {key}")
    for got in report["files"]:
        if not got["file_reference"]:
            names = {w["name"] for w in expected["files"]}
            check(got["name"] in names or "~" in got["name"], f"invented name: {got['path']}")
    return by_reference


def check_target(report, expected):
    target = report["targets"][0]
    if expected["scenario"] == "log-deletes":
        check("$LogFile frees" in target["reason"] and "still shows in use" in target["reason"], f"reason: {target['reason']}")
        removal = [f for f in report["findings"] if f["statement"].endswith("was on this volume and was removed")]
        check(len(removal) == 1 and {report["sightings"][n]["source"] for n in removal[0]["sightings"]} == {"log_file"},
              f"the finding of the removal: {removal}")
    check(target["verdict"] == expected["verdict"], f"verdict is {target['verdict']} ({target['reason']}), expected {expected['verdict']}")
    got = sorted((i["version"], i["state"], i["inherited"]) for i in target["instances"])
    want = sorted((i["version"], i["state"], i["inherited"]) for i in expected["instances"])
    speaks = any(f["record"] == "kept" or f["in_journal"] or f.get("in_log") for f in expected["files"])
    if speaks:
        check(got == want, f"instances are {got}, expected {want}")
    for w in expected["instances"]:
        for g in target["instances"]:
            if (g["version"], g["state"]) != (w["version"], w["state"]):
                continue
            if g["installed"] and g["installed_basis"] == "witness_installed":  # a log's line, not the folder's creation
                check(near(time_of(g["installed"]), w["installed"], 5), f"{w['version']}: installed {g['installed']}, expected {w['installed']}")
            elif g["installed"]:
                check(time_of(g["installed"]) == w["installed"], f"{w['version']}: installed {g['installed']}, expected {w['installed']}")
            if w.get("version_folder_deleted") and g["removed"]:
                check(within(g["removed"], w["version_folder_deleted"]), f"{w['version']}: removed {g['removed']}, truth {w['version_folder_deleted']}")
    settings = {}
    for f in expected["files"]:
        if f["name"].endswith(".settings"):
            settings[f["path"]] = f
    got_runs = {(r["version"], r["sequence"]): r for r in target["runs"] if r["sequence"]}
    for w in expected["runs"]:
        g = got_runs.pop((w["version"], w["sequence"]), None)
        mine = [f for p, f in settings.items() if p.endswith(f"\\{w['version']}\\RuntimeSettings\\{w['sequence']}.settings")]
        traced = any(f["record"] == "kept" or f["in_journal"] or f.get("in_log") for f in mine)
        if not g:
            check(not traced, f"run {w['version']}/{w['sequence']} not found")
            continue
        command = g["command"] or ""
        if expected["target"] != "run-command":  # there the command is the script itself
            sealed = w["sealed"]["command"] if w["sealed"] else w["command"]
            check(command.rstrip() in ("", w["command"].rstrip(), sealed), f"run {w['sequence']}: command is {command!r}, expected {w['command']!r}")
        if any(f["content"] == "recovered" for f in mine):
            sealed = w["sealed"] or w
            check(command.rstrip() in (w["command"].rstrip(), sealed["command"].rstrip()) or expected["target"] == "run-command",
                  f"run {w['sequence']}: command is {command!r}, expected {w['command']!r}")
            check(g["file_uris"] in (w["file_uris"], sealed["file_uris"]), f"run {w['sequence']}: file URIs {g['file_uris']}")
            check(g["protected_settings"] == w["protected_settings"], f"run {w['sequence']}: protected settings {g['protected_settings']}")
            check((g["certificate_thumbprint"] or "") == w["certificate_thumbprint"], f"run {w['sequence']}: thumbprint")
        if traced:
            check(time_of(g["started"]) == w["started"], f"run {w['sequence']}: started {g['started']}, expected {w['started']}")
        if g["status"]:
            check(g["status"] == w["status"], f"run {w['sequence']}: status {g['status']}")
            check((g["output"] or "") == w["output"], f"run {w['sequence']}: output {g['output']!r}")
            check((g["error_output"] or "") == w["error_output"], f"run {w['sequence']}: errors {g['error_output']!r}")
            check(g["exit_code"] in (None, w["exit_code"]), f"run {w['sequence']}: exit code {g['exit_code']}")
        names = sorted(s["path"].rsplit("\\", 1)[1] for s in g["scripts"] + g["made"])
        for name in names:
            check(name in w["scripts"] + w["made"] + ["result.txt"] or "~" in name, f"run {w['sequence']}: {name} is not of this run")
    check(not got_runs, f"runs that never were: {sorted(got_runs)}")


def check_witnesses(report, expected):
    """What logs, hives and the cloud tell is what was done: processes, scripts' texts by hash, sealed settings, the cloud's operations; the
    namesake's process, which ran a script of the same bare name, is nobody's."""
    target = report["targets"][0]
    plain = lambda command: command.rstrip()
    all_commands = {plain(p["command"]) for w in expected["runs"] + expected["instances"] for p in w["processes"]}
    got = {(r["version"], r["sequence"]): r for r in target["runs"]}
    for w in expected["runs"]:
        g = got.get((w["version"], w["sequence"]))
        if not g:
            check(not w["processes"], f"run {w['sequence']}: not known, though event logs tell of it")
            continue
        commands = {plain(p["command"] or ""): p for p in g["processes"]}
        for p in w["processes"]:
            if p["image"].endswith("\\bin\\CustomScriptHandler.exe") or p["image"].endswith("\\bin\\RunCommandExtension.exe"):
                continue  # a step of the handler
            check(plain(p["command"]) in commands, f"run {w['sequence']}: process {p['command']!r} not told")
            if "\\bin\\" in p["parent_image"] and plain(p["command"]) in commands:
                check(commands[plain(p["command"])]["grade"] == "established", f"run {w['sequence']}: {p['command']!r} is the handler's child")
        for command in commands:
            check(command in all_commands, f"run {w['sequence']}: process {command!r} was never the extension's")
        texts = {t["name"]: t for t in g["script_texts"]}
        for t in w["script_texts"]:
            found = texts.get(t["path"])
            check(found and found["missing"] == 0 and found["parts"] == t["parts"] and found["stretches"][0]["sha256"] == t["sha256"],
                  f"run {w['sequence']}: text of {t['path']}: {found and found['parts']}")
        if w["sealed"] and g["sealed"] and not g["sealed"]["cut"]:
            check(g["sealed"]["opened"] and g["sealed"]["command"] == w["sealed"]["command"] and g["sealed"]["file_uris"] == w["sealed"]["file_uris"],
                  f"run {w['sequence']}: sealed {g['sealed']}")
    ours = {c["correlation_id"]: c for c in expected["cloud"]}
    for c in target["cloud"]:
        w = ours.get(c["correlation_id"])
        check(w and w["caller"] == c["caller"] and w["ip"] == c["address"], f"cloud {c['operation']}: {c['caller']}")
        if w and not w["on_disk"]:
            check(not c["match"], f"cloud {w['extension_name']}: matched with {c['match']}, though nothing goes with it")
    told = {c["correlation_id"] for c in target["cloud"] if c["match"]}
    if expected["target"] == "custom-script" and target["instances"] and target["verdict"] != "none":
        for c in expected["cloud"]:
            if c["extension_name"] == "CustomScript" and c["on_disk"]:
                check(c["correlation_id"] in told, f"cloud {c['operation']} at {c['first']}: not matched")


def check_schema(report):
    """The document is what its JSON Schema says; python3-jsonschema vouches."""
    check(report["schema"] == "trimcarve/findings/1", "schema")
    try:
        import jsonschema
    except ImportError:
        print("SKIPPED: python3-jsonschema is not installed")
        return
    with open(os.path.join(os.environ["TRIMCARVE_SOURCE"], "src/report/findings.schema.json"), encoding="utf-8") as f:
        validator = jsonschema.Draft202012Validator(json.load(f))
    for error in list(validator.iter_errors(report))[:5]:
        check(False, f"schema: {'/'.join(map(str, error.path))}: {error.message[:200]}")


def check_sightings(report, image, container):
    """Every cited range of a raw-like image is read again by this script and hashed: the ranges are what they are said to be."""
    if container not in ("raw", "vhd-fixed", "vhd-truncated"):
        return
    spaces = {"disk": image, "file:1": image + ".activity.json"}  # the image's own file is file:0
    with open(image, "rb") as disk, open(spaces["file:1"], "rb") as cloud:
        for s in report["sightings"]:
            digest = hashlib.sha256()
            for r in s["ranges"]:
                check(r["space"] in spaces, f"sighting {s['id']}: space {r['space']}")
                source = disk if r["space"] == "disk" else cloud
                source.seek(r["offset"])
                digest.update(source.read(r["length"]))
            check(s["ranges"] and digest.hexdigest() == s["sha256"], f"sighting {s['id']}: its bytes have another hash")
    for f in report["findings"]:
        for n in f["sightings"]:
            check(0 <= n < len(report["sightings"]), f"{f['id']} cites sighting {n}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("builder")
    parser.add_argument("trimcarve")
    parser.add_argument("scenario")
    parser.add_argument("--container", default="vhd-fixed")
    parser.add_argument("--table", default="mbr")
    parser.add_argument("--year", default="2026")
    parser.add_argument("--sectors", default="512")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trimcarve-scenario-") as folder:
        image = os.path.join(folder, "disk.img")
        expected = build(a.builder, a.scenario, image, "--container", a.container, "--table", a.table, "--year", a.year, "--sectors", a.sectors)
        command = [a.trimcarve, "examine", image, "--json", "--target", expected["target"], "--activity-log", image + ".activity.json"]
        read_end = None
        if os.path.exists(image + ".pfx"):
            read_end, write_end = os.pipe()
            os.write(write_end, expected["certificate"]["pfx_password"].encode() + b"\n")
            os.close(write_end)
            command += ["--certificate", image + ".pfx", "--certificate-password-fd", str(read_end)]
        run = subprocess.run(command, capture_output=True, text=True, pass_fds=[read_end] if read_end is not None else [])
        want_exit = 1 if a.container == "vhd-truncated" else 0
        check(run.returncode == want_exit, f"exit code {run.returncode}, expected {want_exit}: {run.stderr.strip()}")
        check(run.stdout, "no report")
        if run.stdout:
            report = json.loads(run.stdout)
            check_schema(report)
            check_target(report, expected)
            check_files(report, expected, a.container)
            check_witnesses(report, expected)
            check_sightings(report, image, a.container)
    end(a.scenario)


main()
