// Where in a handler's tree a path lies, and what that makes of it. Source: the layout of \Packages\Plugins\<handler>\<version>\.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace trimcarve::findings {

enum class Area : std::uint8_t {
  outside,   // not in a handler's tree
  handler,   // the handler's folder itself
  version,   // a version's folder itself
  package,   // files of the package: beside or below bin
  settings,  // RuntimeSettings\<seq>.settings or <name>.<seq>.settings
  status,    // Status\<seq>.status or <name>.<seq>.status
  download,  // below Downloads
  other,     // folders in between, and what is not known
  logs,      // below \WindowsAzure\Logs\Plugins\<handler>
};

struct Placed {
  Area area = Area::outside;
  std::string handler, version;  // as far as the path tells, UTF-8
  std::string sequence;          // of settings and status
  std::string request;           // of those too: the name before the sequence, where the handler names its requests; mostly empty
  std::string download;          // the number of Downloads\<n>, or of script<n>.ps1
};

// `path` as FileReport::path gives it; one that begins with "…" is placed by what is left of it.
Placed place(std::u16string_view path, bool directory);

// \d+(\.\d+){1,3}
bool is_version(std::u16string_view component) noexcept;

}  // namespace trimcarve::findings
