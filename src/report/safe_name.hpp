// Names out of the evidence as names of files that are safe to make, copy and open anywhere.
//
// A name may hold any 16-bit units, may be `..`, `CON`, or a megabyte of combining characters, and two files may have had the same one.
// What comes out has no separator, no control, bidirectional or Windows-forbidden character, no reserved device name, no trailing dot or
// blank and no leading dash; it is at most max_name bytes of UTF-8. Escapes are %XX of UTF-8 bytes, and %uXXXX for an unpaired surrogate.
// Pure functions but for SafePaths, which remembers what it gave out.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "trimcarve/file_id.hpp"

namespace trimcarve::report {

inline constexpr std::size_t max_name = 120;  // leaves room below the 255 bytes of most file systems for what is appended
inline constexpr std::size_t max_path = 200;  // with a folder before it, below Windows' 260

// One component. Never empty.
std::string safe_component(std::u16string_view name);

// Gives each recovered stream a path of its own below `recovered/`: the folders it lay in, then its name. No two differ in case only, and
// none is at once a file and a folder.
class SafePaths {
 public:
  // `path` begins with a backslash, or with what is known of it; `stream` is empty for the unnamed one; `suffix` (our own text) is
  // appended, as `@0-512.part`. The result has `/` between components and does not begin with one.
  std::string give(FileId id, std::u16string_view path, std::u16string_view stream, std::string_view suffix);

 private:
  enum class Use : unsigned char { folder, file };
  std::map<std::string, Use, std::less<>> taken_;
};

}  // namespace trimcarve::report
