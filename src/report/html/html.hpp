// report.html: the examination as one page that an examiner hands over.
//
// One file: its own style and script stand in it, and its Content-Security-Policy allows these by their hashes and nothing else, so it
// loads nothing from anywhere. Without script it still tells everything but the bytes behind the sightings and the later rows of long
// lists. Everything that comes from the evidence is escaped, controls and bidirectional marks shown as \uXXXX.
//
// The same Examination and command give the same bytes. What is shown of bytes and texts is bounded, and says where it is cut; the complete
// lists are in findings.json and case.sqlite.
#pragma once

#include <string>
#include <vector>

#include "report/json_writer.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::report {

// `command`: how the tool was run, for the reader; empty when not known. Cited bytes are read through Examination::spaces.
void write_html(const Examination& examination, const std::vector<std::string>& command, const Sink& sink);

}  // namespace trimcarve::report
