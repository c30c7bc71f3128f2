#include "witness/hive_mend.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <ranges>
#include <unordered_set>
#include <vector>

#include "witness/hive_cells.hpp"

namespace trimcarve::witness {

namespace {

class Mender {
 public:
  Mender(std::span<std::byte> hive, const std::function<bool(const KeyPath&)>& leads)
      : hive_(hive), leads_(leads), left_(hive.size() / 2) {}

  Mended run() {
    mend_bins();
    if (const auto base = decode_base_block(hive_)) {
      KeyPath path;
      visit(base->root_cell, path);
    }
    return std::move(mended_);
  }

 private:
  static constexpr std::size_t deepest = 64;

  void write(std::size_t at, std::span<const std::byte> bytes) {
    const auto place = hive_.subspan(at, bytes.size());
    mended_.before.emplace_back(at, std::vector<std::byte>(place.begin(), place.end()));
    std::ranges::copy(bytes, place.begin());
  }

  // The size of the bin at `at` by its header, whatever offset that states.
  std::uint64_t bin_size(std::size_t at) const {
    const auto size = le<std::uint32_t>(hive_, at + 8);
    return size != 0 && size % bin_unit == 0 && fits(hive_.size(), at, size) ? size : 0;
  }
  bool is_bin(std::size_t at) const { return std::memcmp(hive_.data() + at, "hbin", 4) == 0 && bin_size(at) != 0; }

  void mend_bins() {
    for (std::size_t at = base_block_size; at + bin_unit <= hive_.size();) {
      if (is_bin(at)) {
        at += static_cast<std::size_t>(bin_size(at));
        continue;
      }
      ++mended_.bins;
      std::array<std::byte, bin_header_size + 4> header{};
      const auto put = [&header](std::size_t place, std::uint64_t value) {
        for (std::size_t i = 0; i < 4; ++i) header[place + i] = static_cast<std::byte>(value >> (8 * i));
      };
      std::memcpy(header.data(), "hbin", 4);
      put(4, at - base_block_size);
      const std::uint64_t stated = bin_size(at);
      const std::size_t behind = at + static_cast<std::size_t>(stated);
      if (stated != 0 && (behind + bin_unit > hive_.size() || is_bin(behind))) {  // only its signature is damaged: its cells may be good
        write(at, std::span(header).first(4));
        at = behind;
        continue;
      }
      std::size_t end = at + bin_unit;
      while (end + bin_unit <= hive_.size() && !is_bin(end)) end += bin_unit;
      put(8, end - at);
      put(bin_header_size, end - at - bin_header_size);  // one unallocated cell
      write(at, header);
      at = end;
    }
  }

  ByteView record(std::uint32_t cell) const {
    const std::uint64_t at = base_block_size + std::uint64_t{cell} + 4;
    return at < hive_.size() ? ByteView(hive_).subspan(static_cast<std::size_t>(at)) : ByteView{};
  }
  static bool is(ByteView bytes, char a, char b) {
    return bytes.size() >= 4 && bytes[0] == static_cast<std::byte>(a) && bytes[1] == static_cast<std::byte>(b);
  }

  // The cells that a leaf names; nothing when it is none.
  bool add_leaf(ByteView list, std::vector<std::uint32_t>& cells) {
    const bool plain = is(list, 'l', 'i');
    if (!plain && !is(list, 'l', 'f') && !is(list, 'l', 'h')) return false;
    const std::uint64_t count = le<std::uint16_t>(list, 2), step = plain ? 4 : 8;
    // Each entry of a sound hive has bytes of its own, at least four, and each list is read twice here.
    if (!fits(list, 4, count * step) || count > left_) return false;
    left_ -= count;
    for (std::uint64_t i = 0; i < count; ++i) cells.push_back(le<std::uint32_t>(list, 4 + i * step));
    return true;
  }
  std::optional<std::vector<std::uint32_t>> children_of(ByteView key) {
    std::vector<std::uint32_t> cells;
    const auto cell = le<std::uint32_t>(key, list_at);
    if (le<std::uint32_t>(key, count_at) == 0 || cell == no_cell) return cells;
    const ByteView list = record(cell);
    if (!is(list, 'r', 'i')) return add_leaf(list, cells) ? std::optional(std::move(cells)) : std::nullopt;
    const std::uint64_t count = le<std::uint16_t>(list, 2);
    if (!fits(list, 4, count * 4) || count > left_) return std::nullopt;
    left_ -= count;
    for (std::uint64_t i = 0; i < count; ++i)
      if (!add_leaf(record(le<std::uint32_t>(list, 4 + i * 4)), cells)) return std::nullopt;
    return cells;
  }

  // How many entries of four bytes the cell has room for.
  std::uint64_t room_in(std::uint32_t cell) const {
    const std::uint64_t at = base_block_size + std::uint64_t{cell};
    if (!fits(hive_.size(), at, 4)) return 0;
    const auto size = static_cast<std::int32_t>(le<std::uint32_t>(hive_, static_cast<std::size_t>(at)));
    const std::uint64_t bytes = std::min<std::uint64_t>(size < 0 ? 0U - static_cast<std::uint32_t>(size) : 0U, hive_.size() - at);
    return bytes < 4 ? 0 : (bytes - 4) / 4;
  }

  void put(std::size_t at, std::uint32_t value) {
    std::array<std::byte, 4> bytes{};
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i));
    write(at, bytes);
  }

  // libregf reads as many entries of the list of values as the key states, wherever the list's cell ends.
  void mend_values(ByteView key) {
    const auto count = le<std::uint32_t>(key, values_at), cell = le<std::uint32_t>(key, value_list_at);
    if (count == 0) return;
    const auto there = static_cast<std::uint32_t>(std::min({std::uint64_t{count}, cell == no_cell ? 0 : room_in(cell), left_}));
    left_ -= there;
    if (there == count) return;
    ++mended_.value_lists;
    const auto at = static_cast<std::size_t>(key.data() - hive_.data());
    put(at + values_at, there);
    if (there == 0) put(at + value_list_at, no_cell);
  }

  // The key's children; it gets an empty list when its own is not sound.
  std::vector<std::uint32_t> mended_children(std::uint32_t cell) {
    const ByteView key = record(cell);
    if (!is(key, 'n', 'k') || key.size() < 76) return {};
    mend_values(key);
    if (auto children = children_of(key)) return *std::move(children);
    ++mended_.lists;
    const auto at = static_cast<std::size_t>(key.data() - hive_.data());
    put(at + count_at, 0);
    put(at + list_at, no_cell);
    return {};
  }

  void visit(std::uint32_t cell, KeyPath& path) {
    if (path.size() > deepest || !visited_.insert(cell).second) return;
    for (const std::uint32_t child : mended_children(cell)) {
      // libregf reads a child with its own list, wherever its path leads.
      if (checked_.insert(child).second) mended_children(child);
      const auto node = decode_key_node(record(child));
      if (!node) continue;
      path.push_back(node->name);
      if (leads_(path)) visit(child, path);
      path.pop_back();
    }
  }

  static constexpr std::uint64_t count_at = 20, list_at = 28, values_at = 36, value_list_at = 40;  // in a key's record

  std::span<std::byte> hive_;
  const std::function<bool(const KeyPath&)>& leads_;
  std::uint64_t left_;  // entries that lists may still bring
  std::unordered_set<std::uint32_t> checked_, visited_;
  Mended mended_;
};

}  // namespace

Mended mend_hive(std::span<std::byte> hive, const std::function<bool(const KeyPath&)>& leads) { return Mender(hive, leads).run(); }

void undo_mending(std::span<std::byte> hive, const Mended& mended) {
  for (const auto& [at, bytes] : std::views::reverse(mended.before))
    std::ranges::copy(bytes, hive.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace trimcarve::witness
