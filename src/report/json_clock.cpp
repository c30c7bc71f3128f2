#include "report/json_clock.hpp"

#include "report/json_parts.hpp"

namespace trimcarve::report {

// Numbers are LSNs or USNs: they fit in 53 bits on every real volume, but need not, so they are text.
static std::string number_text(std::uint64_t number) { return std::to_string(number); }

void put_clock(JsonWriter& json, const ClockInfo& clock) {
  json.begin_object();
  json.key("sequence").value(clock.sequence);
  json.key("sound").value(clock.sound);
  put_or_null(json.key("why_not"), clock.why_not);
  json.key("ticks").value(clock.ticks);
  json.key("at_least").value(clock.at_least);
  json.key("first_number").value(number_text(clock.first_number));
  json.key("last_number").value(number_text(clock.last_number));
  put_time(json.key("first"), clock.first);
  put_time(json.key("last"), clock.last);
  json.key("in_order").value(clock.in_order);
  json.key("older").value(clock.older);
  json.key("later").value(clock.later);
  json.key("doubtful").value(clock.doubtful);
  json.key("set_backs").begin_array();
  for (const ClockInfo::SetBack& set_back : clock.set_backs) {
    json.begin_object();
    json.key("number").value(number_text(set_back.number));
    put_time(json.key("from"), set_back.from);
    put_time(json.key("to"), set_back.to);
    json.end_object();
  }
  json.end_array();
  put_or_null(json.key("restarted_at"), clock.restarted_at ? number_text(*clock.restarted_at) : "");
  json.key("held_out").begin_object();
  json.key("tested").value(clock.held_out.tested);
  json.key("inside").value(clock.held_out.inside);
  json.key("older").value(clock.held_out.older);
  json.key("later").value(clock.held_out.later);
  json.key("open").value(clock.held_out.open);
  json.key("median_width").value(clock.held_out.median_width);
  json.end_object();
  json.end_object();
}

void put_estimate(JsonWriter& json, const std::optional<Estimate>& estimate) {
  if (!estimate) return json.null();
  json.begin_object();
  put_time(json.key("earliest"), estimate->earliest);
  put_time(json.key("latest"), estimate->latest);
  json.key("method").value(estimate->method);
  json.end_object();
}

void put_bounding_source(JsonWriter& json, const BoundingSource& source) {
  json.begin_object();
  json.key("basis").value(source.basis);
  put_time(json.key("earliest"), source.earliest);
  put_time(json.key("latest"), source.latest);
  json.key("agrees").value(source.agrees);
  put_numbers(json, "sightings", source.sightings);
  json.end_object();
}

void put_sequence_estimate(JsonWriter& json, const SequenceEstimate& estimate) {
  json.begin_object();
  json.key("event").value(estimate.event);
  json.key("sequence").value(estimate.sequence);
  json.key("number").value(number_text(estimate.number));
  put_time(json.key("earliest"), estimate.estimate.earliest);
  put_time(json.key("latest"), estimate.estimate.latest);
  json.key("method").value(estimate.estimate.method);
  json.key("widened").value(estimate.widened);
  json.key("by_then").value(estimate.by_then);
  put_numbers(json, "sightings", estimate.sightings);
  json.end_object();
}

}  // namespace trimcarve::report
