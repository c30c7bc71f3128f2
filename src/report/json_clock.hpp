// Clocks, estimates and the sources of bounds, as JSON. Each function writes one value.
#pragma once

#include <optional>

#include "report/json_writer.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::report {

void put_clock(JsonWriter& json, const ClockInfo& clock);
void put_estimate(JsonWriter& json, const std::optional<Estimate>& estimate);
void put_bounding_source(JsonWriter& json, const BoundingSource& source);
void put_sequence_estimate(JsonWriter& json, const SequenceEstimate& estimate);

}  // namespace trimcarve::report
