#include "witness/agent_step.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>

#include "witness/plain_text.hpp"
#include "witness/stated_number.hpp"

namespace trimcarve::witness {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t npos = std::string_view::npos;

bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_slash(char c) { return c == '\\' || c == '/'; }

std::string_view word_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_letter(text[end])) ++end;
  return text.substr(at, end - at);
}

// The next place of a word that begins with `stem` (lower case): "enabl" finds Enabling, not re-enable. A file's or folder's name is none.
std::size_t find_stem(std::string_view text, std::string_view stem, std::size_t from = 0) {
  for (std::size_t at = find_word(text, stem, from); at != npos; at = find_word(text, stem, at + 1)) {
    if (at > 0 && (is_letter(text[at - 1]) || is_slash(text[at - 1]))) continue;
    const std::size_t end = at + word_at(text, at).size();
    if (end + 1 < text.size() && text[end] == '.' && is_letter(text[end + 1])) continue;
    return at;
  }
  return npos;
}

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view w) { return same_word(word, w); });
}
bool begins_with_one_of(std::string_view word, std::span<const std::string_view> stems) {
  return std::ranges::any_of(stems, [&](std::string_view s) { return word.size() >= s.size() && same_word(word.substr(0, s.size()), s); });
}

// Whether every word of a text is one of these.
bool has_only(std::string_view text, std::span<const std::string_view> words) {
  for (std::size_t i = 0; i < text.size();) {
    if (!is_letter(text[i])) {
      ++i;
      continue;
    }
    const std::string_view word = word_at(text, i);
    if (!is_one_of(word, words)) return false;
    i += word.size();
  }
  return true;
}

struct Verb {
  std::string_view stem;
  Deed deed;
  bool by_object = false;  // a removal of the handler only when that, or all of its folder, is what is removed
};
// "uninstall" and "NotInstalled" before "install".
constexpr std::array<Verb, 8> verbs{{{"uninstall", Deed::uninstalled},
                                     {"notinstalled", Deed::uninstalled},
                                     {"disabl", Deed::disabled},
                                     {"install", Deed::installed},
                                     {"enabl", Deed::enabled},
                                     {"updat", Deed::updated},
                                     {"remov", Deed::uninstalled, true},
                                     {"delet", Deed::uninstalled, true}}};

bool is_removal(const Verb& verb) { return verb.deed == Deed::uninstalled || verb.deed == Deed::disabled; }

// Where the sentence that holds `at` begins and ends: at a line's end, or at a full stop or semicolon before a blank. Of long ones a part.
constexpr std::size_t longest_sentence = 512;
bool ends_sentence(std::string_view text, std::size_t i) {
  if (text[i] == '\n') return true;
  return (text[i] == '.' || text[i] == ';') && (i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\n' || text[i + 1] == '\r');
}
std::size_t sentence_begin(std::string_view text, std::size_t at) {
  const std::size_t least = at > longest_sentence ? at - longest_sentence : 0;
  while (at > least && !ends_sentence(text, at - 1)) --at;
  return at;
}
std::size_t sentence_end(std::string_view text, std::size_t at) {
  const std::size_t most = text.size() - at > longest_sentence ? at + longest_sentence : text.size();
  while (at < most && !ends_sentence(text, at)) ++at;
  return at;
}

std::string_view progress_of(std::string_view text, std::string_view word) {
  const bool past = word.size() >= 2 && same_word(word.substr(word.size() - 2), "ed");
  return past || contains(text, "success") || contains(text, "completed") ? "success" : "started";
}

// What the line says of the step named at `at`. `word`: how it names it.
void set_step(Statement& out, std::string_view text, std::size_t at, Deed deed, std::string_view word) {
  if (says_failed(text)) {
    out.status = "error";
  } else if (!is_denied(text, at)) {
    out.deed = deed;
    out.status = progress_of(text, word);
  }
}

// "Setting the install state of the handler X_V to Enabled".
bool read_install_state(std::string_view text, Statement& out) {
  const std::size_t at = find_word(text, "install state");
  const std::size_t to = at == npos ? npos : find_word(text, " to ", at);
  if (to == npos) return false;
  const std::string_view state = word_at(text, std::min(text.find_first_not_of("'\"", to + 4), text.size()));
  if (says_failed(text)) {
    out.status = "error";
    return true;
  }
  if (is_denied(text, at)) return true;
  out.status = std::string(state);
  if (same_word(state, "installed")) out.deed = Deed::installed;
  if (same_word(state, "enabled")) out.deed = Deed::enabled;
  if (same_word(state, "disabled")) out.deed = Deed::disabled;
  if (same_word(state, "notinstalled") || same_word(state, "uninstalled")) out.deed = Deed::uninstalled;
  return true;
}

// Upgrades name two versions: "... for extension: X from version: 1.9.0.0 to version: 1.11.0.0" (Azure Arc).
bool read_upgrade(std::string_view text, Statement& out) {
  const std::size_t at = find_stem(text, "upgrad");
  const std::size_t from = find_word(text, "from version");
  const std::size_t to = find_word(text, "to version");
  if (at == npos || from == npos || to == npos) return false;
  const auto version = [&](std::size_t begin) {
    begin = text.find_first_of("0123456789", begin);
    if (begin == npos) return std::string_view();
    std::size_t end = begin;
    while (end < text.size() && (is_digit(text[end]) || text[end] == '.')) ++end;
    while (text[end - 1] == '.') --end;
    return text.substr(begin, end - begin);
  };
  if (!is_version(version(from)) || !is_version(version(to))) return false;
  set_step(out, text, at, Deed::updated, word_at(text, at));
  out.fields.emplace_back("from version", version(from));
  // The handler is at the new one once it was updated.
  out.version = std::string(version(out.deed == Deed::updated ? to : from));
  if (out.deed != Deed::updated) out.fields.emplace_back("to version", version(to));
  return true;
}

// How the agent runs a handler's own commands: "Started a process with the launch command <exe>, params: install.", Arc's "Creating worker
// process for command: cmd.exe /c cd /d <folder> && <exe> enable".
bool read_launch(std::string_view text, Statement& out) {
  std::string_view verb;
  std::size_t at = find_word(text, "launch command ");
  if (at != npos) {
    const std::size_t params = find_word(text, "params:", at);
    std::string_view program = trim(text.substr(at + 15, params == npos ? npos : params - at - 15));
    if (program.ends_with(",")) program.remove_suffix(1);
    if (program.ends_with(" and")) program.remove_suffix(4);
    out.process = std::string(program);
    verb = params == npos ? std::string_view() : trim(text.substr(params + 7));
    // Newer handlers have a command file each: ...\enable.cmd with no parameters.
    if (verb.empty() || !is_letter(verb[0])) verb = file_name_of(program);
  } else if (at = find_word(text, "worker process for command: "); at != npos) {
    out.process = std::string(trim(text.substr(at + 28)));
    const std::size_t last = out.process.find_last_of(' ');
    verb = last == std::string::npos ? std::string_view() : std::string_view(out.process).substr(last + 1);
  } else {
    return false;
  }
  if (const Deed deed = step_of(verb); deed != Deed::other) set_step(out, text, at, deed, "");
  return true;
}

// Whether the handler is what the verb at `at` speaks of.
bool speaks_of(std::string_view text, std::size_t at, const Verb& verb, const Mention& mention) {
  const std::size_t end = at + word_at(text, at).size();
  if (at < mention.at) {
    // A path that goes on behind the handler's folder is a file's; a slash at the end is no further component.
    const std::size_t behind = mention.end + 1;
    if (mention.in_path && mention.end < text.size() && is_slash(text[mention.end]) && behind < text.size() &&
        (is_letter(text[behind]) || is_digit(text[behind])))
      return false;
    if (sentence_end(text, end) < mention.at) return false;
    std::string_view between = text.substr(end, mention.at - std::min(end, mention.at));
    if (mention.in_path) {  // of the path only its beginning stands before the name
      const std::size_t path = between.find_last_of(" '\"(");
      between = path == npos ? std::string_view() : between.substr(0, path + 1);
    }
    // "Installing plugin (name: X", "Beginning enable of plugin X", "Executing Install request for extension: X".
    static constexpr std::array<std::string_view, 17> nouns{"the",  "plugin",  "plug",    "in",        "extension", "handler",
                                                            "name", "folder",  "for",     "directory", "binary",    "package",
                                                            "of",   "version", "request", "command",   "operation"};
    if (!has_only(between, nouns)) return false;
    // "Installed version of X" is no installing.
    return is_removal(verb) || contains(between, "plugin") || contains(between, "extension") || contains(between, "handler");
  }
  if (verb.by_object || at < mention.end) return false;
  // "X_V was uninstalled", "X_V: state is now NOTINSTALLED", "(name: X, version: V) uninstalled".
  static constexpr std::array<std::string_view, 13> between_words{
      "version", "was", "were", "has", "have", "been", "being", "got", "the", "successfully", "plugin", "handler", "extension"};
  static constexpr std::array<std::string_view, 5> state_words{"is", "are", "now", "state", "version"};
  const std::string_view between = text.substr(mention.end, at - mention.end);
  if (has_only(between, between_words)) return true;
  static constexpr auto all = [] {
    std::array<std::string_view, between_words.size() + state_words.size()> out{};
    std::ranges::copy(between_words, out.begin());
    std::ranges::copy(state_words, out.begin() + between_words.size());
    return out;
  }();
  return is_removal(verb) && has_only(between, all);  // that it is enabled says not that it was just now
}

}  // namespace

Deed step_of(std::string_view operation) noexcept {
  for (const Verb& verb : verbs)
    if (!verb.by_object && operation.size() >= verb.stem.size() && same_word(operation.substr(0, verb.stem.size()), verb.stem))
      return verb.deed;
  return Deed::other;
}

bool says_failed(std::string_view text) {
  for (const std::string_view word :
       {"failed", "failure", "unable", "could not", "cannot", "exception", "timed out", "not successful", "unsuccessful"})
    if (contains(text, word)) return true;
  // "Installed plugin (name: X, version: V), Code: 0": the agent's own codes, 0 is success.
  const std::size_t code = find_word(text, ", code:");
  if (code == npos) return false;
  const auto value = number_at(text, code + 7);
  return value && *value != 0;
}

bool is_denied(std::string_view text, std::size_t at) {
  static constexpr std::array<std::string_view, 32> before_words{
      "not",    "never",   "neither", "nor",   "nothing", "without", "will",   "would",   "should",   "shall",  "may",
      "might",  "could",   "can",     "must",  "need",    "needs",   "needed", "if",      "whether",  "unless", "until",
      "before", "instead", "about",   "going", "cannot",  "want",    "wants",  "pending", "required", "cant"};
  static constexpr std::array<std::string_view, 14> stems{"skip",    "ignor", "abort",   "cancel", "refus", "declin", "prevent",
                                                          "postpon", "defer", "schedul", "reject", "block", "denied", "suppress"};
  static constexpr std::array<std::string_view, 3> looks{"check", "verif", "plann"};
  static constexpr std::array<std::string_view, 5> after_words{"will", "would", "should", "pending", "unnecessary"};
  static constexpr std::array<std::string_view, 17> auxiliaries{"is",  "was",  "were", "are", "be",  "been",  "did",    "does", "do",
                                                                "has", "have", "had",  "can", "may", "could", "should", "will"};
  static constexpr std::array<std::string_view, 15> undone{"needed",    "required",  "necessary",  "allowed", "supported",
                                                           "performed", "done",      "executed",   "started", "run",
                                                           "possible",  "attempted", "applicable", "called",  "invoked"};
  static constexpr std::array<std::string_view, 3> wanted{"needed", "required", "necessary"};
  const std::size_t end = sentence_end(text, at);
  std::string_view last;
  for (std::size_t i = sentence_begin(text, at); i < end;) {
    if (!is_letter(text[i])) {
      ++i;
      continue;
    }
    const std::string_view word = word_at(text, i);
    std::size_t next = i + word.size();
    const bool contracted = next + 1 < end && text[next] == '\'' && lower(text[next + 1]) == 't' &&
                            (next + 2 == text.size() || !is_letter(text[next + 2])) && !word.empty() && lower(word.back()) == 'n';
    const bool before = i < at;
    // What follows this word.
    const std::size_t begin = std::min(text.find_first_not_of(" \t", next), text.size());
    const std::string_view following = word_at(text, begin);
    if (contracted || begins_with_one_of(word, stems)) return true;
    if (before) {
      if (is_one_of(word, before_words) || begins_with_one_of(word, looks)) return true;
      if (same_word(word, "no") && !same_word(following, "longer")) return true;
      if (same_word(word, "be") && same_word(last, "to")) return true;
    } else {
      if (is_one_of(word, after_words)) return true;
      if (same_word(word, "not") && (is_one_of(last, auxiliaries) || is_one_of(following, undone))) return true;
      if (is_one_of(word, wanted) && (is_one_of(last, auxiliaries) || same_word(last, "not"))) return true;
      if (same_word(word, "be") && same_word(last, "to")) return true;
      if (same_word(word, "no") && same_word(following, "need")) return true;
    }
    last = word;
    i = next;
  }
  return false;
}

bool denies_step(std::string_view text) {
  return std::ranges::any_of(verbs, [&](const Verb& verb) {
    const std::size_t at = find_stem(text, verb.stem);
    return at != npos && is_denied(text, at);
  });
}

void read_agent_step(std::string_view text, const Mention& mention, Statement& out) {
  if (read_install_state(text, out) || read_upgrade(text, out)) return;
  if (find_word(text, "has exited with") != npos) {  // a handler's own command (install, enable, ...), not a request's
    out.exit_code = exit_code_in(text, !out.cut);
    return;
  }
  if (read_launch(text, out)) return;
  for (const Verb& verb : verbs)
    for (std::size_t at = find_stem(text, verb.stem); at != npos; at = find_stem(text, verb.stem, at + 1)) {
      if (!speaks_of(text, at, verb, mention)) continue;
      set_step(out, text, at, verb.deed, word_at(text, at));
      return;
    }
}

// "Installing Handler", "Handler successfully enabled", "Process handler command: install", "Comamnd Executed: enable" (the product's own
// spelling), "Command Received : install", "Completed the Install Command".
void read_own_step(std::string_view text, Statement& out) {
  const std::string_view line = text.substr(0, text.find('\n'));
  if (line.size() > 200) return;  // a step's message is short; a long one quotes something
  if (!contains(line, "handler") && !contains(line, "extension") && !contains(line, "command") && !contains(line, "comamnd")) return;
  for (const Verb& verb : verbs) {
    const std::size_t at = find_stem(line, verb.stem);
    if (at == npos) continue;
    const std::string_view word = word_at(line, at), behind = trim(line.substr(at + word.size()));
    if (verb.by_object && find_word(behind, "handler") != 0 && find_word(behind, "extension") != 0 &&
        find_word(line, "handler successfully") != 0)
      continue;
    // "Comamnd Executed: enable" says what was asked for: whether it was done is said later.
    const bool asked =
        find_word(line, "executed:") != npos || find_word(line, "received") != npos || find_word(line, "process handler") != npos;
    set_step(out, line, at, verb.deed, asked ? std::string_view() : word);
    return;
  }
}

}  // namespace trimcarve::witness
