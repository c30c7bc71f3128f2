#include "history/directory_paths.hpp"

#include <algorithm>

#include "trimcarve/text.hpp"

namespace trimcarve::history {

namespace {

constexpr std::size_t longest = 32'767;  // units; Windows accepts no longer path
constexpr std::size_t deepest = 512;     // directories that are followed at once
constexpr std::string_view unknown_parents = "\u2026";

}  // namespace

const DirectoryPaths::Text& DirectoryPaths::of(FileReference directory, FileTime time) {
  if (last_text_ != nullptr && last_ == directory) return *last_text_;
  last_text_ = nullptr;
  if (kept_bytes_ > most_kept) kept_.clear(), kept_bytes_ = 0;

  // Up, to the root, to what is kept, or to where the parents are lost; then down again, a name at a time.
  steps_.clear();
  text_ = {};
  for (FileReference at = directory; at != graph_.root();) {
    if (const auto kept = kept_.find(at); kept != kept_.end()) {
      if (steps_.empty()) {
        last_ = directory;
        last_text_ = &kept->second;
        return kept->second;
      }
      text_ = kept->second;
      break;
    }
    const auto& spans = paths_.spans(at);
    const auto names = std::ranges::count_if(spans, [](const NameSpan& span) { return !span.deletion_alias; });
    const NameSpan* span = paths_.name_at(at, time);
    const RecordSlot* slot = graph_.record(at.entry());
    const bool no_directory = slot != nullptr && slot->identity_known && slot->identity == at && !slot->directory;
    const bool cycle = std::ranges::find(steps_, at, &Step::directory) != steps_.end();
    if (span == nullptr || no_directory || cycle || steps_.size() == deepest) {
      text_ = {std::string(unknown_parents), 1, false, true};
      break;
    }
    steps_.push_back({at, span, names <= 1});
    if (!span->parent_known && !span->parent_inferred) {
      text_ = {std::string(unknown_parents), 1, false, true};
      break;
    }
    at = span->parent;
  }
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    const std::u16string_view name = graph_.name(graph_.rows()[step->span->rows.front()]);
    text_.steady = text_.steady && step->steady;
    text_.units += name.size() + 1;
    if (text_.units > longest) text_ = {std::string(unknown_parents), name.size() + 2, false, text_.steady};
    text_.utf8 += '\\';
    text_.utf8 += to_utf8(name);
    if (!text_.steady || kept_bytes_ > most_kept) continue;
    kept_bytes_ += text_.utf8.size() + sizeof(Text);
    kept_.emplace(step->directory, text_);
  }
  return text_;
}

}  // namespace trimcarve::history
