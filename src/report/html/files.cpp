// The rebuilt tree: a first table for readers without script, and every file as data for the script that pages through them.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "report/basis.hpp"
#include "report/html/page.hpp"
#include "report/layout.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

constexpr std::size_t max_static = 200, max_runs = 200, max_parts = 64, max_sightings = 64;
// Of contents: so many bytes of a text, of other content, and of all together.
constexpr std::size_t max_text = 1 << 16, max_hex = 256, all_contents = 6 << 20;

ContentState state_of(const FileReport& file) { return file.streams.empty() ? ContentState::unknown : file.streams.front().state; }

std::u16string_view path_of(const FileReport& file) { return file.path.empty() ? std::u16string_view(file.name) : file.path; }

// A folder stands right before what is in it.
bool before(const FileReport& a, const FileReport& b) {
  if (a.volume != b.volume) return a.volume < b.volume;
  return std::ranges::lexicographical_compare(
      path_of(a), path_of(b), {}, [](char16_t c) { return c == u'\\' ? u'\0' : c; }, [](char16_t c) { return c == u'\\' ? u'\0' : c; });
}

std::vector<const FileReport*> sorted_files(const Examination& x) {
  std::vector<const FileReport*> files;
  files.reserve(x.files.size());
  for (const FileReport& file : x.files) files.push_back(&file);
  std::ranges::stable_sort(files, [](const FileReport* a, const FileReport* b) { return before(*a, *b); });
  return files;
}

std::string removed_of(const FileReport& file) {
  if (file.state != FileState::deleted) return {};
  if (!file.deleted) return "time unknown";
  const std::string when = html_interval(file.deleted->bounds.earliest, file.deleted->bounds.latest);
  if (!when.empty()) return when;
  if (file.deleted->estimate) {
    const std::string estimate = html_interval(file.deleted->estimate->earliest, file.deleted->estimate->latest);
    if (!estimate.empty()) return "about " + estimate;
  }
  return "time unknown";
}

void put_row(Page& page, const FileReport& file) {
  const TimeSet* times = file.standard_information ? &*file.standard_information : file.file_name ? &*file.file_name : nullptr;
  page.put(fmt::format(
      "<tr><td class=\"wrap\">{}{}{}</td><td>{}</td><td class=\"n\">{}</td><td>{}</td><td class=\"t\">{}</td><td "
      "class=\"t\">{}</td></tr>\n",
      page.x.volumes.size() > 1 ? fmt::format("{}: ", file.volume) : "", html_path(file), file.directory ? "\\" : "",
      file.directory ? "" : html_state(to_string(state_of(file))), file.size && !file.directory ? with_commas(*file.size) : "",
      html_state(to_string(file.state)), times == nullptr || times->created == no_time ? "" : html_time(times->created), removed_of(file)));
}

// Writes the files as JSON with short member names, since there may be very many; report.js says what they are.
class Data {
 public:
  explicit Data(Page& page) : page_(page), json_(json_in_html(page.sink())) {}

  void write() {
    json_.begin_object();
    json_.key("files").begin_array();
    for (const FileReport* file : sorted_files(page_.x)) {
      json_.new_line();
      put(*file);
    }
    json_.end_array();
    json_.key("words").begin_array();
    for (const std::string& word : words_) json_.value(word);
    json_.end_array();
    json_.key("volumes").value(page_.x.volumes.size());
    json_.end_object();
    json_.flush();
  }

 private:
  // Sentences that recur are written once.
  std::size_t word(const std::string& text) {
    const auto [at, added] = numbers_.try_emplace(text, words_.size());
    if (added) words_.push_back(for_terminal(text));
    return at->second;
  }

  void text(std::string_view name, std::string_view utf8) {
    if (!utf8.empty()) json_.key(name).value(for_terminal(utf8));
  }

  void time(std::string_view name, const std::optional<FileTime>& time) {
    if (time && *time != no_time) json_.key(name).value(to_iso8601(*time));
  }

  void times(std::string_view name, const std::optional<TimeSet>& times) {
    if (!times) return;
    json_.key(name).begin_array();
    for (const FileTime t : {times->created, times->modified, times->changed, times->accessed}) {
      if (t == no_time)
        json_.value(0);
      else
        json_.value(to_iso8601(t));
    }
    json_.end_array();
  }

  void bounds(std::string_view name, const Bounds& bounds, const std::optional<Estimate>& estimate) {
    json_.key(name).begin_object();
    time("e", bounds.earliest);
    time("l", bounds.latest);
    if (!bounds.earliest_basis.empty()) json_.key("eb").value(word(explain_basis(bounds.earliest_basis)));
    if (!bounds.latest_basis.empty()) json_.key("lb").value(word(explain_basis(bounds.latest_basis)));
    if (estimate) {
      time("ge", estimate->earliest);
      time("gl", estimate->latest);
      json_.key("gm").value(word(estimate->method));
    }
    json_.end_object();
  }

  // With a line break between components, which no name has once it is escaped: escapes begin with a backslash too.
  static std::string components(std::u16string_view path) {
    std::string out;
    for (;;) {
      const std::size_t end = std::min(path.find(u'\\'), path.size());
      out += for_terminal(to_utf8(path.substr(0, end)));
      if (end == path.size()) return out;
      out += '\n';
      path.remove_prefix(end + 1);
    }
  }

  void put(const FileReport& file) {
    json_.begin_object();
    json_.key("p").value(components(path_of(file)));
    if (page_.x.volumes.size() > 1) json_.key("v").value(file.volume);
    if (file.directory) json_.key("d").value(1);
    json_.key("s").value(to_string(file.state));
    if (!file.directory) json_.key("c").value(to_string(state_of(file)));
    if (file.size) json_.key("z").value(*file.size);
    if (file.reference_known) json_.key("r").value(fmt::format("{}-{}", file.reference.entry(), file.reference.sequence()));
    if (file.parent) json_.key("pr").value(fmt::format("{}-{}", file.parent->entry(), file.parent->sequence()));
    if (!file.path_known) json_.key("pu").value(1);
    if (file.path_grade != Grade::established) json_.key("g").value(to_string(file.path_grade));
    text("pn", file.path_note);
    times("t", file.standard_information);
    if (file.file_name != file.standard_information) times("n", file.file_name);
    if (file.deleted) bounds("x", file.deleted->bounds, file.deleted->estimate);
    if (file.created) bounds("cb", *file.created, std::nullopt);
    estimates(file);
    if (!file.flags.empty()) {
      json_.key("f").begin_array();
      for (const std::string& flag : file.flags) json_.value(word(flag));
      json_.end_array();
    }
    if (file.paths.size() > 1) paths(file);
    if (!file.streams.empty()) {
      json_.key("st").begin_array();
      for (const StreamReport& stream : file.streams) put(stream);
      json_.end_array();
    }
    json_.key("k").begin_array();
    for (std::size_t i = 0; i < file.sightings.size() && i < max_sightings; ++i) json_.value(file.sightings[i]);
    json_.end_array();
    if (file.sightings.size() > max_sightings) json_.key("km").value(file.sightings.size() - max_sightings);
    json_.end_object();
  }

  // Those by sequence numbers, but for that of the deletion, which stands with its bounds.
  void estimates(const FileReport& file) {
    const auto shown = [&](const SequenceEstimate& e) {
      return !(file.deleted && file.deleted->estimate && file.deleted->estimate->method == e.estimate.method);
    };
    if (std::ranges::none_of(file.estimates, shown)) return;
    json_.key("es").begin_array();
    for (const SequenceEstimate& e : file.estimates) {
      if (!shown(e)) continue;
      json_.begin_object();
      json_.key("w").value(word(event_name(e.event)));
      time("e", e.estimate.earliest);
      time("l", e.estimate.latest);
      json_.key("m").value(word(e.estimate.method));
      json_.end_object();
    }
    json_.end_array();
  }

  static std::string event_name(const std::string& event) {
    if (event == "last_write") return "last write";
    if (event == "last_journalled") return "last journal record";
    if (event == "left_directory") return "gone from its directory";
    return event;
  }

  void paths(const FileReport& file) {
    json_.key("ps").begin_array();
    for (const PathReport& path : file.paths) {
      json_.begin_object();
      json_.key("p").value(for_terminal(to_utf8(path.path)));
      json_.key("g").value(to_string(path.grade));
      text("n", path.note);
      time("e", path.from);
      time("l", path.until);
      json_.end_object();
    }
    json_.end_array();
  }

  void put(const StreamReport& stream) {
    json_.begin_object();
    text("n", to_utf8(stream.name));
    json_.key("c").value(to_string(stream.state));
    if (!stream.why.empty()) json_.key("w").value(word(stream.why));
    json_.key("z").value(stream.size);
    if (stream.resident) json_.key("re").value(1);
    if (stream.compressed) json_.key("co").value(1);
    if (stream.encrypted) json_.key("en").value(1);
    text("h", stream.sha256);
    if (!stream.runs.empty()) {
      json_.key("r").begin_array();
      for (std::size_t i = 0; i < stream.runs.size() && i < max_runs; ++i) {
        const RunReport& run = stream.runs[i];
        json_.begin_array();
        json_.value(run.vcn);
        json_.value(run.lcn);
        json_.value(run.clusters);
        json_.value(to_string(run.state));
        json_.value(for_terminal(run.owner));
        json_.value(for_terminal(run.block));
        json_.end_array();
      }
      json_.end_array();
      if (stream.runs.size() > max_runs) json_.key("rm").value(stream.runs.size() - max_runs);
    }
    if (!stream.parts.empty()) {
      json_.key("pa").begin_array();
      for (std::size_t i = 0; i < stream.parts.size() && i < max_parts; ++i) put(stream.parts[i]);
      json_.end_array();
      if (stream.parts.size() > max_parts) json_.key("pm").value(stream.parts.size() - max_parts);
    }
    json_.end_object();
  }

  void put(const RecoveredPart& part) {
    json_.begin_object();
    json_.key("o").value(part.file_offset);
    json_.key("z").value(part.length);
    text("h", part.sha256);
    text("a", part.recovered_as);
    text("so", part.source);
    if (part.offset_inferred) json_.key("oi").value(1);
    if (part.bytes != nullptr && budget_ > 0 && part.length > 0) content(part);
    json_.end_object();
  }

  void content(const RecoveredPart& part) {
    const std::size_t most = std::min(max_text, budget_);
    if (const auto utf8 = text_of(part, most)) {
      json_.key("t").value(visible_lines(*utf8));
      if (part.length > most) json_.key("cut").value(1);
      budget_ -= std::min<std::uint64_t>(most, part.length);
      return;
    }
    std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(part.length, std::min(max_hex, budget_))), '\0');
    if (!part.bytes->read_at(0, std::as_writable_bytes(std::span(bytes)))) return;
    json_.key("b").value(base64(bytes));
    budget_ -= bytes.size();
  }

  Page& page_;
  JsonWriter json_;
  std::vector<std::string> words_;
  std::unordered_map<std::string, std::size_t> numbers_;
  std::size_t budget_ = all_contents;
};

}  // namespace

void put_files(Page& page) {
  const auto files = sorted_files(page.x);
  page.put(fmt::format(
      "<section id=\"files\"><h2>Files <small>{}</small></h2>\n<div class=\"tools script\" hidden>"
      "<label>Filter <input type=\"search\" id=\"file-text\" autocomplete=\"off\"></label> "
      "<label>Content <select id=\"file-content\"><option value=\"\">all</option></select></label> "
      "<label>State <select id=\"file-state\"><option value=\"\">all</option></select></label> "
      "<span class=\"pager\"><button type=\"button\" id=\"file-back\" aria-label=\"Rows before these\">\u2190</button> "
      "<output id=\"file-count\"></output> <button type=\"button\" id=\"file-next\" aria-label=\"Rows after these\">\u2192"
      "</button></span></div>\n<div class=\"scroll\"><table class=\"files\" id=\"file-table\"><thead><tr><th>Name</th><th>Content"
      "</th><th class=\"n\">Size</th><th>State</th><th>Created</th><th>Removed</th></tr></thead><tbody id=\"file-rows\">\n",
      with_commas(files.size())));
  for (std::size_t i = 0; i < files.size() && i < max_static; ++i) put_row(page, *files[i]);
  page.put("</tbody></table></div>\n");
  page.put(fmt::format("<p class=\"note\" id=\"file-rest\">{}</p>\n",
                       files.size() > max_static
                           ? fmt::format("and {} more: with script, or in findings.json", with_commas(files.size() - max_static))
                           : std::string()));
  page.put("</section>\n");
}

void put_file_data(Page& page) {
  page.put("<script type=\"application/json\" id=\"file-data\">");
  Data(page).write();
  page.put("</script>\n");
}

}  // namespace trimcarve::report
