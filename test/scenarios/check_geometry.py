#!/usr/bin/env python3
"""Volumes of unusual geometry, with one deleted file whose content must come back.

mkntfs formats them, ntfscp puts the file there, both of ntfs-3g; the deletion is made here, as NTFS does it: the record is marked free with a
new sequence number, the clusters are freed in $Bitmap. What vouches: fsntfsinfo for the geometry, icat for the content before (The Sleuth Kit
opens no clusters of 2 MiB), the payload's own hash after.
"""
import hashlib
import json
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time

TIB = 1 << 40
# Bytes of the volume, of a sector, of a cluster; of a record, as they follow.
SHAPES = {
    "512-byte-clusters": (64 << 20, 512, 512, 1024),
    "4k-records": (64 << 20, 4096, 4096, 4096),
    "2m-clusters": (4 << 30, 512, 2 << 20, 1024),
    "64-tib": (64 * TIB, 512, 64 << 10, 1024),
}
program, which = sys.argv[1:3]
size, sector, cluster, record_size = SHAPES[which]
problems = []


def check(condition, text):
    if not condition:
        problems.append(text)


def folder_for(length):
    """A folder whose file system takes a sparse file that long: ext4 ends at 16 TiB, tmpfs does not."""
    for base in (tempfile.gettempdir(), "/dev/shm"):
        if not os.path.isdir(base):
            continue
        folder = tempfile.mkdtemp(prefix="trimcarve-geometry-", dir=base)
        try:
            with open(folder + "/volume.raw", "wb") as f:
                f.truncate(length)
            return folder
        except OSError:
            shutil.rmtree(folder)
    print(f"SKIPPED: no file system here takes a file of {length} bytes")
    sys.exit(77)


class Volume:
    def __init__(self, path):
        self.file = open(path, "r+b")
        boot = self.read(0, 512)
        self.mft = struct.unpack_from("<Q", boot, 48)[0] * cluster

    def read(self, at, length):
        self.file.seek(at)
        return bytearray(self.file.read(length))

    def write(self, at, content):
        self.file.seek(at)
        self.file.write(content)

    def runs(self, number):
        """The clusters of a file's unnamed $DATA, from its first record."""
        record = self.read(self.mft + number * record_size, record_size)
        array, count = struct.unpack_from("<HH", record, 4)
        for i in range(1, count):
            record[i * 512 - 2:i * 512] = record[array + 2 * i:array + 2 * i + 2]
        at = struct.unpack_from("<H", record, 0x14)[0]
        while struct.unpack_from("<I", record, at)[0] != 0x80 or record[at + 9]:
            at += struct.unpack_from("<I", record, at + 4)[0]
        at += struct.unpack_from("<H", record, at + 0x20)[0]
        found, lcn = [], 0
        while record[at]:
            lengths, offsets = record[at] & 15, record[at] >> 4
            length = int.from_bytes(record[at + 1:at + 1 + lengths], "little")
            lcn += int.from_bytes(record[at + 1 + lengths:at + 1 + lengths + offsets], "little", signed=True)
            found.append((lcn, length))
            at += 1 + lengths + offsets
        return found

    def remove(self, number):
        here = self.mft + number * record_size
        sequence, flags = struct.unpack("<H", self.read(here + 0x10, 2))[0], struct.unpack("<H", self.read(here + 0x16, 2))[0]
        self.write(here + 0x10, struct.pack("<H", sequence + 1))
        self.write(here + 0x16, struct.pack("<H", flags & ~1))
        bitmap = self.runs(6)
        for lcn, length in self.runs(number):
            for n in range(lcn, lcn + length):
                byte, place = n // 8, None
                for first, clusters in bitmap:
                    if byte < clusters * cluster:
                        place = first * cluster + byte
                        break
                    byte -= clusters * cluster
                self.write(place, bytes([self.read(place, 1)[0] & ~(1 << n % 8)]))
        self.file.flush()


def main(folder):
    image, payload = folder + "/volume.raw", folder + "/payload.bin"
    content = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(10000))
    with open(payload, "wb") as f:
        f.write(content)
    subprocess.run(["mkntfs", "-F", "-Q", "-q", "-s", str(sector), "-c", str(cluster), "-p", "2048", "-H", "255", "-S", "63", image],
                   check=True, capture_output=True)
    subprocess.run(["ntfscp", "-f", "-q", image, payload, "payload.bin"], check=True, capture_output=True)
    told = subprocess.run(["fsntfsinfo", image], capture_output=True, text=True).stdout
    number = 64
    if cluster <= 64 << 10 and shutil.which("icat"):
        listed = re.search(r"(\d+)-128-\d+:\s+payload.bin", subprocess.run(["fls", image], capture_output=True, text=True).stdout)
        check(listed, "fls does not list the payload")
        number = int(listed.group(1))
        check(subprocess.run(["icat", image, str(number)], capture_output=True).stdout == content, "icat reads another content")
    volume = Volume(image)
    first_lcn = volume.runs(number)[0][0]
    volume.remove(number)

    begin = time.monotonic()
    r = subprocess.run([program, "examine", image, "--target", "\\", "--json"], capture_output=True, text=True)
    seconds, memory = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    check(r.returncode == 0, f"exit code {r.returncode}: {r.stderr}")
    report = json.loads(r.stdout)
    check(len(report["volumes"]) == 1, f"{len(report['volumes'])} volumes")
    info = report["volumes"][0]
    check(info["size"] == size - sector, f"size {info['size']}")  # less the copy of the boot sector
    for label, name in (("Cluster block size", "cluster_size"), ("MFT entry size", "record_size")):
        stated = int(re.search(label + r"\s*: (\d+)", told).group(1))
        check(info[name] == stated, f"{name}: {info[name]}, fsntfsinfo says {stated}")
    check(info["cluster_size"] == cluster and info["record_size"] == record_size, "mkntfs made another geometry than it was asked for")
    serial = re.search(r"[Ss]erial number\s*: ([0-9a-f]+)", told).group(1)
    check(int(serial, 16) == int(str(info["serial"]), 16), f"serial {info['serial']}, fsntfsinfo says {serial}")
    found = [f for f in report["files"] if f["path"] == "\\payload.bin"]
    check(len(found) == 1 and found[0]["state"] == "deleted", f"payload: {found}")
    if found:
        stream = found[0]["content"]
        check(stream["state"] == "recovered" and stream["sha256"] == hashlib.sha256(content).hexdigest(), f"content: {stream}")
        check(stream["runs"][0]["lcn"] == first_lcn, f"runs: {stream['runs']}")
    check(seconds < 30, f"{seconds:.1f} s")
    check(memory < 768, f"{memory:.0f} MiB")
    print(f"{which}: the file at cluster {first_lcn}, {seconds:.1f} s, {memory:.0f} MiB")


missing = [tool for tool in ("mkntfs", "ntfscp", "fsntfsinfo") if shutil.which(tool) is None]
if missing:
    print(f"SKIPPED: {', '.join(missing)} not installed")
    sys.exit(77)
where = folder_for(size)
try:
    main(where)
finally:
    shutil.rmtree(where)
for p in problems:
    print("FAILED:", p)
sys.exit(1 if problems else 0)
