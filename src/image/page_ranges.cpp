#include "image/page_ranges.hpp"

#include <expat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "image/host_file.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::image {

namespace {

constexpr std::uint64_t page = 512, most = std::uint64_t{1} << 60;

std::optional<std::uint64_t> number_of(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\r' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r' || text.back() == '\t')) text.remove_suffix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

class Collector {
 public:
  // `end` is exclusive. False, with the reason kept, when it is no stretch of whole pages.
  bool add(std::uint64_t begin, std::uint64_t end, bool cleared) {
    if (begin >= end || end > most || begin % page != 0 || end % page != 0)
      return refuse("the range " + std::to_string(begin) + " to " + std::to_string(end) + " is no stretch of whole pages");
    (cleared ? list_.cleared : list_.stored).push_back({begin, end});
    return true;
  }
  bool refuse(std::string why) {
    if (why_.empty()) why_ = std::move(why);
    return false;
  }
  void more_follows() { continued_ = true; }

  Result<PageList> finish() {
    if (!why_.empty()) return fail(std::move(why_));
    join(list_.stored);
    join(list_.cleared);
    if (!list_.cleared.empty())
      list_.known_until = 0;
    else if (continued_)
      list_.known_until = list_.stored.empty() ? 0 : list_.stored.back().end;
    return std::move(list_);
  }

 private:
  static void join(std::vector<PageInterval>& all) {
    std::ranges::sort(all, {}, &PageInterval::begin);
    std::size_t kept = 0;
    for (const PageInterval& next : all) {
      if (kept > 0 && next.begin <= all[kept - 1].end)
        all[kept - 1].end = std::max(all[kept - 1].end, next.end);
      else
        all[kept++] = next;
    }
    all.resize(kept);
  }

  PageList list_;
  bool continued_ = false;
  std::string why_;
};

// The answer of the REST call. An own state for each parse; elements are known by their names alone, wherever they stand below PageList.
class XmlReader {
 public:
  explicit XmlReader(Collector& out) : out_(out) {}

  bool parse(ByteView text) {
    const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate("UTF-8"), &XML_ParserFree);
    if (!parser) return out_.refuse("no memory");
    parser_ = parser.get();
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(
        parser_, [](void* self, const XML_Char* name, const XML_Char**) { static_cast<XmlReader*>(self)->begin(name); },
        [](void* self, const XML_Char* name) { static_cast<XmlReader*>(self)->end(name); });
    XML_SetCharacterDataHandler(parser_,
                                [](void* self, const XML_Char* data, int length) { static_cast<XmlReader*>(self)->text(data, length); });
    XML_SetEntityDeclHandler(parser_,
                             [](void* self, const XML_Char*, int, const XML_Char*, int, const XML_Char*, const XML_Char*, const XML_Char*,
                                const XML_Char*) { XML_StopParser(static_cast<XmlReader*>(self)->parser_, XML_FALSE); });
    constexpr std::size_t at_once = 1 << 20;
    for (std::size_t done = 0; done < text.size(); done += at_once) {
      const auto piece = text.subspan(done, std::min(at_once, text.size() - done));
      const bool last = done + piece.size() == text.size();
      if (XML_Parse(parser_, reinterpret_cast<const char*>(piece.data()), static_cast<int>(piece.size()), last ? 1 : 0) == XML_STATUS_ERROR)
        return out_.refuse("line " + std::to_string(XML_GetCurrentLineNumber(parser_)) + ": " + XML_ErrorString(XML_GetErrorCode(parser_)));
    }
    return seen_list_ || out_.refuse("it holds no PageList");
  }

 private:
  static constexpr std::size_t longest = 64;  // of a number, with blanks

  void begin(std::string_view name) {
    text_.clear();
    if (name == "PageList") seen_list_ = true;
    if (name == "PageRange" || name == "ClearRange") start_.reset(), end_.reset();
  }
  void text(const XML_Char* data, int length) {
    if (text_.size() < longest) text_.append(data, std::min(static_cast<std::size_t>(length), longest));
  }
  void end(std::string_view name) {
    if (name == "Start") start_ = number_of(text_);
    if (name == "End") end_ = number_of(text_);
    if (name == "NextMarker" && !text_.empty()) out_.more_follows();
    if (name == "PageRange" || name == "ClearRange") {
      const bool good = seen_list_ && start_ && end_ && *end_ < most;
      if (!(good ? out_.add(*start_, *end_ + 1, name == "ClearRange") : out_.refuse("a " + std::string(name) + " without Start and End")))
        XML_StopParser(parser_, XML_FALSE);
    }
    text_.clear();
  }

  Collector& out_;
  XML_Parser parser_ = nullptr;
  bool seen_list_ = false;
  std::optional<std::uint64_t> start_, end_;
  std::string text_;
};

using nlohmann::json;

std::string plain_key(const std::string& key) {
  std::string plain;
  for (const char c : key)
    if (c != '_' && c != '-' && c != ' ') plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return plain;
}

class JsonReader {
 public:
  explicit JsonReader(Collector& out) : out_(out) {}

  bool parse(std::string_view text) {
    const json value = json::parse(text, nullptr, false);
    if (value.is_discarded()) return out_.refuse("it is no whole JSON");
    if (!value.is_array() && !value.is_object()) return out_.refuse("it is JSON without a list");
    // What a Python tuple of two lists becomes: the stored ranges, then the cleared ones.
    if (value.is_array() && value.size() == 2 && value[0].is_array() && value[1].is_array())
      return walk(value[0], false, 0) && walk(value[1], true, 0);
    return walk(value, false, 0) && (known_ || value.is_array() || out_.refuse("it is JSON without page ranges"));
  }

 private:
  static std::optional<std::uint64_t> number(const json& value) {
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    if (value.is_string()) return number_of(value.get_ref<const std::string&>());
    return std::nullopt;
  }

  // NOLINTNEXTLINE(misc-no-recursion): the depth is bounded
  bool walk(const json& value, bool cleared, int depth) {
    constexpr int deepest = 8;
    if (depth > deepest) return out_.refuse("it is nested too deeply");
    if (value.is_array()) {
      for (const json& item : value)
        if (!(item.is_array() || item.is_object() ? walk(item, cleared, depth + 1)
                                                  : out_.refuse("a list holds something that is no range")))
          return false;
      return true;
    }
    std::optional<std::uint64_t> start, last, length;
    bool is_range = false, clear = cleared;
    for (const auto& [name, member] : value.items()) {
      const std::string key = plain_key(name);
      if (key == "start" || key == "startoffset" || key == "offset") is_range = true, start = number(member);
      if (key == "end" || key == "endoffset") last = number(member);
      if (key == "length" || key == "count") length = number(member);
      if ((key == "clear" || key == "cleared" || key == "isclear") && member.is_boolean()) clear = clear || member.get<bool>();
      if ((key == "nextmarker" || key == "continuationtoken") && member.is_string() && !member.get_ref<const std::string&>().empty())
        out_.more_follows();
    }
    if (is_range) {
      known_ = true;
      if (!start) return out_.refuse("a range whose start is no number");
      if (last && *last < most) return out_.add(*start, *last + 1, clear);
      if (length && *length < most && *start < most) return out_.add(*start, *start + *length, clear);
      return out_.refuse("a range without an end");
    }
    for (const auto& [name, member] : value.items()) {
      const std::string key = plain_key(name);
      const bool ranges = key.starts_with("pagerange") || key == "pagelist" || key == "range" || key == "value",
                 clears = key.starts_with("clearrange");
      if (!ranges && !clears) continue;
      known_ = true;
      if ((member.is_array() || member.is_object()) && !walk(member, clear || clears, depth + 1)) return false;
    }
    return true;
  }

  Collector& out_;
  bool known_ = false;
};

// What the list says of a place, and until where.
struct Word {
  ExtentKind kind = ExtentKind::data;  // data: nothing against it
  std::uint64_t until = 0;
};

class Pages {
 public:
  explicit Pages(PageList list) : list_(std::move(list)) {}
  const PageList& list() const noexcept { return list_; }

  Word at(std::uint64_t offset) const {
    const auto [stored, stored_until] = in(list_.stored, offset);
    const auto [cleared, cleared_until] = in(list_.cleared, offset);
    if (stored) return {ExtentKind::data, stored_until};
    if (cleared) return {ExtentKind::unmapped, std::min(stored_until, cleared_until)};
    const std::uint64_t until = std::min(stored_until, cleared_until);
    if (offset >= list_.known_until) return {ExtentKind::data, until};
    return {ExtentKind::not_present, std::min(until, list_.known_until)};
  }

 private:
  // Whether an offset lies in one of the intervals, and where that changes next.
  static std::pair<bool, std::uint64_t> in(const std::vector<PageInterval>& all, std::uint64_t offset) {
    const auto next = std::ranges::upper_bound(all, offset, {}, &PageInterval::begin);
    if (next != all.begin() && offset < std::prev(next)->end) return {true, std::prev(next)->end};
    return {false, next == all.end() ? ~std::uint64_t{0} : next->begin};
  }

  PageList list_;
};

class PagedFile final : public ByteSource {
 public:
  PagedFile(SourcePtr file, PageList list) : file_(std::move(file)), pages_(std::move(list)) {}

  std::uint64_t size() const noexcept override { return file_->size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override { return file_->read_at(offset, out); }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override { return file_->locate(offset, length); }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> found;
    for (const Extent& e : file_->extents(offset, length)) {
      const std::uint64_t end = e.offset + e.length;
      for (std::uint64_t at = e.offset; at < end;) {
        const Word word = pages_.at(at);
        const std::uint64_t piece = std::min(word.until, end) - at;
        if (word.kind == ExtentKind::data || e.kind == ExtentKind::unreadable)
          add_extent(found, at, piece, e.kind);
        else if (e.kind == ExtentKind::data)
          add_looked_at(found, at, piece, word.kind);
        else
          add_extent(found, at, piece, word.kind);
        at += piece;
      }
    }
    return found;
  }

 private:
  // A stretch that the list says is not stored: where the file holds zeros, that is so.
  void add_looked_at(std::vector<Extent>& found, std::uint64_t offset, std::uint64_t length, ExtentKind kind) const {
    std::vector<std::byte> bytes;
    while (length > 0) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(length, 65536));
      bytes.resize(step);
      const bool read = file_->read_at(offset, bytes).has_value();
      if (!read || all_zero(bytes)) {
        add_extent(found, offset, step, read ? kind : ExtentKind::data);
      } else {
        for (std::size_t at = 0; at < step;) {
          const std::size_t one = std::min<std::size_t>(page - (offset + at) % page, step - at);
          add_extent(found, offset + at, one, all_zero(ByteView(bytes).subspan(at, one)) ? kind : ExtentKind::data);
          at += one;
        }
      }
      offset += step;
      length -= step;
    }
  }

  SourcePtr file_;
  Pages pages_;
};

}  // namespace

Result<PageList> parse_page_ranges(ByteView text) {
  Collector out;
  const auto begins = [&](std::string_view with) {
    return text.size() >= with.size() && std::memcmp(text.data(), with.data(), with.size()) == 0;
  };
  if (text.empty()) return fail("it is empty");
  std::string utf8;
  if (begins("\xFF\xFE")) {  // what Windows PowerShell redirects into a file
    std::u16string units;
    for (std::size_t i = 2; i + 2 <= text.size(); i += 2) units += static_cast<char16_t>(le<std::uint16_t>(text, i));
    utf8 = to_utf8(units);
  } else {
    utf8.assign(reinterpret_cast<const char*>(text.data()), text.size());
    if (begins("\xEF\xBB\xBF")) utf8.erase(0, 3);
  }
  const auto first = utf8.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && utf8[first] == '<')
    XmlReader(out).parse(std::as_bytes(std::span(utf8).subspan(first)));
  else
    JsonReader(out).parse(utf8);
  return out.finish();
}

SourcePtr with_page_ranges(SourcePtr file, PageList list) { return std::make_shared<PagedFile>(std::move(file), std::move(list)); }

std::vector<Warning> check_page_ranges(const ByteSource& file, const PageList& list) {
  std::vector<Warning> warnings;
  const Pages pages(list);
  if (!list.stored.empty() && list.stored.back().end > file.size())
    warnings.push_back({"page_ranges_beyond_file",
                        "the page listing names pages up to byte " + std::to_string(list.stored.back().end) + ", the file ends at " +
                            std::to_string(file.size()),
                        {}});
  constexpr std::uint64_t places = 4096, probe = 4096;
  constexpr std::size_t most_ranges = 16;
  std::uint64_t probed = 0, with_data = 0;
  std::vector<Range> ranges;
  std::array<std::byte, probe> bytes;
  const std::uint64_t step = std::max<std::uint64_t>(file.size() / places / page * page, probe);
  for (std::uint64_t at = 0; at < file.size(); at += step) {
    const Word word = pages.at(at);
    if (word.kind == ExtentKind::data) continue;
    const auto length = static_cast<std::size_t>(std::min({probe, word.until - at, file.size() - at}));
    if (!file.read_at(at, std::span(bytes).first(length))) continue;
    ++probed;
    if (all_zero(ByteView(bytes).first(length))) continue;
    ++with_data;
    if (ranges.size() < most_ranges) ranges.push_back({disk_space, at, length});
  }
  if (with_data > 0)
    warnings.push_back({"page_ranges_contradicted",
                        "of " + std::to_string(probed) + " places looked at which the page listing calls not stored, " +
                            std::to_string(with_data) +
                            " hold data: the listing is not this disk's, or is of another time; the data counts",
                        std::move(ranges)});
  return warnings;
}

}  // namespace trimcarve::image
