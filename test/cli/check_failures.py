#!/usr/bin/env python3
"""Disks that fail under the program, outputs that cannot be written, and a program that is killed at any moment. One check per name."""
import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time

from program import check, program, run, run_check, sample

failing_reads = sys.argv[4]


def contents(folder):
    """Relative path -> bytes of every file below."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, folder)] = f.read()
    return found


def is_unfinished(path):
    return any(part.endswith(".unfinished") for part in path.split("/"))


def failing(folder):
    """Short and interrupted reads change nothing; EIO and a file that shrinks are told, end with 1, and cost only what they took."""
    image = sample(folder)

    def examined(how):
        environment = dict(os.environ, LD_PRELOAD=failing_reads, FAILING_READS=how)
        return run("examine", image, "--json", "--no-free-space", env=environment)

    whole = run("examine", image, "--json", "--no-free-space")
    check(whole.returncode == 0, f"whole: exit {whole.returncode}")
    short = examined("short")
    check(short.returncode == 0 and short.stdout == whole.stdout, f"short reads: exit {short.returncode}, another report")
    report = json.loads(whole.stdout)
    # A sector of the journal: the deletion of the version's folder stands somewhere in it, and elsewhere too.
    journal = next(s["ranges"][0] for s in report["sightings"] if s["source"] == "usn_journal")
    sector = journal["offset"] // 512 * 512
    r = examined(f"eio:{sector}:512")
    check(r.returncode == 1, f"EIO in the journal: exit {r.returncode}: {r.stderr}")
    told = json.loads(r.stdout)
    errors = [w for w in told["warnings"] if w["code"] == "read_errors"]
    check(len(errors) == 1 and errors[0]["ranges"] == [{"space": "disk", "offset": sector, "length": 512}],
          f"EIO in the journal: warnings {told['warnings']}")
    gaps = [g for c in told["coverage"] if c["source"] == "usn_journal" for g in c["gaps"] if g["why"] == "unreadable"]
    check([g["length"] for g in gaps] == [512], f"EIO in the journal: gaps {gaps}")
    check(told["targets"][0]["verdict"] == "removed", "EIO in the journal: another verdict")
    check(len(told["files"]) == len(report["files"]), "EIO in the journal: files are missing")
    r = examined("end:17825792:60")
    check(r.returncode == 1, f"a file that shrinks: exit {r.returncode}: {r.stderr}")
    check(any(w["code"] == "read_errors" and "ended early" in w["text"] for w in json.loads(r.stdout)["warnings"]),
          "a file that shrinks: not told")
    # Nothing of the disk can be read: an error, one line, no report.
    r = examined("eio:0:40000000")
    check(r.returncode == 3 and r.stdout == "" and len(r.stderr.strip().splitlines()) == 1, f"all EIO: {r.returncode} {r.stderr!r}")


def nothing_finished(out, whole, text):
    """Without a manifest nothing may look whole that is not."""
    if not os.path.isdir(out):
        return
    left = contents(out)
    check("manifest.json" not in left, f"{text}: a manifest was written")
    for path, content in left.items():
        check(is_unfinished(path) or whole.get(path) == content, f"{text}: {path} looks finished and is not")


def mounted(at, options):
    os.makedirs(at, exist_ok=True)
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", at], capture_output=True).returncode == 0


def output_fails(folder):
    """Disk full at any size, no inodes, a file size limit, a folder that cannot be written: exit 4, one line, nothing left that looks whole."""
    image = sample(folder)
    reference = folder + "/reference"
    check(run("examine", image, "--no-free-space", "-o", reference).returncode == 0, "the reference run failed")
    whole = contents(reference)
    size = sum(len(c) for c in whole.values())

    def expect_failure(r, out, text):
        check(r.returncode == 4, f"{text}: exit {r.returncode}: {r.stderr!r}")
        check(len(r.stderr.strip().splitlines()) == 1 and r.stderr.startswith("trimcarve: "), f"{text}: stderr {r.stderr!r}")
        nothing_finished(out, whole, text)

    for limit in [0, 100, 5000, 50000, 150000, max(len(c) for c in whole.values()) - 1]:
        def limited():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        expect_failure(run("examine", image, "--no-free-space", "-o", f"{folder}/limit{limit}", preexec_fn=limited), f"{folder}/limit{limit}", f"files of {limit} bytes")

    disk = folder + "/disk"
    if mounted(disk, "size=4k"):
        subprocess.run(["umount", disk], check=True)
        for kib in sorted({4, 16, 64, 128, 200, *(size * part // 10 // 1024 for part in range(3, 10))}):
            check(mounted(disk, f"size={kib}k"), "cannot mount")
            try:
                expect_failure(run("examine", image, "--no-free-space", "-o", disk + "/out"), disk + "/out", f"a disk of {kib} KiB")
            finally:
                subprocess.run(["umount", disk], check=True)
        for inodes in (2, 4, 10):
            check(mounted(disk, f"nr_inodes={inodes}"), "cannot mount")
            try:
                expect_failure(run("examine", image, "--no-free-space", "-o", disk + "/out"), disk + "/out", f"a disk of {inodes} inodes")
            finally:
                subprocess.run(["umount", disk], check=True)
        check(mounted(disk, "ro"), "cannot mount")
        try:
            expect_failure(run("examine", image, "--no-free-space", "-o", disk + "/out"), disk + "/out", "a read-only disk")
        finally:
            subprocess.run(["umount", disk], check=True)
    else:
        print("SKIPPED: no file system can be mounted here: small disks are not tried")

    # A folder that is there, empty, and not ours to write.
    os.chmod(folder, 0o755)
    os.chmod(image, 0o644)
    os.mkdir(folder + "/locked")
    os.chmod(folder + "/locked", 0o555)

    def somebody():
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
    for out in ("/locked", "/locked/out"):
        try:
            expect_failure(run("examine", image, "--no-free-space", "-o", folder + out, preexec_fn=somebody), folder + out, out)
        except PermissionError as error:
            print(f"SKIPPED: the program cannot be run as somebody else: {error}")


def killed(folder):
    """Killed 200 times, at random moments of the whole run and of its writing: what has its final name is whole."""
    image = sample(folder)
    command = [program, "examine", image, "--no-free-space", "--quiet", "-o"]
    reference = folder + "/reference"
    begin = time.monotonic()
    subprocess.run([*command, reference], check=True)
    duration = time.monotonic() - begin
    # The command line, with the output folder in it, stands in the manifest only.
    whole = contents(reference)
    random.seed(8)
    counts = {"before": 0, "while": 0, "after": 0}
    out = folder + "/out"
    for attempt in range(200):
        p = subprocess.Popen([*command, out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if attempt % 2 == 0:
            time.sleep(random.uniform(0, 1.1 * duration))
        else:
            while p.poll() is None and not (os.path.isdir(out) and os.listdir(out)):
                time.sleep(0.0005)
            time.sleep(random.uniform(0, 0.5 * duration))
        p.kill()
        p.wait()
        left = contents(out) if os.path.isdir(out) else {}
        if "manifest.json" in left:
            counts["after"] += 1
            manifest = json.loads(left["manifest.json"])
            listed = {o["path"] for o in manifest["outputs"]}
            check(listed == set(left) - {"manifest.json"}, f"kill {attempt}: the manifest lists other files")
            for o in manifest["outputs"]:
                check(hashlib.sha256(left.get(o["path"], b"")).hexdigest() == o["sha256"], f"kill {attempt}: {o['path']} is not as listed")
        else:
            counts["while" if left else "before"] += 1
            nothing_finished(out, whole, f"kill {attempt}")
        if left and "manifest.json" not in left and counts["while"] == 1:
            r = run("verify", out)
            check(r.returncode not in (0, 130), f"verify of a killed run: exit {r.returncode}")
        shutil.rmtree(out, ignore_errors=True)
    print(f"200 kills: {counts['before']} before the first output, {counts['while']} while writing, {counts['after']} after the manifest")
    check(counts["while"] >= 20, f"too few kills while writing: {counts}")


def bombs(folder):
    """Archives that become far larger than they are, and lie in each other: bounded time and memory, and the report says what was left."""
    import zipfile

    def zipped(name, members):
        with zipfile.ZipFile(f"{folder}/{name}", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
            for member, content in members:
                z.writestr(member, content)
        with open(f"{folder}/{name}", "rb") as f:
            return f.read()

    line = b"[4312+00000001] [05/12/2026 10:00:00.00] [INFO] Starting IaaS ScriptHandler Extension v1\r\n"
    log = "Logs/Plugins/Microsoft.Compute.CustomScriptExtension/1.10.20/CustomScriptHandler.log"
    large = zipped("large.zip", [(log, line * 3000000)])  # 270 MB from one
    inner = zipped("inner.zip", [(log, line)])
    for depth in range(40):
        inner = zipped("deep.zip", [(f"CollectGuestLogsTemp/{depth}.zip", inner)])
    zipped("wide.zip", [(f"{i}.zip", large) for i in range(40)])
    zipped("many.zip", [(f"Logs/{i}/CustomScriptHandler.log", line) for i in range(60000)])
    for name, expected in (("large.zip", 1), ("deep.zip", 1), ("wide.zip", 1), ("many.zip", 0)):
        begin = time.monotonic()
        with open(folder + "/report", "w", encoding="utf-8") as report:
            p = subprocess.Popen([program, "examine", "--artifact", f"{folder}/{name}", "--json"], stdout=report)
            status, usage = os.wait4(p.pid, 0)[1:]
        p.returncode = code = os.waitstatus_to_exitcode(status)
        seconds = usage.ru_utime + usage.ru_stime
        print(f"{name}: exit {code}, {seconds:.1f} s of processor, {time.monotonic() - begin:.1f} s, {usage.ru_maxrss // 1024} MiB")
        check(code == expected, f"{name}: exit {code}")
        with open(folder + "/report", encoding="utf-8") as report:
            told = json.load(report)
        check(len(told["witnesses"]) >= 1 or name == "deep.zip", f"{name}: nothing was read")
        warnings = [w["code"] for w in told["warnings"]]
        for code, of in (("archive_limit", "wide.zip"), ("archive_depth", "deep.zip")):
            check((code in warnings) == (name == of), f"{name}: warnings {warnings[:9]}")
        check(seconds < 40, f"{name}: {seconds:.1f} s")
        check(usage.ru_maxrss < 5 << 18, f"{name}: {usage.ru_maxrss} KiB")


checks = {"bombs": bombs, "failing-reads": failing, "output-fails": output_fails, "killed": killed}
run_check(checks)
