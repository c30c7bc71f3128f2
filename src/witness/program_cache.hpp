// Windows' application compatibility cache ("ShimCache"): files of programs that Windows looked at, newest first.
//
// An entry's time is the file's last modification when it was looked at; it is no proof that the program ran. Formats: Windows 7 and Server
// 2008 R2 (32 and 64 bits), Windows 8 and Server 2012, Windows 8.1 and Server 2012 R2, Windows 10 and later. Source: winreg-kb (J. Metz),
// "Application compatibility cache".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "trimcarve/bytes.hpp"
#include "trimcarve/file_time.hpp"

namespace trimcarve::witness {

struct CachedProgram {
  std::string path;  // as it stands there: with a drive, with \??\ or with SYSVOL before it
  FileTime modified;
  std::uint64_t offset = 0, length = 0;  // of the entry in the value
  std::uint64_t position = 0;            // in the list, from 0
};

struct ProgramCacheTally {
  std::string_view format;  // empty: none of the known ones
  std::uint64_t entries = 0, damaged = 0;
};

ProgramCacheTally decode_program_cache(ByteView value, const std::function<void(const CachedProgram&)>& sink);

// The entry of Windows 8 and later that `bytes` begin with; its `offset` and `position` are 0. Its sizes must close exactly, so it can be
// looked for anywhere.
std::optional<CachedProgram> decode_cached_program(ByteView bytes);

}  // namespace trimcarve::witness
