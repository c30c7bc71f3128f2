#include "witness/activity_match.hpp"

#include <algorithm>
#include <map>

namespace trimcarve::witness {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string_view field(const Statement& statement, std::string_view name) {
  for (const auto& [key, value] : statement.fields)
    if (key == name) return value;
  return {};
}

// An event of the cloud says at which resource.
bool of_the_cloud(const Statement& s) { return s.event.starts_with("Microsoft.") && !field(s, "resourceId").empty(); }

void take(std::string& into, std::string_view value) {
  if (into.empty()) into = value;
}

}  // namespace

std::string_view to_string(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::unknown: return "unknown";
    case Outcome::started: return "started";
    case Outcome::accepted: return "accepted";
    case Outcome::succeeded: return "succeeded";
    case Outcome::failed: return "failed";
  }
  return "unknown";
}

Outcome outcome_of(std::string_view status) noexcept {
  static constexpr std::pair<std::string_view, Outcome> words[] = {
      {"start", Outcome::started},        {"started", Outcome::started},     {"accept", Outcome::accepted},
      {"accepted", Outcome::accepted},    {"success", Outcome::succeeded},   {"succeeded", Outcome::succeeded},
      {"failure", Outcome::failed},       {"failed", Outcome::failed},       {"canceled", Outcome::failed},
      {"in progress", Outcome::accepted}, {"inprogress", Outcome::accepted},
  };
  for (const auto& [word, outcome] : words)
    if (std::ranges::equal(status, word, {}, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; })) return outcome;
  return Outcome::unknown;
}

std::vector<CloudOperation> group_operations(std::span<const Statement> statements) {
  std::vector<CloudOperation> out;
  std::vector<FileTime> told;  // when the event was that tells most, of each group
  std::map<std::string, std::size_t> groups;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const Statement& s = statements[i];
    if (!of_the_cloud(s)) continue;
    const std::string correlation(field(s, "correlationId"));
    std::size_t group = out.size();
    if (!correlation.empty())
      group = groups.try_emplace(lower(correlation) + '\n' + lower(s.event) + '\n' + lower(field(s, "resourceId")), group).first->second;
    if (group == out.size()) out.emplace_back(), told.emplace_back();
    CloudOperation& o = out[group];
    // A machine's first event mostly lists nothing yet; the one that does says what it was.
    if (o.numbers.empty() || o.deed == Deed::other) o.deed = s.deed;
    take(o.event, s.event);
    take(o.resource_id, field(s, "resourceId"));
    take(o.extension_name, field(s, "extensionName"));
    take(o.vm, s.computer);
    if (o.handler.empty()) o.handler = s.handler, o.version = s.version;
    take(o.caller, s.user);
    take(o.ip, field(s, "callerIpAddress"));
    take(o.correlation_id, correlation);
    if (s.time != no_time) {
      if (o.first_time == no_time || s.time < o.first_time) o.first_time = s.time;
      o.last_time = std::max(o.last_time, s.time);
    }
    // An end tells more than a beginning, and of two ends the later.
    const Outcome outcome = outcome_of(s.status);
    const auto rank = [](Outcome x) { return std::min(static_cast<int>(x), static_cast<int>(Outcome::succeeded)); };
    if (!s.status.empty() &&
        (o.final_status.empty() || rank(outcome) > rank(o.outcome) || (rank(outcome) == rank(o.outcome) && s.time > told[group])))
      o.final_status = s.status, o.outcome = outcome, told[group] = s.time;
    o.numbers.push_back(static_cast<std::uint32_t>(i));
  }
  std::ranges::stable_sort(out, [](const CloudOperation& a, const CloudOperation& b) {
    if ((a.first_time == no_time) != (b.first_time == no_time)) return b.first_time == no_time;
    return a.first_time < b.first_time;
  });
  return out;
}

}  // namespace trimcarve::witness
