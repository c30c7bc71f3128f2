// Events of the cloud that belong to one operation, as one. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trimcarve/statement.hpp"

namespace trimcarve::witness {

enum class Outcome : std::uint8_t { unknown, started, accepted, succeeded, failed };
std::string_view to_string(Outcome outcome) noexcept;
// "Started", "Start", "Accepted", "Success", "Failure", "Canceled", ...: each shape of the log has its own words.
Outcome outcome_of(std::string_view status) noexcept;

struct CloudOperation {
  Deed deed = Deed::other;
  std::string event;  // the operation's name
  std::string resource_id, extension_name, vm;
  std::string handler, version;  // only where an event's body states them
  std::string caller, ip, correlation_id;
  FileTime first_time, last_time;  // of its events; no_time when none states one
  std::string final_status;        // as the log has it, of the event that tells most
  Outcome outcome = Outcome::unknown;
  std::vector<std::uint32_t> numbers;  // positions of its events in what was given
};

// Groups the events of the cloud among `statements` (others are passed over) that share correlation id, operation and resource, ids without
// case; an event without correlation id stands alone. In order of first time; those without a time last, else as given.
std::vector<CloudOperation> group_operations(std::span<const Statement> statements);

}  // namespace trimcarve::witness
