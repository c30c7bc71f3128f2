#!/usr/bin/env python3
"""The program as a user meets it: bad input with its message and exit code, output folders, verify, pipes. One check per name."""
import hashlib
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import sqlite3
import subprocess
import termios
import time

from program import check, program, run, run_check, sample, source_root


def expect(arguments, code, message):
    """An error is one line, `trimcarve: <file>: <what>: <why>`, with the documented exit code, and nothing on stdout."""
    r = run(*arguments)
    check(r.returncode == code, f"{arguments}: exit code {r.returncode}, expected {code}")
    lines = r.stderr.strip().splitlines()
    check(len(lines) == 1 and lines[0].startswith("trimcarve: ") and lines[0].count(": ") >= 3, f"{arguments}: stderr is {r.stderr!r}")
    check(message in r.stderr, f"{arguments}: {r.stderr!r} does not say {message!r}")
    check(r.stdout == "", f"{arguments}: stdout is {r.stdout[:100]!r}")


def write(path, content):
    with open(path, "wb") as f:
        f.write(content)
    return path


def bad_input(folder):
    expect(["examine", write(folder + "/empty", b"")], 3, "empty")
    expect(["examine", folder], 3, "directory")
    expect(["examine", folder + "/no such"], 3, "no such file")
    expect(["examine", write(folder + "/short", b"x" * 100)], 3, "shorter than one sector")
    expect(["examine", write(folder + "/noise", bytes(i * 7919 >> 3 & 0xFF for i in range(70000)))], 3, "no partition table and no NTFS volume")
    expect(["examine", write(folder + "/zeros", bytes(1 << 20))], 3, "no partition table and no NTFS volume")
    expect(["examine", "--mft", write(folder + "/notmft", b"MFT?" * 1000)], 3, "not an $MFT")
    expect(["examine", "--usnjrnl", write(folder + "/notjournal", b"text " * 1000)], 3, "holds no record")


def no_ntfs(folder):
    fat = folder + "/fat.img"
    if shutil.which("mkfs.fat") is None and not os.path.exists("/sbin/mkfs.fat"):
        # The boot sector of a FAT volume by hand: jump, OEM name, geometry, signature.
        sector = bytearray(512)
        sector[0:11] = b"\xeb\x3c\x90MSDOS5.0"
        sector[11:24] = bytes([0, 2, 4, 1, 0, 2, 0, 2, 0, 64, 0xF8, 32, 0])
        sector[54:62] = b"FAT16   "
        sector[510:512] = b"\x55\xaa"
        write(fat, bytes(sector) + bytes(8 << 20))
    else:
        subprocess.run(["/sbin/mkfs.fat", "-C", fat, "8192"], capture_output=True, check=True)
    expect(["examine", fat], 3, "none of its partitions is an NTFS volume")


def bitlocker(folder):
    """A BitLocker volume is named, not examined, and the answer says that it is worth nothing."""
    sector = bytearray(1 << 20)
    sector[0:11] = b"\xeb\x58\x90-FVE-FS-"
    sector[11:14] = b"\x00\x02\x08"
    sector[510:512] = b"\x55\xaa"
    r = run("examine", write(folder + "/b.img", bytes(sector)))
    check(r.returncode == 1, f"exit code {r.returncode}")
    check("BitLocker" in r.stdout and "-FVE-FS-" in r.stdout, "the report does not name BitLocker")
    check("says nothing" in r.stdout, "the report does not say that this is no answer")


def at_terminal(arguments, typed, stop=False):
    """Runs with a terminal as standard input and error; types once the question is there. Exit code, what the terminal shows, stdout."""
    master, slave = pty.openpty()
    p = subprocess.Popen([program, *arguments], stdin=slave, stdout=subprocess.PIPE, stderr=slave, text=True)
    shown = b""

    def read_until(text, seconds=20):
        nonlocal shown
        end = time.monotonic() + seconds
        while text not in shown and p.poll() is None and time.monotonic() < end:
            if select.select([master], [], [], 0.2)[0]:
                shown += os.read(master, 65536)

    read_until(b"assword: ")
    check(b"BitLocker password: " in shown, f"the terminal shows {shown!r}")
    check(termios.tcgetattr(slave)[3] & termios.ECHO == 0, "what is typed would be shown")
    if stop:
        os.write(master, b"half of it")
        p.send_signal(signal.SIGINT)
    else:
        os.write(master, typed)
    out = p.communicate(timeout=60)[0]
    while select.select([master], [], [], 0.2)[0]:
        shown += os.read(master, 65536)
    check(termios.tcgetattr(slave)[3] & termios.ECHO != 0, "the terminal stays silent afterwards")
    os.close(master)
    os.close(slave)
    return p.returncode, shown, out


def password(folder):
    """--bitlocker-password asks at a terminal and nowhere else, shows nothing of what is typed, and does what the descriptor does."""
    sector = bytearray(1 << 20)
    sector[0:11] = b"\xeb\x58\x90-FVE-FS-"
    sector[11:14] = b"\x00\x02\x08"
    sector[510:512] = b"\x55\xaa"
    image = write(folder + "/b.img", bytes(sector))
    expect(["examine", image, "--bitlocker-password", "--bitlocker-password-fd", "0"], 2, "excludes")
    expect(["examine", "--mft", image, "--bitlocker-password"], 2, "no image")
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError as error:
        print(f"SKIPPED: this machine gives no terminals: {error}")
        return
    code, shown, out = at_terminal(["examine", image, "--bitlocker-password", "--json"], b"correct horse battery\n")
    check(code == 1, f"exit code {code}")
    check(b"horse" not in shown, f"the terminal shows {shown!r}")
    secret, given = os.pipe()
    os.write(given, b"correct horse battery\n")
    os.close(given)
    other = run("examine", image, "--bitlocker-password-fd", str(secret), "--json", pass_fds=[secret])
    check(other.stdout == out, f"by descriptor: {other.stdout[:300]!r} {other.stderr!r}")
    code, shown, out = at_terminal(["examine", image, "--bitlocker-password"], b"\n")
    check(code == 2 and b"nothing was typed" in shown, f"nothing typed: {code} {shown!r}")
    code, shown, out = at_terminal(["examine", image, "--bitlocker-password"], b"", stop=True)
    check(code == 130 and b"interrupted" in shown, f"interrupted: {code} {shown!r}")
    for source in (subprocess.DEVNULL, subprocess.PIPE):
        r = subprocess.run([program, "examine", image, "--bitlocker-password"], stdin=source if source == subprocess.DEVNULL else None,
                           input=None if source == subprocess.DEVNULL else "secret\n", capture_output=True, text=True)
        check(r.returncode == 2 and "no terminal" in r.stderr and r.stdout == "", f"no terminal: {r.returncode} {r.stderr!r}")


def lost(folder):
    """Volumes are found in space that no partition covers, beside volumes that are found easily, and by file records alone."""
    with open(sample(folder), "rb") as f:
        disk = f.read()[:-512]
    mib = 1 << 20
    begin = int.from_bytes(disk[454:458], "little") * 512
    volume = disk[begin:begin + int.from_bytes(disk[458:462], "little") * 512]
    cluster = volume[13] * int.from_bytes(volume[11:13], "little")
    size = int.from_bytes(volume[40:48], "little") * 512
    mft, mirror = (int.from_bytes(volume[at:at + 8], "little") * cluster for at in (48, 56))
    without_boot = bytearray(volume)
    without_boot[0:512] = without_boot[size:size + 512] = bytes(512)
    records_only = bytearray(without_boot)
    records_only[mft:mft + 1024] = bytes(1024)
    records_only[mirror:mirror + 4096] = bytes(4096)

    def examined(name, content, *options):
        r = run("examine", write(folder + "/" + name, content), "--json", *options)
        check(r.returncode == 1, f"{name}: exit code {r.returncode} {r.stderr}")
        report = json.loads(r.stdout) if r.stdout else {"volumes": [], "warnings": [], "targets": []}
        return report, [w["code"] for w in report["warnings"]]

    whole = json.loads(run("examine", folder + "/removed.vhd", "--json").stdout)
    for name, hidden, how in (("boot sector", volume, "its boot sector"), ("record", bytes(without_boot), "$MFT's own record"),
                              ("system files", bytes(records_only), "records of system files")):
        # Behind the listed partition, in the middle of a MiB; the volume that is listed stays the first.
        behind = len(disk) + 3 * 512
        report, codes = examined(name, disk + bytes(3 * 512) + hidden + bytes(mib))
        check([v["offset"] for v in report["volumes"]] == [begin, behind], f"{name}: volumes {report['volumes']}")
        told = [w["text"] for w in report["warnings"] if w["code"] == "volume_found_by_search"]
        check(len(told) == 1 and how in told[0], f"{name}: {told}")
        check([i["volume"] for i in report["targets"][0]["instances"]] == [0, 1], f"{name}: {report['targets'][0]['instances']}")
        # The same without any table, beside a volume at a MiB.
        report, codes = examined(name, bytes(mib) + volume + bytes(3 * 512) + hidden + bytes(mib))
        check([v["offset"] for v in report["volumes"]] == [mib, mib + len(volume) + 3 * 512], f"{name}, no table: volumes {report['volumes']}")
    report, codes = examined("alone", bytes(mib) + bytes(records_only) + bytes(mib))
    check({"geometry_from_records", "mft_rebuilt"} <= set(codes), f"file records alone: {codes}")
    check(report["targets"][0]["verdict"] == whole["targets"][0]["verdict"] == "removed", "file records alone: the verdict")
    back = lambda r: {(f["path"], f["content"]["sha256"]) for f in r["files"] if f["content"] and f["content"]["state"] == "recovered"}
    check(back(report) == back(whole) != set(), "file records alone: the recovered contents differ")
    # Zeros between partitions are no reason to say anything.
    r = run("examine", write(folder + "/grown", disk + bytes(64 * mib)), "--json", "--search-all")
    check(r.returncode == 0 and json.loads(r.stdout)["warnings"] == whole["warnings"], f"empty space: {r.returncode} {r.stderr}")
    with open(folder + "/removed.vhd", "rb") as f:
        absurd = bytearray(f.read())
    footer = memoryview(absurd)[-512:]
    footer[48:56] = (1 << 62).to_bytes(8, "big")
    footer[64:68] = bytes(4)
    footer[64:68] = (~sum(footer) & 0xFFFFFFFF).to_bytes(4, "big")
    footer.release()
    expect(["examine", write(folder + "/absurd.vhd", bytes(absurd))], 3, "more than 1024 TiB")


def usage(folder):
    image = sample(folder)
    expect([], 2, "subcommand")
    expect(["examine"], 2, "")
    expect(["examine", image, "--bogus"], 2, "--bogus")
    expect(["examine", image, "--target", "nonsense"], 2, "nonsense")
    expect(["examine", image, "--volume", "9"], 2, "no volume 9")
    expect(["examine", image, "--json", "--jsonl"], 2, "")
    expect(["examine", image, image, "--json"], 2, "--jsonl")
    expect(["examine", image, "--mft", image], 2, "one or the other")
    expect(["examine", "--boot", image], 2, "--mft")
    expect(["verify"], 2, "DIR")
    as_windows_writes, as_documented = (run("examine", image, "--target", t, "--json").stdout for t in ("c:/Windows", "\\Windows"))
    check(as_windows_writes == as_documented and '"present"' in as_documented, "a target with drive letter and slashes is another")
    r = run("--version")
    check(r.returncode == 0 and re.fullmatch(r"trimcarve \d+\.\d+\.\d+\n", r.stdout), f"--version: {r.stdout!r}")


def refused(folder):
    """What a later version reads is refused with its reason: never wrong bytes. Images by qemu-img."""
    if shutil.which("qemu-img") is None:
        print("SKIPPED: qemu-img is not installed")
        return
    q = folder + "/x.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", q, "1M"], check=True)
    expect(["examine", q], 3, "nothing to examine")


def child_of(parent, child):
    """A differencing VHD in which nothing was written, so that all of it is the parent's (VHD specification 1.0)."""
    with open(parent, "rb") as f:
        f.seek(-512, os.SEEK_END)
        parents_footer = f.read()

    def summed(b, at):
        b[at:at + 4] = bytes(4)
        b[at:at + 4] = (~sum(b) & 0xFFFFFFFF).to_bytes(4, "big")
        return bytes(b)

    footer = bytearray(parents_footer)
    footer[16:24] = (512).to_bytes(8, "big")
    footer[60:64] = (4).to_bytes(4, "big")
    footer[68:84] = b"a child of no one"[:16]
    header = bytearray(1024)
    header[0:8] = b"cxsparse"
    header[8:16] = b"\xFF" * 8
    header[16:24] = (1536).to_bytes(8, "big")
    header[24:28] = (0x10000).to_bytes(4, "big")
    header[28:32] = (16).to_bytes(4, "big")
    header[32:36] = (2 << 20).to_bytes(4, "big")
    header[40:56] = parents_footer[68:84]
    name = os.path.basename(parent).encode("utf-16-be")
    header[64:64 + len(name)] = name
    whole = summed(footer, 64)
    return write(child, whole + summed(header, 36) + b"\xFF" * 512 + whole)


def containers(folder):
    """What tells an image from its neighbours: --parent, --page-ranges, --no-log-replay, and verify afterwards."""
    image = sample(folder)
    plain = json.loads(run("examine", image, "--json").stdout)
    child = child_of(image, folder + "/child.vhd")
    r = run("examine", child, "-o", folder + "/case")
    check(r.returncode == 0 and "vhd differencing" in r.stdout and "removed.vhd" in r.stdout, f"child: {r.returncode} {r.stdout[:300]} {r.stderr}")
    check(json.loads(run("examine", child, "--json").stdout)["targets"] == plain["targets"], "the child's answers are not its parent's")
    elsewhere = folder + "/elsewhere"
    os.mkdir(elsewhere)
    os.rename(image, elsewhere + "/base")
    expect(["examine", child], 3, "its parent is missing: removed.vhd")
    with open(elsewhere + "/base", "rb") as f:
        other = bytearray(f.read())
    other[-512 + 68] ^= 1
    write(folder + "/removed.vhd", bytes(other))
    expect(["examine", child], 3, "it is not the parent of")
    os.remove(folder + "/removed.vhd")
    r = run("examine", child, "--parent", elsewhere + "/base", "-o", folder + "/case2", "-q")
    check(r.returncode == 0, f"--parent: {r.stderr}")
    check(run("verify", folder + "/case2").returncode == 0, "verify does not find the parent again")
    check(run("verify", folder + "/case").returncode == 3, "verify without the parent")

    with open(elsewhere + "/base", "rb") as f:
        blob = f.read()
    ranges = [{"start": at, "end": at + 511} for at in range(0, len(blob), 512) if blob[at:at + 512].strip(b"\0")]
    listing = write(folder + "/pages.json", json.dumps({"pageRanges": ranges}).encode())
    r = run("examine", elsewhere + "/base", "--page-ranges", listing, "--json")
    listed = json.loads(r.stdout)
    check(r.returncode == 0 and listed["warnings"] == plain["warnings"] and listed["sources"][0]["page_ranges"] == listing, f"{r.returncode} {r.stderr}")

    def states(report):
        return {(run_["state"], run_.get("block")) for f in report["files"] if f["content"] for run_ in f["content"].get("runs") or []}

    check(("zero", None) in states(plain) and ("container_hole", "not_present") not in states(plain), f"without listing: {states(plain)}")
    check(("zero", None) not in states(listed) and ("container_hole", "not_present") in states(listed), f"with listing: {states(listed)}")
    write(listing, json.dumps([{"start": 0, "end": 511}]).encode())
    r = run("examine", elsewhere + "/base", "--page-ranges", listing, "--json")
    check("page_ranges_contradicted" in [w["code"] for w in json.loads(r.stdout)["warnings"]], "a listing of another blob is not said")
    check(json.loads(r.stdout)["targets"] == plain["targets"], "a wrong listing changes answers")
    expect(["examine", child, "--parent", elsewhere + "/base", "--page-ranges", listing], 2, "no page listing can apply")
    expect(["examine", elsewhere + "/base", "--page-ranges", folder + "/child.vhd"], 3, "not a page listing")
    check(run("examine", elsewhere + "/base", "--no-log-replay", "-q").returncode == 0, "--no-log-replay on an image without a log")


def info(folder):
    """Container, partitions and volumes as qemu-img, sfdisk and fsntfsinfo have them; a disk without NTFS is told too."""
    image = sample(folder)
    with open(image, "rb") as f:
        blob = f.read()
    raw = write(folder + "/removed.raw", blob[:-512])
    told = json.loads(run("info", raw, "--json").stdout)
    if shutil.which("sfdisk") or os.path.exists("/sbin/sfdisk"):
        table = json.loads(subprocess.run(["sfdisk", "-J", raw], capture_output=True, text=True, check=True,
                                          env={**os.environ, "PATH": os.environ["PATH"] + ":/sbin"}).stdout)["partitiontable"]
        want = [(p["start"] * 512, p["size"] * 512, f"0x{int(p['type'], 16):02X}") for p in table["partitions"]]
        check([(p["offset"], p["size"], p["type"]) for p in told["partitions"]] == want, f"sfdisk: {want}, info: {told['partitions']}")
    check([p["volume"] for p in told["partitions"]] == [0], f"{told['partitions']}")
    volume = told["volumes"][0]
    write(folder + "/volume", blob[volume["offset"]:volume["offset"] + volume["size"] + 512])
    if shutil.which("fsntfsinfo"):
        text = subprocess.run(["fsntfsinfo", folder + "/volume"], capture_output=True, text=True).stdout
        check(re.search(rf"Cluster block size\s*: {volume['cluster_size']}\b", text), f"{volume['cluster_size']}: {text}")
        check(re.search(rf"MFT entry size\s*: {volume['record_size']}\b", text), f"{volume['record_size']}: {text}")
        check(re.search(rf"Serial number\s*: {volume['serial'][:8]}-?{volume['serial'][8:]}", text, re.I), f"{volume['serial']}: {text}")
    check(told["targets"] == [] and told["files"] == [] and {c["source"] for c in told["coverage"]} >= {"mft", "usn_journal", "log_file"},
          "info looks for targets, or tells no coverage")
    check(not any(c["source"] in ("free_space", "outside") for c in told["coverage"]), "info searches free space")
    if shutil.which("qemu-img"):
        for form, name in (("vpc", "vhd dynamic"), ("vhdx", "vhdx dynamic"), ("qcow2", "qcow2")):
            out = f"{folder}/converted.{form}"
            subprocess.run(["qemu-img", "convert", "-O", form, raw, out], check=True)
            size = json.loads(subprocess.run(["qemu-img", "info", "--output=json", out], capture_output=True, check=True).stdout)["virtual-size"]
            r = run("info", out)
            check(r.returncode == 0 and name in r.stdout and f"({size:,})" in r.stdout and "partition 0" in r.stdout, f"{form}: {r.stdout[:600]} {r.stderr}")
    empty = write(folder + "/zeros.img", bytes(1 << 20))
    r = run("info", empty)
    check(r.returncode == 0 and "no table that is known" in r.stdout, f"zeros: {r.returncode} {r.stdout} {r.stderr}")
    expect(["info", folder + "/none.img"], 3, "no such file")
    expect(["info"], 2, "IMAGE")


def database(folder):
    """case.sqlite says what findings.json says, read by Python's SQLite and by the sqlite3 shell; its views answer; two runs are equal."""
    image = sample(folder)
    for out in ("one", "two"):
        check(run("examine", image, "-o", f"{folder}/{out}", "-q").returncode == 0, "examine")
    paths = [f"{folder}/{out}/case.sqlite" for out in ("one", "two")]
    contents = []
    for path in paths:
        with open(path, "rb") as f:
            contents.append(f.read())
    check(contents[0] == contents[1], "two runs write different databases")
    pages = []
    for out in ("one", "two"):
        with open(f"{folder}/{out}/report.html", "rb") as f:
            pages.append(f.read())
    check(pages[0] == pages[1] and pages[0].endswith(b"</html>\n"), "two runs write different reports")
    with open(folder + "/one/findings.json", encoding="utf-8") as f:
        document = json.load(f)
    copy = write(folder + "/copy.sqlite", contents[0])
    db = sqlite3.connect(copy)

    def rows(sql):
        return db.execute(sql).fetchall()

    def time(value):
        return value["time"] if value else None

    check(rows("PRAGMA integrity_check") == [("ok",)] and rows("PRAGMA foreign_key_check") == [], "the database is not sound")
    check(rows("SELECT id, sha256, source FROM sighting ORDER BY id") == [(s["id"], s["sha256"], s["source"]) for s in document["sightings"]], "sightings")
    want = sorted((s["id"], r["space"], r["offset"], r["length"]) for s in document["sightings"] for r in s["ranges"])
    check(sorted(rows("SELECT * FROM sighting_range")) == want, "ranges of sightings")
    check(rows("SELECT id, statement, grade FROM finding ORDER BY id") == sorted((f["id"], f["statement"], f["grade"]) for f in document["findings"]), "findings")
    want = sorted((f["id"], n) for f in document["findings"] for n in f["sightings"])
    check(sorted(rows("SELECT * FROM finding_sighting")) == want, "what findings rest on")
    want = [(f["path"], f["state"], f["size"], time(f["deleted"]["earliest"]) if f["deleted"] else None, time(f["deleted"]["latest"]) if f["deleted"] else None)
            for f in document["files"]]
    check(rows("SELECT path, state, size, deleted_earliest, deleted_latest FROM file ORDER BY id") == want, "files")
    streams = [s for f in document["files"] for s in ([f["content"]] if f["content"] else []) + f["streams"]]
    check(rows("SELECT state, size, sha256 FROM stream ORDER BY id") == [(s["state"], s["size"], s["sha256"]) for s in streams], "streams")
    check(rows("SELECT vcn, lcn, clusters, state FROM stream_run ORDER BY rowid") == [(r["vcn"], r["lcn"], r["clusters"], r["state"]) for s in streams for r in s["runs"]], "runs")
    parts = [p for s in streams for p in s["parts"]]
    check(rows("SELECT file_offset, length, sha256, recovered_as FROM stream_part ORDER BY id") ==
          [(p["file_offset"], p["length"], p["sha256"], p["recovered_as"]) for p in parts], "parts")
    check(rows("SELECT sha256, place FROM fragment ORDER BY id") == [(f["sha256"], f["place"]) for f in document["fragments"]], "fragments")
    check(rows("SELECT volume, sequence, sound, ticks FROM clock ORDER BY rowid") ==
          [(v["index"], c["sequence"], int(c["sound"]), c["ticks"]) for v in document["volumes"] for c in v["clocks"]], "clocks")
    check(len(rows("SELECT * FROM file_estimate")) == sum(len(f["estimates"]) for f in document["files"]), "estimates")
    check(len(rows("SELECT * FROM file_bound")) == sum(len(f["deleted"]["sources"]) for f in document["files"] if f["deleted"]), "bounds")
    target = document["targets"][0]
    check(rows("SELECT target, verdict, grade FROM target") == [(target["target"], target["verdict"], target["grade"])], "targets")
    check(rows("SELECT version, sequence, command, exit_code, output FROM run ORDER BY id") ==
          [(r["version"], r["sequence"], r["command"], r["exit_code"], r["output"]) for r in target["runs"]], "runs of the extension")
    check(len(rows("SELECT * FROM step")) == len(target["story"]), "story")
    for (view,) in rows("SELECT name FROM sqlite_master WHERE type = 'view'"):
        rows(f"SELECT * FROM {view}")
    for view in ("v_verdict", "v_runs", "v_story", "v_deleted", "v_recovered", "v_trim", "v_evidence", "v_coverage"):
        check(rows(f"SELECT COUNT(*) FROM {view}")[0][0] > 0, f"{view} is empty")
    db.close()
    if shutil.which("sqlite3") is None:
        print("SKIPPED: the sqlite3 shell is not installed")
        return
    told = subprocess.run(["sqlite3", copy, "SELECT verdict FROM v_verdict LIMIT 1"], capture_output=True, text=True)
    check(told.stdout.strip() == target["verdict"], f"the sqlite3 shell: {told.stdout} {told.stderr}")


SCRIPT = "".join(f"""$service = Get-Service -Name Spooler{n}
if ($service.Status -ne 'Running') {{ Start-Service -Name $service.Name }}
Write-Output "service $($service.Name) is $($service.Status)"
foreach ($file in Get-ChildItem C:\\Temp -Filter *.log) {{ Remove-Item $file.FullName }}
""" for n in range(12)).encode()


def outside(folder):
    """A script in the gap before the first partition, and one in a container's file where no block is, come back with their places."""
    with open(sample(folder), "rb") as f:
        blob = bytearray(f.read()[:-512])
    blob[65536:65536 + len(SCRIPT)] = SCRIPT
    blob[131072:131072 + len(SCRIPT)] = SCRIPT  # told once, and counted
    raw = write(folder + "/gap.raw", bytes(blob))

    def fragments(report):
        return [f for f in report["fragments"] if f["place"] == "outside"]

    def check_one(image, space, offset, copies):
        r = run("examine", image, "-o", image + ".case", "-q")
        check(r.returncode == 0, f"{image}: {r.returncode} {r.stderr}")
        with open(image + ".case/findings.json", encoding="utf-8") as f:
            report = json.load(f)
        found = [f for f in fragments(report) if f["ranges"][0]["space"] == space]
        check(len(found) == 1 and found[0]["language"] == "powershell" and found[0]["volume"] is None, f"{image}: fragments {found}")
        if not found:
            return
        check(found[0]["copies"] == copies, f"{image}: {found[0]['copies']} copies, expected {copies}")
        # The text begins where it was put; grains of 512 bytes may cost its end.
        name = os.path.join(image + ".case", found[0]["recovered_as"])
        with open(name, "rb") as f:
            text = f.read()
        check(found[0]["ranges"][0]["offset"] == offset and SCRIPT.startswith(text) and len(text) > len(SCRIPT) - 1024, f"{image}: {found[0]} {text[:80]!r}")
        check(hashlib.sha256(text).hexdigest() == found[0]["sha256"], f"{name} has another hash")
        check(run("verify", image + ".case").returncode == 0, f"{image}: verify")
        check(any(c["source"] == "outside" for c in report["coverage"]), f"{image}: no coverage")

    check_one(raw, "disk", 65536, 1)
    r = json.loads(run("examine", raw, "--json", "--no-free-space").stdout)
    check(not fragments(r) and any(c["source"] == "outside" and c["gaps"] for c in r["coverage"]), "--no-free-space searches it")
    if shutil.which("qemu-img") is None:
        print("SKIPPED: qemu-img is not installed")
        return
    for where in (65536, 131072):
        blob[where:where + len(SCRIPT)] = bytes(len(SCRIPT))
    plain = write(folder + "/plain.raw", bytes(blob))
    container = folder + "/behind.vhdx"
    subprocess.run(["qemu-img", "convert", "-O", "vhdx", plain, container], check=True)
    size = os.path.getsize(container)
    at = (size + (1 << 20) - 1) >> 20 << 20
    with open(container, "r+b") as f:
        f.seek(at)
        f.write(SCRIPT.ljust(1 << 20, b"\0"))
    check_one(container, "file:0", at, 0)


def examiner_rules(folder):
    """--yara marks what came back; a bad file is a usage error that names its line. --whole-volume finds what lies in files' clusters."""
    image = sample(folder)
    rules = write(folder + "/pool.yar", b'rule pool_node : azure pool { strings: $a = "Runs once on every new node" condition: $a }\n'
                                        b'rule nothing { strings: $a = "no such text anywhere" condition: $a }\n')
    r = run("examine", image, "--yara", rules, "--json")
    if "has no libyara" in r.stderr:
        print(f"SKIPPED: {r.stderr.strip()}")
        return
    check(r.returncode == 0, f"--yara: {r.returncode} {r.stderr}")
    report = json.loads(r.stdout)

    def marks(value, path):
        if isinstance(value, dict):
            path = value.get("path", path)
            for m in value.get("marks") or []:
                yield path, m["rule"], m["tags"]
            for v in value.values():
                yield from marks(v, path)
        elif isinstance(value, list):
            for v in value:
                yield from marks(v, path)

    found = [m for f in report["files"] for m in marks(f, f["path"])]
    check(found and all(path.endswith("install.ps1") and rule == "pool_node" and tags == ["azure", "pool"] for path, rule, tags in found), f"marks {found}")
    expect(["examine", image, "--yara", write(folder + "/bad.yar", b"rule one { condition: true }\nrule two { condition: }\n")], 2, "2")
    expect(["examine", image, "--yara", folder + "/none.yar"], 3, "none.yar")
    plain = json.loads(run("examine", image, "--json").stdout)
    check(not list(marks(plain, None)), "marks without rules")

    def texts(report):
        return [f for f in report["fragments"] if f["place"] == "allocated"]

    r = run("examine", image, "--whole-volume", "--json")
    check(r.returncode == 0, f"--whole-volume: {r.returncode} {r.stderr}")
    whole = json.loads(r.stdout)
    check(texts(whole) and not texts(plain), "--whole-volume finds no text in the clusters of files")
    check(whole["targets"][0]["verdict"] == plain["targets"][0]["verdict"], "--whole-volume changes the verdict")
    expect(["examine", image, "--whole-volume", "--no-free-space"], 2, "one or the other")


def folder_not_empty(folder):
    image, out = sample(folder), folder + "/out"
    os.mkdir(out)
    write(out + "/mine", b"1")
    expect(["examine", image, "-o", out], 4, "not empty")
    check(os.listdir(out) == ["mine"], "something was written")


def disk_full(folder):
    """A limit on file size stands for a full disk: the write fails; no manifest is left, so nothing looks finished."""
    image, out = sample(folder), folder + "/out"

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

    r = run("examine", image, "-o", out, preexec_fn=limit)
    check(r.returncode == 4, f"exit code {r.returncode}: {r.stderr}")
    check(len(r.stderr.strip().splitlines()) == 1, f"stderr: {r.stderr!r}")
    check(not os.path.exists(out + "/manifest.json"), "a manifest was written")
    check(not os.path.exists(out + "/findings.json"), "findings.json looks finished")
    with open("/dev/full", "w") as full:
        r = subprocess.run([program, "examine", image], stdout=full, stderr=subprocess.PIPE, text=True)
    check(r.returncode == 4 and "No space left" in r.stderr, f"stdout full: {r.returncode} {r.stderr!r}")


def pipes(folder):
    """JSON lines for other programs: every line an object of a known kind; nothing on stderr; a closed pipe is an output error."""
    image = sample(folder)
    r = run("examine", image, "--jsonl")
    check(r.returncode == 0 and r.stderr == "", f"{r.returncode} {r.stderr!r}")
    lines = [json.loads(line) for line in r.stdout.splitlines()]
    kinds = {line["record"] for line in lines}
    check({"source", "volume", "coverage", "target", "finding", "file", "sighting"} <= kinds, f"kinds: {kinds}")
    check(lines[-1] == {"record": "end", "image": 0, "complete": True, "records": len(lines)}, f"the last line is {lines[-1]}")
    whole = json.loads(run("examine", image, "--json").stdout)
    check(sum(line["record"] == "file" for line in lines) == len(whole["files"]), "another number of files than in --json")
    reader, writer = os.pipe()
    os.close(reader)
    r = subprocess.run([program, "examine", image, "--json"], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    check(r.returncode == 4 and "Broken pipe" in r.stderr, f"closed pipe: {r.returncode} {r.stderr!r}")
    again = run("examine", image, "--json").stdout
    check(json.loads(again) == whole and again == run("examine", image, "--json").stdout, "two runs differ")


def several(folder):
    """Several images: each in a folder of its own, one that cannot be read does not stop the rest, the worst exit code counts."""
    one, two, out = sample(folder), sample(folder, "never"), folder + "/out"
    r = run("examine", one, write(folder + "/noise", b"no" * 5000), two, "-o", out)
    check(r.returncode == 3, f"exit code {r.returncode}")
    made = sorted(d for d in os.listdir(out) if os.path.exists(os.path.join(out, d, "manifest.json")))
    check(len(made) == 2, f"finished folders: {made} of {sorted(os.listdir(out))}")
    for d in made:
        check(run("verify", os.path.join(out, d)).returncode == 0, f"verify {d}")

    def summary(path):
        with open(path + "/summary.jsonl", encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    lines = summary(out)
    check([line["image"] for line in lines] == [one, folder + "/noise", two], f"summary: {lines}")
    check([line["exit_code"] for line in lines] == [0, 3, 0] and [line["complete"] for line in lines] == [True, False, True], f"summary: {lines}")
    check("noise" in lines[1]["error"] and lines[0]["error"] is None, f"summary: {lines}")
    check([t["verdict"] for line in lines for t in line["targets"]] == ["removed", "none"], f"summary: {lines}")
    with open(os.path.join(out, lines[0]["folder"], "findings.json"), encoding="utf-8") as f:
        removed = [i["removed"] for i in json.load(f)["targets"][0]["instances"] if i["removed"]]
    check(lines[0]["targets"][0]["removed_latest"] in [r["latest"]["time"] for r in removed], f"summary: {lines[0]} against {removed}")
    check(all(line["folder"] in os.listdir(out) or line["exit_code"] == 3 for line in lines), "summary: folders")
    # As many at a time as one likes: the same lines in the same order.
    images = [one, two, one, two, one]
    alone, together = run("examine", *images, "--jsonl"), run("examine", *images, "--jsonl", "--jobs", "4")
    check(alone.returncode == together.returncode == 0 and alone.stdout == together.stdout and len(alone.stdout) > 10000, "--jobs changes the output")
    # A process that is brought down costs its image.
    for attempt in range(20):
        again = f"{folder}/again{attempt}"
        p = subprocess.Popen([program, "examine", one, two, "-o", again, "-q"], stderr=subprocess.PIPE, text=True)
        killed = False
        while p.poll() is None and not killed:
            with open(f"/proc/{p.pid}/task/{p.pid}/children", encoding="ascii") as f:
                for child in f.read().split()[:1]:
                    os.kill(int(child), signal.SIGKILL)
                    killed = True
        error = p.communicate()[1]
        lines = summary(again)
        if killed and lines[0]["exit_code"] != 0:
            check(p.returncode == 3 and "signal 9" in error and "signal 9" in lines[0]["error"], f"a crash: {p.returncode} {error} {lines}")
            check(lines[1]["exit_code"] == 0 and run("verify", f"{again}/{lines[1]['folder']}").returncode == 0, f"after a crash: {lines}")
            check(not os.path.exists(f"{again}/{lines[0]['folder']}/manifest.json"), "a killed run looks finished")
            break
    else:
        check(False, "no child could be killed")


def sandbox(folder):
    """In the sandbox, without it, and where nothing may be opened by name: the same output; info says which."""
    image = sample(folder)
    for out, options in (("in", []), ("out", ["--no-sandbox"])):
        check(run("examine", image, "-o", f"{folder}/{out}", "-q", *options).returncode == 0, f"examine {options}")
    names = sorted(os.path.relpath(os.path.join(d, f), folder + "/in") for d, _, files in os.walk(folder + "/in") for f in files)
    check(len(names) > 20, f"files {names}")
    for name in names:
        if name not in ("manifest.json", "report.html", "case.jsonld"):  # they have the command line
            with open(f"{folder}/in/{name}", "rb") as a, open(f"{folder}/out/{name}", "rb") as b:
                check(a.read() == b.read(), f"{name} differs")
    told, without = run("info", image).stdout, run("info", image, "--no-sandbox").stdout
    check("no, by --no-sandbox" in without and "no, by" not in told and re.search("restricted: (files|none)", told), f"info: {told[-200:]}")



def verify_names_one_byte(folder):
    """One changed byte, in any output or in any cited range of the image, is named."""
    image, out = sample(folder), folder + "/out"
    check(run("examine", image, "-o", out).returncode == 0, "examine")
    check(run("verify", out).returncode == 0, "a fresh folder differs")
    outputs = [os.path.relpath(os.path.join(d, f), out) for d, _, files in os.walk(out) for f in files]
    for name in outputs:
        path = os.path.join(out, name)
        with open(path, "rb") as f:
            before = f.read()
        at = len(before) // 2
        write(path, before[:at] + bytes([before[at] ^ 1]) + before[at + 1:])
        r = run("verify", out, image)
        write(path, before)
        # A manifest that is no longer one cannot be checked against at all.
        check(r.returncode in ((1, 3) if name == "manifest.json" else (1,)), f"{name}: exit code {r.returncode}")
        check(name in r.stdout + r.stderr or name == "manifest.json", f"{name} is not named: {r.stdout[:200]}")
    document = out + "/findings.json"
    with open(document, "rb") as f:
        before = f.read()
    for what in (b"[" + before[1:], before[: len(before) // 2]):  # no JSON any more
        write(document, what)
        r = run("verify", out, image)
        check(r.returncode == 1 and "the evidence is not checked" in r.stdout, f"a broken findings.json: {r.returncode} {r.stdout[:300]}")
    write(document, before)
    with open(out + "/findings.json", encoding="utf-8") as f:
        sightings = json.load(f)["sightings"]
    for s in sightings[:: max(1, len(sightings) // 12)]:
        offset = s["ranges"][0]["offset"] + s["ranges"][0]["length"] // 2
        with open(image, "r+b") as f:
            f.seek(offset)
            byte = f.read(1)
            f.seek(offset)
            f.write(bytes([byte[0] ^ 0x80]))
        r = run("verify", out, image)
        with open(image, "r+b") as f:
            f.seek(offset)
            f.write(byte)
        check(r.returncode == 1 and f"sighting {s['id']}:" in r.stdout, f"sighting {s['id']} is not named: {r.returncode} {r.stdout[:200]}")
    check(run("verify", out, image).returncode == 0, "the image is not as before")
    os.remove(os.path.join(out, "manifest.json"))
    check(run("verify", out, image).returncode == 3, "a folder without manifest was verified")


def artefacts(folder):
    """$MFT and $J extracted by The Sleuth Kit's icat give the disk's verdict and tree; the journal alone gives names and times."""
    if shutil.which("icat") is None:
        print("SKIPPED: sleuthkit is not installed")
        return
    image = sample(folder)
    listing = subprocess.run(["fls", "-o", "2048", image, "11"], capture_output=True, text=True).stdout
    journal_id = re.search(r"(\S+):\t\$UsnJrnl:\$J", listing).group(1)
    for name, inode in (("mft", "0"), ("j", journal_id)):
        with open(f"{folder}/{name}", "wb") as o:
            subprocess.run(["icat", "-o", "2048", image, inode], stdout=o, check=True)
    disk = json.loads(run("examine", image, "--json").stdout)
    both = json.loads(run("examine", "--mft", folder + "/mft", "--usnjrnl", folder + "/j", "--json").stdout)
    alone = json.loads(run("examine", "--usnjrnl", folder + "/j", "--json").stdout)
    paths = {f["path"]: f for f in disk["files"] if f["file_reference"]}
    check(both["targets"][0]["verdict"] == disk["targets"][0]["verdict"] == "removed", both["targets"][0]["reason"])
    check(alone["targets"][0]["verdict"] == "removed", alone["targets"][0]["reason"])
    for name, report in (("both", both), ("journal alone", alone)):
        mine = {f["path"]: f for f in report["files"] if f["file_reference"]}
        check(set(mine) == set(paths), f"{name}: other paths: {sorted(set(mine) ^ set(paths))[:4]}")
        for path, f in mine.items():
            if path in paths and paths[path]["state"] == "deleted":
                check(f["deleted"]["earliest"] == paths[path]["deleted"]["earliest"], f"{name}: {path}: deleted {f['deleted']}")
    check({s["ranges"][0]["space"] for s in both["sightings"] if s["ranges"]} == {"file:0", "file:1"}, "spaces")
    out = folder + "/out"
    check(run("examine", "--mft", folder + "/mft", "--usnjrnl", folder + "/j", "-o", out).returncode == 0, "examine -o")
    r = run("verify", out)
    check(r.returncode == 0, f"verify: {r.stdout}")


def split_raw(folder):
    """A raw disk in parts, named by the first or by all of them, is the disk; a missing part in the middle is named."""
    image = sample(folder)
    with open(image, "rb") as f:
        disk = f.read()[:-512]
    for i in range(4):
        write(f"{folder}/disk.{i + 1:03}", disk[i * len(disk) // 4:(i + 1) * len(disk) // 4])
    whole, parts = (json.loads(run("examine", p, "--json").stdout) for p in (image, folder + "/disk.001"))
    check(parts["sources"][0]["container"] == "split raw", parts["sources"][0]["container"])
    for key in ("targets", "files", "sightings"):
        check(parts[key] == whole[key], f"{key} differ from those of the whole disk")
    r = run("examine", *(f"{folder}/disk.{i + 1:03}" for i in range(4)), "--json")  # as a shell expands disk.00*
    check(r.returncode == 0 and json.loads(r.stdout)["files"] == whole["files"], f"all parts named: {r.returncode} {r.stderr!r}")
    out = folder + "/out"
    check(run("examine", folder + "/disk.001", "-o", out).returncode == 0, "examine -o of a split image")
    os.mkdir(folder + "/moved")
    for i in range(4):
        shutil.move(f"{folder}/disk.{i + 1:03}", folder + "/moved")
    check(run("verify", out).returncode == 3, "the evidence is gone, and verify does not say so")
    r = run("verify", out, folder + "/moved/disk.001")
    check(r.returncode == 0, f"verify where the parts are now: {r.returncode} {r.stdout[:300]} {r.stderr}")
    for i in range(4):
        shutil.move(f"{folder}/moved/disk.{i + 1:03}", folder)
    os.remove(folder + "/disk.003")
    expect(["examine", folder + "/disk.001"], 3, "disk.003")


def interrupted(folder):
    """An interrupt ends the run with 130 and leaves nothing that looks finished."""
    mft = folder + "/mft"
    image = sample(folder)
    with open(image, "rb") as f, open(mft, "wb") as o:
        offset = None
        while offset is None:
            block = f.read(1 << 20)
            if not block:
                break
            at = block.find(b"FILE0")
            if at >= 0:
                offset = f.tell() - len(block) + at
        f.seek(offset)
        o.write(f.read(65536))
        o.truncate(1 << 36)  # 64 GiB of slots: zeros that take a while
        o.seek((1 << 36) - 65536)
        o.write(b"FILE0" + bytes(65531))
    # Data all over, so that the file system's holes do not make it short: one byte in each megabyte for the first four GiB.
    with open(mft, "r+b") as o:
        for at in range(1 << 20, 1 << 32, 1 << 20):
            o.seek(at)
            o.write(b"\1")
    out = folder + "/out"
    p = subprocess.Popen([program, "examine", "--mft", mft, "-o", out, "--quiet"], stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    p.send_signal(signal.SIGINT)
    error = p.communicate(timeout=60)[1]
    check(p.returncode == 130, f"exit code {p.returncode}: {error}")
    check(not os.path.exists(out + "/manifest.json") and not os.path.exists(out + "/findings.json"), "output looks finished")


HANDLER = "Microsoft.Compute.CustomScriptExtension"
LOG = "".join(f"[4312+00000001] [05/12/2026 10:00:0{i}.00] [INFO] {text}\r\n" for i, text in enumerate([
    "Starting IaaS ScriptHandler Extension v1", "Loading configuration for sequence number 0",
    "Files downloaded. Asynchronously executing command: 'powershell -File a.ps1'", "Command execution finished. Command exited with code: 3"]))
ACTIVITY = [{"operationName": {"value": "Microsoft.Compute/virtualMachines/extensions/write"}, "eventTimestamp": "2026-05-12T09:59:40Z",
             "caller": "someone@example.org", "correlationId": "c1", "status": {"value": "Succeeded"}, "httpRequest": {"clientIpAddress": "192.0.2.7"},
             "resourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm1/extensions/cse"}]


def witnesses(folder):
    """Given logs speak without a disk and beside one; what is no log is named; a written folder verifies, and a changed log does not."""
    place = os.path.join(folder, "Plugins", HANDLER, "1.10.20")
    os.makedirs(place)
    log = write(place + "/CustomScriptHandler.log", LOG.encode())
    activity = write(folder + "/activity.json", json.dumps(ACTIVITY).encode())
    other = write(folder + "/notes.txt", b"buy milk\n" * 100)
    r = run("examine", "--artifact", log, "--activity-log", activity, "--json")
    check(r.returncode == 0, f"given log: exit {r.returncode}: {r.stderr}")
    target = json.loads(r.stdout)["targets"][0]
    check(target["verdict"] == "traces", f"without an $MFT a log proves no removal: {target['verdict']}")
    runs = target["runs"]
    check(len(runs) == 1 and runs[0]["command"] == "powershell -File a.ps1" and runs[0]["exit_code"] == 3 and runs[0]["sequence"] == "0", f"runs {runs}")
    cloud = target["cloud"]
    check(len(cloud) == 1 and cloud[0]["caller"] == "someone@example.org" and cloud[0]["match"], f"cloud {cloud}")
    r = run("examine", "--artifact", log, "--artifact", other, "--json")
    check(r.returncode == 1 and any(other in w["text"] for w in json.loads(r.stdout)["warnings"]), f"a file that is no log: {r.returncode}")
    expect(["examine", "--artifact", other], 3, "nothing to examine")
    expect(["examine", "--artifact", folder + "/no such"], 3, "no such file")
    empty = write(folder + "/SOFTWARE.LOG2", b"")
    r = run("examine", "--artifact", log, "--artifact", empty, "--json")
    check(r.returncode == 0, f"an empty transaction log: {r.returncode} {r.stderr}")
    r = run("examine", "--artifact", log, "--artifact", write(folder + "/empty.evtx", b""), "--json")
    check(r.returncode == 1 and "the file is empty" in r.stdout, f"an empty log costs itself only: {r.returncode} {r.stderr}")
    r = run("examine", "--artifact", log, "--artifact", write(folder + "/0.settings", b'{"runtimeSettings":[{"handlerSettings":{}}]}'), "--json")
    check("witness_unplaced" in r.stdout, f"settings of no known handler: {r.stdout[:200]}")
    expect(["examine", "--artifact", log, "--certificate", other], 3, "no certificate")
    r = run("examine", sample(folder), "--artifact", log, "--activity-log", activity, "-o", folder + "/out")
    check(r.returncode == 0, f"beside a disk: exit {r.returncode}: {r.stderr}")
    r = run("verify", folder + "/out")
    check(r.returncode == 0 and "no difference" in r.stdout, f"verify: {r.stdout}")
    write(log, LOG.replace("code: 3", "code: 0").encode())
    r = run("verify", folder + "/out")
    check(r.returncode == 1 and "the evidence has changed at file:" in r.stdout, f"verify of a changed log: {r.stdout}")


def manual(folder):
    """mandoc finds no fault, and every option of --help is in the manual page."""
    page = os.path.join(source_root, "man/trimcarve.1")
    with open(page, encoding="utf-8") as f:
        text = f.read()
    for command in ("examine", "timeline", "info", "verify"):
        options = re.findall(r"--([a-z]+[a-z-]*)", run(command, "--help").stdout)
        check(len(options) >= 4, f"{command} --help lists {options}")
        for option in options:
            check(re.search(rf"Fl -(\S+ \| -)?{option}(?![a-z-])", text), f"--{option} is not in the manual page")
    if shutil.which("mandoc") is None:
        print("SKIPPED: mandoc is not installed")
        return
    lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True)
    check(lint.stdout == "" and lint.returncode == 0, lint.stdout)


checks = {
    "bad-input": bad_input,
    "no-ntfs": no_ntfs,
    "bitlocker": bitlocker,
    "password": password,
    "lost": lost,
    "usage": usage,
    "refused": refused,
    "containers": containers,
    "info": info,
    "database": database,
    "outside": outside,
    "rules": examiner_rules,
    "folder-not-empty": folder_not_empty,
    "disk-full": disk_full,
    "pipes": pipes,
    "several": several, "sandbox": sandbox,
    "verify": verify_names_one_byte,
    "artefacts": artefacts,
    "split": split_raw,
    "interrupted": interrupted,
    "manual": manual,
    "witnesses": witnesses,
}
run_check(checks)
