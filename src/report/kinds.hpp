// The kinds of evidence, as people call them.
#pragma once

#include <string_view>
#include <vector>

#include "trimcarve/examination.hpp"

namespace trimcarve::report {

// "usn_journal" -> "$UsnJrnl:$J"; a kind that is not known is shown as it is.
std::string_view kind_name(std::string_view source) noexcept;

// What has no coverage entry, and so was not looked at.
std::vector<std::string_view> kinds_not_covered(const Examination& examination);

}  // namespace trimcarve::report
