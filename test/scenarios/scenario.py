"""What the checks of the builder's scenarios share: building one, and how a check ends."""
import json
import subprocess
import sys

problems = []


def check(condition, text):
    if not condition:
        problems.append(text)


def time_of(value):
    return value["time"] if isinstance(value, dict) else value


def build(builder, scenario, image, *options):
    """Writes the image; the answers that the builder expects. Ends the check where this machine cannot build it."""
    built = subprocess.run([builder, scenario, image, *options], capture_output=True, text=True)
    if built.returncode == 77:
        print(f"SKIPPED: {built.stderr.strip()}")
        sys.exit(0)
    if built.returncode != 0:
        sys.exit(f"FAILED: the builder: {built.stderr}")
    with open(image + ".expected.json", encoding="utf-8") as f:
        return json.load(f)


def end(name):
    """Tells what was found. Does not return."""
    for problem in problems:
        print("FAILED:", problem)
    print(f"{name}: {'as it happened' if not problems else str(len(problems)) + ' differences'}")
    sys.exit(1 if problems else 0)
