#include "findings/touch.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "findings/ascii.hpp"
#include "findings/layout.hpp"
#include "findings/settings.hpp"
#include "findings/words.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

namespace {

constexpr std::uint64_t minute = 60 * ticks_per_second, hour = 60 * minute;
// A process id stands for its process until the next of that number begins; without a record of its end, not for longer than this.
constexpr std::uint64_t longest_process = 24 * hour;
// The extension ends a command after this time. Source: Microsoft's documentation of the Custom Script Extension for Windows.
constexpr std::uint64_t longest_run = 90 * minute;
// The settings are written before the log's first line, and an event may be stamped a moment before the log says so.
constexpr std::uint64_t slack_of_clocks = 5 * ticks_per_second;

constexpr std::string_view plugins = "\\packages\\plugins\\";

bool of_word(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

struct Mention {
  std::string handler, version;
};

// `\1.10.20`, `_1.10.20` or `/1.10.20` behind a handler's name.
std::string version_behind(std::string_view rest) {
  if (rest.empty() || (rest[0] != '\\' && rest[0] != '_' && rest[0] != '/')) return {};
  rest.remove_prefix(rest.starts_with("\\\\") ? 2 : 1);
  const std::size_t end = std::min(rest.find_first_not_of("0123456789."), rest.size());
  const std::string version(rest.substr(0, end));
  return is_version(to_utf16(version)) ? version : std::string();
}

class Words {
 public:
  explicit Words(const Profile& profile) {
    for (const std::u16string_view handler : profile.handlers) handlers_.push_back(to_utf8(handler));
    for (const std::u16string_view signature : profile.signatures) signatures_.push_back(lower_ascii(to_utf8(signature)));
  }

  bool is_handler(std::string_view name) const {
    if (name.empty()) return false;
    return handlers_.empty() || std::ranges::any_of(handlers_, [&](const std::string& h) { return same_ascii(h, name); });
  }

  // Does a handler stand in this text?
  std::optional<Mention> find(const std::string& text) const {
    if (text.empty()) return std::nullopt;
    const std::string folded = lower_ascii(text);
    if (handlers_.empty()) {  // any: known by its folder
      const std::size_t at = folded.find(plugins);
      if (at == std::string::npos) return std::nullopt;
      const std::size_t begin = at + plugins.size();
      const std::size_t end = std::min(folded.find_first_of("\\/\"' \r\n", begin), folded.size());
      if (end == begin) return std::nullopt;
      return Mention{text.substr(begin, end - begin), version_behind(std::string_view(text).substr(end))};
    }
    for (const std::string& handler : handlers_) {
      const std::string name = lower_ascii(handler);
      for (std::size_t at = folded.find(name); at != std::string::npos; at = folded.find(name, at + 1)) {
        const std::size_t end = at + name.size();
        if ((at > 0 && of_word(folded[at - 1])) || (end < folded.size() && of_word(folded[end]))) continue;
        return Mention{handler, version_behind(std::string_view(text).substr(end))};
      }
    }
    for (const std::string& signature : signatures_)
      if (stands_in(folded, signature)) return Mention{handlers_.size() == 1 ? handlers_.front() : std::string(), {}};
    return std::nullopt;
  }

 private:
  std::vector<std::string> handlers_, signatures_;
};

std::optional<Mention> mention_in(const Words& words, const Statement& s) {
  if (words.is_handler(s.handler)) return Mention{s.handler, s.version};
  // Another handler's own line may quote this one's name; it is kept as a mention.
  std::optional<Mention> found;
  const auto look = [&](const std::string& text) {
    auto mention = words.find(text);
    if (mention && (!found || found->version.empty())) found = std::move(mention);
  };
  for (const std::string* text : {&s.path, &s.command, &s.process, &s.parent_process, &s.text}) look(*text);
  if (!found)
    for (const auto& [name, value] : s.fields) look(value);
  return found;
}

std::string process_key(const Statement& s, const std::string& id) { return lower_ascii(s.computer) + "\n" + id; }

struct Process {
  FileTime started;
  std::string path;
  Grade grade = Grade::established;
  std::string handler, version;
};

}  // namespace

std::vector<Touching> touching(const Profile& profile, const Hearing& hearing) {
  const Words words(profile);
  std::vector<std::size_t> order(hearing.all.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  // By time, so that a process id means the process it meant then. Those without a time keep their place before all others.
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return hearing.all[i].statement.time; });
  std::unordered_map<std::string, Process> processes;
  std::vector<Touching> out;
  for (const std::size_t i : order) {
    const Statement& s = hearing.all[i].statement;
    const auto mention = mention_in(words, s);
    const bool started = s.deed == Deed::process_started;
    const auto found = s.process_id.empty() && s.parent_process_id.empty()
                           ? processes.end()
                           : processes.find(process_key(s, started ? s.parent_process_id : s.process_id));
    const bool of_ours =
        found != processes.end() && s.time != no_time && s.time.ticks - found->second.started.ticks <= longest_process &&
        (!started || s.parent_process.empty() || found->second.path.empty() || same_ascii(s.parent_process, found->second.path));
    std::optional<Touching> touch;
    if (mention) {
      touch = Touching{
          .heard = i, .relation = "names the handler", .handler = mention->handler, .version = mention->version, .names_handler = true};
      if (started) {
        touch->relation = words.find(s.path)             ? "the handler's own program"
                          : words.find(s.parent_process) ? "started by the handler"
                                                         : "its command line names the handler";
      } else if (s.deed == Deed::script_text && words.find(s.path)) {
        touch->relation = "a script in the handler's folder";
      }
    } else if (of_ours) {
      touch = Touching{.heard = i,
                       .relation = started ? "started by a process that descends from the handler's, by process ids"
                                           : "stated by a process that descends from the handler's, by its process id",
                       .grade = Grade::inferred,
                       .handler = found->second.handler,
                       .version = found->second.version};
    }
    if (started && !s.process_id.empty()) {
      const std::string key = process_key(s, s.process_id);
      // Only the handler's own program and what it started: a process whose command line names the folder is none of its children.
      const bool ours = touch && (of_ours || words.find(s.path) || words.find(s.parent_process));
      if (ours)
        processes.insert_or_assign(key, Process{s.time, s.path, touch->grade, touch->handler, touch->version});
      else
        processes.erase(key);
    }
    if (s.deed == Deed::process_ended && !s.process_id.empty()) processes.erase(process_key(s, s.process_id));
    if (!touch) continue;
    touch->sequence = words.is_handler(s.handler) ? s.sequence : std::string();
    out.push_back(std::move(*touch));
  }
  std::ranges::sort(out, {}, &Touching::heard);
  return out;
}

std::optional<Window> window_of(const RunRecord& run) {
  const auto before = [](FileTime time, std::uint64_t by) { return FileTime{time.ticks - std::min(time.ticks, by)}; };
  const auto behind = [](FileTime time, std::uint64_t by) { return FileTime{time.ticks + std::min(~time.ticks, by)}; };
  if (run.started && run.finished && *run.started <= *run.finished)
    return Window{before(*run.started, slack_of_clocks), behind(*run.finished, slack_of_clocks)};
  if (run.started) return Window{before(*run.started, slack_of_clocks), behind(*run.started, longest_run)};
  if (run.finished) return Window{before(*run.finished, longest_run), behind(*run.finished, slack_of_clocks)};
  return std::nullopt;
}

std::vector<std::string> script_names(const RunRecord& run) {
  std::set<std::string> names;
  const auto add = [&](std::string_view name) {
    std::string folded = lower_ascii(std::string(name));
    if (runnable(folded)) names.insert(std::move(folded));
  };
  for (const ScriptReport& script : run.scripts) add(std::string_view(script.path).substr(script.path.find_last_of('\\') + 1));
  const auto add_settings = [&](const std::string& command, const std::vector<std::string>& uris) {
    for (const std::string& uri : uris) add(percent_decoded(file_name_of_uri(uri)));
    for (std::size_t at = 0; at < command.size();) {
      const std::size_t end = std::min(command.find_first_of(" \t\r\n\"'=;,|&()<>", at), command.size());
      const std::string_view word = std::string_view(command).substr(at, end - at);
      // A program with a path, or one of Windows' own, is not the run's script.
      const std::string_view name = word.substr(word.find_last_of("\\/") == std::string_view::npos ? 0 : word.find_last_of("\\/") + 1);
      if (!lower_ascii(std::string(name)).ends_with(".exe")) add(name);
      at = end + 1;
    }
  };
  add_settings(run.command, run.file_uris);
  if (run.sealed) add_settings(run.sealed->command, run.sealed->file_uris);
  return {names.begin(), names.end()};
}

void add_by_script_name(const Hearing& hearing, std::span<const RunRecord> runs, std::vector<Touching>& found) {
  struct Wanted {
    Window window;
    std::vector<std::string> names;
    const RunRecord* run;
  };
  std::vector<Wanted> wanted;
  for (const RunRecord& run : runs)
    if (const auto window = window_of(run))
      if (auto names = script_names(run); !names.empty()) wanted.push_back({*window, std::move(names), &run});
  if (wanted.empty()) return;
  std::set<std::size_t> known;
  for (const Touching& touch : found) known.insert(touch.heard);
  for (std::size_t i = 0; i < hearing.all.size(); ++i) {
    const Statement& s = hearing.all[i].statement;
    if (hearing.all[i].source != SourceKind::event_log || s.time == no_time || known.contains(i)) continue;
    // SYSTEM runs the extension's commands. 400, 403, 600 and 800 state no user.
    if (!s.user.empty() && s.user != "S-1-5-18" && !same_ascii(s.user, "NT AUTHORITY\\SYSTEM") && !same_ascii(s.user, "SYSTEM")) continue;
    for (const Wanted& w : wanted) {
      if (s.time < w.window.from || s.time > w.window.until) continue;
      const std::string text =
          lower_ascii(s.command + "\n" + s.path + (s.deed == Deed::pipeline || s.deed == Deed::script_text ? "\n" + s.text : ""));
      const auto name = std::ranges::find_if(w.names, [&](const std::string& n) { return stands_in(text, n); });
      if (name == w.names.end()) continue;
      found.push_back({.heard = i,
                       .relation = "names " + *name + " while run " + (w.run->sequence.empty() ? "?" : w.run->sequence) + " was under way",
                       .grade = Grade::inferred,
                       .version = w.run->version,
                       .sequence = w.run->sequence});
      break;
    }
  }
  std::ranges::sort(found, {}, &Touching::heard);
}

std::vector<Touching> naming_path(std::span<const std::u16string> components, const Hearing& hearing) {
  std::vector<Touching> out;
  if (components.empty()) return out;
  std::string path;
  for (const std::u16string& component : components) path += "\\" + lower_ascii(to_utf8(component));
  for (std::size_t i = 0; i < hearing.all.size(); ++i) {
    const Statement& s = hearing.all[i].statement;
    const auto names = [&](const std::string& text) {
      const std::string folded = lower_ascii(text);
      for (std::size_t at = folded.find(path); at != std::string::npos; at = folded.find(path, at + 1)) {
        const std::size_t end = at + path.size();
        if (end == folded.size() || !of_word(folded[end])) return true;
      }
      return false;
    };
    const bool found =
        std::ranges::any_of(std::initializer_list<const std::string*>{&s.path, &s.command, &s.process, &s.parent_process, &s.text},
                            [&](const std::string* text) { return names(*text); }) ||
        std::ranges::any_of(s.fields, [&](const auto& field) { return names(field.second); });
    if (found) out.push_back({.heard = i, .relation = "names the path"});
  }
  return out;
}

}  // namespace trimcarve::findings
