#include "report/timeline/rows_text.hpp"

#include <fmt/format.h>

#include <array>
#include <concepts>

#include "report/document.hpp"
#include "report/json_writer.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

void append_number(std::string& out, std::integral auto number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

constexpr bool has_usn(const RowFacts& facts) {
  return facts.kind == EntryKind::journal || (facts.kind == EntryKind::standard_information && facts.usn != 0);
}

// Spreadsheets take a field that begins so for a formula; an apostrophe in front makes it text. One that begins with an apostrophe gets
// another, so that taking away one gives back what was there.
bool needs_apostrophe(std::string_view text) {
  return !text.empty() && std::string_view("=+-@\t\r'").find(text.front()) != std::string_view::npos;
}

// A CSV field after a comma: what can deceive a terminal, and line breaks, as \xNN (RFC 4180 allows breaks; tools that read line by line
// do not).
enum : std::uint8_t { unsafe = 1, special = 2 };
constexpr auto csv_kinds = [] {
  std::array<std::uint8_t, 256> kinds{};
  for (std::size_t c = 0; c < kinds.size(); ++c) kinds[c] = c < 0x20 || c >= 0x7F ? unsafe : c == ',' || c == '"' ? special : 0;
  return kinds;
}();
std::uint8_t kinds_in(std::string_view text) {
  std::uint8_t kinds = 0;
  for (const char c : text) kinds |= csv_kinds[static_cast<unsigned char>(c)];
  return kinds;
}

void append_field(std::string& out, std::string_view text) {
  out += ',';
  if (text.empty()) return;
  std::string safe;
  std::uint8_t kinds = kinds_in(text);
  if ((kinds & unsafe) != 0) {
    safe = for_terminal(text);
    text = safe;
    kinds = kinds_in(text);
  }
  const bool apostrophe = needs_apostrophe(text);
  if ((kinds & special) == 0) {
    if (apostrophe) out += '\'';
    out += text;
    return;
  }
  out += '"';
  if (apostrophe) out += '\'';
  for (auto quote = text.find('"'); quote != std::string_view::npos; quote = text.find('"')) {
    out += text.substr(0, quote + 1);
    out += '"';
    text.remove_prefix(quote + 1);
  }
  out += text;
  out += '"';
}

void append_field(std::string& out, std::integral auto number) {
  out += ',';
  append_number(out, number);
}

void append_flag(std::string& out, bool flag) { out += flag ? ",true" : ",false"; }

}  // namespace

void append_reference(std::string& out, FileReference reference) {
  append_number(out, reference.entry());
  out += '-';
  append_number(out, static_cast<unsigned>(reference.sequence()));
}

unsigned attribute_type(const RowFacts& facts) noexcept {
  return facts.kind == EntryKind::standard_information ? 0x10U : facts.kind == EntryKind::file_name ? 0x30U : 0U;
}

std::string_view entry_type(const RowFacts& facts) noexcept { return facts.directory ? "directory" : "file"; }

std::string_view source_name(const RowFacts& facts) noexcept { return facts.has_source ? to_string(facts.source) : "trimcarve"; }

void CsvRows::header(std::string& out) const {
  for (const char* column : timeline_columns) {
    if (column != timeline_columns.front()) out += ',';
    out += column;
  }
  out += '\n';
}

void CsvRows::row(std::string& out, const Row& row) {
  const RowFacts& f = row.facts;
  text_.clear();
  append_message(text_, row);
  const std::size_t begin = out.size();
  append_field(out, text_);
  out.erase(begin, 1);  // the first has no comma
  out += ',';
  times_.append(out, row.time);
  append_field(out, timestamp_desc(f, row.which));
  append_field(out, unix_microseconds(row.time));
  append_field(out, data_type(f));
  append_field(out, source_name(f));
  text_.clear();
  append_path(text_, row);
  append_field(out, text_);
  append_flag(out, f.path_known);
  append_field(out, row.file_name);
  append_field(out, row.name_hex);
  f.volume == no_volume ? append_field(out, "") : append_field(out, f.volume);
  out += ',';
  if (f.reference_known) append_reference(out, f.reference);
  out += ',';
  if (f.parent_known) append_reference(out, f.parent);
  append_flag(out, !f.deleted);
  append_flag(out, f.reused);
  append_field(out, entry_type(f));
  f.has_size ? append_field(out, f.size) : append_field(out, "");
  f.has_attributes ? append_field(out, f.attributes) : append_field(out, "");
  attribute_type(f) != 0 ? append_field(out, attribute_type(f)) : append_field(out, "");
  f.kind == EntryKind::journal ? append_field(out, f.reasons) : append_field(out, "");
  has_usn(f) ? append_field(out, f.usn) : append_field(out, "");
  f.lsn != 0 ? append_field(out, f.lsn) : append_field(out, "");
  append_field(out, f.kind == EntryKind::statement ? to_string(f.deed) : "");
  append_field(out, row.event);
  append_field(out, row.detail);
  append_flag(out, f.zone_stated);
  append_field(out, f.has_source ? to_string(f.integrity) : "");
  append_field(out, row.time.ticks);
  if (f.range.length != 0) {
    append_field(out, space_name(f.range.space));
    append_field(out, f.range.offset);
    append_field(out, f.range.length);
  } else {
    out += ",,,";
  }
  out += '\n';
}

void JsonRows::row(std::string& out, const Row& row) {
  const RowFacts& f = row.facts;
  const auto key = [&out](std::string_view name) {
    out += out.back() == '{' ? "\"" : ",\"";
    out += name;
    out += "\":";
  };
  const auto text = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    key(name);
    append_json_string(out, value);
  };
  const auto word = [&](std::string_view name, std::string_view value) {  // our own: needs no escaping
    key(name);
    out += '"';
    out += value;
    out += '"';
  };
  const auto number = [&](std::string_view name, std::integral auto value) {
    key(name);
    append_number(out, value);
  };
  const auto flag = [&](std::string_view name, bool value) {
    key(name);
    out += value ? "true" : "false";
  };
  out += '{';
  text_.clear();
  append_message(text_, row);
  key("message");
  append_json_string(out, text_);
  key("datetime");
  out += '"';
  times_.append(out, row.time);
  out += '"';
  word("timestamp_desc", timestamp_desc(f, row.which));
  number("timestamp", unix_microseconds(row.time));
  word("data_type", data_type(f));
  word("source", source_name(f));
  text_.clear();
  append_path(text_, row);
  text("path", text_);
  if (!f.path_known) flag("path_known", false);
  text("filename", row.file_name);
  text("name_utf16le_hex", row.name_hex);
  if (f.volume != no_volume) number("volume", f.volume);
  const auto reference = [&](std::string_view name, FileReference value) {
    key(name);
    out += '"';
    append_reference(out, value);
    out += '"';
  };
  if (f.reference_known) reference("file_reference", f.reference);
  if (f.parent_known) reference("parent_file_reference", f.parent);
  flag("is_allocated", !f.deleted);
  if (f.reused) flag("record_reused", true);
  word("file_entry_type", entry_type(f));
  // Sizes and numbers of damaged records can be more than OpenSearch's 63 bits; none of a real volume is.
  constexpr std::uint64_t largest = 0x7FFF'FFFF'FFFF'FFFFU;
  if (f.has_size && f.size <= largest) number("file_size", f.size);
  if (f.has_attributes) number("file_attribute_flags", f.attributes);
  if (attribute_type(f) != 0) number("attribute_type", attribute_type(f));
  if (f.kind == EntryKind::journal) number("update_reason_flags", f.reasons);
  if (has_usn(f) && f.usn <= largest) number("update_sequence_number", f.usn);
  if (f.lsn != 0 && f.lsn <= largest) number("log_sequence_number", f.lsn);
  if (f.kind == EntryKind::statement) word("deed", to_string(f.deed));
  text("event", row.event);
  text("detail", row.detail);
  if (!f.zone_stated) flag("zone_stated", false);
  if (f.has_source) word("integrity", to_string(f.integrity));
  key("filetime");
  out += '"';
  append_number(out, row.time.ticks);
  out += '"';
  if (f.range.length != 0) {
    word("evidence_space", space_name(f.range.space));
    number("evidence_offset", f.range.offset);
    number("evidence_length", f.range.length);
  }
  out += "}\n";
}

}  // namespace trimcarve::report
