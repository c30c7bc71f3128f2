"""Puts bytes into a volume's free clusters, for tests. Which are free The Sleuth Kit tells (icat reads $Bitmap)."""
import struct
import subprocess


class Volume:
    """An NTFS volume at `offset` of a raw image."""

    def __init__(self, image, offset):
        self.image, self.offset = image, offset
        with open(image, "rb") as f:
            f.seek(offset)
            boot = f.read(512)
        self.sector, self.cluster = struct.unpack_from("<H", boot, 11)[0], struct.unpack_from("<H", boot, 11)[0] * boot[13]
        self.clusters = struct.unpack_from("<Q", boot, 40)[0] * self.sector // self.cluster
        bitmap = self.file(6)
        self.free = [n for n in range(self.clusters) if not bitmap[n // 8] >> (n % 8) & 1]
        self.next = self.free[len(self.free) // 3]

    def file(self, entry):
        return subprocess.run(["icat", "-o", str(self.offset // 512), self.image, str(entry)], capture_output=True, check=True).stdout

    def entry_of(self, path):
        return int(subprocess.run(["ifind", "-o", str(self.offset // 512), "-n", path, self.image],
                                  capture_output=True, text=True, check=True).stdout.split("-")[0])

    def put(self, data, into=0, apart=True):
        """In free clusters side by side, `into` bytes behind their beginning. Returns where in the image. `apart`: not side by side with the last."""
        needed = (into + len(data) + self.cluster - 1) // self.cluster
        at = self.next + (1 if apart else 0)
        known = set(self.free)
        while not all(c in known for c in range(at, at + needed)):
            at += 1
        self.next = at + needed
        where = self.offset + at * self.cluster + into
        with open(self.image, "r+b") as f:
            f.seek(where)
            f.write(data)
        return where

    def overwrite(self, entry, byte):
        """Every cluster of a file's unnamed stream."""
        told = subprocess.run(["istat", "-o", str(self.offset // 512), self.image, str(entry)], capture_output=True, text=True, check=True).stdout
        blocks = [int(w) for line in told.split("Non-Resident")[-1].splitlines()[1:] for w in line.split() if w.isdigit()]
        with open(self.image, "r+b") as f:
            for block in blocks:
                f.seek(self.offset + block * self.cluster)
                f.write(bytes([byte]) * self.cluster)
        return len(blocks)
