// The reasons of a change journal record by name.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace trimcarve::report {

struct ReasonName {
  std::uint32_t bit;
  std::string_view name;
};
// USN_REASON_* as Windows' USN_RECORD_V2 documentation lists them.
inline constexpr std::array reason_names{ReasonName{0x00000001, "data_overwrite"},
                                         ReasonName{0x00000002, "data_extend"},
                                         ReasonName{0x00000004, "data_truncation"},
                                         ReasonName{0x00000010, "named_data_overwrite"},
                                         ReasonName{0x00000020, "named_data_extend"},
                                         ReasonName{0x00000040, "named_data_truncation"},
                                         ReasonName{0x00000100, "file_create"},
                                         ReasonName{0x00000200, "file_delete"},
                                         ReasonName{0x00000400, "ea_change"},
                                         ReasonName{0x00000800, "security_change"},
                                         ReasonName{0x00001000, "rename_old_name"},
                                         ReasonName{0x00002000, "rename_new_name"},
                                         ReasonName{0x00004000, "indexable_change"},
                                         ReasonName{0x00008000, "basic_info_change"},
                                         ReasonName{0x00010000, "hard_link_change"},
                                         ReasonName{0x00020000, "compression_change"},
                                         ReasonName{0x00040000, "encryption_change"},
                                         ReasonName{0x00080000, "object_id_change"},
                                         ReasonName{0x00100000, "reparse_point_change"},
                                         ReasonName{0x00200000, "stream_change"},
                                         ReasonName{0x00400000, "transacted_change"},
                                         ReasonName{0x00800000, "integrity_change"},
                                         ReasonName{0x01000000, "desired_storage_class_change"},
                                         ReasonName{0x80000000, "close"}};

// Calls take(name) for each bit that has a name, lowest first.
template <class Take>
void each_reason(std::uint32_t reasons, Take take) {
  for (const auto& [bit, name] : reason_names)
    if ((reasons & bit) != 0) take(name);
}

}  // namespace trimcarve::report
