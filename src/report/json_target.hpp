// One target as JSON: verdict, instances, runs, the cloud's events, the story.
#pragma once

#include <cstdint>
#include <string_view>

#include "report/json_writer.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::report {

// `record` and `image` as for begin_record().
void put_target(JsonWriter& json, const TargetReport& target, std::string_view record, std::uint32_t image);

}  // namespace trimcarve::report
