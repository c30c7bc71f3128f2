#include "image/parents.hpp"

#include <algorithm>
#include <filesystem>

#include "image/guid.hpp"
#include "image/host_file.hpp"
#include "image/split.hpp"
#include "image/vhd.hpp"
#include "image/vhdx.hpp"

namespace trimcarve::image {

namespace {

namespace fs = std::filesystem;

std::string folded(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

// The files beside the child that have one of the names, those with the exact name first.
std::vector<std::string> beside(const std::string& child, const std::vector<std::string>& names) {
  const fs::path prefix = fs::path(child).parent_path(), folder = prefix.empty() ? fs::path(".") : prefix;
  std::vector<std::string> found;
  std::error_code error;
  for (const std::string& name : names)
    if (fs::exists(prefix / name, error)) found.push_back((prefix / name).string());
  constexpr std::size_t most_entries = 100'000;
  std::size_t seen = 0;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator() && ++seen < most_entries;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    for (const std::string& wanted : names)
      if (name != wanted && folded(name) == folded(wanted)) found.push_back((prefix / name).string());
  }
  return found;
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) && !error;
}

std::string quoted_list(const std::vector<std::string>& texts, const char* between) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : between) + text;
  return list;
}

std::optional<std::string> identifier_of(const std::string& path) {
  std::vector<SourcePtr> parts;
  for (const std::string& part : find_parts({path}).paths) parts.push_back(open_host_file(part, 0));
  return container_identifier(*join_sources(std::move(parts)));
}

}  // namespace

std::optional<std::string> file_name_of(std::string_view path) {
  path = path.substr(0, path.find('\0'));
  const auto slash = path.find_last_of("/\\:");
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  constexpr std::size_t longest = 255;
  if (path.empty() || path == "." || path == ".." || path.size() > longest) return std::nullopt;
  return std::string(path);
}

void add_name(std::vector<std::string>& names, std::string_view path) {
  if (auto name = file_name_of(path); name && std::ranges::find(names, *name) == names.end()) names.push_back(std::move(*name));
}

std::optional<std::string> container_identifier(const ByteSource& file) {
  if (is_vhdx(file)) {
    auto identifier = vhdx_identifier(file);
    return identifier ? std::optional(std::move(*identifier)) : std::nullopt;
  }
  const auto footer = find_vhd_footer(file);
  return footer ? std::optional(guid_text(footer->identifier, GuidOrder::big)) : std::nullopt;
}

std::string find_parent(const std::string& child, const ParentLink& link, const std::vector<std::string>& given,
                        const std::vector<std::string>& chain) {
  const std::string wanted = quoted_list(link.identifiers, " or ");
  std::vector<std::string> candidates = given;
  std::ranges::copy(beside(child, link.names), std::back_inserter(candidates));
  std::string wrong, why;
  for (const std::string& path : candidates) {
    if (std::ranges::any_of(chain, [&](const std::string& other) { return same_file(other, path); })) continue;
    const auto identifier = identifier_of(path);
    if (identifier && std::ranges::find(link.identifiers, *identifier) != link.identifiers.end()) return path;
    if (!wrong.empty()) continue;
    wrong = path;
    why = identifier ? "it is identified by " + *identifier : "it is neither a VHD nor a VHDX that can be identified";
  }
  if (!wrong.empty())
    throw RunError(ExitCode::input, wrong, "it is not the parent of " + child,
                   why + ", the child was made from " + wanted + "; give the right one with --parent");
  const std::string names = quoted_list(link.names, " or ");
  throw RunError(ExitCode::input, child, "its parent is missing",
                 (names.empty() ? "the disk" : names) + " (" + wanted + ") is not beside it: give it with --parent");
}

}  // namespace trimcarve::image
