#include "witness/hive_lists.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_set>
#include <vector>

#include "witness/hive_cells.hpp"

namespace trimcarve::witness {

namespace {

class Mender {
 public:
  Mender(std::span<std::byte> hive, const std::function<bool(const KeyPath&)>& leads)
      : hive_(hive), leads_(leads), left_(hive.size() / 2) {}

  std::uint64_t run() {
    const auto base = decode_base_block(hive_);
    if (!base) return 0;
    KeyPath path;
    visit(base->root_cell, path);
    return mended_;
  }

 private:
  static constexpr std::size_t deepest = 64;

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

  // The key's children; it gets an empty list when its own is not sound.
  std::vector<std::uint32_t> mended_children(std::uint32_t cell) {
    const ByteView key = record(cell);
    if (!is(key, 'n', 'k') || key.size() < 76) return {};
    if (auto children = children_of(key)) return *std::move(children);
    ++mended_;
    std::byte* at = hive_.data() + (key.data() - hive_.data());
    std::memset(at + count_at, 0, 4);
    std::memset(at + list_at, 0xFF, 4);
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

  static constexpr std::uint64_t count_at = 20, list_at = 28;  // in a key's record

  std::span<std::byte> hive_;
  const std::function<bool(const KeyPath&)>& leads_;
  std::uint64_t left_;  // entries that lists may still bring
  std::unordered_set<std::uint32_t> checked_, visited_;
  std::uint64_t mended_ = 0;
};

}  // namespace

std::uint64_t mend_subkey_lists(std::span<std::byte> hive, const std::function<bool(const KeyPath&)>& leads) {
  return Mender(hive, leads).run();
}

}  // namespace trimcarve::witness
