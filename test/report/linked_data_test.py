"""case.jsonld as python3-rdflib reads it: against what the published ontology says of each class and property (case_terms.json), and against
findings.json and the image. Where case_validate (PyPI: case-utils) is installed, its verdict by all shapes of the ontology counts too.

usage: linked_data_test.py WRITE_CASE TRIMCARVE SAMPLE.vhd.xz CASE_TERMS.json
"""
import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import rdflib
    from rdflib import RDF, XSD
except ImportError:
    # Debian's package is for Debian's own Python, which may not be the first one of this machine.
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    print("SKIPPED: python3-rdflib is not on this machine")
    sys.exit(77)

write_case, trimcarve, packed, terms = sys.argv[1:]
with open(terms, encoding="utf-8") as file:
    CLASSES = json.load(file)["classes"]
PREFIXES = {"case-investigation": "https://ontology.caseontology.org/case/investigation/"} | {
    f"uco-{name}": f"https://ontology.unifiedcyberontology.org/uco/{name}/"
    for name in ("action", "configuration", "core", "observable", "tool", "types")}
# As they are written: some versions round a time to microseconds when they read it.
rdflib.NORMALIZE_LITERALS = False
FORMS = {"string": r"(?s:.*)", "dateTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", "hexBinary": r"([0-9a-fA-F]{2})+", "integer": r"-?\d+",
         "boolean": r"true|false"}
failures = []


def check(truth, what):
    if not truth:
        failures.append(what)
        print("FAILED:", what)


def iri(name):
    prefix, local = name.split(":")
    return rdflib.URIRef(PREFIXES[prefix] + local)


def short(term):
    return next((f"{p}:{str(term)[len(base):]}" for p, base in PREFIXES.items() if str(term).startswith(base)), str(term))


def differences(graph):
    """What in the graph the ontology does not allow."""
    found = []
    for node in set(graph.subjects()):
        types = {short(t) for t in graph.objects(node, RDF.type)}
        if not isinstance(node, rdflib.URIRef) or not types:
            found.append(f"{node} has no identifier or no type")
        if unknown := types - set(CLASSES):
            found.append(f"{node}: no such class: {unknown}")
            continue
        rules = {}
        for kind in types:
            for name, rule in CLASSES[kind]["properties"].items():
                rules.setdefault(name, {}).update(rule)
        for predicate in set(graph.predicates(node)) - {RDF.type}:
            name, values = short(predicate), list(graph.objects(node, predicate))
            rule = rules.get(name)
            if rule is None:
                found.append(f"{types} have no {name}")
                continue
            if len(values) > rule.get("max", len(values)):
                found.append(f"{types}: {len(values)} of {name}")
            for value in values:
                if "datatype" in rule or "in" in rule:
                    datatype = getattr(value, "datatype", None) or XSD.string
                    wanted = rule.get("datatype", str(XSD.string))
                    if not isinstance(value, rdflib.Literal) or str(datatype) != wanted or not re.fullmatch(FORMS[wanted.partition("#")[2]], str(value)):
                        found.append(f"{types}: {name} is {value!r}")
                    if str(value) not in rule.get("in", [str(value)]):
                        found.append(f"{types}: {name} is {value}")
                elif "class" in rule:
                    wanted = rule["class"]
                    if not any(wanted == k or wanted in CLASSES[k]["ancestors"] for k in map(short, graph.objects(value, RDF.type)) if k in CLASSES):
                        found.append(f"{types}: {name} leads to {set(map(short, graph.objects(value, RDF.type)))}, not to {wanted}")
        found += [f"{types} lack {name}" for name, rule in rules.items() if rule.get("min") and (node, iri(name), None) not in graph]
    return found


def parsed(text, what):
    graph = rdflib.Graph().parse(data=text, format="json-ld")
    check(differences(graph) == [], f"{what}: {differences(graph)[:5]}")
    if shutil.which("case_validate"):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonld", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            r = subprocess.run(["case_validate", "--built-version", "case-1.5.0", file.name], capture_output=True, text=True)
            check(r.returncode == 0 and "Conforms: True" in r.stdout, f"{what}, case_validate: {r.stdout[:2000]} {r.stderr[:500]}")
    return graph


def refused(document, what, change):
    changed = json.loads(document)
    change(changed["@graph"])
    check(differences(rdflib.Graph().parse(data=json.dumps(changed), format="json-ld")) != [], f"passes: {what}")


def first(nodes, kind):
    return next(n for n in nodes if kind in (n["@type"] if isinstance(n["@type"], list) else [n["@type"]]))


def facet(node, kind):
    return first(node["uco-core:hasFacet"], kind)


example = subprocess.run([write_case], check=True, capture_output=True, text=True).stdout
graph = parsed(example, "example")
for what, change in {
    "a class that does not exist": lambda g: g[0].update({"@type": "uco-tool:Knife"}),
    "a property of another class": lambda g: first(g, "uco-core:Event").update({"uco-observable:fileName": "x"}),
    "a time that is text": lambda g: first(g, "uco-core:Event").update({"uco-core:startTime": "yesterday"}),
    "a time that is none": lambda g: first(g, "uco-core:Event").update({"uco-core:startTime": {"@type": "xsd:dateTime", "@value": "yesterday"}}),
    "a relationship without an end": lambda g: first(g, "uco-observable:ObservableRelationship").pop("uco-core:target"),
    "a relationship with two ends": lambda g: first(g, "uco-observable:ObservableRelationship").update(
        {"uco-core:target": [{"@id": g[0]["@id"]}, {"@id": g[1]["@id"]}]}),
    "a facet in place of an object": lambda g: first(g, "uco-core:Event").update(
        {"uco-core:eventContext": {"@id": facet(first(g, "uco-observable:Volume"), "uco-observable:VolumeFacet")["@id"]}}),
    "a status of nobody's": lambda g: facet(first(g, "uco-observable:Directory"), "uco-observable:RecoveredObjectFacet").update(
        {"uco-observable:nameRecoveredStatus": "lost"}),
    "an offset that is text": lambda g: facet(next(n for n in g if "Relationship" in n["@type"] and "uco-core:hasFacet" in n),
                                              "uco-observable:DataRangeFacet").update({"uco-observable:rangeOffset": "4096"}),
}.items():
    refused(example, what, change)

# What the example has, each once: a named stream, a stream of which two parts are back, an unpaired surrogate, a name of the terminal's.
streams = list(graph.subjects(RDF.type, iri("uco-observable:AlternateDataStream")))
check([str(graph.value(s, iri("uco-core:name"))) for s in streams] == ["Zone.Identifier"], f"example: streams {streams}")
statuses = sorted(str(o) for o in graph.objects(None, iri("uco-observable:contentRecoveredStatus")))
check(statuses == ["overwritten", "partially recovered", "recovered", "recovered"], f"example: statuses {statuses}")
check((None, iri("uco-observable:fileName"), rdflib.Literal("bad\\ud800name")) in graph, "example: the name that is not well-formed")


def value(node, name):
    return graph.value(node, iri(name))


with tempfile.TemporaryDirectory(prefix="trimcarve-case-") as folder:
    image = folder + "/removed.vhd"
    with lzma.open(packed) as source, open(image, "wb") as out:
        out.write(source.read())
    texts = []
    for name in ("one", "two"):
        subprocess.run([trimcarve, "examine", image, "-o", f"{folder}/{name}", "-q"], check=True, capture_output=True)
        with open(f"{folder}/{name}/case.jsonld", encoding="utf-8") as file:
            texts.append(file.read())
    check(texts[0] == texts[1], "sample: two runs differ")
    graph = parsed(texts[0], "sample")
    with open(folder + "/one/findings.json", encoding="utf-8") as file:
        document = json.load(file)
    with open(image, "rb") as file:
        disk = file.read()

    by_path = {}
    for node in graph.subjects(RDF.type, iri("uco-observable:RecoveredObject")):
        for f in graph.objects(node, iri("uco-core:hasFacet")):
            if (path := value(f, "uco-observable:filePath")) is not None:
                by_path[str(path)] = node
    deleted = [f for f in document["files"] if f["state"] != "live"]
    check(set(by_path) == {f["path"] for f in deleted} and len(deleted) > 10, f"sample: other files: {set(by_path) ^ {f['path'] for f in deleted}}")
    ranges = {}
    for relation in graph.subjects(RDF.type, iri("uco-observable:ObservableRelationship")):
        facets = {short(t): f for f in graph.objects(relation, iri("uco-core:hasFacet")) for t in graph.objects(f, RDF.type)}
        in_image = (value(relation, "uco-core:target"), RDF.type, iri("uco-observable:Image")) in graph
        if in_image and (at := facets.get("uco-observable:DataRangeFacet")):
            order = facets.get("uco-observable:FragmentFacet")
            ranges.setdefault(value(relation, "uco-core:source"), []).append(
                (int(value(order, "uco-observable:fragmentIndex")) if order else 0, int(value(at, "uco-observable:rangeOffset")),
                 int(value(at, "uco-observable:rangeSize")), int(value(order, "uco-observable:totalFragments")) if order else 1))
    for node, pieces in ranges.items():
        pieces.sort()
        check([p[0] for p in pieces] == list(range(pieces[0][3])), f"sample: pieces of {node}: {pieces}")
    read = 0
    for f in deleted:
        node, content = by_path[f["path"]], f["content"]
        facets = list(graph.objects(node, iri("uco-core:hasFacet")))
        hashes = [str(value(h, "uco-types:hashValue")).lower() for x in facets for h in graph.objects(x, iri("uco-observable:hash"))]
        check(hashes == ([content["sha256"]] if content and content["sha256"] else []), f"sample: hashes of {f['path']}: {hashes}")
        if hashes:  # its bytes can be read by this output alone
            read += hashlib.sha256(b"".join(disk[at:at + size] for _, at, size, _ in ranges[node])).hexdigest() == hashes[0]
        events = [e for e in graph.subjects(iri("uco-core:eventContext"), node)]
        check(len(events) == (f["deleted"] is not None), f"sample: events of {f['path']}")
        for event in events:
            for end, name in (("earliest", "uco-core:startTime"), ("latest", "uco-core:endTime")):
                expected = f["deleted"][end] and f["deleted"][end]["time"]
                check((str(value(event, name)) if value(event, name) is not None else None) == expected, f"sample: {name} of {f['path']}")
    # Of a resident content the raw bytes may have update sequence values in them.
    plain = [f["content"]["parts"] for f in deleted if f["content"] and f["content"]["state"] == "recovered"]
    whole = sum(len(p) == 1 and p[0]["ranges_sha256"] == p[0]["sha256"] for p in plain)
    check(read > 0 and read == whole, f"sample: {read} of {whole} contents have their hash where it says that they lie")
    statements = {str(o) for o in graph.objects(None, iri("uco-core:statement"))}
    check({x["statement"] for x in document["findings"]} <= statements, "sample: findings")
    cited = {s for x in document["findings"] for s in x["sightings"]}
    named = [n for n in graph.subjects(RDF.type, iri("uco-observable:ContentData")) if str(value(n, "uco-core:name")).startswith("sighting ")]
    check(len(named) == len(cited), f"sample: {len(named)} sightings, the findings cite {len(cited)}")
    for relation in graph.subjects(iri("uco-core:target"), None):
        check((value(relation, "uco-core:target"), RDF.type, None) in graph, f"sample: {relation} leads nowhere")

print(f"case_validate: {'used' if shutil.which('case_validate') else 'not installed here'}; {len(graph)} statements of the sample")
print(f"[doctest] test cases: 1 | {0 if failures else 1} passed | {1 if failures else 0} failed | 0 skipped")
sys.exit(1 if failures else 0)
