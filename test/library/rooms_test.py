#!/usr/bin/env python3
"""A room can include its own headers and those of the rooms to its left; an include of a room to its right does not compile.

Each room is tried with the include paths with which meson compiles it.
"""
import json
import pathlib
import shlex
import subprocess
import sys

ROOMS = {
    "types": "src/types", "image": "src/image", "ntfs": "src/ntfs", "carvers": "carvers", "witness": "src/witness", "history": "src/history",
    "findings": "src/findings", "examine": "src/examine", "report": "src/report", "cli": "src/cli",
}


def main(build, source):
    build, source = pathlib.Path(build), pathlib.Path(source)
    order = list(ROOMS)
    headers = {room: sorted((source / folder).glob("*.hpp")) for room, folder in ROOMS.items()}
    compiled = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        folder = (build / entry["file"]).resolve().parent
        for room, place in ROOMS.items():
            if folder == (source / place).resolve():
                words = shlex.split(entry["command"])
                compiled.setdefault(room, [word for word in words if word.startswith("-I")])
    wrong = []
    tried = {True: 0, False: 0}
    for room, paths in compiled.items():
        for other in order:
            if not headers[other] or (other == room == "cli"):
                continue
            allowed = order.index(other) <= order.index(room)
            line = f'#include "{other}/{headers[other][0].name}"\n'
            # The header may include others in its turn, so only whether it is found is asked.
            probe = f'#if !__has_include("{other}/{headers[other][0].name}")\n#error not found\n#endif\n' if allowed else line
            done = subprocess.run(["g++", "-std=c++2b", "-E", "-x", "c++", "-o", "/dev/null", *paths, "-"], input=probe, cwd=build,
                                  capture_output=True, text=True)
            tried[allowed] += 1
            if (done.returncode == 0) != allowed:
                wrong.append(f"{room}: {line.strip()} {'is refused' if allowed else 'compiles'}")
    print(f"{tried[True]} includes allowed, {tried[False]} refused, {len(wrong)} wrong")
    print("\n".join(wrong))
    return 1 if wrong or not all(tried.values()) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
