// A target's files as a tree: each with what came back of its content, its size, and when it was made and removed.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "report/console.hpp"
#include "report/layout.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

ContentState state_of(const FileReport& file) { return file.streams.empty() ? ContentState::unknown : file.streams.front().state; }

// What the console shows first when it cannot show all: what came back, then what was removed, then the rest.
int rank(const FileReport& file) {
  if (!file.directory) {
    const ContentState state = state_of(file);
    if (state == ContentState::recovered && file.state == FileState::deleted) return 0;
    if (state == ContentState::partial && file.state == FileState::deleted) return 1;
    return file.state == FileState::deleted ? 2 : 3;
  }
  return file.state == FileState::deleted ? 4 : 5;
}

std::string minutes_of(FileTime time) { return seconds_of(time).substr(0, 16); }

// The interval, or on a narrow terminal the end of it that says more.
std::string deletion_text(const FileReport& file, bool in_shadow, bool narrow) {
  if (file.state == FileState::live) return in_shadow ? "there then" : "live";
  if (!file.deleted) return "deleted, time unknown";
  const Bounds& bounds = file.deleted->bounds;
  if (bounds.earliest && bounds.latest) {
    std::string first = seconds_of(*bounds.earliest), last = seconds_of(*bounds.latest);
    if (first == last) return first;
    if (narrow) return "by " + last;
    if (first.substr(0, 10) == last.substr(0, 10)) return first + " .. " + last.substr(11);
    return minutes_of(*bounds.earliest) + " .. " + minutes_of(*bounds.latest);
  }
  // One end is less than a bracket about it.
  if (const auto& estimate = file.deleted->estimate; estimate && estimate->earliest != no_time && estimate->latest != no_time)
    return "about " + minutes_of(estimate->earliest);
  if (bounds.earliest) return "after " + minutes_of(*bounds.earliest);
  if (bounds.latest) return "before " + minutes_of(*bounds.latest);
  return "deleted, time unknown";
}

std::string created_text(const FileReport& file) {
  const TimeSet* times = file.standard_information ? &*file.standard_information : file.file_name ? &*file.file_name : nullptr;
  return times == nullptr || times->created == no_time ? "" : seconds_of(times->created);
}

struct Row {
  const FileReport* file;
  bool in_shadow = false;          // of a volume shadow copy
  std::vector<std::string> parts;  // of its path, safe for a terminal
};

const VolumeInfo* shadow_of(const FileReport& file, const Examination& examination) {
  for (const VolumeInfo& volume : examination.volumes)
    if (volume.index == file.volume && volume.shadow_of) return &volume;
  return nullptr;
}

std::vector<std::string> parts_of(const FileReport& file, const VolumeInfo* shadow, bool several_volumes) {
  std::vector<std::string> parts;
  if (shadow != nullptr && shadow->shadow_created)
    parts.push_back(fmt::format("volume {}, shadow copy of {}", file.volume, minutes_of(*shadow->shadow_created)));
  else if (several_volumes)
    parts.push_back(fmt::format("volume {}", file.volume));
  if (!file.path_known) parts.emplace_back("(place not known)");
  const std::u16string_view path = file.path.empty() ? std::u16string_view(file.name) : std::u16string_view(file.path);
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find(u'\\', at), path.size());
    if (end > at) parts.push_back(for_terminal(to_utf8(path.substr(at, end - at))));
    at = end + 1;
  }
  return parts;
}

std::string counted(const std::map<std::string_view, std::size_t>& counts) {
  std::string text;
  for (const auto& [what, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", with_commas(count), what);
  return text;
}

std::string_view kind_of(const FileReport& file, const Examination& examination) {
  if (file.state == FileState::live && shadow_of(file, examination) != nullptr) return "in shadow copies";
  return file.directory ? "directories" : file.state == FileState::live ? "live" : to_string(state_of(file));
}

class Tree {
 public:
  Tree(const ConsoleStyle& style, const Sink& sink) : sink_(sink), width_(std::max<std::size_t>(style.width, 60)) {
    narrow_ = width_ < 100;
    with_size_ = width_ >= 76;
    with_created_ = width_ >= 120;
    const std::size_t others = state_width + 2 + (with_size_ ? size_width : 0) + (with_created_ ? created_width + 2 : 0) + 2 +
                               (narrow_ ? narrow_deleted_width : deleted_width);
    name_width_ = width_ - margin - others;
  }

  void head() const { line(0, "", "content", "size", "created", "removed"); }

  void row(const Row& row) {
    // The folders above it that are not above the row before.
    const std::size_t above = row.parts.empty() ? 0 : row.parts.size() - 1;
    std::size_t common = 0;
    while (common < above && common < shown_.size() && shown_[common].name == row.parts[common]) ++common;
    shown_.resize(std::min(shown_.size(), common));
    // A chain of folders of which only the last has anything to show stands on one line.
    if (common < above) {
      const std::size_t level = next_level();
      std::string chain;
      for (std::size_t i = common; i < above; ++i) {
        chain += row.parts[i] + "\\";
        shown_.push_back({row.parts[i], level});
      }
      const std::string blanks(margin + indent(level), ' ');
      sink_(blanks + fitted(chain, width_ - blanks.size(), true) + "\n");
    }
    const std::size_t level = next_level();
    const FileReport& file = *row.file;
    std::string name = row.parts.empty() ? "" : row.parts.back();
    if (file.directory || row.parts.empty()) name += "\\";
    if (file.directory && !row.parts.empty()) shown_.push_back({row.parts.back(), level});
    line(level, name, file.directory ? "" : to_string(state_of(file)), file.size && !file.directory ? with_commas(*file.size) : "",
         created_text(file), deletion_text(file, row.in_shadow, narrow_));
  }

 private:
  static constexpr std::size_t margin = 4, state_width = 11, size_width = 11, created_width = 19, deleted_width = 35,
                               narrow_deleted_width = 23;

  // Two columns a level, but never so deep that no name is left.
  std::size_t indent(std::size_t level) const { return std::min(level * 2, name_width_ / 2); }

  std::size_t next_level() const { return shown_.empty() ? 0 : shown_.back().level + 1; }

  void line(std::size_t level, std::string_view name, std::string_view state, std::string_view size, std::string_view created,
            std::string_view deleted) const {
    // A folder has neither state nor size: its name may run through their columns.
    const std::size_t taken = state.empty() ? 2 + state_width + (with_size_ ? size_width : 0) : 0;
    const std::size_t name_width = name_width_ + taken - indent(level);
    std::string text = std::string(margin + indent(level), ' ') + padded(fitted(name, name_width, true), name_width);
    if (!state.empty()) {
      text += "  " + padded(state, state_width);
      if (with_size_) text += padded_left(size, size_width);
    }
    if (with_created_) text += "  " + padded(created, created_width);
    text += "  " + std::string(deleted);
    text.resize(text.find_last_not_of(' ') + 1);
    sink_(text + "\n");
  }

  const Sink& sink_;
  std::size_t width_, name_width_;
  bool narrow_, with_size_, with_created_;
  // The folders above the last row, each with how far it is indented; those of a chain equally.
  struct Shown {
    std::string name;
    std::size_t level;
  };
  std::vector<Shown> shown_;
};

}  // namespace

void write_tree(const Examination& examination, std::uint32_t target, const ConsoleStyle& style, const Sink& sink) {
  std::vector<const FileReport*> files;
  std::map<std::string_view, std::size_t> counts;
  for (const FileReport& file : examination.files)
    if (std::ranges::find(file.targets, target) != file.targets.end()) {
      files.push_back(&file);
      ++counts[kind_of(file, examination)];
    }
  if (files.empty()) return;
  const std::size_t width = std::max<std::size_t>(style.width, 60);
  sink("\n  " + wrapped(fmt::format("Files: {} ({})", with_commas(files.size()), counted(counts)), width - 2, 4) + "\n");

  const std::size_t all = files.size();
  if (files.size() > style.tree_rows) {
    std::ranges::stable_sort(files, {}, [](const FileReport* file) { return rank(*file); });
    for (std::size_t i = style.tree_rows; i > 0; --i) --counts[kind_of(*files[i - 1], examination)];
    files.resize(style.tree_rows);
    std::erase_if(counts, [](const auto& count) { return count.second == 0; });
  }
  std::vector<Row> rows;
  rows.reserve(files.size());
  for (const FileReport* file : files) {
    const VolumeInfo* shadow = shadow_of(*file, examination);
    rows.push_back({file, shadow != nullptr, parts_of(*file, shadow, examination.volumes.size() > 1)});
  }
  std::ranges::stable_sort(rows, [](const Row& a, const Row& b) {
    return a.file->volume != b.file->volume ? a.file->volume < b.file->volume : a.parts < b.parts;
  });
  Tree tree(style, sink);
  tree.head();
  for (const Row& row : rows) tree.row(row);
  if (rows.size() < all)
    sink("    " +
         wrapped(fmt::format("and {} more ({}); all of them with -o DIR or --json", with_commas(all - rows.size()), counted(counts)),
                 width - 4, 4) +
         "\n");
}

}  // namespace trimcarve::report
