// What the witnesses said, as the findings take it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "trimcarve/sighting.hpp"
#include "trimcarve/statement.hpp"

namespace trimcarve::findings {

struct Heard {
  SourceKind source = SourceKind::agent_log;
  std::uint32_t witness = 0;            // position in Examination::witnesses
  std::optional<std::uint32_t> volume;  // empty: of a file the examiner gave
  Statement statement;
};

struct Hearing {
  std::span<const Heard> all;  // each witness's statements together, in their order
  // Cites the n-th of them: its number in Examination::sightings. The same number for the same statement.
  std::function<std::uint32_t(std::size_t n)> cite;
};

}  // namespace trimcarve::findings
