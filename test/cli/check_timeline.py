#!/usr/bin/env python3
"""`trimcarve timeline` against the bytes it cites and against other programs' readings of the same disks. One check per name."""
import bz2
import csv
import gzip
import json
import lzma
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections import Counter

from program import check, problems, program, run, run_check, sample, skipped, source_root

data = os.environ.get("TRIMCARVE_DATA", os.path.join(source_root, "../shared/data"))


def real(folder, path):
    """A file of the shared data, unpacked; None where it is not."""
    packed = os.path.join(data, path)
    if not os.path.exists(packed):
        skipped.append(path)
        return None
    opener = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}.get(os.path.splitext(path)[1])
    if opener is None:
        return packed
    out = os.path.join(folder, os.path.basename(path).rsplit(".", 1)[0])
    with opener(packed) as f, open(out, "wb") as o:
        shutil.copyfileobj(f, o)
    return out


def rows_of(image, *options):
    r = run("timeline", image, "--format", "jsonl", *options)
    check(r.returncode in (0, 1), f"{image}: exit {r.returncode}: {r.stderr}")
    return [json.loads(line) for line in r.stdout.splitlines()]


IMAGES = ["ntfs-volumes/dftt7-undel-ntfs.dd.xz", "ntfs-volumes/ntfs_index.raw.gz", "ntfs-volumes/charlie.dd.bz2", "ntfs-volumes/usnjrnl-ldm-disk.raw.xz"]


def images(folder):
    yield sample(folder)
    for path in IMAGES:
        image = real(folder, path)
        if image:
            yield image


def bytes_cited(folder):
    """Every file system row's 64-bit time stands in the very bytes of the disk that the row cites, read here without the program."""
    for image in images(folder):
        with open(image, "rb") as f:
            disk = f.read()
        rows = rows_of(image)
        check(len(rows) > 100, f"{image}: {len(rows)} rows")
        cited, missing = Counter(), Counter()
        for row in rows:
            if row["data_type"] not in ("fs:stat:ntfs", "fs:ntfs:usn_change") or row.get("evidence_space") != "disk":
                continue
            at, length = row["evidence_offset"], row["evidence_length"]
            cited[row["source"]] += 1
            missing[row["source"]] += struct.pack("<Q", int(row["filetime"])) not in disk[at:at + length]
        check(sum(cited.values()) > 100, f"{image}: {cited}")
        # A time across a sector's end has the update sequence number in it. What $LogFile's record of a step leaves as it was stands in an
        # earlier record of the same file.
        for source, count in cited.items():
            most = count // 5 if source == "log_file" else max(2, count // 100)
            check(missing[source] <= most, f"{image}: {missing[source]} of {count} times of {source} are not in the bytes cited")
        check(missing["usn_journal"] == 0, f"{image}: {missing['usn_journal']} journal times")


def record_times(mft):
    """The times of $STANDARD_INFORMATION in each FILE record with attributes, by entry, read here: 1024-byte records, fix-ups applied."""
    for entry in range(len(mft) // 1024):
        record = bytearray(mft[entry * 1024:entry * 1024 + 1024])
        if record[:4] != b"FILE":
            continue
        usa, count = struct.unpack_from("<HH", record, 4)
        if count != 3 or any(record[512 * i - 2:512 * i] != record[usa:usa + 2] for i in (1, 2)):
            continue
        for i in (1, 2):
            record[512 * i - 2:512 * i] = record[usa + 2 * i:usa + 2 * i + 2]
        at = struct.unpack_from("<H", record, 20)[0]
        while at + 24 < 1024 and (kind := struct.unpack_from("<I", record, at)[0]) != 0xFFFFFFFF:
            size = struct.unpack_from("<I", record, at + 4)[0]
            if kind == 0x10 and record[at + 8] == 0:
                yield entry, struct.unpack_from("<4Q", record, at + struct.unpack_from("<H", record, at + 20)[0])
            if size < 16:
                break
            at += size


def complete(folder):
    """No time of any $STANDARD_INFORMATION in a real $MFT of 20,508 records is missing, and none is added: against a reading of our own here."""
    mft = real(folder, "mft/mft_winxp.xz")
    if not mft:
        return
    r = run("timeline", "--mft", mft, "--format", "jsonl")
    check(r.returncode in (0, 1), f"exit {r.returncode}: {r.stderr}")
    told = Counter()
    for line in r.stdout.splitlines():
        row = json.loads(line)
        if row["source"] == "mft" and row.get("attribute_type") == 16:
            told[row["evidence_offset"] // 1024, int(row["filetime"])] += 1
    with open(mft, "rb") as f:
        expected = Counter((entry, time) for entry, times in record_times(f.read()) for time in times if time)
    check(sum(expected.values()) > 70_000, f"{sum(expected.values())} times")
    check(expected - told == Counter(), f"missing: {list((expected - told).items())[:5]} of {sum((expected - told).values())}")
    check(told - expected == Counter(), f"added: {list((told - expected).items())[:5]} of {sum((told - expected).values())}")


def sleuthkit(folder):
    """Each line of `fls -r -p -m` has its like in the body file: the same entry, the same four times, and but for orphans the same path."""
    if shutil.which("fls") is None:
        return skipped.append("fls is not installed")
    for image in images(folder):
        offset = ["-o", {"removed.vhd": "2048", "ntfs_index.raw": "128", "usnjrnl-ldm-disk.raw": "63"}.get(os.path.basename(image), "0")]
        r = subprocess.run(["fls", *offset, "-r", "-p", "-m", "", image], capture_output=True)
        if r.returncode != 0:
            offset = []
            r = subprocess.run(["fls", "-r", "-p", "-m", "", image], capture_output=True)
        check(r.returncode == 0, f"fls {image}: {r.stderr}")
        ours = set()
        body = run("timeline", image, "--format", "body", "--body-compat", "tsk").stdout
        for line in body.splitlines():
            f = line.split("|")
            check(len(f) == 11, f"{image}: {line}")
            # mactime decodes %XX; fls writes a per cent sign as it is.
            path = re.sub(r"%([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), re.sub(r" \((deleted|deleted-realloc|slack)\)$", "", f[1]))
            ours.add((path, f[2].split("-")[0], tuple(f[7:])))
        names = {re.sub(r" \(\$FILE_NAME\)$", "", path) for path, entry, times in ours}
        without_path = {(entry, name.endswith(" ($FILE_NAME)"), times) for name, entry, times in ours}
        lines = differ = 0
        for line in r.stdout.decode("utf-8", "replace").splitlines():
            f = line.split("|")
            name = re.sub(r" \((deleted|deleted-realloc)\)$", "", f[1])
            entry, times = f[2].split("-")[0], tuple("0" if t == "3373865674" else t for t in f[7:])
            # 3373865674: what it makes of a time of 0 ($Secure's name in XP's $MFT).
            # What fls lists and is no file: views of indexes other than $I30, and its own folder for orphans.
            if re.match(r"\d+-144-", f[2]) and re.search(r":\$[A-Z]+$", name) or name in ("/$OrphanFiles",):
                continue
            lines += 1
            found = (entry, name.endswith(" ($FILE_NAME)"), times) in without_path if name.startswith("/$OrphanFiles/") else (name, entry, times) in ours
            if f[2] == "0" and times == ("0",) * 4:
                found = name in names  # it has found the name only
            if not found:
                differ += 1
                check(False, f"{image}: fls has {line!r}")
        check(lines > 30, f"{image}: fls has {lines} lines")
        print(f"{os.path.basename(image)}: {lines} lines of fls, {len(body.splitlines())} of ours, {differ} differ")


def journal(folder):
    """As many journal rows as other readers find records: usnjls on the sample, and the counts that the shared data's page states."""
    image = sample(folder)
    rows = [r for r in rows_of(image) if r["source"] == "usn_journal"]
    if shutil.which("usnjls"):
        r = subprocess.run(["usnjls", "-o", "2048", image], capture_output=True)
        if r.returncode == 0:
            check(len(r.stdout.splitlines()) == len(rows), f"usnjls: {len(r.stdout.splitlines())} records, {len(rows)} rows")
        else:
            problems.append(f"usnjls: {r.stderr}")
    else:
        skipped.append("usnjls is not installed")
    disk = real(folder, "ntfs-volumes/usnjrnl-ldm-disk.raw.xz")
    if disk:
        rows = [r for r in rows_of(disk) if r["source"] == "usn_journal"]
        check(len(rows) == 19, f"usnjrnl-ldm-disk: {len(rows)} rows; fsntfsinfo lists 19 records")
    artefact = real(folder, "usnjrnl/go-ntfs-sample.bin")
    if artefact:
        out = run("timeline", "--usnjrnl", artefact, "--format", "jsonl")
        rows = [json.loads(line) for line in out.stdout.splitlines()]
        check(len(rows) == 208 and sum(r["update_reason_flags"] & 0x200 != 0 for r in rows) == 27, f"go-ntfs-sample: {len(rows)} rows")


def formats(folder):
    """csv, jsonl and sqlite hold the same rows in the same order, by time; two runs are equal; mactime reads each line of the body."""
    image = sample(folder)
    for name in ("a.csv", "a.jsonl", "a.sqlite", "a.body", "b.csv", "b.jsonl", "b.sqlite", "b.body"):
        r = run("timeline", image, "-o", f"{folder}/{name}")
        check(r.returncode == 0 and "rows written" in r.stderr and r.stdout == "", f"{name}: {r}")

    def content(name):
        with open(f"{folder}/{name}", "rb") as f:
            return f.read()

    for ending in ("csv", "jsonl", "sqlite", "body"):
        check(content("a." + ending) == content("b." + ending), f"two runs write different {ending}")
    check(run("timeline", image).stdout.encode() == content("a.csv"), "standard output differs from a file")
    told = [json.loads(line) for line in content("a.jsonl").decode().splitlines()]
    check(told == sorted(told, key=lambda r: int(r["filetime"])), "not by time")
    table = list(csv.DictReader(content("a.csv").decode().splitlines(), strict=True))
    check(len(table) == len(told) > 1000, f"{len(table)} rows of csv, {len(told)} of jsonl")
    check(list(table[0])[:3] == ["message", "datetime", "timestamp_desc"], "csv: the columns that Timesketch requires do not come first")

    absent = {"path_known": True, "record_reused": False, "zone_stated": True}  # in jsonl, where it is nothing special

    def as_csv(value):
        return {True: "true", False: "false", None: ""}.get(value, str(value)) if not isinstance(value, int) or isinstance(value, bool) else str(value)

    for a, b in zip(table, told):
        for column, value in a.items():
            expected = as_csv(b.get(column, absent.get(column)))
            if value != expected and not re.search(r"[^\x20-\x7e]|^[=+@'-]", expected):
                check(False, f"csv has {column} {value!r}, jsonl {b.get(column)!r}")
    db = sqlite3.connect(folder + "/a.sqlite")
    db.row_factory = sqlite3.Row
    stored = db.execute("SELECT * FROM timeline ORDER BY id").fetchall()
    check(len(stored) == len(told), f"sqlite: {len(stored)} rows of {len(told)}")
    for a, b in zip(stored, told):
        for column in a.keys():
            if column != "id" and a[column] != b.get(column, absent.get(column)) and not (column == "path" and a[column] == ""):
                check(False, f"sqlite has {column} {a[column]!r}, jsonl {b.get(column)!r}")
    # Each day of the week of 100 ns is in the ISO time and in the microseconds.
    for row in told[:2000]:
        check(int(row["filetime"]) // 10 - 11644473600000000 == row["timestamp"], f"timestamp of {row}")
        check(row["datetime"].endswith(f"{int(row['filetime']) % 10000000:07d}Z"), f"datetime of {row}")
    if shutil.which("mactime") is None:
        return skipped.append("mactime is not installed")
    r = subprocess.run(["mactime", "-b", folder + "/a.body", "-d", "-y"], capture_output=True, text=True)
    lines = content("a.body").decode().splitlines()
    names = {line.split("|")[1] for line in lines}
    read = {row[7] for row in csv.reader(r.stdout.splitlines()[1:]) if len(row) == 8}
    check({n.replace('"', "") for n in names} == {n.replace('"', "") for n in read}, f"mactime: {len(read)} of {len(names)} names")


def timesketch(folder):
    """What Timesketch's importer asks of a file (its documentation, and read_and_validate_csv and _jsonl in lib/utils.py), with pandas and
    dateutil as it uses them: no row is dropped, no field is missing, and the time it works out is ours."""
    sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, where another python3 comes first
    try:
        import pandas
        from dateutil import parser
    except ImportError:
        return skipped.append("python3-pandas is not installed")
    image = sample(folder)
    for name in ("t.csv", "t.jsonl"):
        check(run("timeline", image, "-o", f"{folder}/{name}").returncode == 0, name)
    rows = 0
    for chunk in pandas.read_csv(folder + "/t.csv", sep=",", chunksize=10000):
        check({"message", "datetime", "timestamp_desc"} <= set(chunk.columns), f"columns {list(chunk.columns)}")
        stated = chunk["timestamp"].astype("int64")
        times = pandas.to_datetime(chunk["datetime"], errors="coerce")
        check(times.notnull().all() and chunk["message"].notnull().all(), "csv: rows that Timesketch drops")
        check(((times.astype("int64") // 1000) == stated).all(), "csv: another timestamp than pandas makes of the datetime")
        rows += len(chunk)
    with open(folder + "/t.jsonl", encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    check(len(lines) == rows > 1000, f"{rows} rows of csv, {len(lines)} of jsonl")
    for line in lines:
        check(all(line.get(field) for field in ("message", "datetime", "timestamp_desc")), f"a field is missing: {line}")
        check(abs(int(parser.parse(line["datetime"]).timestamp() * 1000000) - line["timestamp"]) <= 2, f"timestamp of {line}")
        # OpenSearch holds whole numbers up to 2^63 - 1, and sorts by text of up to 32,766 bytes.
        check(all(abs(v) < 1 << 63 for v in line.values() if isinstance(v, int)), f"a number is too large: {line}")
        check(all(len(v.encode()) <= 32766 for v in line.values() if isinstance(v, str)), f"a text is too long: {line}")


def output(folder):
    """A file that is there is not written over; what cannot be meant is a usage error; a failed output leaves nothing."""
    image = sample(folder)
    for arguments, code, message in [
            (["timeline", image, "--format", "csv", "-o", image], 4, "exists already"),
            (["timeline", image, "-o", folder + "/no/such/a.csv"], 4, "cannot create"),
            (["timeline", image, "-o", folder + "/a.txt"], 2, "does not tell the format"),
            (["timeline", image, "--format", "xml"], 2, "none of csv"),
            (["timeline", image, "--format", "sqlite"], 2, "-o FILE"),
            (["timeline", image, "--body-compat", "tsk"], 2, "goes with"),
            (["timeline", image, image], 2, "a timeline is of one"),
            (["timeline"], 2, "nothing to examine"),
            (["timeline", folder + "/no such"], 3, "no such file")]:
        r = run(*arguments)
        lines = r.stderr.strip().splitlines()
        check(r.returncode == code and len(lines) == 1 and message in r.stderr and r.stdout == "", f"{arguments}: {r.returncode} {r.stderr!r}")
    before = set(os.listdir(folder))
    for name in ("full.csv", "full.sqlite", "full.body"):
        def limit():
            import resource
            import signal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        r = run("timeline", image, "-o", f"{folder}/{name}", preexec_fn=limit)
        check(r.returncode == 4 and len(r.stderr.strip().splitlines()) == 1, f"{name} on a full disk: {r.returncode} {r.stderr!r}")
    check(set(os.listdir(folder)) == before, f"left: {set(os.listdir(folder)) - before}")
    with open("/dev/full", "w") as full:
        r = subprocess.run([program, "timeline", image], stdout=full, stderr=subprocess.PIPE, text=True)
    check(r.returncode == 4, f"/dev/full: {r.returncode}")


def folder_timelines(folder):
    """examine -o has the target's timeline in three formats, with its deletions and story, and verify covers them."""
    image = sample(folder)
    out = folder + "/out"
    check(run("examine", image, "-o", out, "-q").returncode == 0, "examine")
    with open(out + "/timeline.jsonl", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    with open(out + "/findings.json", encoding="utf-8") as f:
        document = json.load(f)
    kinds = Counter(r["data_type"] for r in rows)
    check(kinds["trimcarve:deletion"] >= 1 and kinds["trimcarve:story"] >= 3 and kinds["fs:ntfs:usn_change"] >= 10, f"kinds {kinds}")
    with open(out + "/timeline.csv", newline="", encoding="utf-8") as f:
        check(len(list(csv.DictReader(f))) == len(rows), "csv and jsonl differ")
    ends = Counter((r["path"], r.get("file_reference"), r["datetime"]) for r in rows if r["data_type"] == "trimcarve:deletion")
    check(max(ends.values()) == 1, f"a deletion whose time is known is told twice: {ends.most_common(2)}")
    # Every deletion's bounds are there, with their very times.
    told = {(r["path"], r["datetime"]) for r in rows if r["data_type"] == "trimcarve:deletion"}
    for file in document["files"]:
        if file["deleted"]:
            for end in ("earliest", "latest"):
                if file["deleted"][end]:
                    check((file["path"], file["deleted"][end]["time"]) in told, f"{file['path']}: no row for its deletion's {end}")
    cited = {(s["ranges"][0]["offset"], s["ranges"][0]["length"]) for s in document["sightings"] if s["ranges"]}
    for row in rows:
        if "evidence_offset" in row:
            check((row["evidence_offset"], row["evidence_length"]) in cited, f"{row['message']} cites bytes that no sighting does")
    check(run("verify", out).returncode == 0, "verify")
    with open(out + "/timeline.body", "ab") as f:
        f.write(b"x")
    r = run("verify", out)
    check(r.returncode == 1 and "timeline.body" in r.stdout, f"verify of a changed timeline: {r.stdout}")


checks = {"bytes": bytes_cited, "complete": complete, "sleuthkit": sleuthkit, "journal": journal, "formats": formats, "timesketch": timesketch, "output": output, "folder": folder_timelines}
run_check(checks)
