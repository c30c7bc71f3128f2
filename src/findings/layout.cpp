#include "findings/layout.hpp"

#include <algorithm>
#include <cstdint>

#include "findings/ascii.hpp"
#include "findings/profile.hpp"
#include "history/select.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

namespace {

bool is_number(std::u16string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char16_t c) { return c >= u'0' && c <= u'9'; });
}

// The number before the ending: "3" of "3.settings" and of "name.3.settings"; and what stands before that. False when the name is another.
bool read_sequence(std::u16string_view name, std::u16string_view ending, Placed& out) {
  if (name.size() <= ending.size() || !same_ascii(name.substr(name.size() - ending.size()), ending)) return false;
  name.remove_suffix(ending.size());
  const std::size_t dot = name.rfind(u'.');
  const std::u16string_view number = dot == std::u16string_view::npos ? name : name.substr(dot + 1);
  if (!is_number(number)) return false;
  out.sequence = to_utf8(number);
  if (dot != std::u16string_view::npos) out.request = to_utf8(name.substr(0, dot));
  return true;
}

bool begins_with(const std::vector<std::u16string>& components, std::span<const std::u16string> base) {
  return components.size() > base.size() &&
         std::ranges::equal(base, std::span(components).first(base.size()),
                            [](std::u16string_view a, std::u16string_view b) { return same_ascii(a, b); });
}

}  // namespace

bool is_version(std::u16string_view component) noexcept {
  std::size_t parts = 1, digits = 0;
  for (const char16_t c : component) {
    if (c >= u'0' && c <= u'9') {
      ++digits;
    } else if (c == u'.' && digits > 0) {
      ++parts;
      digits = 0;
    } else {
      return false;
    }
  }
  return digits > 0 && parts >= 2 && parts <= 4;
}

Placed place(std::u16string_view path, bool directory) {
  Placed out;
  const auto components = history::path_components(path);
  if (components.empty()) return out;
  // How many components lie before the version's content, and whether the handler and version are among them.
  std::size_t at = 0;
  if (begins_with(components, logs_path())) {
    out.area = Area::logs;
    out.handler = to_utf8(components[logs_path().size()]);
    if (components.size() > logs_path().size() + 1 && is_version(components[logs_path().size() + 1]))
      out.version = to_utf8(components[logs_path().size() + 1]);
    return out;
  }
  if (begins_with(components, plugins_path())) {
    at = plugins_path().size();
    out.handler = to_utf8(components[at++]);
    if (at == components.size()) {
      out.area = directory ? Area::handler : Area::other;
      return out;
    }
    if (is_version(components[at])) {
      out.version = to_utf8(components[at++]);
      if (at == components.size()) {
        out.area = directory ? Area::version : Area::other;
        return out;
      }
    }
  } else if (components.front() == u"\u2026") {
    // The beginning is lost: a version, or one of the layout's folders, tells where we are.
    for (std::size_t i = 1; i < components.size(); ++i) {
      if (same_ascii(components[i], u"Logs") && i + 2 < components.size() && same_ascii(components[i + 1], u"Plugins")) {
        out.area = Area::logs;
        out.handler = to_utf8(components[i + 2]);
        if (i + 3 < components.size() && is_version(components[i + 3])) out.version = to_utf8(components[i + 3]);
        return out;
      }
      if (is_version(components[i])) {
        out.version = to_utf8(components[i]);
        if (i > 1) out.handler = to_utf8(components[i - 1]);
        at = i + 1;
        break;
      }
      if (i + 1 < components.size() && (same_ascii(components[i], u"RuntimeSettings") || same_ascii(components[i], u"Status") ||
                                        same_ascii(components[i], u"Downloads"))) {
        at = i;
        break;
      }
    }
    out.area = Area::other;
    if (at == 0) return out;
    if (at == components.size()) {
      out.area = directory ? Area::version : Area::other;
      return out;
    }
  } else {
    return out;
  }
  out.area = Area::other;
  const std::u16string& folder = components[at];
  const bool inside = at + 1 < components.size();
  if (same_ascii(folder, u"RuntimeSettings") && inside && !directory) {
    if (read_sequence(components.back(), u".settings", out)) out.area = Area::settings;
  } else if (same_ascii(folder, u"Status") && inside && !directory) {
    out.area = read_sequence(components.back(), u".status", out) ? Area::status : Area::package;
  } else if (same_ascii(folder, u"Downloads") && inside) {
    out.area = directory ? Area::other : Area::download;
    if (is_number(components[at + 1])) {
      out.download = to_utf8(components[at + 1]);
    } else if (std::u16string_view name = components[at + 1]; name.size() > 10 && same_ascii(name.substr(0, 6), u"script")) {
      const std::size_t dot = name.find(u'.');
      if (dot != std::u16string_view::npos && is_number(name.substr(6, dot - 6))) out.download = to_utf8(name.substr(6, dot - 6));
    }
  } else if (!directory) {
    out.area = Area::package;
  }
  return out;
}

}  // namespace trimcarve::findings
