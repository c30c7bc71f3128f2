#!/usr/bin/env python3
"""What other programs, shells and terminals take from the program: one check per name."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import sqlite3
import struct
import subprocess
import sys
import termios

from program import check, program, run, run_check, sample, source_root, which

if which == "contrib":
    try:
        import yaml
    except ImportError:
        # Debian's package is for Debian's own Python, which may not be the first one of this machine.
        if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
            os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
        print("SKIPPED: python3-yaml is not on this machine")
        sys.exit(77)


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


def subcommands():
    body = re.search(r"^Subcommands:\n((?:  .*\n)+)", run("--help").stdout, re.M)
    return re.findall(r"^  (\S+)", body[1], re.M)


def options_of(command):
    """From where --help lists them, not from where its text speaks of them."""
    return {name for names in re.findall(r"^  (-\S+)", run(command, "--help").stdout, re.M) for name in names.split(",")}


def on_terminal(arguments, columns, environment, same_output=True):
    """Runs with a terminal of so many columns as standard error, and output too: exit code, what the terminal got, standard output."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    p = subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=slave if same_output else subprocess.PIPE, stderr=slave,
                         env=clean | {"TERM": "xterm"} | environment)
    os.close(slave)
    shown, out = b"", b""
    streams = [master] + ([] if same_output else [p.stdout.fileno()])
    while streams:
        for stream in select.select(streams, [], [])[0]:
            try:
                block = os.read(stream, 65536)
            except OSError:  # the other end is closed
                block = b""
            if not block:
                streams.remove(stream)
            elif stream == master:
                shown += block
            else:
                out += block
    os.close(master)
    if not same_output:
        p.stdout.close()
    return p.wait(), shown.decode(), out.decode()


def console(folder):
    """Colour and width as the terminal is, a progress line on a terminal only, and pipes get text alone."""
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError as error:
        skip(f"this machine gives no terminals: {error}")
    image = sample(folder)
    piped = run("examine", image)
    check("\x1b" not in piped.stdout and piped.stderr == "", "a pipe gets more than text")
    code, shown, _ = on_terminal(["examine", image, "--no-progress"], 100, {})
    check(code == 0 and "\x1b[1;31m" in shown, "no colour on a terminal")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r\n", "\n")
    check(plain == piped.stdout, "a terminal of 100 columns shows other text than a pipe")
    for environment, coloured in (({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)):
        shown = on_terminal(["examine", image, "--no-progress"], 100, environment)[1]
        check(("\x1b" in shown) == coloured, f"{environment}: colour is {not coloured}")

    def widest(text):
        return max(len(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if not re.search(r"\S{60}", line))

    for columns, environment in ((70, {}), (140, {}), (200, {"COLUMNS": "70"}), (90, {"COLUMNS": "wide"})):
        limit = 70 if environment.get("COLUMNS") == "70" else columns
        width = widest(on_terminal(["examine", image, "--no-progress"], columns, environment)[1])
        check(limit - 25 < width <= limit, f"{columns} columns, {environment}: the widest line has {width}")
    check(widest(run("examine", image, env=os.environ | {"COLUMNS": "70"}).stdout) <= 70, "COLUMNS does not count in a pipe")

    # Data without anything in it to search for a while, so that there is time for a rate.
    big = folder + "/big"
    with open(image, "rb") as source, open(big, "wb") as out:
        out.write(source.read()[:-512])
        block = os.urandom(1 << 20)
        for _ in range(256):
            out.write(block)
    code, shown, out = on_terminal(["examine", big, "--search-all", "--jsonl"], 90, {}, same_output=False)
    check("\x1b" not in out and json.loads(out.splitlines()[-1])["record"] == "end", "progress in the output")
    lines = [line for line in re.split(r"\r\x1b\[K", shown) if line]
    check(lines and all(len(line) < 90 for line in lines), f"progress lines {lines[:3]}")
    check(any(re.search(r"\w  \[#*-*\] +\d+%", line) for line in lines), f"no bar in {lines[:5]}")
    check(all(re.search(r"\d+%  [\d.,]+ ([KMGT]?i?B|bytes)?/s(  \d+:\d\d left)?$", line) for line in lines if "/s" in line), f"rates in {lines}")
    check(shown.endswith("\r\x1b[K"), "the progress line stays")
    for options in (["--no-progress"], ["--quiet"]):
        check(on_terminal(["examine", big, "--jsonl", *options], 90, {}, same_output=False)[1] == "", f"{options}: the terminal is not quiet")


def completion(folder):
    """Each shell completes every option of each subcommand that --help lists, and no other."""
    scripts = {}
    for shell in ("bash", "zsh", "fish"):
        scripts[shell] = f"{folder}/trimcarve.{shell}"
        subprocess.run([sys.executable, source_root + "/src/cli/completion.py", program, shell, scripts[shell]], check=True)

    def in_bash(*words):
        script = f'source {scripts["bash"]}; compopt() {{ :; }}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _trimcarve; printf "%s\\n" "${{COMPREPLY[@]}}"'
        return set(subprocess.run(["bash", "-c", script, "bash", "trimcarve", *words], capture_output=True, text=True, check=True,
                                  cwd=folder).stdout.split())

    commands = subcommands()
    check({"examine", "info", "verify"} <= set(commands), f"subcommands {commands}")
    check(in_bash("") == set(commands) | {"--version", "-h", "--help"}, f"bash completes {in_bash('')}")
    for command in commands:
        check(in_bash(command, "-") == options_of(command), f"bash, {command}: {in_bash(command, '-') ^ options_of(command)}")
    check("custom-script" in in_bash("examine", "--target", "cus"), "bash does not complete profiles")
    check(in_bash("examine", "--mft", "trimcarve.z") == {"trimcarve.zsh"}, "bash does not complete files")
    os.mkdir(folder + "/traces")
    check(in_bash("examine", "-o", "tr") == {"traces"}, "bash does not complete folders only for -o")

    with open(scripts["zsh"], encoding="utf-8") as f:
        text = f.read()
    for command in commands:
        body = re.search(rf"^    {command}\)\n(.*?;;)", text, re.S | re.M)[1]
        found = set(re.findall(r"^ +'\*?(-[a-z-]+)\[", body, re.M))
        check(found == options_of(command), f"zsh, {command}: {found ^ options_of(command)}")
    for shell in ("zsh", "fish"):
        if shutil.which(shell) is None:
            print(f"{shell} is not installed: its script is not run")
        else:
            r = subprocess.run([shell, "-n", scripts[shell]], capture_output=True, text=True)
            check(r.returncode == 0 and r.stderr == "", f"{shell}: {r.stderr}")
    if shutil.which("fish"):
        for command in commands:
            r = subprocess.run(["fish", "--no-config", "-c", f"source {scripts['fish']}; complete -C 'trimcarve {command} -'"], capture_output=True,
                               text=True, env=os.environ | {"HOME": folder, "XDG_DATA_HOME": folder})
            found = {line.split("\t")[0] for line in r.stdout.splitlines()}
            check(found == options_of(command), f"fish, {command}: {found ^ options_of(command)} {r.stderr[:200]}")


def contrib(folder):
    """The command lines of the documents for KAPE and Velociraptor do what they say on a sample."""
    image = sample(folder)
    with open(image, "rb") as f:
        disk = f.read()
    with open(folder + "/$MFT", "wb") as f:
        at = disk.index(b"FILE0")
        f.write(disk[at:at + 65536])
    # The Windows Subsystem for Linux gives the line to a shell; paths here are Linux paths already.
    tools = folder + "/bin"
    os.mkdir(tools)
    os.symlink(os.path.abspath(program), tools + "/trimcarve")
    with open(tools + "/wslpath", "w", encoding="ascii") as f:
        f.write('#!/bin/sh\nprintf "%s\\n" "$1"\n')
    os.chmod(tools + "/wslpath", 0o755)
    environment = os.environ | {"PATH": tools + ":" + os.environ["PATH"]}
    modules = sorted(os.listdir(source_root + "/contrib/kape"))
    check(modules == ["trimcarve_Image.mkape", "trimcarve_MFT.mkape"], f"modules {modules}")
    for name in modules:
        with open(f"{source_root}/contrib/kape/{name}", encoding="utf-8") as f:
            module = yaml.safe_load(f)
        check({"Description", "Category", "Author", "Version", "Id", "BinaryUrl", "ExportFormat", "FileMask", "Processors"} <= set(module), f"{name}: {set(module)}")
        source = folder + "/$MFT" if "MFT" in name else image
        mask = module["FileMask"]
        check(re.fullmatch(mask.removeprefix("regex:"), os.path.basename(source)) if mask.startswith("regex:") else mask == "$MFT", f"{name}: {mask}")
        for processor in module["Processors"]:
            check(processor["Executable"] == "wsl.exe", processor["Executable"])
            out = f"{folder}/{name}.out"
            os.mkdir(out)
            line = processor["CommandLine"].replace("%sourceFile%", source).replace("%destinationDirectory%", out)
            r = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True)
            check(r.returncode in (0, 1) and r.stdout + r.stderr == "", f"{name}: {r.returncode} {r.stdout} {r.stderr}")
            check(os.path.exists(out + "/trimcarve/manifest.json"), f"{name}: nothing was written")

    for name in os.listdir(source_root + "/contrib/velociraptor"):
        with open(f"{source_root}/contrib/velociraptor/{name}", encoding="utf-8") as f:
            artifact = yaml.safe_load(f)
        given = {p["name"]: p["default"] for p in artifact["parameters"]} | {"Program": program, "Image": image}
        query = artifact["sources"][0]["query"]
        words = [word.strip() for word in re.search(r"execve\(argv=\[(.*?)\]", query, re.S)[1].split(",")]
        argv = [json.loads(word) if word.startswith('"') else given[word] for word in words]
        r = subprocess.run(argv, capture_output=True, text=True)
        rows = [json.loads(line) for line in r.stdout.splitlines()]
        check(r.returncode == 0 and rows and rows[-1]["record"] == "end" and len(rows) == rows[-1]["records"], f"{name}: {r.returncode} {r.stderr}")
        longest = int(re.search(r"length=(\d+)", query)[1])
        check(all(len(line) < longest for line in r.stdout.splitlines()), f"{name}: a line is longer than its buffer")

    with open(source_root + "/contrib/README.md", encoding="utf-8") as f:
        for line in re.findall(r"^    trimcarve (.*?)(?:  .*)?$", f.read(), re.M):
            words = [folder + "/readme" if w == "DIR" else image if w == "IMAGE" else w for w in line.split()]
            check(run(*words).returncode == 0, f"README: {line}")


def fields_of(page):
    """Of each subsection of the page the fields that it lists."""
    fields, at = {}, None
    with open(page, encoding="utf-8") as f:
        for line in f:
            if line.startswith((".Ss ", ".Sh ")):
                at = fields.setdefault(line[4:].strip(), set())
            elif line.startswith(".It Va "):
                at.update(line[7:].replace(" Va ", " ").replace(",", " ").split())
    return fields


def schema_fields(schema):
    """Of each kind of object in the schema its members; those of an object without a name of its own are named MEMBER.MEMBER."""
    kinds = schema["$defs"]
    named = {name for name, kind in kinds.items() if kind.get("type") == "object"}
    bounds = set(kinds["bounds"]["properties"])
    fields = {"target": set()}

    def walk(kind, prefix, node):
        if isinstance(node.get("$ref"), str):
            name = node["$ref"].rpartition("/")[2]
            if name not in named:
                walk(kind, prefix, kinds[name])
            return
        for choice in node.get("anyOf", []) + node.get("oneOf", []) + node.get("allOf", []):
            walk(kind, prefix, choice)
        if "items" in node:
            walk(kind, prefix + "[]", node["items"])
        members = set(node.get("properties", {}))
        if prefix and bounds <= members:  # the page says that it has the members of bounds
            members -= bounds
        if (kind, prefix) == ("target", "runs[]"):  # too many for dotted names
            fields[kind].add("runs")
            kind, prefix = "run", ""
        for member in members:
            name = f"{prefix}.{member}" if prefix else member
            before = sum(len(f) for f in fields.values())
            walk(kind, name, node["properties"][member])
            if sum(len(f) for f in fields.values()) == before:
                fields.setdefault(kind, set()).add(name)

    walk("document", "", {"properties": schema["properties"]})
    for name in named:
        walk(name, "", {"properties": kinds[name]["properties"]})
    return fields


def formats(folder):
    """Every field of every output is in trimcarve-formats(5), and no other; the page has no fault."""
    page = source_root + "/man/trimcarve-formats.5"
    described = fields_of(page)
    with open(source_root + "/src/report/findings.schema.json", encoding="utf-8") as f:
        wanted = schema_fields(json.load(f))
    check(len(wanted) > 25 and sum(map(len, wanted.values())) > 300, f"the schema has {sum(map(len, wanted.values()))} fields")
    for kind, fields in sorted(wanted.items()):
        # A member that holds others may stand beside them, to say what it is.
        own = {f for f in described.get(kind, set()) if not any(w.startswith((f + ".", f + "[]")) for w in fields)}
        if kind == "bounds" or fields:
            check(own == fields, f"{kind}: {sorted(own ^ fields)}")

    image, out = sample(folder), folder + "/out"
    check(run("examine", image, "-o", out).returncode == 0, "the sample is not examined")
    database = sqlite3.connect(f"file:{out}/case.sqlite?mode=ro", uri=True)
    objects = list(database.execute("SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"))
    check(len(objects) > 40, f"tables {objects}")
    for kind, name in objects:
        columns = {row[1] for row in database.execute(f'PRAGMA table_info("{name}")')}
        title = f"{kind.capitalize()} {name}"
        check(described.get(title) == columns, f"{title}: {sorted(described.get(title, set()) ^ columns)}")
    titles = {t for t in described if t.startswith(("Table ", "View "))}
    check(titles == {f"{kind.capitalize()} {name}" for kind, name in objects}, "tables that are none")

    with open(out + "/timeline.csv", encoding="utf-8") as f:
        columns = set(f.readline().strip().split(","))
    check(described["row"] == columns, f"timeline: {sorted(described['row'] ^ columns)}")
    check(run("timeline", image, "-o", folder + "/t.sqlite").returncode == 0, "timeline")
    timeline = sqlite3.connect(folder + "/t.sqlite")
    check({row[1] for row in timeline.execute('PRAGMA table_info("timeline")')} == columns | {"id"}, "timeline: columns of the table")

    def members(value, prefix=""):
        if isinstance(value, dict):
            return {m for key, v in value.items() for m in members(v, f"{prefix}.{key}" if prefix else key)}
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return {m for v in value for m in members(v, prefix + "[]")}
        return {prefix}

    with open(out + "/manifest.json", encoding="utf-8") as f:
        found = members(json.load(f))
    check(found == described["manifest"], f"manifest: {sorted(found ^ described['manifest'])}")
    with open(page, encoding="utf-8") as f:
        text = f.read()
    with open(out + "/case.jsonld", encoding="utf-8") as f:
        for kind in set(re.findall(r'"@type":\s*"?\[?"((?:uco|case)-[a-z]+:[A-Za-z]+)"', f.read())):
            if not kind.endswith(("Facet", "Dictionary", "DictionaryEntry", "ConfigurationEntry", "Tool")):
                check(kind in text, f"case.jsonld: {kind}")
    for name in os.listdir(out):
        check(re.search(rf"\.It Pa (\S+ , )?{re.escape(name)}", text), f"{name} is not among the files")
    if shutil.which("mandoc"):
        lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True)
        check(lint.stdout == "" and lint.returncode == 0, lint.stdout)
    else:
        print("mandoc is not installed: the page's form is not checked")


def volume_map(folder):
    """The map in report.html against The Sleuth Kit's list of unallocated clusters and the bytes of the image."""
    if shutil.which("blkls") is None:
        skip("blkls (sleuthkit) is not installed")
    image = sample(folder)
    with open(image, "rb") as f:
        disk = bytearray(f.read())  # written anew without holes, so that every cluster is stored
    begin = int.from_bytes(disk[454:458], "little") * 512
    cluster = disk[begin + 13] * int.from_bytes(disk[begin + 11:begin + 13], "little")
    clusters = int.from_bytes(disk[begin + 40:begin + 48], "little") * 512 // cluster
    disk[begin + 2500 * cluster:begin + 2700 * cluster] = b"data" * (50 * cluster)
    for lcn in range(6200, 6800, 13):
        disk[begin + lcn * cluster + 77] = 1
    dense = folder + "/dense.vhd"
    with open(dense, "wb") as f:
        f.write(disk)
    listed = subprocess.run(["blkls", "-l", "-o", str(begin // 512), dense], capture_output=True, text=True, check=True).stdout
    free = {int(line.split("|")[0]) for line in listed.splitlines() if re.match(r"\d+\|f", line)}
    kinds = ["not_free" if lcn not in free else "data" if any(disk[begin + lcn * cluster:begin + (lcn + 1) * cluster]) else "zero" for lcn in range(clusters)]
    check(len(set(kinds)) == 3, f"the image has {set(kinds)}")

    check(run("examine", dense, "-o", folder + "/out").returncode == 0, "not examined")
    with open(folder + "/out/report.html", encoding="utf-8") as f:
        svg = re.search(r'<svg class="map".*?</svg>', f.read(), re.S)[0]
    shown, lines = {}, set()
    for kind, path in re.findall(r'<path class="m-(\w+)" d="([^"]*)"', svg):
        for x, y, width, height in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z", path):
            for cell in range(int(x) // 9, (int(x) + int(width)) // 9):
                at = int(y) // 16 * 128 + cell
                if height == "3":
                    lines.add(at)
                else:
                    shown[at] = kind
    per_cell = -(-clusters // 1280)
    wrong = []
    for at in range(-(-clusters // per_cell)):
        cell = kinds[at * per_cell:(at + 1) * per_cell]
        most = max(cell.count(kind) for kind in cell)
        if cell.count(shown.get(at)) != most or (at in lines) != ("data" in cell and shown.get(at) != "data"):
            wrong.append((at, shown.get(at), at in lines, cell))
    check(not wrong and len(shown) == -(-clusters // per_cell), f"{len(wrong)} cells are wrong: {wrong[:3]}")
    check(set(shown.values()) == {"not_free", "data", "zero"} and lines, f"the map shows {set(shown.values())}, {len(lines)} lines")
    # The same with holes instead of zeros: nothing is free and zero any more, but what has no bytes.
    subprocess.run(["cp", "--sparse=always", dense, folder + "/sparse.vhd"], check=True)
    if os.stat(folder + "/sparse.vhd").st_blocks * 512 >= len(disk) // 2:
        return print("this file system has no holes: they are not checked")
    run("examine", folder + "/sparse.vhd", "-o", folder + "/sparse")
    with open(folder + "/sparse/report.html", encoding="utf-8") as f:
        check('<path class="m-hole"' in f.read(), "no cells without bytes")


checks = {"map": volume_map, "formats": formats, "console": console, "completion": completion, "contrib": contrib}
run_check(checks)
