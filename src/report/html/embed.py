#!/usr/bin/env python3
"""Writes report.css and report.js as C++ constants, each with the hash that the report's Content-Security-Policy allows it by."""

import base64
import hashlib
import sys

out, *paths = sys.argv[1:]
lines = ['#include "report/html/assets.hpp"', "", "namespace trimcarve::report {"]
for path in paths:
    name = path.rsplit("/", 1)[-1].replace(".", "_")
    with open(path, "rb") as file:
        data = file.read()
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    # As numbers: a string literal has a length that compilers may refuse, and escapes of its own.
    lines += [
        f"static constexpr char {name}_bytes[] = {{{','.join(str(byte) for byte in data)}}};",
        f"const std::string_view {name}({name}_bytes, sizeof {name}_bytes);",
        f'const std::string_view {name}_hash("sha256-{digest}");',
    ]
    assert data.isascii() and b"</" not in data, f"{path} must be ASCII and must not end its own element"
with open(out, "w", encoding="ascii") as file:
    file.write("\n".join(lines + ["}  // namespace trimcarve::report", ""]))
