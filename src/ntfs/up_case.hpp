// $UpCase: how a volume folds names: 65,536 UTF-16LE units, one for each unit. Immutable, cheap to copy (shared), safe from many threads.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "trimcarve/bytes.hpp"

namespace trimcarve::ntfs {

class UpCase {
 public:
  // The fall-back for volumes whose table cannot be read: Unicode's simple upper case of the scripts Windows folds.
  UpCase();
  // Nothing when the bytes are not 131,072 or do not even fold ASCII (a zeroed or foreign stream).
  static std::optional<UpCase> decode(ByteView bytes);

  char16_t operator()(char16_t unit) const noexcept { return (*table_)[unit]; }
  bool from_volume() const noexcept { return from_volume_; }

 private:
  std::shared_ptr<const std::vector<char16_t>> table_;
  bool from_volume_ = false;
};

bool equal_ignoring_case(std::u16string_view a, std::u16string_view b, const UpCase& table) noexcept;
std::u16string to_upper(std::u16string_view text, const UpCase& table);

}  // namespace trimcarve::ntfs
