#include "witness/activity_log.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "trimcarve/text.hpp"
#include "witness/activity_event.hpp"
#include "witness/activity_text.hpp"

namespace trimcarve::witness {

namespace {

using Json = nlohmann::json;

// Finds the operation and the time of an event without building it: most events matter no further. Case as the shapes have it.
class Glance final : public nlohmann::json_sax<Json> {
 public:
  std::string operation, table_operation, time;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool string(string_t& value) override {
    if (wanted_ != nullptr && (depth_ == 1 || (depth_ == 2 && in_value_))) *wanted_ = value;
    return true;
  }
  bool key(string_t& name) override {
    const auto is = [&](std::string_view other) {
      return std::ranges::equal(name, other, {}, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    };
    if (depth_ == 1) {
      in_value_ = false;
      wanted_ = is("operationname")                                         ? &operation
                : is("operationnamevalue")                                  ? &table_operation
                : is("eventtimestamp") || is("time") || is("timegenerated") ? &time
                                                                            : nullptr;
    } else if (depth_ == 2) {
      in_value_ = is("value");
    }
    return true;
  }
  bool start_object(std::size_t) override { return ++depth_, true; }
  bool end_object() override { return --depth_, true; }
  bool start_array(std::size_t) override { return ++depth_, true; }
  bool end_array() override { return --depth_, true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  std::string* wanted_ = nullptr;
  bool in_value_ = false;
  int depth_ = 0;
};

// A cell's bytes, unlike JSON's, nobody has checked.
std::string well_formed_text(std::string_view text) { return to_utf8(to_utf16(text)); }

class Reader {
 public:
  Reader(Tally& tally, const StatementSink& sink) : tally_(tally), sink_(sink) {}

  Verdict element(const JsonElement& found) {
    if (found.columns != nullptr) return row(found);
    Glance glance;
    if (!Json::sax_parse(found.text, &glance)) return Verdict::bad;
    const std::string& operation = glance.table_operation.empty() ? glance.operation : glance.table_operation;
    if (operation.empty()) return Verdict::other;
    if (find_operation(operation) == nullptr) {  // one that matters is an event whatever its time is
      if (glance.time.empty()) return Verdict::other;
      see(glance.time);
      return Verdict::event;
    }
    return event(Json::parse(found.text, nullptr, false), found.offset, found.length, found.doubtful);
  }

  Verdict record(const CsvRecord& found) {
    if (columns_.empty()) {  // the names of the columns
      for (const std::string& name : found.cells) columns_.push_back(well_formed_text(name));
      for (std::string& name : columns_)
        if (name.ends_with(" [UTC]")) {  // as the portal exports times
          name.resize(name.size() - 6);
          utc_ = true;
        }
      return Verdict::other;
    }
    if (found.cells.size() != columns_.size()) return Verdict::bad;
    Json object = Json::object();
    for (std::size_t i = 0; i < columns_.size(); ++i) object[columns_[i]] = well_formed_text(found.cells[i]);
    event(object, found.offset, found.length, false);
    return Verdict::event;
  }

 private:
  void see(std::string_view text) {
    if (const auto time = read_event_time(text)) tally_.window.see(time->time);
  }

  Verdict row(const JsonElement& found) {
    Json cells = Json::parse(found.text, nullptr, false);
    if (!cells.is_array() || cells.size() != found.columns->size()) return Verdict::bad;
    Json object = Json::object();
    for (std::size_t i = 0; i < cells.size(); ++i) object[(*found.columns)[i]] = std::move(cells[i]);
    return event(object, found.offset, found.length, found.doubtful);
  }

  Verdict event(const Json& object, std::uint64_t offset, std::uint64_t length, bool doubtful) {
    const std::string operation = operation_of(object), time = time_of(object);
    if (operation.empty() && time.empty()) return Verdict::other;
    see(time);
    Statement statement;
    if (!read_event(object, statement)) return Verdict::event;
    if (doubtful) statement.cut = true;
    if (utc_) statement.zone_stated = true;
    statement.offset = offset;
    statement.length = length;
    ++tally_.emitted;
    sink_(statement);
    return Verdict::event;
  }

  Tally& tally_;
  const StatementSink& sink_;
  std::vector<std::string> columns_;
  bool utc_ = false;
};

bool is_json(TextWindow& text) {
  for (std::uint64_t at = text.begin(); at < text.end(); at += text.step()) {
    const std::uint32_t c = text.at(at);
    if (c == '{' || c == '[') return true;
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != 0) return false;
  }
  return true;
}

// The table's column of operations in the first line. Without it the file is no export of the table.
bool is_csv(TextWindow& text) {
  std::uint64_t end = text.begin();
  while (end < text.end() && end - text.begin() < 65536 && text.at(end) != '\n') end += text.step();
  const std::string line = text.text(text.begin(), end);
  return line.find("OperationNameValue") != std::string::npos && line.find(',') != std::string::npos;
}

}  // namespace

Tally read_activity_log(const ByteSource& file, const StatementSink& sink) {
  Tally tally;
  TextWindow text(file);
  Reader reader(tally, sink);
  const bool json = is_json(text);
  if (!json && is_csv(text)) {
    scan_csv(text, tally, [&](const CsvRecord& record) { return reader.record(record); });
  } else {
    scan_json(text, tally, [&](const JsonElement& element) { return reader.element(element); });
    // What begins as something else is damaged at its beginning, or is something else.
    if (!json && tally.records == tally.damaged) {
      tally = {};
      tally.readable = false;
      tally.note = "neither JSON nor an exported AzureActivity table";
    }
  }
  return tally;
}

std::vector<ListedExtension> listed_extensions(const Statement& statement) {
  std::vector<ListedExtension> out;
  std::string_view number;
  for (const auto& [name, value] : statement.fields) {
    if (!name.starts_with("extensions[")) continue;
    const std::size_t close = name.find("].");
    if (close == std::string::npos) continue;
    const auto index = std::string_view(name).substr(11, close - 11), part = std::string_view(name).substr(close + 2);
    if (out.empty() || index != number) out.emplace_back();
    number = index;
    ListedExtension& entry = out.back();
    if (part == "name") entry.name = value;
    if (part == "publisher") entry.publisher = value;
    if (part == "type") entry.type = value;
    if (part == "typeHandlerVersion") entry.version = value;
    if (part == "provisioningState") entry.state = value;
  }
  return out;
}

}  // namespace trimcarve::witness
