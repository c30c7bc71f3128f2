// case.jsonld: the examination as CASE and UCO linked data, for tools that take evidence in that form.
//
// It has the files with what came back of each and where its bytes lie, what is said of the targets, and the findings with the bytes these
// rest on. What UCO has no words for (coverage, clusters, sources of each bound) is in findings.json only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/json_writer.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::report {

// `seed`: the SHA-256 of findings.json. The identifiers of all nodes follow from it.
void write_case_jsonld(const Examination& examination, const std::vector<std::string>& command, std::string_view seed, const Sink& sink);

}  // namespace trimcarve::report
