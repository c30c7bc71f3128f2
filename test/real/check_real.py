#!/usr/bin/env python3
"""Known answers of real data made by others (../shared/data), asked of the program as a user would.

Each check names what vouches for its answer. Data that is not on this machine is skipped with a message.
"""
import bz2
import gzip
import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile

program, which = sys.argv[1], sys.argv[2]
data = os.environ.get("TRIMCARVE_DATA", "../shared/data")
problems = []


def check(condition, text):
    if not condition:
        problems.append(text)


def item(name, folder):
    path = os.path.join(data, name)
    if not os.path.exists(path):
        print(f"SKIPPED: real data {name} is not on this machine")
        sys.exit(0)
    opener = {".xz": lzma.open, ".bz2": bz2.open, ".gz": gzip.open}.get(os.path.splitext(path)[1])
    if opener is None:
        return path
    out = os.path.join(folder, os.path.splitext(os.path.basename(path))[0])
    with opener(path) as f, open(out, "wb") as o:
        shutil.copyfileobj(f, o)
    return out


def examine(*arguments, exit_code=0):
    run = subprocess.run([program, "examine", "--json", *arguments], capture_output=True)
    check(run.returncode == exit_code, f"exit code {run.returncode}, expected {exit_code}: {run.stderr.decode()}")
    return json.loads(run.stdout)


def tool(*command):
    if shutil.which(command[0]) is None:
        print(f"SKIPPED: {command[0]} is not installed")
        sys.exit(0)
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def by_path(report):
    return {f["path"]: f for f in report["files"]}


def dftt7(folder):
    """dftt7-index.html: record, size and MD5 of each deleted file (B. Carrier)."""
    image = item("ntfs-volumes/dftt7-undel-ntfs.dd.xz", folder)
    with open(os.path.join(data, "ntfs-volumes/dftt7-index.html"), encoding="latin-1") as f:
        text = re.sub(r"<[^>]*>", " ", f.read())
    rows = re.findall(r"\d+\s+(\d+)(?:-128-\d+)?\s+(\\\S+)\s+(\d+)\s+([0-9a-f]{32})", text)
    check(len(rows) == 9, f"the listing has {len(rows)} files with an MD5, expected 9")
    out = os.path.join(folder, "out")
    run = subprocess.run([program, "examine", image, "--target", "\\", "-o", out], capture_output=True, text=True)
    check(run.returncode == 0, f"exit code {run.returncode}: {run.stderr}")
    with open(os.path.join(out, "findings.json"), encoding="utf-8") as f:
        report = json.load(f)
    for entry, path, size, md5 in rows:
        name, _, stream = path.partition(":")
        base = name.rsplit("\\", 1)[1]
        files = [f for f in report["files"] if f["file_reference"] and f["file_reference"]["entry"] == int(entry) and f["name"] == base]
        check(len(files) == 1, f"{path}: {len(files)} files")
        if not files:
            continue
        f = files[0]
        # sing2.dat's directory, \dir3, was reused by res1.dat: only $LogFile still knows its name.
        check(f["path"] == name, f"{path}: path is {f['path']}")
        check(f["state"] == "deleted", f"{path}: {f['state']}")
        contents = [f["content"]] if not stream else [s for s in f["streams"] if s["name"] == stream]
        check(len(contents) == 1 and contents[0]["state"] == "recovered", f"{path}: {contents}")
        for part in contents[0]["parts"] if contents else []:
            with open(os.path.join(out, part["recovered_as"]), "rb") as r:
                content = r.read()
            check(len(content) == int(size) and hashlib.md5(content).hexdigest() == md5, f"{path}: its content has another MD5")
    verify = subprocess.run([program, "verify", out, image], capture_output=True, text=True)
    check(verify.returncode == 0, f"verify: {verify.stdout} {verify.stderr}")
    # Five children of directories stand in slack; of three the parent is overwritten by the end marker (data/README.md). A sixth name is an
    # earlier one of the file itself (tracking.log).
    slack = [n for s in report["sightings"] if s["source"] == "record_slack" and s.get("slack_role") == "directory_child" for n in s["names"]]
    check(len(slack) == 5, f"{len(slack)} names in record slack: {[n['name'] for n in slack]}")
    check(sum(n["parent_inferred"] or n["parent_reference"] is None for n in slack) == 3, f"parents lost: {slack}")


def deleted_mft(folder):
    """The path is the answer given with the sample (dfir_ntfs)."""
    report = examine("--mft", item("mft/deleted.mft", folder), "--target", "\\")
    files = by_path(report)
    path = ""
    for name in ("1", "2", "3", "4", "file.txt"):
        path += "\\" + name
        check(path in files and files[path]["state"] == "deleted", f"{path}: {files.get(path, {}).get('state')}")


def unicode_mft(folder):
    """unicode.fls: The Sleuth Kit's listing of the same $MFT."""
    report = examine("--mft", item("mft/unicode.mft", folder), "--target", "\\")
    with open(os.path.join(data, "mft/unicode.fls"), encoding="utf-8") as f:
        lines = [line.rstrip("\n") for line in f]
    names = {f["path"] for f in report["files"]}
    missing = []
    for line in lines:
        m = re.match(r"\S+ (?:\* )?(\d+)-\d+-\d+:\t(.*)", line)
        if not m or ":" in m.group(2):
            continue
        path = "\\" + m.group(2).replace("/", "\\")
        if path not in names and "$OrphanFiles" not in path:
            missing.append(path)
    check(lines and not missing, f"not found: {missing[:5]} of {len(lines)}")


def slack_mft(folder):
    """Names that The Sleuth Kit's fls cannot see, because they stand in record slack only."""
    path = item("mft/slack.mft", folder)
    report = examine("--mft", path, "--target", "\\")
    slack = {n["name"] for s in report["sightings"] if s["source"] == "record_slack" for n in s["names"]}
    seen = tool("fls", "-f", "ntfs", "-r", "-p", path)  # refuses a bare $MFT: it sees none of them
    check(len(slack) > 0, "no name in slack")
    with open(path, "rb") as f:
        raw = f.read()
    for name in slack:
        check(name.encode("utf-16-le") in raw, f"{name} is not in the file")
        check(name not in seen, f"fls sees {name}")


def winxp_mft(folder):
    """Counts of DFIR-ORC's sample: 20,528 slots, 20,508 FILE records, 737 names below a parent that was reused since."""
    report = examine("--mft", item("mft/mft_winxp.xz", folder), "--target", "\\")
    mft = [c for c in report["coverage"] if c["source"] == "mft"][0]
    check("20528 slots" in mft["note"] and mft["records"] == 20508, f"{mft['records']} records; {mft['note']}")
    deleted = [f for f in report["files"] if f["state"] == "deleted" and f["file_reference"]
               and any(report["sightings"][n]["source"] == "mft" for n in f["sightings"])]
    check(sum(f["kind"] == "file" for f in deleted) == 2598, f"{sum(f['kind'] == 'file' for f in deleted)} deleted files")
    check(sum(f["kind"] == "directory" for f in deleted) == 455, f"{sum(f['kind'] == 'directory' for f in deleted)} deleted directories")
    reused = sum(" reused" in (p["note"] or "") for f in report["files"] for p in f["paths"]
                 if any(report["sightings"][n]["source"] == "mft" for n in p["sightings"]))
    print(f"names whose chain of parents meets a reused one: {reused}")
    for f in report["files"]:
        if f["path_note"] and "its name is not known" in f["path_note"]:
            check(f["path"].startswith("…"), f"a path through a reused parent: {f['path']}")


def windows10(folder, name, container):
    """The listing that comes with the images (dfvfs); fls on the raw bytes agrees."""
    image = item(f"vhd-windows10/{name}.xz", folder)
    if "differential" in name:
        item("vhd-windows10/ntfs-parent.vhd.xz", folder)
    report = examine(image, "--target", "\\")
    check(report["sources"][0]["container"] == container, report["sources"][0]["container"])
    files = {p for p, f in by_path(report).items() if f["state"] == "live"}
    want = ["\\System Volume Information\\WPSettings.dat"]
    if "parent" not in name:
        want += ["\\a_directory\\a_file", "\\a_directory\\another_file", "\\a_link", "\\passwords.txt"]
    for path in want:
        check(path in files, f"{path} is not there")
    raw = os.path.join(folder, "raw")
    subprocess.run(["qemu-img", "convert", "-O", "raw", image, raw], check=False)
    if os.path.exists(raw) and "differential" not in name:  # of which qemu-img reads only the child
        listed = {"\\" + line.split(":\t", 1)[1].replace("/", "\\") for line in tool("fls", "-r", "-p", "-u", "-o", "128", raw).splitlines() if ":\t" in line}
        listed = {p for p in listed if ":" not in p and "$OrphanFiles" not in p}
        check(listed and listed <= files | {"\\"}, f"fls has more: {sorted(listed - files)[:5]}")


def index_slack(folder):
    """Deleted names in index slack (dfir_ntfs's test of the same disk)."""
    report = examine(item("ntfs-volumes/ntfs_index.raw.gz", folder), "--target", "\\")
    names = {n["name"] for s in report["sightings"] if s["source"] == "index_slack" for n in s["names"]}
    check("BBBBBBBBBBBBB-del.txt" in names, f"{len(names)} names in slack")
    check(any(re.fullmatch(r".* - Copy \(11\)\.txt", n) for n in names), "no '... - Copy (11).txt'")


def index_file(folder):
    """36 of the 50 names of the first state are in the second, live or in slack (EricZimmerman/MFT's sample)."""
    first = examine("--index", item("index/I30-start/I30.bin", folder), "--target", "\\")
    second = examine("--index", item("index/I30-first-delete/I30.bin", folder), "--target", "\\")
    names = [{n["name"] for s in r["sightings"] for n in s["names"]} for r in (first, second)]
    live = [{n["name"] for s in r["sightings"] if s["source"] == "index" for n in s["names"]} for r in (first, second)]
    check(len(live[0]) == 50 and len(live[1]) == 20, f"{len(live[0])} and {len(live[1])} live entries")
    check(len(live[0] & names[1]) == 36, f"{len(live[0] & names[1])} of the first state's names are in the second")


def usn_file(folder, name, records, deletes):
    """Counts given with the samples; for usnjrnlj.bin Windows' own listing (fsutil) counts them too."""
    report = examine("--usnjrnl", item(f"usnjrnl/{name}", folder), "--target", "\\")
    coverage = [c for c in report["coverage"] if c["source"] == "usn_journal"][0]
    check(coverage["records"] == records, f"{coverage['records']} records, expected {records}")
    if deletes is not None:
        cited = sum(bool(s["usn"]["reason"] & 0x200) for s in report["sightings"] if s["source"] == "usn_journal")
        check(cited == deletes, f"{cited} deletions, expected {deletes}")


def ldm(folder):
    """19 USN records: fsntfsinfo. The disk's table is LDM (type 0x42): its volume is given as a bare one here."""
    disk = item("ntfs-volumes/usnjrnl-ldm-disk.raw.xz", folder)
    volume = os.path.join(folder, "volume.raw")
    with open(disk, "rb") as f, open(volume, "wb") as o:
        f.seek(63 * 512)
        shutil.copyfileobj(f, o)
    report = examine(volume, exit_code=report_exit(volume))
    coverage = [c for c in report["coverage"] if c["source"] == "usn_journal"][0]
    check(coverage["records"] == 19, f"{coverage['records']} records")


def report_exit(path):
    return subprocess.run([program, "examine", path, "--quiet"], capture_output=True).returncode


def charlie(folder):
    """37 lines of fls."""
    image = item("ntfs-volumes/charlie.dd.bz2", folder)
    report = examine(image, "--target", "\\", exit_code=report_exit(image))
    # $LogFile knows an earlier \Nine.txt, gone since: fls lists what $MFT has.
    paths = by_path({"files": [f for f in report["files"] if f["state"] == "live"]})
    lines = [line for line in tool("fls", "-r", "-p", image).splitlines() if ":\t" in line]
    check(len(lines) == 37, f"fls prints {len(lines)} lines")
    for line in lines:
        path, _, stream = line.split(":\t", 1)[1].partition(":")
        path = "\\" + path.replace("/", "\\")
        if "$OrphanFiles" in path or " (deleted" in path:
            continue
        check(path in paths, f"{path} is not there")
        if stream and path in paths and not stream.startswith("$"):
            check(any(s["name"] == stream for s in paths[path]["streams"]), f"{path}:{stream} is not there")


def log_alone(folder):
    """DFTT 7 from its $LogFile alone: the deleted files' paths by dftt7-index.html, res1.dat by its MD5."""
    image = item("ntfs-volumes/dftt7-undel-ntfs.dd.xz", folder)
    tool("icat", "-V")
    log = os.path.join(folder, "LogFile")
    with open(log, "wb") as f:
        subprocess.run(["icat", image, "2"], stdout=f, check=True)
    out = os.path.join(folder, "out")
    run = subprocess.run([program, "examine", "--logfile", log, "--target", "\\", "-o", out], capture_output=True, text=True)
    check(run.returncode == 0, f"exit code {run.returncode}: {run.stderr}")
    with open(os.path.join(out, "findings.json"), encoding="utf-8") as f:
        report = json.load(f)
    deleted = {f["path"]: f for f in report["files"] if f["state"] == "deleted"}
    for path in ("\\frag1.dat", "\\frag2.dat", "\\sing1.dat", "\\mult1.dat", "\\dir1", "\\dir1\\dir2", "\\dir1\\dir2\\frag3.dat",
                 "\\dir1\\mult2.dat", "\\dir3", "\\dir3\\sing2.dat", "\\res1.dat"):
        check(path in deleted, f"{path} is not there")
        check(path not in deleted or "2004-02-29T20:04" < deleted[path]["deleted"]["earliest"]["time"] < "2004-02-29T20:20",
              f"{path}: deleted {path in deleted and deleted[path]['deleted']}")
    verify = subprocess.run([program, "verify", out], capture_output=True, text=True)
    check(verify.returncode == 0, f"verify: {verify.stdout} {verify.stderr}")
    check_res1(out, report)
    # The same with the volume, when the file's record has been wiped.
    place = next(s["ranges"][0] for s in examine(image, "--target", "\\")["sightings"]
                 if s["source"] == "mft" and s["file_reference"] == {"entry": 37, "sequence": 2})
    with open(image, "r+b") as disk:
        disk.seek(place["offset"])
        disk.write(bytes(place["length"]))
    out = os.path.join(folder, "wiped")
    subprocess.run([program, "examine", image, "--target", "\\res1.dat", "-o", out], capture_output=True)
    with open(os.path.join(out, "findings.json"), encoding="utf-8") as f:
        check_res1(out, json.load(f))


def check_res1(out, report):
    files = [f for f in report["files"] if f["path"] == "\\res1.dat"]
    check(len(files) == 1 and files[0]["state"] == "deleted" and files[0]["content"]["state"] == "recovered", f"res1.dat: {files}")
    part = files[0]["content"]["parts"][0]
    check(part["source"] == "log_file" and "$LogFile" in files[0]["content"]["why"], f"res1.dat: {part}")
    with open(os.path.join(out, part["recovered_as"]), "rb") as f:
        check(hashlib.md5(f.read()).hexdigest() == "9036637712b491904cd0bfbdbe648453", "res1.dat: another MD5")


def log_names(folder):
    """Names that dfir_ntfs' own test finds in the slack of this volume's index: the log tells of them, too."""
    report = examine(item("ntfs-volumes/ntfs_index.raw.gz", folder), "--target", "\\")
    deleted = [f for f in report["files"] if f["name"] == "BBBBBBBBBBBBB-del.txt"]
    check(len(deleted) == 1 and deleted[0]["state"] == "deleted" and deleted[0]["file_reference"] == {"entry": 54, "sequence": 1}
          and deleted[0]["path_known"], f"BBBBBBBBBBBBB-del.txt: {deleted}")
    sources = {report["sightings"][n]["source"] for n in deleted[0]["sightings"]}
    check("log_file" in sources, f"BBBBBBBBBBBBB-del.txt: cited from {sources}")
    check(any(f["file_reference"] == {"entry": 64, "sequence": 1} and f["name"].endswith(" - Copy (11).txt") for f in report["files"]), "Copy (11)")


def log_versions(folder):
    """Logs of Windows 7 and 10; and one whose version nobody knows is named and not read."""
    for name, version in (("LogFile_7.bin", "LFS 1.1"), ("LogFile_10.bin", "LFS 2.0")):
        log = item(f"logfile/{name}", folder)
        report = examine("--logfile", log, "--target", "\\")
        row = next(c for c in report["coverage"] if c["source"] == "log_file")
        check(row["note"].startswith(version) and row["records"] > 100 and row["first"] and row["last"], f"{name}: {row}")
        check("Not looked at: free clusters" in report["targets"][0]["coverage"], report["targets"][0]["coverage"])
    with open(log, "rb") as f:
        odd = bytearray(f.read())
    for page in (0, 4096):
        odd[page + 28] = 7
    log = os.path.join(folder, "odd")
    with open(log, "wb") as f:
        f.write(odd)
    run = subprocess.run([program, "examine", "--mft", item("mft/unicode.mft", folder), "--logfile", log, "--json"], capture_output=True, text=True)
    report = json.loads(run.stdout)
    row = next(c for c in report["coverage"] if c["source"] == "log_file")
    check(row["records"] == 0 and "LFS 7." in row["note"], f"unknown version: {row}")
    check(any(w["code"] == "log_file_version" for w in report["warnings"]), "no warning of the version")
    check("Not looked at: $LogFile" in report["targets"][0]["coverage"], report["targets"][0]["coverage"])


checks = {
    "log-alone": log_alone,
    "log-names": log_names,
    "log-versions": log_versions,
    "dftt7": dftt7,
    "deleted-mft": deleted_mft,
    "unicode-mft": unicode_mft,
    "slack-mft": slack_mft,
    "winxp-mft": winxp_mft,
    "windows10-fixed-vhd": lambda f: windows10(f, "ntfs-fixed.vhd", "vhd fixed"),
    "windows10-dynamic-vhd": lambda f: windows10(f, "ntfs-dynamic.vhd", "vhd dynamic"),
    "windows10-dynamic-vhdx": lambda f: windows10(f, "ntfs-dynamic.vhdx", "vhdx dynamic"),
    "windows10-fixed-vhdx": lambda f: windows10(f, "ntfs-fixed.vhdx", "vhdx fixed"),
    "windows10-differential-vhd": lambda f: windows10(f, "ntfs-differential.vhd", "vhd differencing"),
    "windows10-parent-vhd": lambda f: windows10(f, "ntfs-parent.vhd", "vhd fixed"),
    "index-slack": index_slack,
    "index-file": index_file,
    "usn-fsutil": lambda f: usn_file(f, "usnjrnlj.bin", 271, None),
    "usn-go-ntfs": lambda f: usn_file(f, "go-ntfs-sample.bin", 208, 27),
    "usn-winxp": lambda f: usn_file(f, "usnjrnl_winxp", 62, None),
    "usn-ldm": ldm,
    "charlie": charlie,
}
with tempfile.TemporaryDirectory(prefix="trimcarve-real-") as temporary:
    checks[which](temporary)
for p in problems:
    print("FAILED:", p)
print(f"{which}: {'the known answer' if not problems else str(len(problems)) + ' differences'}")
sys.exit(1 if problems else 0)
