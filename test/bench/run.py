#!/usr/bin/env python3
"""Speed and memory of trimcarve beside other tools on one big volume. See README.md; `./dev bench` builds and runs it."""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import threading
import time

SECTOR = 512
MIB = 1 << 20


def run(words, watch=False):
    """One run. Watched, its lines are counted and its memory is sampled; unwatched, its output goes nowhere and only time is taken."""
    begin = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE if watch else subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors, lines = [], [0]
    readers = [threading.Thread(target=lambda: errors.append(process.stderr.read()))]
    if watch:
        readers.append(threading.Thread(target=count_lines, args=(process.stdout, lines)))
    for reader in readers:
        reader.start()
    peak = anonymous = 0
    # ru_maxrss would do for the peak, but starts at the size of the process that forks: this interpreter.
    while watch and os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        memory = memory_of(process.pid)
        peak, anonymous = max(peak, memory.get("VmHWM", 0)), max(anonymous, memory.get("RssAnon", 0))
        time.sleep(0.002)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    for reader in readers:
        reader.join()
    if process.returncode != 0:
        text = errors[0].decode(errors="replace").strip().splitlines()
        print(f"note: {' '.join(words)}: exit status {process.returncode}: {text[-1] if text else ''}", file=sys.stderr)
    return {"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "peak": peak, "anonymous": anonymous, "lines": lines[0],
            "good": process.returncode == 0}


def count_lines(stream, lines):
    while piece := stream.read1(MIB):
        lines[0] += piece.count(b"\n")


def memory_of(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in status if line.startswith(("VmHWM:", "RssAnon:"))}
    except OSError:
        return {}


def volume_offset(path):
    """Where the first NTFS volume begins: 0 for a bare one, else from the MBR."""
    with open(path, "rb") as file:
        first = file.read(SECTOR)
        if first[3:7] == b"NTFS":
            return 0
        for at in range(446, 510, 16):
            if first[at + 4] == 7:
                return struct.unpack_from("<I", first, at + 8)[0] * SECTOR
    sys.exit(f"{path}: neither a bare NTFS volume nor an MBR with one")


def record_slots(path, offset):
    """Slots of $MFT, from The Sleuth Kit, which counts one virtual directory behind the last."""
    told = subprocess.run(["fsstat", "-o", str(offset // SECTOR), path], capture_output=True, text=True, check=True).stdout
    return int(next(line for line in told.splitlines() if line.startswith("Range: 0 - ")).split()[-1])


def copy_data(source, target, at):
    """Copies what is stored of a sparse file into another one."""
    with open(source, "rb") as a, open(target, "r+b") as b:
        end, here = os.fstat(a.fileno()).st_size, 0
        while here < end:
            try:
                here = os.lseek(a.fileno(), here, os.SEEK_DATA)
            except OSError:
                return
            until = os.lseek(a.fileno(), here, os.SEEK_HOLE)
            os.lseek(a.fileno(), here, os.SEEK_SET)
            while here < until:
                piece = os.read(a.fileno(), min(until - here, 4 * MIB))
                os.pwrite(b.fileno(), piece, at + here)
                here += len(piece)


def fixed_vhd(target, volume, size):
    """A fixed VHD of `size` bytes, sparse, with an MBR and one volume at 1 MiB (VHD specification 1.0, hard disk footer)."""
    with open(target, "wb") as disk:
        disk.truncate(size + SECTOR)
        mbr = bytearray(SECTOR)
        mbr[446:462] = struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", 7, b"\xfe\xff\xff", MIB // SECTOR, os.path.getsize(volume) // SECTOR)
        mbr[510:512] = b"\x55\xaa"
        disk.write(mbr)
        footer = bytearray(struct.pack(">8sIIQI4sI4sQQHBBI", b"conectix", 2, 0x10000, 2**64 - 1, 0, b"tcb ", 0x10000, b"Wi2k", size, size,
                                       65535, 16, 255, 2))
        footer += bytes(SECTOR - len(footer))
        footer[68:84] = bytes(range(16))
        footer[64:68] = struct.pack(">I", ~sum(footer) & 0xFFFFFFFF)
        disk.seek(size)
        disk.write(footer)
    copy_data(volume, target, MIB)


def measure(contestants, repeat):
    """Runs all in turn, `repeat` times, then each once more, watched."""
    runs = {name: [] for name in contestants}
    for _ in range(repeat):
        for name, (words, _) in contestants.items():
            runs[name].append(run(words))
    return [(name, unit, runs[name], run(words, watch=True)) for name, (words, unit) in contestants.items()]


def table(title, results, units):
    print(f"\n{title}\n{'':38}{'median s':>9}{'least':>8}{'most':>8}{'CPU s':>8}{'per second':>12}{'ratio':>8}{'RSS MiB':>9}{'anon MiB':>9}"
          f"{'anon B/each':>12}{'lines':>10}")
    base = None
    for name, unit, runs, watched in results:
        seconds = [one["seconds"] for one in runs]
        middle, n = statistics.median(seconds), units.get(unit, 0)
        base = base or middle
        rate = f"{n / middle:,.0f}" if n else "-"
        each = f"{watched['anonymous'] / n:.0f}" if n else "-"
        print(f"{name:38}{middle:9.3f}{min(seconds):8.3f}{max(seconds):8.3f}{statistics.median(one['cpu'] for one in runs):8.3f}{rate:>12}"
              f"{middle / base:8.2f}{watched['peak'] / MIB:9.0f}{watched['anonymous'] / MIB:9.0f}{each:>12}{watched['lines']:10}"
              f"{'' if all(one['good'] for one in runs) else '  FAILED'}{'' if watched['lines'] else '  printed nothing'}")


def text_files():
    """Documents and headers, one behind the other, each from a cluster's beginning on."""
    for root in ("/usr/share/doc", "/usr/include", "/usr/share"):
        for folder, _, names in sorted(os.walk(root)):
            for name in sorted(names):
                path = os.path.join(folder, name)
                try:
                    with open(path, "rb") as file:
                        content = file.read(MIB)
                except OSError:
                    continue
                if content and not os.path.islink(path) and b"\0" not in content[:65536] and not name.endswith(".gz"):
                    yield content + bytes(-len(content) % 4096)


def free_volumes(folder, size):
    """Volumes whose free clusters hold something: zeros, noise, programs, text. Filled first, then formatted, which leaves the free clusters."""
    volumes = {}
    programs = subprocess.Popen(["tar", "-C", "/", "-cf", "-", "usr/bin", "usr/lib"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    texts, held = text_files(), bytearray()

    def text(n):
        while len(held) < n:
            more = next(texts, None)
            if more is None:
                break
            held.extend(more)
        piece = bytes(held[:n]).ljust(n, b"\0")
        del held[:n]
        return piece

    sources = {"zeros": bytes, "noise": os.urandom, "programs": lambda n: programs.stdout.read(n).ljust(n, b"\0"), "text": text}
    for name, read in sources.items():
        path = volumes[name] = str(folder / f"free-{name}.raw")
        with open(path, "wb") as file:
            for _ in range(size // MIB):
                file.write(read(MIB))
        subprocess.run(["mkntfs", "-F", "-Q", "-q", "-s", "512", "-p", "0", "-H", "255", "-S", "63", path], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    programs.kill()
    programs.stdout.close()
    programs.wait()
    return volumes


def free_space(build, folder, trimcarve, given):
    """The search of free clusters end to end, beside tools that read the same bytes, and alone."""
    size = given.free_mib * MIB
    volumes, contestants = free_volumes(folder, size), {}
    for name, path in volumes.items():
        contestants[f"{name}: trimcarve --free-space"] = ([trimcarve, "examine", path, "--free-space"], "bytes")
        contestants[f"{name}: trimcarve --no-free-space"] = ([trimcarve, "examine", path, "--no-free-space"], "bytes")
        if not given.no_peers:
            contestants[f"{name}: blkls (copies them)"] = (["blkls", path], "bytes")
            contestants[f"{name}: srch_strings (of 8)"] = (["srch_strings", "-a", "-n", "8", path], "bytes")
    for name in [name for name, (words, _) in contestants.items() if shutil.which(words[0]) is None]:
        print(f"note: {name}: not installed", file=sys.stderr)
        del contestants[name]
    results = measure(contestants, given.repeat)
    table(f"Free clusters of volumes of {given.free_mib} MiB", results, {"bytes": size})
    print("\nGB/s of processor time; trimcarve's less what it takes without the search")
    cpu = {name: statistics.median(one["cpu"] for one in runs) for name, _, runs, _ in results}
    for name in volumes:
        with_search = cpu[f"{name}: trimcarve --free-space"] - cpu[f"{name}: trimcarve --no-free-space"]
        rates = {"trimcarve": with_search, **{tool: cpu[key] for tool in ("blkls", "srch_strings") for key in cpu if key.startswith(f"{name}: {tool}")}}
        print(f"{name:10}" + "".join(f"  {tool} {size / 1e9 / max(seconds, 1e-3):6.2f}" for tool, seconds in rates.items()))
    alone = build / "test/bench/free_space_speed"
    if os.access(alone, os.X_OK):
        print("\nThe search alone, of the same volumes in memory")
        sys.stdout.flush()
        subprocess.run([str(alone), *volumes.values()], check=True)
    return results


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", default="build-bench", help="build folder with trimcarve and the fixture builder")
    options.add_argument("--files", type=int, default=340_000, help="files made; a tenth is deleted and their records reused")
    options.add_argument("--journal", type=int, default=1_000_000, help="records of $UsnJrnl:$J, at least")
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--volume", help="measure on this image instead of building one")
    options.add_argument("--no-peers", action="store_true")
    options.add_argument("--log-mib", type=int, default=64, help="size of a $LogFile given alone; 0: none")
    options.add_argument("--free-mib", type=int, default=512, help="size of each volume whose free clusters are searched")
    options.add_argument("--only-free", action="store_true", help="nothing but the search of free clusters")
    options.add_argument("--no-free", action="store_true", help="leave out the search of free clusters")
    options.add_argument("--no-sparse", action="store_true", help="leave out the 127 GiB disks")
    given = options.parse_args()

    build = pathlib.Path(given.build)
    trimcarve = str(build / "src/cli/trimcarve")
    builder = str(build / "test/fixtures/build_fixture")
    folder = build / "bench"
    folder.mkdir(parents=True, exist_ok=True)

    def bulk(files, journal):
        path = folder / f"bulk-{files}-{journal}.raw"
        if not path.exists():
            half = f"{path}.part"
            subprocess.run([builder, "bulk", "--files", str(files), "--journal", str(journal), half], check=True)
            os.rename(f"{half}.expected.json", f"{path}.expected.json")
            os.rename(half, path)
        return str(path)

    if given.only_free:
        return 0 if all(one["good"] for _, _, runs, _ in free_space(build, folder, trimcarve, given) for one in runs) else 1
    image = given.volume or bulk(given.files, given.journal)
    offset = volume_offset(image)
    records = record_slots(image, offset)
    journal = 0 if given.volume else json.loads(pathlib.Path(f"{image}.expected.json").read_text(encoding="utf-8"))["usn_records"]
    units = {"records": records, "journal": journal, "": 0}
    with open(image, "rb") as file:  # into the page cache
        while file.read(MIB):
            pass
    print(f"{image}: {os.path.getsize(image) / MIB:,.0f} MiB, {records:,} record slots, "
          f"{f'{journal:,}' if journal else 'unknown number of'} journal records, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")

    own, peers = {}, {}
    if os.access(trimcarve, os.X_OK):
        own = {
            "trimcarve examine": ([trimcarve, "examine", image], "records"),
            "trimcarve examine --target \\ --jsonl": ([trimcarve, "examine", image, "--target", "\\", "--jsonl"], "records"),
            "trimcarve timeline --format body": ([trimcarve, "timeline", image, "--format", "body"], "records"),
            "trimcarve timeline --format csv": ([trimcarve, "timeline", image, "--format", "csv"], "records"),
            "trimcarve timeline --format jsonl": ([trimcarve, "timeline", image, "--format", "jsonl"], "records"),
        }
    else:
        print(f"note: {trimcarve} is not built", file=sys.stderr)
    if not given.no_peers:
        sectors = ["-o", str(offset // SECTOR)]
        peers = {
            "ils -e (no paths)": (["ils", "-e", *sectors, image], "records"),
            "fls -r -p": (["fls", "-r", "-p", *sectors, image], "records"),
            "fls -r -p -m (body file)": (["fls", "-r", "-p", "-m", "/", *sectors, image], "records"),
            "fsntfsinfo -B -H": (["fsntfsinfo", "-B", os.devnull, "-H", "-o", str(offset), image], "records"),
            "usnjls (journal only, no paths)": (["usnjls", *sectors, image], "journal"),
        }
        for name in [name for name, (words, _) in peers.items() if shutil.which(words[0]) is None]:
            print(f"note: {name}: not installed", file=sys.stderr)
            del peers[name]
    results = measure({**own, **peers}, given.repeat)
    table("One volume, warm cache, in turn", results, units)

    clock = build / "test/bench/clock_speed"
    if os.access(clock, os.X_OK):
        print("\n" + subprocess.run([str(clock), image, str(offset)], capture_output=True, text=True, check=False).stdout, end="")

    if own and given.log_mib and os.access(builder, os.X_OK):
        log = folder / f"bulk-{given.log_mib}.log"
        if not log.exists():
            half = f"{log}.part"
            subprocess.run([builder, "bulk-log", "--log-mib", str(given.log_mib), half], check=True)
            os.rename(f"{half}.expected.json", f"{log}.expected.json")
            os.rename(half, log)
        made = json.loads(pathlib.Path(f"{log}.expected.json").read_text(encoding="utf-8"))
        units["log"] = made["log_records"]
        results = measure({"trimcarve examine --logfile": ([trimcarve, "examine", "--logfile", str(log)], "log")}, given.repeat)
        seconds, cpu = (statistics.median(one[what] for one in results[0][2]) for what in ("seconds", "cpu"))
        table(f"$LogFile of {given.log_mib} MiB, {made['log_records']:,} records: {given.log_mib / seconds:,.0f} MiB/s, "
              f"{given.log_mib / cpu:,.0f} MiB per second of CPU", results, units)
    if own and not given.no_free:
        results += free_space(build, folder, trimcarve, given)

    if own and not given.no_sparse:
        size = 136_365_211_648
        small = bulk(1_000, 1_000) if not given.volume else image
        disk, whole = str(folder / "sparse-small.vhd"), str(folder / "sparse-whole.vhd")
        fixed_vhd(disk, small, size)
        volume = str(folder / "whole.raw")
        with open(volume, "wb") as file:
            file.truncate(size - 2 * MIB)
        subprocess.run(["mkntfs", "-F", "-Q", "-q", "-s", "512", "-p", "2048", "-H", "255", "-S", "63", volume], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        fixed_vhd(whole, volume, size)
        os.unlink(volume)
        table("Sparse fixed VHD of 127 GiB", measure({
            "a small volume in it": ([trimcarve, "examine", disk], ""),
            "one empty volume that fills it": ([trimcarve, "examine", whole], ""),
        }, given.repeat), units)
    return 0 if own and all(one["good"] for name, _, runs, _ in results if name in own for one in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
