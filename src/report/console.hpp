// The summary an examiner reads first: the verdict of each target and what it rests on, what was looked at and what was not.
//
// Plain text; bold and colour only when asked for. Every word that comes from the evidence goes through for_terminal. Lists are bounded,
// and what is left out is counted; the complete lists are in findings.json.
#pragma once

#include <cstddef>

#include "report/json_writer.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::report {

struct ConsoleStyle {
  std::size_t width = 100;       // columns; less than 60 is treated as 60
  bool colour = false;           // and bold
  std::size_t tree_rows = 40;    // of each target's tree
  std::size_t output_lines = 8;  // of each run's output
};

void write_console(const Examination& examination, const ConsoleStyle& style, const Sink& sink);

// What the input is: container, partitions, volumes, journals, and from when to when each speaks.
void write_info(const Examination& examination, const ConsoleStyle& style, const Sink& sink);

// The part of it that shows the files of one target.
void write_tree(const Examination& examination, std::uint32_t target, const ConsoleStyle& style, const Sink& sink);

}  // namespace trimcarve::report
