// Small VHD and VHDX files in memory, as the format documents describe them, for what no tool writes. That real writers' files read right
// is the matter of test_real_images.cpp; that qemu-img accepts these, of test_container.cpp.
#pragma once

#include <string_view>
#include <vector>

#include "image/crc.hpp"
#include "support.hpp"

namespace trimcarve::test {

inline void vhd_checksum(Bytes& bytes, std::size_t begin, std::size_t size, std::size_t at) {
  put_be(bytes, begin + at, 0, 4);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += static_cast<std::uint32_t>(bytes[begin + i]);
  put_be(bytes, begin + at, ~sum, 4);
}

inline Bytes vhd_footer(std::uint32_t type, std::uint64_t size) {
  Bytes footer(512);
  put_text(footer, 0, "conectix");
  put_be(footer, 8, 2, 4);
  put_be(footer, 12, 0x10000, 4);
  put_be(footer, 16, type == 2 ? ~0ULL : 512, 8);
  put_text(footer, 28, "win ");
  put_be(footer, 40, size, 8);
  put_be(footer, 48, size, 8);
  put_be(footer, 56, 0xFFFF10FF, 4);  // the largest geometry: readers then take the size above
  put_be(footer, 60, type, 4);
  put_text(footer, 68, "0123456789abcdef");
  vhd_checksum(footer, 0, 512, 64);
  return footer;
}

inline constexpr std::size_t vhd_table_offset = 1536;

// A dynamic VHD with blocks of 2 MiB; an empty block is absent.
inline Bytes dynamic_vhd(std::uint64_t size, const std::vector<Bytes>& blocks) {
  constexpr std::size_t block_size = 2 << 20, bitmap = 512;
  const Bytes footer = vhd_footer(3, size);
  Bytes file = footer;
  file.resize(vhd_table_offset + 512, std::byte{0xFF});  // up to 128 table entries, all absent
  std::fill(file.begin() + 512, file.begin() + vhd_table_offset, std::byte{0});
  put_text(file, 512, "cxsparse");
  put_be(file, 512 + 8, ~0ULL, 8);
  put_be(file, 512 + 16, vhd_table_offset, 8);
  put_be(file, 512 + 24, 0x10000, 4);
  put_be(file, 512 + 28, blocks.size(), 4);
  put_be(file, 512 + 32, block_size, 4);
  vhd_checksum(file, 512, 1024, 36);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].empty()) continue;
    put_be(file, vhd_table_offset + 4 * i, file.size() / 512, 4);
    file.insert(file.end(), bitmap, std::byte{0xFF});
    file.insert(file.end(), blocks[i].begin(), blocks[i].end());
    file.resize(file.size() + block_size - blocks[i].size());
  }
  file.insert(file.end(), footer.begin(), footer.end());
  return file;
}

struct VhdxShape {
  std::uint64_t size = 8 << 20;
  std::uint32_t block_size = 1 << 20;
  std::uint32_t sector_size = 512;
  std::uint32_t flags = 0;             // 1 fixed, 2 has a parent
  bool log = false;                    // a log is pending
  std::vector<std::uint64_t> entries;  // the block table, sector bitmap entries included
};

inline constexpr std::size_t vhdx_table_offset = 2 << 20, vhdx_payload = 3 << 20;

inline void vhdx_checksum(Bytes& file, std::size_t at, std::size_t size) {
  put_le(file, at + 4, 0, 4);
  put_le(file, at + 4, image::crc32c(ByteView(file).subspan(at, size)), 4);
}

inline void put_guid(Bytes& file, std::size_t at, std::string_view text) {
  Bytes raw;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-') continue;
    raw.push_back(static_cast<std::byte>(std::stoul(std::string(text.substr(i, 2)), nullptr, 16)));
    ++i;
  }
  constexpr std::array<std::size_t, 16> order{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  for (std::size_t i = 0; i < 16; ++i) file[at + i] = raw[order[i]];
}

inline void put_vhdx_header(Bytes& file, std::size_t at, std::uint64_t sequence, bool log) {
  std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at), 4096, std::byte{0});
  put_text(file, at, "head");
  put_le(file, at + 8, sequence, 8);
  put_guid(file, at + 32, "11111111-2222-3333-4444-555555555555");
  if (log) put_guid(file, at + 48, "99999999-2222-3333-4444-555555555555");
  put_le(file, at + 66, 1, 2);
  put_le(file, at + 68, 1 << 20, 4);  // the log: 1 MiB at 6 MiB, unused
  put_le(file, at + 72, 6 << 20, 8);
  vhdx_checksum(file, at, 4096);
}

// Metadata at 1 MiB, block table at 2 MiB, payload from 3 MiB on (the caller's: append or overwrite).
inline Bytes vhdx(const VhdxShape& shape) {
  Bytes file(vhdx_payload);
  put_text(file, 0, "vhdxfile");
  put_vhdx_header(file, 64 << 10, 6, shape.log);
  put_vhdx_header(file, 128 << 10, 7, shape.log);
  for (const std::size_t at : {std::size_t{192} << 10, std::size_t{256} << 10}) {
    put_text(file, at, "regi");
    put_le(file, at + 8, 2, 4);
    put_guid(file, at + 16, "2dc27766-f623-4200-9d64-115e9bfd4a08");
    put_le(file, at + 32, vhdx_table_offset, 8);
    put_le(file, at + 40, 1 << 20, 4);
    put_le(file, at + 44, 1, 4);
    put_guid(file, at + 48, "8b7ca206-4790-4b9a-b8fe-575f050f886e");
    put_le(file, at + 64, 1 << 20, 8);
    put_le(file, at + 72, 1 << 20, 4);
    put_le(file, at + 76, 1, 4);
    vhdx_checksum(file, at, 64 << 10);
  }
  const std::size_t metadata = 1 << 20;
  put_text(file, metadata, "metadata");
  put_le(file, metadata + 10, 5, 2);
  std::size_t entry = metadata + 32, item = 65536;
  const auto add = [&](std::string_view guid, std::uint64_t value, std::size_t length, std::uint32_t flags) {
    put_guid(file, entry, guid);
    put_le(file, entry + 16, item, 4);
    put_le(file, entry + 20, length, 4);
    put_le(file, entry + 24, flags, 4);
    put_le(file, metadata + item, value, std::min<std::size_t>(length, 8));
    entry += 32;
    item += length;
  };
  add("caa16737-fa36-4d43-b3b6-33f0aa44e76b", shape.block_size | std::uint64_t{shape.flags} << 32, 8, 4);
  add("2fa54224-cd1b-4876-b211-5dbed83bf4b8", shape.size, 8, 6);
  add("beca12ab-b2e6-4523-93ef-c309e000c746", 77, 16, 6);
  add("8141bf1d-a96f-4709-ba47-f233a8faab5f", shape.sector_size, 4, 6);
  add("cda348c7-445d-4471-9cc9-e9885251c556", 4096, 4, 6);
  for (std::size_t i = 0; i < shape.entries.size(); ++i) put_le(file, vhdx_table_offset + 8 * i, shape.entries[i], 8);
  return file;
}

// The table entry of a block stored at an offset (a whole number of MiB).
inline std::uint64_t present(std::uint64_t offset) { return offset | 6; }

}  // namespace trimcarve::test
