// Examinations for the tests of report.html.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "trimcarve/examination.hpp"

namespace trimcarve::test {

// What must stay text wherever it stands. hostile_text has markup, the ends of the elements it may stand in, and a bidirectional control.
inline constexpr std::string_view hostile_text =
    "<img src=x onerror=alert(1)>\"'&amp;</script></style></pre><!--<script>\u202Egnp.exe\x1b[2J\u2028";

// Puts hostile_text into every kind of text that comes from evidence, and into the content of a script.
void make_hostile(Examination& examination);

// So many files more, in folders of 40, each with times, a run, a content state and sightings.
void add_rows(Examination& examination, std::size_t rows);

}  // namespace trimcarve::test
