#!/usr/bin/env python3
"""Each cluster run of each file has in `block` what the container's table says of it, and each state occurs.

The table is read here, by the format documents: [MS-VHDX] 2.5.1 (at the place where the builder puts it), and the VHD specification, "Block
Allocation Table and Data Blocks".
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

MIB = 1 << 20
builder, program, container, sectors = sys.argv[1:5]
STATES = {0: "not_present", 1: "undefined", 2: "zero", 3: "unmapped", 6: None, 7: "partially_present"}
OCCUR = {
    "vhdx-unmapped": {"not_present", "undefined", "zero", "unmapped", None},
    "vhdx-differencing": {"undefined", "zero", "unmapped", "partially_present", None},
    "vhd-differencing": {"partially_present", None},
}
problems = []


def vhdx_states(image):
    """Of the builder's blocks of 1 MiB; what is not present in a child is stored in its parent here."""
    with open(image, "rb") as f:
        f.seek(3 * MIB)
        table = f.read(MIB)
    chunk = (1 << 23) * int(sectors) // MIB

    def state(offset):
        block = offset // MIB
        word = STATES[struct.unpack_from("<Q", table, 8 * (block + block // chunk))[0] & 7]
        return None if container == "vhdx-differencing" and word == "not_present" else word

    return state


def vhd_states(image):
    with open(image, "rb") as f:
        content = f.read()
    table, size = struct.unpack_from(">Q", content, 512 + 16)[0], struct.unpack_from(">I", content, 512 + 32)[0]

    def state(offset):
        entry = struct.unpack_from(">I", content, table + 4 * (offset // size))[0]
        if entry == 0xFFFFFFFF:
            return None  # the parent's, which stores all of its blocks
        bits = content[entry * 512:entry * 512 + size // 512 // 8]
        return None if bits == b"\xFF" * len(bits) else "partially_present"

    return state


with tempfile.TemporaryDirectory(prefix="trimcarve-blocks-") as folder:
    image = os.path.join(folder, "disk")
    built = subprocess.run([builder, "large", image, "--container", container, "--table", "gpt" if container.startswith("vhdx") else "mbr",
                            "--sectors", sectors])
    if built.returncode == 77:
        sys.exit(77)
    if built.returncode != 0:
        sys.exit("the builder failed")
    report = json.loads(subprocess.run([program, "examine", image, "--target", "\\", "--json"], capture_output=True, text=True).stdout)
    state = vhd_states(image) if container.startswith("vhd-") else vhdx_states(image)
    seen, compared = set(), 0
    for file in report["files"]:
        volume = report["volumes"][file["volume"]]
        for stream in [file["content"], *(file.get("streams") or [])]:
            for run in (stream or {}).get("runs") or []:
                if run["lcn"] is None or run["state"] not in ("data", "zero", "container_hole", "unmapped"):
                    continue
                for lcn in range(run["lcn"], run["lcn"] + run["clusters"]):
                    says, is_so = run.get("block"), state(volume["offset"] + lcn * volume["cluster_size"])
                    seen.add(says)
                    compared += 1
                    if says != is_so and len(problems) < 20:
                        problems.append(f"{file['path']} cluster {lcn}: {run['state']}, block {says}, the table says {is_so}")
    if not OCCUR[container] <= seen:
        problems.append(f"of {OCCUR[container]} only {seen} occur")
    counts = report["sources"][0]["blocks"]
    for word in OCCUR[container] - {None}:
        if counts[word] == 0:
            problems.append(f"no block is counted as {word}: {counts}")
for p in problems:
    print("FAILED:", p)
print(f"{container}: {compared} clusters as the table says" if not problems else f"{len(problems)} differences")
sys.exit(1 if problems else 0)
