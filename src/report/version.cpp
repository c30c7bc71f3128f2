#include "report/version.hpp"

namespace trimcarve::report {

std::string_view version() noexcept { return TRIMCARVE_VERSION; }

}  // namespace trimcarve::report
