#!/usr/bin/env python3
"""Writes case_terms.json: of the published CASE ontology, for each class that src/report/uco names, its ancestors and what its shapes say of
each property that src/report/uco names.

usage: case_terms.py CASE.ttl SOURCES > case_terms.json   (needs python3-rdflib; CASE.ttl as the PyPI package case-utils has it)
"""
import glob
import json
import re
import sys

import rdflib
from rdflib import RDFS, SH

graph = rdflib.Graph().parse(sys.argv[1])
text = "".join(open(path, encoding="utf-8").read() for path in sorted(glob.glob(sys.argv[2] + "/*.cpp")))
names = sorted(set(re.findall(r'"((?:case|uco)-[a-z]+:[A-Za-z]+)"', text)))


def iri(name):
    prefix, local = name.split(":")
    base = "https://ontology.caseontology.org/case/" if prefix.startswith("case-") else "https://ontology.unifiedcyberontology.org/uco/"
    return rdflib.URIRef(f"{base}{prefix.partition('-')[2]}/{local}")


def short(term):
    found = re.fullmatch(r"https://ontology\.(caseontology|unifiedcyberontology)\.org/(case|uco)/([a-z]+)/(\w+)", str(term))
    return f"{found[2]}-{found[3]}:{found[4]}" if found else str(term)


def ancestors(term):
    found, waiting = set(), [term]
    while waiting:
        for parent in graph.objects(waiting.pop(), RDFS.subClassOf):
            if isinstance(parent, rdflib.URIRef) and parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


properties = {iri(name): name for name in names if name.split(":")[1][0].islower()}
classes = {iri(name): name for name in names if name.split(":")[1][0].isupper()}
for term, name in [*properties.items(), *classes.items()]:
    assert (term, None, None) in graph, f"{name} is not in the ontology"


def rules(term):
    """Of each property the strictest of what the class's own shapes and its ancestors' say."""
    found = {}
    for at in [term, *ancestors(term)]:
        for shape in graph.objects(at, SH.property):
            name = properties.get(graph.value(shape, SH.path))
            if name is None:
                continue
            rule = found.setdefault(name, {})
            for key, path in (("datatype", SH.datatype), ("class", SH["class"])):
                if (value := graph.value(shape, path)) is not None:
                    rule[key] = short(value)
            for key, path, choose in (("max", SH.maxCount, min), ("min", SH.minCount, max)):
                if (value := graph.value(shape, path)) is not None:
                    rule[key] = choose(int(value), rule.get(key, int(value)))
            if (values := graph.value(shape, SH["in"])) is not None:
                rule["in"] = sorted(str(v) for v in graph.items(values))
    return found


lines = [f'"{name}": {json.dumps({"ancestors": sorted(short(a) for a in ancestors(term)), "properties": rules(term)}, sort_keys=True)}'
         for term, name in sorted(classes.items(), key=lambda item: item[1])]
print('{"ontology": "CASE and UCO 1.5.0, https://caseontology.org", "classes": {\n' + ",\n".join(lines) + "\n}}")
