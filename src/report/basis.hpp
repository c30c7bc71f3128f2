// What sets a time, in words for people. The codes stay in findings.json.
#pragma once

#include <string>
#include <string_view>

namespace trimcarve::report {

// "usn_delete" -> "the change journal records the deletion"; a code that is not known is shown as it is.
std::string explain_basis(std::string_view code);

}  // namespace trimcarve::report
