#include "witness/hive_carve.hpp"

#include <algorithm>
#include <unordered_set>

#include "witness/hive_cells.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::uint32_t cell_header = 4;
constexpr std::size_t most_values = 65536;                 // of one deleted key
constexpr std::uint32_t most_data = 16U << 20;             // of one deleted value
constexpr std::uint32_t longest_record = 76 + 1024;        // the longest key's; values with longer names are hardly met
constexpr std::uint64_t least_value = 24, least_key = 80;  // bytes of their cells

struct Stretch {
  std::uint64_t begin = 0, end = 0;  // in the hive file
};

class HiveCarver {
 public:
  HiveCarver(ByteView hive, const HiveCarveOptions& options)
      : hive_(hive), options_(options), data_left_(hive.size() * 4), steps_left_(hive.size() / least_key * 64 + deepest_key) {
    if (options.first_bin) {
      bins_at_ = 0;
      first_bin_ = *options.first_bin;
    } else if (const auto base = decode_base_block(hive)) {
      root_ = place(base->root_cell);
      bins_end_ = place(base->bins_size);
    }
  }

  HiveCarveTally run() {
    find_stretches();
    for (const Stretch& s : free_) deleted_records(s);
    for (const std::uint64_t at : allocated_keys_) allocated_key(at);
    if (options_.loose_value)
      for (const std::uint64_t at : values_) loose_value(at);
    if (options_.free_space)
      for (const Stretch& s : free_) options_.free_space(s.begin, view(s.begin, s.end - s.begin));
    return tally_;
  }

 private:
  // What lies at [at, at + most), as far as the hive goes.
  ByteView view(std::uint64_t at, std::uint64_t most) const {
    if (at >= hive_.size()) return {};
    return hive_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(std::min<std::uint64_t>(most, hive_.size() - at)));
  }
  std::uint64_t place(std::uint32_t cell) const { return cell < first_bin_ ? nowhere : bins_at_ + (cell - first_bin_); }
  // The size of the bin at `at`, when one begins there.
  std::optional<std::uint32_t> bin_size(std::uint64_t at) const {
    const std::uint64_t offset = at - bins_at_ + first_bin_;
    return offset <= 0xFFFFFFFF ? decode_bin_size(view(at, bin_header_size), static_cast<std::uint32_t>(offset)) : std::nullopt;
  }

  // ---- where unallocated space is ----

  void find_stretches() {
    std::uint64_t at = bins_at_;
    while (at < hive_.size()) {
      auto size = bin_size(at);
      if (size && options_.first_bin && !fits(hive_, at, *size)) {
        ++tally_.damaged;
        size = static_cast<std::uint32_t>(hive_.size() - at) & ~std::uint32_t{7};
        if (*size <= bin_header_size) return;
      }
      if (!size || !fits(hive_, at, *size)) {
        // Behind the last bin remains are normal; between bins, or where the base block says there is one, this is damage.
        const std::uint64_t end = next_bin(at + bin_unit);
        if (end < hive_.size() || at < bins_end_) ++tally_.damaged;
        add_free(at, end);
        at = end;
        continue;
      }
      ++tally_.bins;
      cells_of(at + bin_header_size, at + *size);
      at += *size;
    }
  }
  std::uint64_t next_bin(std::uint64_t at) const {
    for (; at < hive_.size(); at += bin_unit)
      if (bin_size(at)) return at;
    return hive_.size();
  }

  void cells_of(std::uint64_t at, std::uint64_t end) {
    while (at < end) {
      const auto raw = le<std::uint32_t>(hive_, at);
      const bool allocated = (raw & 0x80000000) != 0;
      const std::uint64_t size = allocated ? 0x100000000 - raw : raw;
      if (size < 8 || size % 8 != 0 || size > end - at) {
        ++tally_.damaged;
        add_free(at, end);
        return;
      }
      ++tally_.cells;
      if (!allocated)
        add_free(at, at + size);
      else if (size > cell_header + 76 && hive_[at + 4] == std::byte{'n'} && hive_[at + 5] == std::byte{'k'})
        allocated_keys_.push_back(at);
      at += size;
    }
  }

  void add_free(std::uint64_t begin, std::uint64_t end) {
    tally_.free_bytes += end - begin;
    if (!free_.empty() && free_.back().end == begin)
      free_.back().end = end;
    else
      free_.push_back({begin, end});
  }

  // The free bytes from `at` on; empty when `at` is allocated.
  ByteView free_at(std::uint64_t at) const {
    const auto after = std::ranges::upper_bound(free_, at, {}, &Stretch::begin);
    if (after == free_.begin() || at >= std::prev(after)->end) return {};
    return view(at, std::prev(after)->end - at);
  }

  // ---- records ----

  void deleted_records(const Stretch& stretch) {
    // Cells begin at multiples of 8 of the bins; so do cells that were joined to others when they were freed.
    for (std::uint64_t at = (stretch.begin + 7) & ~std::uint64_t{7}; at + 8 <= stretch.end; at += 8) {
      if (hive_[at + 5] != std::byte{'k'}) continue;
      const ByteView record = view(at + cell_header, std::min<std::uint64_t>(stretch.end - at - cell_header, longest_record));
      if (hive_[at + 4] == std::byte{'n'}) {
        if (const auto key = decode_key_node(record)) {
          ++tally_.deleted_keys;
          tally_.window.see(key->last_write);
          offer(at, *key, false);
        }
      } else if (hive_[at + 4] == std::byte{'v'} && decode_key_value(record)) {
        ++tally_.deleted_values;
        values_.push_back(at);
      }
    }
  }

  void allocated_key(std::uint64_t at) {
    if (const auto key = decode_key_node(view(at + cell_header, longest_record))) offer(at, *key, true);
  }

  void offer(std::uint64_t at, const KeyNode& node, bool allocated) {
    HiveKey key;
    build_path(at, node, allocated, key);
    if (key.path.empty()) return;  // a root
    if (!options_.wanted(key.path, key.rooted, allocated, at)) return;
    key.last_write = node.last_write;
    key.offset = at;
    key.length = cell_length(at, cell_header + node.length, allocated);
    key.carved = true;
    read_values(node, allocated, key);
    options_.key(key);
  }

  // A freed cell's size may be that of several joined by now; then the record tells.
  std::uint64_t cell_length(std::uint64_t at, std::uint64_t needed, bool allocated) const {
    const std::uint64_t size = allocated ? 0x100000000 - le<std::uint32_t>(hive_, at) : (needed + 7) / 8 * 8;
    return std::min<std::uint64_t>(size, hive_.size() - at);
  }

  void build_path(std::uint64_t at, const KeyNode& node, bool allocated, HiveKey& key) {
    KeyPath names;  // from the key upwards
    KeyNode child = node;
    std::uint64_t child_at = at;
    bool child_is_free = !allocated;
    key.rooted = false;
    std::vector<std::uint64_t> seen{at};
    while (true) {
      if (child.is_root() || child_at == root_) {
        key.rooted = true;
        break;
      }
      names.push_back(child.name);
      if (child.parent % 8 != 0 || names.size() > deepest_key || steps_left_ == 0) break;
      --steps_left_;
      const std::uint64_t parent_at = place(child.parent);
      if (std::ranges::find(seen, parent_at) != seen.end()) break;
      const auto parent = decode_key_node(view(parent_at + cell_header, longest_record));
      if (!parent) break;
      // The parent's cell may be another key's by now. Windows keeps there the longest name below, and sets the last write when a key below
      // is created or deleted: a parent that cannot have had this child is said.
      const bool parent_is_free = !free_at(parent_at).empty();
      if (options_.first_bin && !can_have(*parent, child, child_at, child_is_free)) break;
      if (child_is_free && key.doubt.empty()) {
        if (parent->longest_subkey != 0 && parent->longest_subkey < child.name_units * 2)
          key.doubt = "the parent's cell, " + parent->name + ", never had a key with so long a name";
        else if (!parent_is_free && parent->last_write < child.last_write)
          key.doubt = "the parent's cell, " + parent->name + ", was last written before this key";
      }
      seen.push_back(parent_at);
      child = *parent;
      child_at = parent_at;
      child_is_free = parent_is_free;
    }
    key.path.assign(names.rbegin(), names.rend());
  }

  // Could this key be the parent of that one? Of bins alone nothing else vouches for it.
  bool can_have(const KeyNode& parent, const KeyNode& child, std::uint64_t child_at, bool child_is_free) const {
    if (parent.longest_subkey != 0 && parent.longest_subkey < child.name_units * 2) return false;
    if (child_is_free) return true;  // no list has it any more
    if (parent.subkeys == 0) return false;
    const bool listed_here = listed(parent.subkey_list, child_at, 0).value_or(true);
    return listed_here && entries_left_ != 0;  // what was not looked at vouches for nothing
  }
  // Does this list of subkeys, or one of those it names, have the key? Nothing when a list is not here.
  std::optional<bool> listed(std::uint32_t list, std::uint64_t child_at, int depth) const {
    constexpr int deepest = 2;
    const ByteView bytes = list == no_cell ? ByteView{} : view(place(list), most_data);
    if (bytes.size() < cell_header + 4 || depth > deepest || entries_left_ == 0) return std::nullopt;
    const ByteView body = bytes.subspan(cell_header);
    const auto is = [&](char a, char b) { return body[0] == static_cast<std::byte>(a) && body[1] == static_cast<std::byte>(b); };
    const std::size_t stride = is('l', 'f') || is('l', 'h') ? 8 : is('l', 'i') || is('r', 'i') ? 4 : 0;
    if (stride == 0) return std::nullopt;
    const std::size_t count = std::min<std::size_t>(le<std::uint16_t>(body, 2), (body.size() - 4) / stride);
    bool all_here = count == le<std::uint16_t>(body, 2);
    entries_left_ -= std::min<std::uint64_t>(entries_left_, count + 1);
    for (std::size_t i = 0; i < count; ++i) {
      const auto cell = le<std::uint32_t>(body, 4 + i * stride);
      if (!is('r', 'i')) {
        if (place(cell) == child_at) return true;
        continue;
      }
      const auto below = listed(cell, child_at, depth + 1);
      if (below.value_or(false)) return true;
      all_here = all_here && below.has_value();
    }
    return all_here ? std::optional(false) : std::nullopt;
  }

  // The bytes of a cell that a deleted (or, for `allocated`, a live) record speaks of.
  ByteView cell(std::uint32_t offset, bool allocated) const {
    const ByteView bytes = allocated ? view(place(offset), most_data + cell_header) : free_at(place(offset));
    return bytes.size() > cell_header ? bytes.subspan(cell_header) : ByteView{};
  }

  void read_values(const KeyNode& node, bool allocated, HiveKey& key) {
    if (node.values == 0) return;
    const ByteView list = cell(node.value_list, allocated);
    const std::size_t count = std::min({static_cast<std::size_t>(node.values), list.size() / 4, most_values});
    key.cut = count < node.values;
    for (std::size_t i = 0; i < count; ++i) {
      if (data_left_ < least_value) {
        key.cut = true;
        return;
      }
      data_left_ -= least_value;
      const auto offset = le<std::uint32_t>(list, i * 4);
      const ByteView record = offset % 8 == 0 ? cell(offset, allocated) : ByteView{};
      const auto value = decode_key_value(record.first(std::min<std::size_t>(record.size(), longest_record)));
      if (!value) {
        key.cut = true;
        continue;
      }
      claimed_.insert(place(offset));
      key.values.push_back(read_value(record, *value, allocated));
      if (!key.values.back().whole) key.cut = true;
    }
  }

  HiveValue read_value(ByteView record, const KeyValue& value, bool allocated) {
    HiveValue out{value.name, value.type, {}, true};
    const auto take = [&](ByteView bytes) {
      bytes = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), data_left_)));
      data_left_ -= bytes.size();
      out.data.insert(out.data.end(), bytes.begin(), bytes.end());
    };
    if (value.is_inline) {
      take(record.subspan(inline_data_at, value.size));
      return out;
    }
    const ByteView data = cell(value.data, allocated);
    const bool in_segments = value.size > segment_size && data.size() >= 8 && data[0] == std::byte{'d'} && data[1] == std::byte{'b'};
    if (!in_segments) {
      take(data.first(std::min<std::size_t>({data.size(), value.size, most_data})));
    } else {
      const ByteView list = cell(le<std::uint32_t>(data, 4), allocated);
      const std::size_t count = std::min<std::size_t>(le<std::uint16_t>(data, 2), list.size() / 4);
      for (std::size_t i = 0; i < count && out.data.size() < std::min(value.size, most_data); ++i) {
        const ByteView segment = cell(le<std::uint32_t>(list, i * 4), allocated);
        if (segment.empty()) break;  // what follows would stand at the wrong place
        take(segment.first(std::min<std::size_t>({segment.size(), segment_size, value.size - out.data.size()})));
      }
    }
    out.whole = out.data.size() == value.size;
    return out;
  }

  void loose_value(std::uint64_t at) {
    if (claimed_.contains(at)) return;
    const ByteView record = free_at(at + cell_header);
    const auto value = decode_key_value(record.first(std::min<std::size_t>(record.size(), longest_record)));
    if (value) options_.loose_value(read_value(record, *value, false), at, cell_length(at, cell_header + value->length, false));
  }

  ByteView hive_;
  const HiveCarveOptions& options_;
  static constexpr std::uint64_t nowhere = std::uint64_t{1} << 62;
  std::uint64_t bins_at_ = base_block_size;  // where the first bin begins
  std::uint32_t first_bin_ = 0;              // and where that is in the hive's bins
  std::uint64_t root_ = nowhere;             // the root's cell, when the base block tells
  std::uint64_t bins_end_ = 0;               // by the base block
  std::vector<Stretch> free_;                // by place
  std::vector<std::uint64_t> allocated_keys_, values_;
  std::unordered_set<std::uint64_t> claimed_;
  // What damaged references may still cost: bytes of values, and steps from keys to their parents.
  std::uint64_t data_left_, steps_left_;
  mutable std::uint64_t entries_left_ = std::uint64_t{1} << 28;  // of lists of subkeys
  HiveCarveTally tally_;
};

}  // namespace

HiveCarveTally carve_hive(ByteView hive, const HiveCarveOptions& options) { return HiveCarver(hive, options).run(); }

}  // namespace trimcarve::witness
