// An Examination as JSON: findings.json (schema `trimcarve/findings/1`, findings.schema.json), and the same as one object a line.
//
// Written element by element. The same Examination gives the same bytes: when and how the tool ran stands in manifest.json only.
// Throws what the sink throws.
#pragma once

#include <cstdint>

#include "report/json_writer.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::report {

void write_document(const Examination& examination, const Sink& sink);

// JSON lines. Each object has `record` (examination, source, volume, coverage, target, finding, file, sighting, warning) and `image`, the
// position of the image on the command line; otherwise it is the object of findings.json.
void write_lines(const Examination& examination, std::uint32_t image, const Sink& sink);

// `disk`, or `file:N`.
std::string space_name(std::uint32_t space);

}  // namespace trimcarve::report
