// The version of this build, as `--version` and every output name it.
#pragma once

#include <string_view>

namespace trimcarve::report {

std::string_view version() noexcept;

}  // namespace trimcarve::report
