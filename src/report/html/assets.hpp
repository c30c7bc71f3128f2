// The report's style and script (src/report/html/), embedded when the program is built, and their hashes as Content-Security-Policy writes
// them.
#pragma once

#include <string_view>

namespace trimcarve::report {

extern const std::string_view report_css, report_css_hash, report_js, report_js_hash;

}  // namespace trimcarve::report
