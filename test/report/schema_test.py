"""findings.json against findings.schema.json with python3-jsonschema; then changed documents, each of which the schema must refuse."""
import copy
import json
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("SKIPPED: python3-jsonschema is not on this machine")
    sys.exit(77)

schema_path, *command = sys.argv[1:]
with open(schema_path) as f:
    schema = json.load(f)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
document = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

failures = [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(document)]


def refused(change):
    changed = copy.deepcopy(document)
    change(changed)
    return not validator.is_valid(changed)


def unknown_members(node, path=()):
    """Every object of the document, with one member more: none may pass."""
    if isinstance(node, dict):
        yield path
        for key, value in node.items():
            yield from unknown_members(value, path + (key,))
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from unknown_members(value, path + (i,))


for path in unknown_members(document):
    def add(d, path=path):
        for step in path:
            d = d[step]
        d["no_such_member"] = 1
    if not refused(add):
        failures.append(f"an unknown member passes at {path}")

changes = {
    "a verdict that does not exist": lambda d: d["targets"][0].update(verdict="guilty"),
    "a time without its raw value": lambda d: d["files"][1]["deleted"]["earliest"].pop("filetime"),
    "a range in an unknown space": lambda d: d["sightings"][0]["ranges"][0].update(space="moon"),
    "a hash in capitals": lambda d: d["sightings"][0].update(sha256=d["sightings"][0]["sha256"].upper()),
    "a sequence of 17 bits": lambda d: d["files"][1]["file_reference"].update(sequence=65536),
    "no sightings": lambda d: d.pop("sightings"),
    "a negative offset": lambda d: d["sightings"][0]["ranges"][0].update(offset=-1),
}
for name, change in changes.items():
    if not refused(change):
        failures.append(f"passes: {name}")

for failure in failures:
    print("FAILED:", failure)
print(f"[doctest] test cases: 1 | {0 if failures else 1} passed | {1 if failures else 0} failed | 0 skipped")
sys.exit(1 if failures else 0)
