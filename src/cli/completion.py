#!/usr/bin/env python3
"""Writes the shell completions of trimcarve from what its own --help says, so that they have every option and no other.

usage: completion.py TRIMCARVE bash|zsh|fish OUTPUT
"""
import re
import subprocess
import sys

program, shell, output = sys.argv[1:]


def help_of(*command):
    return subprocess.run([program, *command, "--help"], capture_output=True, text=True, check=True).stdout


def section(text, name):
    """The entries of a section: a name that begins at the third column, and from the 31st on, of that line or the next, what it is."""
    entries = []
    body = re.search(rf"^{name}:\n((?:  .*\n)+)", text, re.M)
    for line in (body[1] if body else "").splitlines():
        if line[2] != " ":
            entries.append([line.strip() if line[29:30].strip() else line[:30].strip(), ""])
        if not line[29:30].strip():
            entries[-1][1] = (entries[-1][1] + " " + line[30:].strip()).strip()
    return entries


class Option:
    def __init__(self, names, what):
        flags, _, rest = names.partition(" ")
        self.names = flags.split(",")
        self.argument = rest.removesuffix(" ...").split(" Excludes:")[0] if not rest.startswith("Excludes:") else ""
        self.repeated = rest.endswith("...")
        self.what = what


commands = {name: what for name, what in section(help_of(), "Subcommands")}
options = {name: [Option(*entry) for entry in section(help_of(name), "Options")] for name in commands}
top = [Option(*entry) for entry in section(help_of(), "Options")]
# The profiles, as --target's own text lists them: "what to look for: a, b, c, or an NTFS path".
profiles = next((re.search(r"for: ([a-z, -]+), or ", o.what) for all in options.values() for o in all if "--target" in o.names), None)
profiles = profiles[1].split(", ") if profiles else []


def words(option):
    """What its argument can be: "file", "directory", a list of words, or nothing that is known."""
    if option.argument.startswith("PROFILE"):
        return profiles
    return {"FILE": "file", "DIR": "directory"}.get(option.argument, [])


def bash():
    lines = ["# bash completion for trimcarve", "_trimcarve() {", "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= word",
             '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do', "    case $word in", f"      {'|'.join(commands)}) command=$word; break ;;", "    esac", "  done",
             "  COMPREPLY=()", "  if [[ -z $command ]]; then",
             f"    COMPREPLY=($(compgen -W '{' '.join([*commands, *(n for o in top for n in o.names)])}' -- \"$current\"))", "    return", "  fi",
             "  case $command:$before in"]
    for command, all in options.items():
        for option in all:
            if not option.argument:
                continue
            known = words(option)
            action = {"file": 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$current"))',
                      "directory": 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$current"))'}.get(
                          known if isinstance(known, str) else "", f"COMPREPLY=($(compgen -W '{' '.join(known)}' -- \"$current\"))" if known else ":")
            lines.append(f"    {'|'.join(f'{command}:{name}' for name in option.names)}) {action}; return ;;")
    lines += ["  esac", "  if [[ $current == -* ]]; then", "    case $command in"]
    for command, all in options.items():
        lines.append(f"      {command}) COMPREPLY=($(compgen -W '{' '.join(n for o in all for n in o.names)}' -- \"$current\")) ;;")
    lines += ["    esac", "  else", "    compopt -o filenames", '    COMPREPLY=($(compgen -f -- "$current"))', "  fi", "}", "complete -F _trimcarve trimcarve"]
    return lines


def zsh():
    def quoted(text):
        return text.replace("\\", "\\\\").replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")

    def specification(option):
        known = words(option)
        takes = {"file": ":file:_files", "directory": ":directory:_files -/"}.get(known if isinstance(known, str) else "",
                                                                                  f":{option.argument.lower()}:({' '.join(known)})" if option.argument else "")
        return [f"'{'*' if option.repeated else ''}{name}[{quoted(option.what)}]{takes}'" for name in option.names]

    lines = ["#compdef trimcarve", "_trimcarve() {", "  local -a commands=("]
    lines += [f"    '{name}:{quoted(what)}'" for name, what in commands.items()]
    lines += ["  )", "  if (( CURRENT == 2 )); then", "    _describe command commands", f"    _arguments {' '.join(s for o in top for s in specification(o))}", "    return",
              "  fi", "  local command=$words[2]", "  shift words", "  (( CURRENT-- ))", "  case $command in"]
    for command, all in options.items():
        lines += [f"    {command})", "      _arguments \\"] + [f"        {s} \\" for o in all for s in specification(o)] + ["        '*:file:_files' ;;"]
    return lines + ["  esac", "}", '_trimcarve "$@"']


def fish():
    def quoted(text):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    lines = ["# fish completion for trimcarve"]
    for name, what in commands.items():
        lines.append(f"complete -c trimcarve -n __fish_use_subcommand -f -a {name} -d {quoted(what)}")
    for command, all in [("", top), *options.items()]:
        where = f"'__fish_seen_subcommand_from {command}'" if command else "__fish_use_subcommand"
        for option in all:
            names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
            known = words(option)
            takes = {"file": " -r -F", "directory": " -x -a '(__fish_complete_directories)'"}.get(
                known if isinstance(known, str) else "", (f" -x -a '{' '.join(known)}'" if known else " -x") if option.argument else "")
            lines.append(f"complete -c trimcarve -n {where} {names}{takes} -d {quoted(option.what)}")
    return lines


assert commands and all(options.values()), "--help has changed its form"
with open(output, "w", encoding="utf-8") as file:
    file.write("\n".join({"bash": bash, "zsh": zsh, "fish": fish}[shell]()) + "\n")
