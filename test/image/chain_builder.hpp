// What container_builder.hpp does not make: differencing VHD and VHDX, and VHDX with a pending log. As the format documents say; where
// another reader can open the result, it is asked (qemu-img for logs, libvhdi for differencing images).
#pragma once

#include <optional>
#include <utility>

#include "container_builder.hpp"

namespace trimcarve::test {

inline void put_utf16(Bytes& bytes, std::size_t at, std::string_view text, bool big) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto unit = static_cast<std::uint8_t>(text[i]);
    big ? put_be(bytes, at + 2 * i, unit, 2) : put_le(bytes, at + 2 * i, unit, 2);
  }
}

// A block of a differencing VHD: its bitmap's bytes and its data; nothing: the parent's.
struct VhdBlock {
  Bytes bitmap, data;
};

// Blocks of 2 MiB. The footer identifies every VHD of these builders as "0123456789abcdef" unless changed (set_vhd_identifier).
inline Bytes differencing_vhd(std::uint64_t size, std::string_view parent_identifier, std::string_view parent_path,
                              const std::vector<std::optional<VhdBlock>>& blocks) {
  constexpr std::size_t block_size = 2 << 20, locator = vhd_table_offset + 512;
  Bytes footer = vhd_footer(4, size);
  Bytes file = footer;
  file.resize(locator + 512, std::byte{0});
  std::fill(file.begin() + vhd_table_offset, file.begin() + locator, std::byte{0xFF});
  put_text(file, 512, "cxsparse");
  put_be(file, 512 + 8, ~0ULL, 8);
  put_be(file, 512 + 16, vhd_table_offset, 8);
  put_be(file, 512 + 24, 0x10000, 4);
  put_be(file, 512 + 28, blocks.size(), 4);
  put_be(file, 512 + 32, block_size, 4);
  put_text(file, 512 + 40, parent_identifier);
  const auto slash = parent_path.find_last_of('\\');
  put_utf16(file, 512 + 64, slash == std::string_view::npos ? parent_path : parent_path.substr(slash + 1), true);
  put_text(file, 512 + 576, "W2ku");
  put_be(file, 512 + 576 + 4, 512, 4);
  put_be(file, 512 + 576 + 8, parent_path.size() * 2, 4);
  put_be(file, 512 + 576 + 16, locator, 8);
  put_utf16(file, locator, parent_path, false);
  vhd_checksum(file, 512, 1024, 36);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (!blocks[i]) continue;
    put_be(file, vhd_table_offset + 4 * i, file.size() / 512, 4);
    file.insert(file.end(), blocks[i]->bitmap.begin(), blocks[i]->bitmap.end());
    file.resize(file.size() + 512 - blocks[i]->bitmap.size());
    file.insert(file.end(), blocks[i]->data.begin(), blocks[i]->data.end());
    file.resize(file.size() + block_size - blocks[i]->data.size());
  }
  file.insert(file.end(), footer.begin(), footer.end());
  return file;
}

inline void set_vhd_identifier(Bytes& file, std::string_view sixteen) {
  for (const std::size_t at : {std::size_t{0}, file.size() - 512}) {
    if (at == 0 && std::memcmp(file.data(), "conectix", 8) != 0) continue;  // a fixed one has no copy
    put_text(file, at + 68, sixteen);
    vhd_checksum(file, at, 512, 64);
  }
}

inline void set_vhdx_identifier(Bytes& file, std::string_view guid) {
  for (const std::size_t at : {std::size_t{64} << 10, std::size_t{128} << 10}) {
    put_guid(file, at + 32, guid);
    vhdx_checksum(file, at, 4096);
  }
}

// Adds the parent locator to a VHDX made with flag 2.
inline void put_parent(Bytes& file, const std::vector<std::pair<std::string, std::string>>& values) {
  const std::size_t metadata = 1 << 20, item = 128 << 10, entry = metadata + 32 + 5 * 32;
  put_le(file, metadata + 10, 6, 2);
  put_guid(file, entry, "a8d35f2d-b30b-454d-abf7-d3d84834ab0c");
  put_le(file, entry + 16, item, 4);
  put_le(file, entry + 24, 4, 4);
  put_guid(file, metadata + item, "b04aefb7-d19e-4a81-b789-25b8e9445913");
  put_le(file, metadata + item + 18, values.size(), 2);
  std::size_t at = 20 + 12 * values.size(), i = 0;
  for (const auto& [key, value] : values) {
    const std::size_t slot = metadata + item + 20 + 12 * i++;
    put_le(file, slot, at, 4);
    put_le(file, slot + 8, key.size() * 2, 2);
    put_utf16(file, metadata + item + at, key, false);
    at += key.size() * 2;
    put_le(file, slot + 4, at, 4);
    put_le(file, slot + 10, value.size() * 2, 2);
    put_utf16(file, metadata + item + at, value, false);
    at += value.size() * 2;
  }
  put_le(file, entry + 20, at, 4);
}

inline constexpr std::string_view log_guid = "99999999-2222-3333-4444-555555555555";

// One change of a log entry: a sector of 4 KiB, or so many zeros.
struct LogWrite {
  std::uint64_t offset = 0;
  Bytes sector;
  std::uint64_t zeros = 0;
};

// Puts an entry into the ring of a log of 1 MiB at 6 MiB in the file, at `at`; where it ends.
inline std::size_t put_log_entry(Bytes& file, std::size_t at, std::uint64_t sequence, std::size_t tail, const std::vector<LogWrite>& writes,
                                 std::string_view guid = log_guid) {
  constexpr std::size_t ring = 1 << 20, log = 6 << 20;
  const std::size_t descriptor_sectors = (64 + 32 * writes.size() + 4095) / 4096;
  Bytes entry(descriptor_sectors * 4096);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const LogWrite& w = writes[i];
    const std::size_t d = 64 + 32 * i;
    put_le(entry, d + 16, w.offset, 8);
    put_le(entry, d + 24, sequence, 8);
    if (w.sector.empty()) {
      put_text(entry, d, "zero");
      put_le(entry, d + 8, w.zeros, 8);
      continue;
    }
    put_text(entry, d, "desc");
    std::copy(w.sector.end() - 4, w.sector.end(), entry.begin() + static_cast<std::ptrdiff_t>(d + 4));
    std::copy(w.sector.begin(), w.sector.begin() + 8, entry.begin() + static_cast<std::ptrdiff_t>(d + 8));
    Bytes data(4096);
    put_text(data, 0, "data");
    put_le(data, 4, sequence >> 32, 4);
    std::copy(w.sector.begin() + 8, w.sector.end() - 4, data.begin() + 8);
    put_le(data, 4092, sequence & 0xFFFFFFFF, 4);
    entry.insert(entry.end(), data.begin(), data.end());
  }
  put_text(entry, 0, "loge");
  put_le(entry, 8, entry.size(), 4);
  put_le(entry, 12, tail, 4);
  put_le(entry, 16, sequence, 8);
  put_le(entry, 24, writes.size(), 4);
  put_guid(entry, 32, guid);
  put_le(entry, 48, file.size(), 8);
  put_le(entry, 56, file.size(), 8);
  vhdx_checksum(entry, 0, entry.size());
  for (std::size_t i = 0; i < entry.size(); ++i) file[log + (at + i) % ring] = entry[i];
  return (at + entry.size()) % ring;
}

}  // namespace trimcarve::test
