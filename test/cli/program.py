"""What the checks of the command line share: the program under test, its samples, and how a check ends.

Each check_*.py is called with the program, the project's folder and the name of one of its checks.
"""
import lzma
import os
import shutil
import subprocess
import sys
import tempfile

program, source_root, which = sys.argv[1:4]
problems, skipped = [], []


def check(condition, text):
    if not condition:
        problems.append(text)


def run(*arguments, **options):
    return subprocess.run([program, *arguments], capture_output=True, text=True, **options)


def sample(folder, name="removed"):
    image = os.path.join(folder, name + ".vhd")
    with lzma.open(os.path.join(source_root, "samples", name + ".vhd.xz")) as packed, open(image, "wb") as out:
        shutil.copyfileobj(packed, out)
    return image


def run_check(checks):
    """The one that was asked for, in a folder of its own. Does not return."""
    with tempfile.TemporaryDirectory(prefix="trimcarve-cli-") as folder:
        checks[which](folder)
    for problem in problems[:40]:
        print("FAILED:", problem)
    if skipped:
        print("SKIPPED:", ", ".join(skipped))
    print(f"{which}: {'as documented' if not problems else str(len(problems)) + ' differences'}")
    sys.exit(1 if problems else 0)
