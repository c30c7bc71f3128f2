#include "examine/examiner_rules.hpp"

#include <fmt/format.h>

#include "trimcarve/result.hpp"
#include "trimcarve/text.hpp"

#if TRIMCARVE_YARA

#include <yara.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace trimcarve {

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct CloseCompiler {
  void operator()(YR_COMPILER* compiler) const { yr_compiler_destroy(compiler); }
};
struct CloseRules {
  void operator()(YR_RULES* rules) const { yr_rules_destroy(rules); }
};

// libyara counts its users.
struct Library {
  Library() : usable(yr_initialize() == ERROR_SUCCESS) {}
  ~Library() {
    if (usable) yr_finalize();
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  bool usable;
};

struct Complaint {
  int line = 0;
  std::string text;
};

void on_complaint(int level, const char*, int line, const YR_RULE*, const char* message, void* user) {
  auto& complaint = *static_cast<Complaint*>(user);
  if (level == YARA_ERROR_LEVEL_ERROR && complaint.text.empty()) complaint = {line, message};
}

int on_match(YR_SCAN_CONTEXT*, int message, void* data, void* user) {
  if (message != CALLBACK_MSG_RULE_MATCHING) return CALLBACK_CONTINUE;
  const auto* rule = static_cast<const YR_RULE*>(data);
  RuleMark mark{.rule = rule->identifier};
  const char* tag = nullptr;
  yr_rule_tags_foreach(rule, tag) mark.tags.emplace_back(tag);
  auto& marks = *static_cast<std::vector<RuleMark>*>(user);
  if (std::ranges::find(marks, mark) == marks.end()) marks.push_back(std::move(mark));
  return CALLBACK_CONTINUE;
}

}  // namespace

struct ExaminerRules::Parts {
  Library library;
  std::unique_ptr<YR_RULES, CloseRules> rules;
};

ExaminerRules::ExaminerRules(const std::string& path) : parts_(std::make_unique<Parts>()) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) throw RunError(ExitCode::input, path, "cannot open", std::strerror(errno));
  YR_COMPILER* created = nullptr;
  if (!parts_->library.usable || yr_compiler_create(&created) != ERROR_SUCCESS)
    throw RunError(ExitCode::usage, path, "rules", "libyara cannot be used");
  const std::unique_ptr<YR_COMPILER, CloseCompiler> compiler(created);
  Complaint complaint;
  yr_compiler_set_callback(created, on_complaint, &complaint);
  const int errors = yr_compiler_add_file(created, file.get(), nullptr, path.c_str());
  YR_RULES* rules = nullptr;
  if (errors != 0 || yr_compiler_get_rules(created, &rules) != ERROR_SUCCESS)
    throw RunError(ExitCode::usage, path, fmt::format("line {}", complaint.line),
                   complaint.text.empty() ? "the rules do not compile" : for_terminal(complaint.text));
  parts_->rules.reset(rules);
}

ExaminerRules::Scan ExaminerRules::scan(ByteView bytes, std::vector<RuleMark>& marks) const {
  const ByteView part = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), largest)));
  const int result = yr_rules_scan_mem(parts_->rules.get(), reinterpret_cast<const std::uint8_t*>(part.data()), part.size(),
                                       SCAN_FLAGS_REPORT_RULES_MATCHING, on_match, &marks, most_seconds);
  if (result == ERROR_SCAN_TIMEOUT) return Scan::timed_out;
  if (result != ERROR_SUCCESS) return Scan::failed;
  return part.size() == bytes.size() ? Scan::whole : Scan::beginning;
}

}  // namespace trimcarve

#else

namespace trimcarve {

struct ExaminerRules::Parts {};

ExaminerRules::ExaminerRules(const std::string& path) {
  throw RunError(ExitCode::usage, path, "rules", "this build of trimcarve has no libyara");
}

ExaminerRules::Scan ExaminerRules::scan(ByteView, std::vector<RuleMark>&) const { return Scan::failed; }

}  // namespace trimcarve

#endif

namespace trimcarve {

ExaminerRules::~ExaminerRules() = default;

void ExaminerRules::mark(Examination& examination) const {
  const auto tell = [&](Scan result, const std::string& what) {
    if (result == Scan::whole) return;
    examination.warnings.push_back({"rules_not_whole",
                                    fmt::format("{}: {}", what,
                                                result == Scan::beginning   ? "only its first 64 MiB were held against the examiner's rules"
                                                : result == Scan::timed_out ? "the examiner's rules took too long and were stopped"
                                                                            : "the examiner's rules could not be held against it"),
                                    {}});
  };
  std::vector<std::byte> bytes;
  for (FileReport& file : examination.files)
    for (StreamReport& stream : file.streams)
      for (const RecoveredPart& part : stream.parts) {
        if (part.bytes == nullptr || part.length == 0) continue;
        bytes.resize(static_cast<std::size_t>(std::min(part.length, largest)));
        Scan result = part.bytes->read_at(0, bytes) ? scan(bytes, stream.marks) : Scan::failed;
        if (result == Scan::whole && part.length > largest) result = Scan::beginning;
        tell(result, to_utf8(file.path));
      }
  for (std::size_t i = 0; i < examination.fragments.size(); ++i) {
    FragmentReport& fragment = examination.fragments[i];
    tell(scan(std::as_bytes(std::span(fragment.text)), fragment.marks), fmt::format("fragment {}", i));
  }
}

}  // namespace trimcarve
