#include "report/verify_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "report/json_reader.hpp"

namespace trimcarve::report {

namespace {

using nlohmann::json;

std::uint32_t space_of(const std::string& name) {
  if (name == "disk") return disk_space;
  constexpr std::string_view prefix = "file:";
  std::uint32_t number = 0;
  if (name.starts_with(prefix)) {
    const char* begin = name.data() + prefix.size();
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(begin, end, number);
    if (error == std::errc{} && stop == end && begin != end && number < std::numeric_limits<std::uint32_t>::max())
      return file_space(number);
  }
  throw Damaged("a range's `space` is neither disk nor file:N");
}

std::vector<Range> ranges_of(const json& object) {
  std::vector<Range> ranges;
  for (const json& item : list_member(object, "ranges")) {
    const Range range{space_of(text_member(item, "space")), number_member(item, "offset"), number_member(item, "length")};
    if (range.length > std::numeric_limits<std::uint64_t>::max() - range.offset) throw Damaged("a range wraps around");
    ranges.push_back(range);
  }
  return ranges;
}

std::uint64_t total(const std::vector<Range>& ranges) {
  std::uint64_t sum = 0;
  for (const Range& range : ranges) {
    if (range.length > std::numeric_limits<std::uint64_t>::max() - sum) throw Damaged("ranges are absurdly long");
    sum += range.length;
  }
  return sum;
}

std::string hash_of(const json& object, const char* name = "sha256") {
  const json& value = member(object, name);
  if (value.is_null()) return {};
  std::string hash = text_member(object, name);
  const bool shape =
      hash.size() == 64 && std::ranges::all_of(hash, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!shape) throw Damaged(fmt::format("a `{}` is not a SHA-256", name));
  return hash;
}

std::string text_or_empty(const json& object, const char* name) {
  return member(object, name).is_null() ? std::string() : text_member(object, name);
}

SourceInfo source_of(const json& object) {
  SourceInfo source;
  source.path = text_member(object, "path");
  source.container = text_member(object, "container");
  for (const json& file : list_member(object, "files")) {
    if (!file.is_string()) throw Damaged("a source's `files` are not all names");
    source.files.push_back(file.get<std::string>());
  }
  for (const json& parent : list_member(object, "parents")) {
    if (!parent.is_string()) throw Damaged("a source's `parents` are not all names");
    source.parents.push_back(parent.get<std::string>());
  }
  if (const auto log = object.find("log"); log != object.end() && !log->is_null()) {  // documents of 0.1.0 have none
    const json& replayed = member(*log, "replayed");
    if (!replayed.is_boolean()) throw Damaged("a log's `replayed` is neither true nor false");
    source.log = LogReplay{.replayed = replayed.get<bool>()};
  }
  return source;
}

CitedSighting sighting_of(const json& object) {
  CitedSighting sighting{number_member(object, "id"), ranges_of(object), hash_of(object)};
  if (total(sighting.ranges) > max_cited) throw Damaged(fmt::format("sighting {} is absurdly long", sighting.id));
  return sighting;
}

void contents_of(const json& stream, std::uint64_t file, const std::string& path, std::vector<CitedContent>& contents) {
  const std::string whole = text_or_empty(stream, "recovered_as");
  if (!whole.empty()) contents.push_back({file, path, 0, number_member(stream, "size"), hash_of(stream), whole, {}, {}});
  for (const json& item : list_member(stream, "parts")) {
    CitedContent part{file,
                      path,
                      number_member(item, "file_offset"),
                      number_member(item, "length"),
                      hash_of(item),
                      {},
                      ranges_of(item),
                      hash_of(item, "ranges_sha256")};
    if (whole.empty()) part.recovered_as = text_or_empty(item, "recovered_as");
    if (total(part.ranges) == 0 || part.ranges_sha256.empty()) part.ranges.clear();
    if (!part.recovered_as.empty() || !part.ranges.empty()) contents.push_back(std::move(part));
  }
}

// The texts of scripts that event logs have, each stretch by itself.
void script_texts_of(const json& object, std::vector<CitedContent>& contents) {
  for (const json& text : list_member(object, "script_texts"))
    for (const json& stretch : list_member(text, "stretches")) {
      const std::string written = text_or_empty(stretch, "recovered_as");
      if (written.empty()) continue;
      contents.push_back({0, text_member(text, "name"), 0, text_member(stretch, "text").size(), hash_of(stretch), written, {}, {}});
    }
}

// A fragment of text: its bytes in the evidence, and the file it was written to.
CitedContent fragment_of(const json& object) {
  CitedContent content{0,
                       fmt::format("fragment {}", number_member(object, "id")),
                       0,
                       number_member(object, "length"),
                       hash_of(object),
                       text_or_empty(object, "recovered_as"),
                       ranges_of(object),
                       hash_of(object, "ranges_sha256")};
  if (total(content.ranges) == 0 || content.ranges_sha256.empty()) content.ranges.clear();
  return content;
}

}  // namespace

Result<Cited> read_cited(int fd) {
  Cited cited;
  std::uint64_t files = 0;
  bool known_schema = false;
  JsonHandler handler;
  handler.scalar = [&](const std::string& name, json& value) {
    if (name == "schema") known_schema = value == "trimcarve/findings/1";
  };
  handler.element = [&](const std::string& list, json& element) {
    if (list == "sources") {
      cited.sources.push_back(source_of(element));
    } else if (list == "sightings") {
      cited.sightings.push_back(sighting_of(element));
    } else if (list == "fragments") {
      cited.contents.push_back(fragment_of(element));
    } else if (list == "targets") {
      script_texts_of(element, cited.contents);
      for (const json& run : list_member(element, "runs")) script_texts_of(run, cited.contents);
    } else if (list == "files") {
      const std::string path = text_member(element, "path");
      if (const json& content = member(element, "content"); !content.is_null()) contents_of(content, files, path, cited.contents);
      for (const json& stream : list_member(element, "streams")) contents_of(stream, files, path, cited.contents);
      ++files;
    }
  };
  if (const auto read = read_json(fd, handler); !read) return std::unexpected(read.error());
  if (!known_schema) return fail("not a document of schema trimcarve/findings/1");
  return cited;
}

}  // namespace trimcarve::report
